"""One writer for each rubric, whatever happens to it, on threads and on an event loop."""

import asyncio
import gc
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import dspy
import pytest

from openrubrics.programs.rubric_cache import RubricCache
from openrubrics.signatures import Failed, Rubric

PREDICTION = dspy.Prediction(rubric=Rubric.parse("1. The response is kind. [Principle]"))
FAILED = dspy.Prediction(rubric=Failed(reason="no rubric"))


class _Key(str):
    """A key that tells when it is looked up, which is done under the cache's lock."""

    __slots__ = ("looked_up",)

    def __new__(cls, text: str) -> "_Key":
        key = super().__new__(cls, text)
        key.looked_up = Event()
        return key

    def __hash__(self) -> int:
        self.looked_up.set()
        return super().__hash__()


def _unexpected() -> dspy.Prediction:
    raise AssertionError("somebody else writes this one")


def _fails() -> dspy.Prediction:
    raise RuntimeError("broken")


@pytest.mark.parametrize("write", [lambda: PREDICTION, lambda: FAILED, _fails], ids=["rubric", "failed", "error"])
def test_threads_that_come_meanwhile_get_what_the_writer_gets(write: Callable[[], dspy.Prediction]) -> None:
    cache = RubricCache()
    writing, go = Event(), Event()

    def slow() -> dspy.Prediction:
        writing.set()
        assert go.wait(10)
        return write()

    def outcome(key: str, write: Callable[[], dspy.Prediction]) -> tuple[object, bool] | str:
        try:
            return cache.get(key, write)
        except RuntimeError as error:
            return str(error)

    keys = [_Key("k") for _ in range(3)]
    with ThreadPoolExecutor(4) as pool:
        writer = pool.submit(outcome, "k", slow)
        assert writing.wait(10)
        waiters = [pool.submit(outcome, key, _unexpected) for key in keys]
        assert all(key.looked_up.wait(10) for key in keys)
        go.set()
        first = writer.result(10)
        assert first == ("broken" if write is _fails else (write(), False))
        assert [waiter.result(10) for waiter in waiters] == [first if write is _fails else (write(), True)] * 3


@pytest.mark.parametrize("write", [lambda: FAILED, _fails], ids=["failed", "error"])
def test_what_is_no_rubric_is_written_again(write: Callable[[], dspy.Prediction]) -> None:
    cache = RubricCache()
    try:
        cache.get("k", write)
    except RuntimeError:
        assert write is _fails
    assert cache.get("k", lambda: PREDICTION) == (PREDICTION, False)
    assert cache.get("k", _unexpected) == (PREDICTION, True)


def test_a_cancelled_writer_leaves_the_work_to_the_next_one() -> None:
    cache = RubricCache()
    written: list[str] = []

    async def write(name: str, seconds: float) -> dspy.Prediction:
        await asyncio.sleep(seconds)
        written.append(name)
        return PREDICTION

    async def scenario() -> list[tuple[dspy.Prediction, bool]]:
        writer = asyncio.create_task(cache.aget("k", lambda: write("cancelled", 60)))
        await asyncio.sleep(0)
        waiters = [asyncio.create_task(cache.aget("k", lambda: write("next", 0))) for _ in range(3)]
        await asyncio.sleep(0)
        writer.cancel()
        results = await asyncio.gather(*waiters)
        assert writer.cancelled()
        return results

    results = asyncio.run(scenario())
    assert written == ["next"]
    assert [prediction for prediction, _ in results] == [PREDICTION] * 3
    assert sorted(known for _, known in results) == [False, True, True]


def test_a_cancelled_waiter_disturbs_nobody() -> None:
    cache = RubricCache()

    async def scenario() -> None:
        go = asyncio.Event()

        async def write() -> dspy.Prediction:
            await go.wait()
            return PREDICTION

        writer = asyncio.create_task(cache.aget("k", write))
        await asyncio.sleep(0)
        leaving, staying = (asyncio.create_task(cache.aget("k", write)) for _ in range(2))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.sleep(0)
        go.set()
        assert await writer == (PREDICTION, False)
        assert await staying == (PREDICTION, True)
        assert leaving.cancelled()

    asyncio.run(scenario())


@pytest.mark.slow
def test_a_cancelled_batch_leaves_nothing_unread_behind() -> None:
    cache = RubricCache()
    complaints: list[object] = []

    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
        batch = [asyncio.create_task(cache.aget("k", lambda: asyncio.sleep(60, PREDICTION))) for _ in range(4)]
        await asyncio.sleep(0)
        for task in reversed(batch):
            task.cancel()
        results = await asyncio.gather(*batch, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results)
        batch.clear()
        await asyncio.sleep(0)
        gc.collect()
        assert await cache.aget("k", lambda: asyncio.sleep(0, PREDICTION)) == (PREDICTION, False)

    asyncio.run(scenario())
    gc.collect()
    assert complaints == []


def test_a_copy_for_another_process_is_empty_and_as_large() -> None:
    cache = RubricCache(capacity=1)
    cache.get("a", lambda: PREDICTION)
    copied: RubricCache = pickle.loads(pickle.dumps(cache))  # noqa: S301
    for key in ("a", "b", "a"):
        assert copied.get(key, lambda: PREDICTION) == (PREDICTION, False)
    assert cache.get("a", _unexpected) == (PREDICTION, True)


def test_a_cancelled_writer_on_a_loop_hands_over_to_a_thread() -> None:
    cache = RubricCache()
    key = _Key("k")

    async def scenario() -> tuple[dspy.Prediction, bool]:
        writer = asyncio.create_task(cache.aget("k", lambda: asyncio.sleep(60, PREDICTION)))
        await asyncio.sleep(0)
        waiter = asyncio.create_task(asyncio.to_thread(cache.get, key, lambda: PREDICTION))
        assert await asyncio.to_thread(key.looked_up.wait, 10)
        writer.cancel()
        return await waiter

    assert asyncio.run(scenario()) == (PREDICTION, False)


def test_the_least_recently_used_rubric_goes_first() -> None:
    cache = RubricCache(capacity=2)
    for key in ("a", "b", "a", "c"):
        cache.get(key, lambda: PREDICTION)
    assert cache.get("a", _unexpected) == (PREDICTION, True)
    assert cache.get("c", _unexpected) == (PREDICTION, True)
    assert cache.get("b", lambda: PREDICTION) == (PREDICTION, False)


def test_a_plain_call_on_an_event_loop_does_not_wait_for_a_task_of_that_loop() -> None:
    cache = RubricCache()
    rubric = Rubric.parse("1. The response is short. [Hard Rule]")
    mine, other = dspy.Prediction(rubric=rubric), dspy.Prediction(rubric=rubric)

    async def slowly() -> dspy.Prediction:
        await asyncio.sleep(0.05)
        return other

    async def both() -> tuple[object, object]:
        task = asyncio.create_task(cache.aget("key", slowly))
        await asyncio.sleep(0)
        plain = cache.get("key", lambda: mine)
        return plain, await task

    plain, waited = asyncio.run(asyncio.wait_for(both(), timeout=5))
    assert plain == (mine, False)
    assert waited == (other, False)
