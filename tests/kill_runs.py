"""Commands that are killed and started again, and what a model server was asked meanwhile.

For tests of commands that keep a ledger: `killed` starts the installed script and kills it (SIGKILL) after so many
requests; `repeats` says which requests came again.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from server_plugin import ModelServer

SCRIPT = Path(sys.executable).with_name("openrubrics")


@contextmanager
def started(arguments: Sequence[object]) -> Iterator[subprocess.Popen[str]]:
    """Start the installed script; it is killed at the end, if it still runs."""
    process = subprocess.Popen(  # noqa: S603
        [SCRIPT, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(server: ModelServer, requests: int, process: subprocess.Popen[str]) -> None:
    """Wait until the server has received so many requests, or the process has ended."""
    seen, deadline = len(server.received), time.monotonic() + 60
    while len(server.received) < requests and process.poll() is None:
        if len(server.received) > seen:
            seen, deadline = len(server.received), time.monotonic() + 60
        assert time.monotonic() < deadline, "the command sends no requests"
        time.sleep(0.001)


def killed(server: ModelServer, arguments: Sequence[object], *, after: int) -> bool:
    """Start a command, kill it once `after` more requests have come, and return whether it was still running."""
    with started(arguments) as process:
        wait_for(server, len(server.received) + after, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return process.returncode == -signal.SIGKILL


def asked(server: ModelServer) -> Counter[str]:
    """Return how often each request came."""
    return Counter(json.dumps(body, sort_keys=True) for body in server.bodies)


def repeats(server: ModelServer, start: int, end: int | None = None) -> int:
    """Return how many of the requests from number `start` to `end` had been sent before."""
    requests = [json.dumps(body, sort_keys=True) for body in server.bodies]
    fresh = set(requests[:end]) - set(requests[:start])
    return len(requests[start:end]) - len(fresh)
