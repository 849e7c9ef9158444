"""A vLLM server as a context manager: one process group that is ready inside the block and gone after it.

vLLM runs in an environment of its own and is never imported here. Between this process and the server stands
`openrubrics.serving.guard`, so that nothing is left of the server when this process is killed.
"""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import BinaryIO, Self

from openrubrics.lms.checkpoints import served_name
from openrubrics.serving.failure import INSTALL_HINT, failure
from openrubrics.signatures.errors import LMError, MissingExtraError, UsageError
from openrubrics.signatures.files import cannot_write

LOOPBACK = "127.0.0.1"
_GUARD = Path(__file__).with_name("guard.py")
_ANY_HOST = MappingProxyType({"0.0.0.0": LOOPBACK, "::": "::1"})  # noqa: S104 - where it can be reached from here
_OFFLINE = MappingProxyType({"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"})
_NOTHING: Mapping[str, str] = MappingProxyType({})
_POLL_SECONDS = 0.2
_HELPER_SECONDS = 0.5
_LOG_BYTES = 1 << 16
_OWNED = frozenset({"--model", "--served-model-name", "--host", "--port"})


class VLLMServer:
    """Serve a checkpoint folder over vLLM's OpenAI-compatible API.

    Entering the block starts the server and waits until it is ready; leaving it, by an exception or an interrupt too,
    ends every process that the server started. So does the end of this process, even by SIGKILL.

    Example:
        with VLLMServer(Path("runs/judge"), python=".venv-vllm/bin/python") as server:
            judge = lm(f"hosted_vllm/{server.name}", api_base=server.api_base)

    Args:
        model: Checkpoint folder.
        name: Model name that requests use; default `served_name(model)`, which differs for different weights.
        python: Interpreter of the environment that has vLLM.
        host: Address to listen on.
        port: TCP port; 0 takes a free one.
        flags: More flags of ``vllm serve``, such as ``["--max-model-len", "8192"]``.
        environment: Variables on top of this process's, such as ``VLLM_CPU_KVCACHE_SPACE`` (GiB) on a CPU.
        startup_timeout: Longest wait until the server is ready, in seconds. Large checkpoints take minutes.
        stop_timeout: Seconds that the server may take to stop before it is killed.
        log: File that receives what the server writes; default none is kept.

    Attributes:
        name: See above.
        port: The port, from the start of the server on also where a free one is taken.
        log: See above.
        environment: See above.

    Raises:
        DataError: `model` is not a checkpoint.
        UsageError: A flag is one that the other arguments set.
        MissingExtraError: On entering: there is no such interpreter, or it has no vLLM.
        LMError: On entering: the port is in use, or the server stopped or was not ready in time; says the likely
            cause and shows the end of the log.
    """

    def __init__(
        self,
        model: Path,
        *,
        name: str | None = None,
        python: str | Path = sys.executable,
        host: str = LOOPBACK,
        port: int = 0,
        flags: Sequence[str] = (),
        environment: Mapping[str, str] = _NOTHING,
        startup_timeout: float = 600.0,
        stop_timeout: float = 15.0,
        log: Path | None = None,
    ) -> None:
        self.name = name or served_name(model)
        self.host = host
        self.port = port
        self.log = log
        self.environment = dict(environment)
        self._model = model
        self._python = python
        self._flags = tuple(flags)
        self._startup_timeout = startup_timeout
        self._stop_timeout = stop_timeout
        if owned := sorted(_OWNED.intersection(map(flag_name, flags))):
            raise UsageError(f"{', '.join(owned)} cannot be passed on to vLLM", "it is set already")

    @property
    def url(self) -> str:
        """Where the server listens, for ``/health`` and ``/metrics``."""
        address = self._address
        return f"http://{f'[{address}]' if ':' in address else address}:{self.port}"

    @property
    def api_base(self) -> str:
        """Base of the OpenAI-compatible API, as clients take it."""
        return f"{self.url}/v1"

    @property
    def command(self) -> list[str]:
        """The command line of the server."""
        # -P keeps the current folder off the module path, where a folder `data` or `train` would hide a package.
        command = [str(self._python), "-P", "-m", "vllm.entrypoints.openai.api_server"]
        command += ["--model", str(self._model.resolve()), "--served-model-name", self.name]
        return [*command, "--host", self.host, "--port", str(self.port), *self._flags]

    def __enter__(self) -> Self:
        self.start()
        try:
            while not self.is_ready():
                time.sleep(_POLL_SECONDS)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def take_port(self) -> None:
        """Choose a free port where none is given.

        Raises:
            LMError: The port is in use.
        """
        self.port = _free_port(self.host, self.port)

    def start(self) -> None:
        """Start the server and return at once; `stop` has to follow.

        Raises:
            MissingExtraError: There is no such interpreter.
            LMError: The port is in use.
            UsageError: The log cannot be written.
        """
        if shutil.which(str(self._python)) is None:
            what = f"cannot run the interpreter {self._python}: No such file or it cannot be executed"
            raise MissingExtraError(what, INSTALL_HINT)
        self.take_port()
        self._log = _opened(self.log)
        self._was_ready_at: int | None = None
        self._ending = False
        self._deadline = time.monotonic() + self._startup_timeout
        try:
            self._process = subprocess.Popen(  # noqa: S603 - no shell; the interpreter is the caller's choice
                [sys.executable, "-I", "-S", str(_GUARD), str(self._stop_timeout), *self.command],
                stdin=subprocess.PIPE,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **_OFFLINE, **self.environment},
                start_new_session=True,
            )
        except BaseException:
            self._log.close()
            raise

    def is_ready(self) -> bool:
        """Return whether the server answers.

        Raises:
            MissingExtraError: The interpreter has no vLLM.
            LMError: The server stopped, or is not ready in time.
        """
        self.check()
        if self._healthy():
            self._was_ready_at = os.fstat(self._log.fileno()).st_size
            return True
        if time.monotonic() > self._deadline:
            raise failure(
                f"vLLM for {self.name} was not ready after {self._startup_timeout:g} s", self._log_end(), None
            )
        return False

    def check(self) -> None:
        """Raise the error of a server that stopped by itself.

        Raises:
            MissingExtraError: The interpreter has no vLLM.
            LMError: The server stopped; says the likely cause and shows the end of the log.
        """
        exit_code = self._process.poll()
        if exit_code is not None:
            when = "" if self._was_ready_at is None else " while it served,"
            what = f"vLLM for {self.name} stopped{when} with exit code {exit_code}"
            raise failure(what, self._log_end(), exit_code, self.log)

    def stop(self) -> None:
        """End every process of the server."""
        try:
            self.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(self._stop_timeout)
                self._wait_for_helpers()
        finally:
            self._signal(signal.SIGKILL)
            self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._log.close()

    def terminate(self) -> None:
        """Ask the server to end, without waiting for it; `stop` has to follow."""
        if not self._ending:  # a second signal would break off what the server does to end
            self._ending = True
            self._signal(signal.SIGTERM)

    @property
    def _address(self) -> str:
        return _ANY_HOST.get(self.host, self.host)

    def _healthy(self) -> bool:
        connection = http.client.HTTPConnection(self._address, self.port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _log_end(self) -> str:
        """Return the end of what was written: since the server was ready, where it was."""
        descriptor = self._log.fileno()
        start = max(self._was_ready_at or 0, os.fstat(descriptor).st_size - _LOG_BYTES)
        # Not seek and read: the server writes through the same file offset.
        return os.pread(descriptor, _LOG_BYTES, start).decode(errors="replace")

    def _wait_for_helpers(self) -> None:
        """Let the process that frees shared memory finish: it starts when the server has ended."""
        deadline = time.monotonic() + _HELPER_SECONDS
        while self._signal(0) and time.monotonic() < deadline:
            time.sleep(0.02)

    def _signal(self, number: int) -> bool:
        """Signal the process group; False where no process of it is left."""
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return False
        return True


def flag_name(flag: str) -> str:
    """Return the name of a flag as vLLM's help writes it: without its value, and with dashes."""
    return flag.partition("=")[0].replace("_", "-")


def _opened(log: Path | None) -> BinaryIO:
    if log is None:
        return tempfile.TemporaryFile()
    try:
        return log.open("w+b")
    except OSError as error:
        raise cannot_write(log, error) from error


def _free_port(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family) as listener:
            return listener.getsockname()[1]
    except OSError as error:
        raise LMError(
            f"port {port} cannot be used on {host}: {error.strerror}", "choose another, or 0 for a free one"
        ) from error
