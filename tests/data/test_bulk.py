"""Many calls at once: bounded, lazy, and clean when something goes wrong."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import aclosing
from contextvars import ContextVar

import dspy
import pytest

from openrubrics.data import in_bulk
from openrubrics.signatures import LMError, UsageError


class Gauge:
    """Counts the calls that are under way, and the most there ever were."""

    def __init__(self) -> None:
        self.now = self.most = self.cancelled = 0

    async def double(self, item: int) -> int:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(0.001 * (item % 3))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.now -= 1
        return 2 * item


async def collect(gauge: Gauge, concurrency: int) -> list[int]:
    return [result async for result in in_bulk(gauge.double, range(50), concurrency=concurrency)]


@pytest.mark.parametrize("concurrency", [1, 7, 100])
def test_every_item_once_and_never_more_than_asked_for(concurrency: int) -> None:
    gauge = Gauge()
    results = asyncio.run(collect(gauge, concurrency))
    assert sorted(results) == [2 * n for n in range(50)]
    assert gauge.most == min(concurrency, 50)


def test_no_items_no_results() -> None:
    assert asyncio.run(_first_results(Gauge(), iter(()), count=1)) == []


async def _first_results(gauge: Gauge, items: Iterator[int], count: int) -> list[int]:
    results: list[int] = []
    async with aclosing(in_bulk(gauge.double, items, concurrency=4)) as finished:
        async for result in finished:
            results.append(result)
            if len(results) == count:
                break
    return results


def test_items_are_taken_only_as_results_are() -> None:
    taken: list[int] = []

    def endless() -> Iterator[int]:
        while True:
            taken.append(len(taken))
            yield len(taken)

    gauge = Gauge()
    assert len(asyncio.run(_first_results(gauge, endless(), count=10))) == 10
    assert len(taken) <= 10 + 4
    assert gauge.now == 0


def test_a_failing_call_cancels_the_others_and_leaves_no_task() -> None:
    gauge = Gauge()

    async def call(item: int) -> int:
        if item == 3:
            raise LMError("the endpoint is gone")
        await asyncio.sleep(60)
        return await gauge.double(item)

    async def run() -> set[asyncio.Task[None]]:
        with pytest.raises(LMError, match="gone"):
            async for _ in in_bulk(call, range(10), concurrency=5):
                pass
        return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}

    assert asyncio.run(run()) == set()


def test_a_failing_input_cancels_what_runs() -> None:
    gauge = Gauge()

    def items() -> Iterator[int]:
        yield 2
        yield 2
        raise ValueError("bad row")

    async def run() -> None:
        async for _ in in_bulk(gauge.double, items(), concurrency=2):
            pass

    with pytest.raises(ValueError, match="bad row"):
        asyncio.run(run())
    assert gauge.now == 0


def test_cancelling_the_caller_cancels_the_calls() -> None:
    gauge = Gauge()

    async def slow(item: int) -> int:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            gauge.cancelled += 1
            raise
        return item

    async def consume() -> None:
        async for _ in in_bulk(slow, range(10), concurrency=5):
            pass

    async def run() -> None:
        task = asyncio.create_task(consume())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert gauge.cancelled == 5
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


def test_calls_keep_the_callers_context_but_no_history() -> None:
    async def settings(_: int) -> tuple[object, object, object]:
        return dspy.settings.num_threads, dspy.settings.disable_history, dspy.settings.trace

    async def run() -> list[tuple[object, object, object]]:
        with dspy.context(num_threads=3, trace=[]):
            return [seen async for seen in in_bulk(settings, [1], concurrency=1)]

    assert asyncio.run(run()) == [(3, True, None)]


def test_what_a_call_sets_in_its_context_is_seen_by_no_other_call() -> None:
    place: ContextVar[int] = ContextVar("place", default=-1)

    async def seen_then_set(item: int) -> int:
        before = place.get()
        place.set(item)
        await asyncio.sleep(0)
        assert place.get() == item
        return before

    async def run() -> list[int]:
        place.set(99)
        seen = [before async for before in in_bulk(seen_then_set, range(8), concurrency=3)]
        assert place.get() == 99
        return seen

    assert asyncio.run(run()) == [99] * 8


@pytest.mark.parametrize("fails", [False, True])
def test_the_garbage_collector_is_left_as_it_was_found(fails: bool) -> None:
    before = gc.get_threshold()

    async def nested(item: int) -> int:
        return sum([each async for each in in_bulk(Gauge().double, range(item), concurrency=2)])

    async def call(item: int) -> int:
        result = await nested(item)
        assert gc.get_threshold()[0] > before[0]
        if fails:
            raise UsageError("no")
        return result

    async def run() -> None:
        async with aclosing(in_bulk(call, range(4), concurrency=2)) as results:
            assert [result async for result in results]

    if fails:
        with pytest.raises(UsageError):
            asyncio.run(run())
    else:
        asyncio.run(run())
    assert gc.get_threshold() == before


def test_concurrency_below_one_is_refused() -> None:
    with pytest.raises(UsageError, match="concurrency is 0"):
        asyncio.run(anext(in_bulk(Gauge().double, [1], concurrency=0)))
