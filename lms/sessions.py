"""One HTTP session for each event loop, and one background loop for synchronous callers.

aiohttp sessions belong to the loop they were made in. Each one here is owned by an asynchronous generator of that loop,
which `asyncio.run` and every other well-behaved runner closes at the end, so no session outlives its loop.
"""

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Coroutine
from concurrent.futures import Future
from typing import TypeVar

import aiohttp

T = TypeVar("T")

_KEEPALIVE = 3.0
"""Seconds; below the 5 after which common servers drop an idle connection, perhaps just as it is used again."""

_OWNERS: dict[asyncio.AbstractEventLoop, tuple[aiohttp.ClientSession, AsyncGenerator[aiohttp.ClientSession, None]]] = {}


async def _own_session(loop: asyncio.AbstractEventLoop) -> AsyncGenerator[aiohttp.ClientSession, None]:
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEPALIVE),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "openrubrics"},
    )
    try:
        yield session
    finally:
        _OWNERS.pop(loop, None)
        await session.close()


async def loop_session() -> aiohttp.ClientSession:
    """Return the session of the running loop, without any limit on connections."""
    loop = asyncio.get_running_loop()
    owned = _OWNERS.get(loop)
    if owned is None:
        owner = _own_session(loop)
        # The generator does not pause before it yields, so no other task of this loop gets here in between.
        owned = _OWNERS[loop] = (await anext(owner), owner)
    return owned[0]


class _Background:
    """An event loop in a daemon thread of its own, started when it is first needed; it ends with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def submit(self, work: Coroutine[object, object, T]) -> Future[T]:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="openrubrics-http", daemon=True).start()
            return asyncio.run_coroutine_threadsafe(work, self._loop)

    def forget(self) -> None:
        """Drop what a forked child has inherited but cannot use."""
        self._lock = threading.Lock()
        self._loop = None
        _OWNERS.clear()


_BACKGROUND = _Background()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_BACKGROUND.forget)


def run_in_background(work: Coroutine[object, object, T]) -> T:
    """Run a coroutine on the background loop, with the caller's context variables, and wait for its result."""
    future = _BACKGROUND.submit(work)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise
