"""Many program calls on one event loop, with a bound on how many are under way."""

import asyncio
import gc
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextvars import copy_context
from itertools import islice
from typing import TypeVar

import dspy

from openrubrics.signatures.errors import UsageError

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Collector:
    """The garbage collector's threshold, raised while any bulk run is under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs = 0
        self._before = gc.get_threshold()

    def calm(self) -> None:
        with self._lock:
            self._runs += 1
            if self._runs == 1:
                self._before = gc.get_threshold()
                if 0 < self._before[0] < _OBJECTS_BETWEEN_COLLECTIONS:
                    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, *self._before[1:])

    def resume(self) -> None:
        with self._lock:
            self._runs -= 1
            if self._runs == 0:
                gc.set_threshold(*self._before)


_OBJECTS_BETWEEN_COLLECTIONS = 100_000
_COLLECTOR = _Collector()


async def in_bulk(
    call: Callable[[Item], Awaitable[Result]], items: Iterable[Item], *, concurrency: int
) -> AsyncGenerator[Result, None]:
    """Yield the result of each call as it finishes, in any order.

    At most `concurrency` items have been taken from `items` and not yet yielded, so memory does not grow with a lazy
    input. DSPy's history and trace are off inside the calls: they would keep every prompt.

    The first exception, from a call or from `items`, ends the iteration; so does closing it early (use
    `contextlib.aclosing`). Either way what is still under way is cancelled and waited for.

    `concurrency` bounds items; `openrubrics.programs.Direct` bounds the LM requests that they make, however many items
    share it. With the same number for both, as many requests are in flight as may be.

    While it runs, Python looks for reference cycles less often: with hundreds of calls under way that search would take
    a quarter of the time, and calls leave no cycles behind.

    Raises:
        UsageError: `concurrency` is below 1.
    """
    if concurrency < 1:
        raise UsageError(f"concurrency is {concurrency}, but at least one call must be allowed")
    source = iter(items)
    finished: asyncio.Queue[asyncio.Task[Result]] = asyncio.Queue()
    running: set[asyncio.Task[Result]] = set()
    history = dspy.context(disable_history=True, trace=None)
    quiet = copy_context()
    quiet.run(history.__enter__)

    def start(count: int) -> None:
        for item in islice(source, count):
            task = asyncio.create_task(_called(call, item), context=quiet.copy())
            task.add_done_callback(finished.put_nowait)
            running.add(task)

    _COLLECTOR.calm()
    try:
        start(concurrency)
        while running:
            task = await finished.get()
            running.remove(task)
            result = task.result()
            start(1)
            yield result
    finally:
        _COLLECTOR.resume()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        quiet.run(history.__exit__, None, None, None)


async def _called(call: Callable[[Item], Awaitable[Result]], item: Item) -> Result:
    return await call(item)
