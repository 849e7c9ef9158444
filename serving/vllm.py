"""A vLLM server as a context manager: one process group that is ready inside the block and gone after it.

vLLM runs in an environment of its own and is never imported here.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from openrubrics.serving.checkpoint import served_name
from openrubrics.serving.startup import INSTALL_HINT, startup_error
from openrubrics.signatures.errors import LMError, MissingExtraError

_HOST = "127.0.0.1"
_OFFLINE = MappingProxyType({"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"})
_NOTHING: Mapping[str, str] = MappingProxyType({})
_POLL_SECONDS = 0.2
_HELPER_SECONDS = 0.5
_LOG_BYTES = 1 << 16


class VLLMServer:
    """Serve a checkpoint folder over vLLM's OpenAI-compatible API on the loopback interface.

    Entering the block starts the server and waits until it is ready; leaving it, by an exception or an interrupt too,
    ends every process that the server started.

    Example:
        with VLLMServer(Path("runs/judge"), python=".venv-vllm/bin/python") as server:
            judge = lm(f"hosted_vllm/{server.name}", api_base=server.api_base)

    Args:
        model: Checkpoint folder.
        name: Model name that requests use; default `served_name(model)`, which differs for different weights.
        python: Interpreter of the environment that has vLLM.
        port: TCP port; 0 takes a free one.
        flags: More flags of ``vllm serve``, such as ``["--max-model-len", "8192"]``.
        environment: Variables on top of this process's, such as ``VLLM_CPU_KVCACHE_SPACE`` (GiB) on a CPU.
        startup_timeout: Longest wait until the server is ready, in seconds. Large checkpoints take minutes.
        stop_timeout: Seconds that the server may take to stop before it is killed.
        log: File that receives what the server writes; default none is kept.

    Raises:
        DataError: `model` is not a checkpoint.
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
        port: int = 0,
        flags: Sequence[str] = (),
        environment: Mapping[str, str] = _NOTHING,
        startup_timeout: float = 600.0,
        stop_timeout: float = 15.0,
        log: Path | None = None,
    ) -> None:
        self.name = name or served_name(model)
        self.port = port
        self._model = model
        self._python = python
        self._flags = tuple(flags)
        self._environment = {**os.environ, **_OFFLINE, **environment}
        self._startup_timeout = startup_timeout
        self._stop_timeout = stop_timeout
        self._log_path = log

    @property
    def url(self) -> str:
        """Where the server listens, for ``/health`` and ``/metrics``."""
        return f"http://{_HOST}:{self.port}"

    @property
    def api_base(self) -> str:
        """Base of the OpenAI-compatible API, as clients take it."""
        return f"{self.url}/v1"

    def __enter__(self) -> Self:
        self.port = _free_port(self.port)
        with ExitStack() as stack:
            self._log = stack.enter_context(self._log_path.open("w+b") if self._log_path else tempfile.TemporaryFile())
            self._process = self._start()
            stack.callback(self._stop)
            self._wait_until_ready()
            self._running = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._running.close()

    def _start(self) -> subprocess.Popen[bytes]:
        # -P keeps the current folder off the module path, where a folder `data` or `train` would hide a package.
        command = [str(self._python), "-P", "-m", "vllm.entrypoints.openai.api_server"]
        command += ["--model", str(self._model.resolve()), "--served-model-name", self.name]
        command += ["--host", _HOST, "--port", str(self.port), *self._flags]
        try:
            return subprocess.Popen(  # noqa: S603 - no shell; the interpreter is the caller's choice
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        except OSError as error:
            raise MissingExtraError(
                f"cannot run the interpreter {self._python}: {error.strerror}", INSTALL_HINT
            ) from error

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + self._startup_timeout
        while not self._healthy():
            exit_code = self._process.poll()
            if exit_code is not None:
                raise startup_error(f"vLLM stopped with exit code {exit_code}", self._log_end(), exit_code)
            if time.monotonic() > deadline:
                what = f"vLLM was not ready after {self._startup_timeout:g} s"
                raise startup_error(what, self._log_end(), None)
            time.sleep(_POLL_SECONDS)

    def _healthy(self) -> bool:
        connection = http.client.HTTPConnection(_HOST, self.port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _log_end(self) -> str:
        descriptor = self._log.fileno()
        start = max(0, os.fstat(descriptor).st_size - _LOG_BYTES)
        # Not seek and read: the server writes through the same file offset.
        return os.pread(descriptor, _LOG_BYTES, start).decode(errors="replace")

    def _stop(self) -> None:
        self._signal(signal.SIGTERM)
        try:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(self._stop_timeout)
                self._wait_for_helpers()
        finally:
            self._signal(signal.SIGKILL)
            self._process.wait()

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


def _free_port(port: int) -> int:
    try:
        with socket.create_server((_HOST, port)) as listener:
            return listener.getsockname()[1]
    except OSError as error:
        raise LMError(f"port {port} cannot be used: {error.strerror}", "choose another, or 0 for a free one") from error
