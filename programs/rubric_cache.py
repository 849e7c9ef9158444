"""Rubrics by prompt: written once, shared by all comparisons of the same request, also while they run side by side."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Any, Self

import dspy

from openrubrics.signatures import Rubric


class _Abandoned(Exception):  # noqa: N818 - a signal to those who wait, not an error
    """Whoever was writing the rubric was cancelled."""


class RubricCache:
    """A thread-safe store of predictions with a rubric, least recently used ones dropped first.

    The first caller of a key writes the rubric; callers that come meanwhile wait for it, on threads or on an event
    loop. What did not become a rubric is not kept. Copies of a program share its cache: the key names the prompts. In
    another process it starts empty.

    Args:
        capacity: Number of rubrics that are kept.
    """

    def __init__(self, capacity: int = 10_000) -> None:
        self._capacity = capacity
        self._lock = Lock()
        self._entries: OrderedDict[Hashable, Future[dspy.Prediction]] = OrderedDict()

    def get(self, key: Hashable, write: Callable[[], dspy.Prediction]) -> tuple[dspy.Prediction, bool]:
        """Return the prediction and whether it was there already; `write` makes it otherwise.

        On the thread of a running event loop it never waits for an entry, which a task of that loop may have to fill.
        """
        while True:
            entry, mine = self._claim(key)
            if not (mine or entry.done()) and _on_event_loop():
                return write(), False
            try:
                if not mine:
                    return entry.result(), True
                prediction = write()
            except _Abandoned:
                continue
            except BaseException as error:
                if mine:
                    self._drop(key, entry, error)
                raise
            return self._fill(key, entry, prediction), False

    def known(self, key: Hashable) -> dspy.Prediction | None:
        """Return the prediction where it is there; None where it has to be made, or waited for."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or not entry.done() or entry.exception() is not None:
                return None
            self._entries.move_to_end(key)
            return entry.result()

    async def aget(
        self, key: Hashable, write: Callable[[], Awaitable[dspy.Prediction]]
    ) -> tuple[dspy.Prediction, bool]:
        """As `get`, without blocking the event loop; a caller that gives up does not disturb the others."""
        while True:
            entry, mine = self._claim(key)
            try:
                if not mine:
                    return entry.result() if entry.done() else await asyncio.wrap_future(entry), True
                prediction = await write()
            except _Abandoned:
                continue
            except BaseException as error:
                if mine:
                    self._drop(key, entry, error)
                raise
            return self._fill(key, entry, prediction), False

    def _claim(self, key: Hashable) -> tuple[Future[dspy.Prediction], bool]:
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
                return self._entries[key], False
            entry: Future[dspy.Prediction] = Future()
            entry.set_running_or_notify_cancel()  # so that a waiter that is cancelled does not cancel the entry
            self._entries[key] = entry
            while len(self._entries) > self._capacity:
                self._entries.popitem(last=False)
            return entry, True

    def _fill(self, key: Hashable, entry: Future[dspy.Prediction], prediction: dspy.Prediction) -> dspy.Prediction:
        if not isinstance(prediction.rubric, Rubric):
            self._remove(key, entry)
        entry.set_result(prediction)
        return prediction

    def _drop(self, key: Hashable, entry: Future[dspy.Prediction], error: BaseException) -> None:
        self._remove(key, entry)
        entry.set_exception(error if isinstance(error, Exception) else _Abandoned())

    def _remove(self, key: Hashable, entry: Future[dspy.Prediction]) -> None:
        with self._lock:
            if self._entries.get(key) is entry:
                del self._entries[key]

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[type[Self], tuple[int]]:
        return type(self), (self._capacity,)


def _on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
