"""Several vLLM servers that live and end together."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Literal

from openrubrics.serving.vllm import VLLMServer

Stage = Literal["starting", "ready"]

_POLL_SECONDS = 0.2


@contextmanager
def running(
    servers: Sequence[VLLMServer], *, together: bool, on_stage: Callable[[VLLMServer, Stage], None] = lambda *_: None
) -> Iterator[None]:
    """Run servers until the block ends; where one of them does not start, none stays.

    Args:
        servers: Servers that are not running.
        together: Whether all start at the same time. Servers that share a GPU must start one after the other: each
            measures free memory while it starts, and takes what another one allocates for its own.
        on_stage: Is told of each server when it is about to start, and when it is ready.

    Raises:
        MissingExtraError: There is no such interpreter, or it has no vLLM.
        LMError: A port is in use, or a server stopped or was not ready in time.
    """
    taken: set[tuple[str, int]] = set()
    for server in servers:
        _take_port(server, taken)
    started: list[VLLMServer] = []
    try:
        for batch in [list(servers)] if together else [[server] for server in servers]:
            for server in batch:
                on_stage(server, "starting")
                server.start()
                started.append(server)
            _wait_until_ready(batch, started, on_stage)
        yield
    finally:
        _stop(started)


def _wait_until_ready(
    batch: Sequence[VLLMServer], started: Sequence[VLLMServer], on_stage: Callable[[VLLMServer, Stage], None]
) -> None:
    waiting = list(batch)
    while waiting:
        time.sleep(_POLL_SECONDS)
        for server in started:
            server.check()
        for server in [server for server in waiting if server.is_ready()]:
            waiting.remove(server)
            on_stage(server, "ready")


def wait_for_failure(servers: Sequence[VLLMServer]) -> None:
    """Wait until one of some running servers stops by itself, and raise its error.

    Raises:
        LMError: A server stopped; says the likely cause and shows the end of the log.
    """
    while True:
        for server in servers:
            server.check()
        time.sleep(_POLL_SECONDS)


def _take_port(server: VLLMServer, taken: set[tuple[str, int]]) -> None:
    wanted = server.port
    server.take_port()
    while wanted == 0 and (server.host, server.port) in taken:
        server.port = 0
        server.take_port()
    taken.add((server.host, server.port))


def _stop(servers: Sequence[VLLMServer]) -> None:
    with ExitStack() as stack:
        for server in servers:
            stack.callback(server.stop)
        for server in servers:
            server.terminate()
