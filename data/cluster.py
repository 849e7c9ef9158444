"""The same program calls over a Ray cluster, with Ray Data: many machines, each with an event loop of its own.

`in_cluster` does what `openrubrics.data.in_bulk` does on one machine. Items leave this process in small batches, and
only so many are out at a time, so the input may be lazy; results come back as their batches are finished.

What travels to the workers is the call itself, with the program and its language models, serialized by Ray. API keys
that the models hold travel with them inside the cluster; whoever can join the cluster can read them. Keys that a
provider's client reads from the environment must be set on every node. The package must be installed on every node, in
the same version.

Each worker has caches of its own. Rows of one prompt that follow each other in the input stay together in a batch, so
that they share the rubric; others may have it written again.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from openrubrics.data.bulk import in_bulk
from openrubrics.data.cluster_join import Cluster, joined, reason
from openrubrics.data.cluster_nodes import Answers, Batch, Feed, answers
from openrubrics.lms.metering import active_budgets, record, release, reserve
from openrubrics.signatures.errors import OpenRubricsError, UsageError

Item = TypeVar("Item")
Result = TypeVar("Result")
Item_contra = TypeVar("Item_contra", contravariant=True)

_BATCHES = 8
"""Batches of one worker that are out: half of them hold as many items as it may call with at a time, and half wait."""

_LONGEST = 4
"""Times the usual size of a batch that one may have so that rows of one prompt stay together."""

_AGAIN = "start the run again; what was finished and written stays"


class ClusterError(OpenRubricsError, RuntimeError):
    """The cluster lost the work: a worker died again and again, or the cluster went away."""


class Kept(Protocol[Item_contra, Result]):
    """Where results are kept, so that what is finished is not called again; used in this process only."""

    def known(self, item: Item_contra, /) -> Result | None:
        """Return the result of an item that was finished before; None where it was not."""
        ...

    def keep(self, item: Item_contra, result: Result, /) -> None:
        """Keep a result; it has reached the operating system when this returns."""
        ...


def calls(
    call: Callable[[Item], Awaitable[Result]],
    items: Iterable[Item],
    *,
    concurrency: int,
    kept: Kept[Item, Result] | None = None,
    cluster: Cluster | None = None,
) -> AsyncGenerator[Result, None]:
    """Yield the result of each call, or the one that is kept, as it is finished: here, or over a cluster.

    Args:
        call: Coroutine function; for a cluster see `in_cluster`.
        items: What to call with; may be lazy.
        concurrency: Most calls under way at a time, here or in each worker.
        kept: Where results are kept.
        cluster: Where to call; None for this process.

    Raises:
        UsageError: As `in_bulk` and `in_cluster`.
    """
    if cluster is not None:
        return in_cluster(call, items, concurrency=concurrency, kept=kept, cluster=cluster)
    if kept is None:
        return in_bulk(call, items, concurrency=concurrency)

    async def finished(item: Item) -> Result:
        result = kept.known(item)
        if result is None:
            result = await call(item)
            kept.keep(item, result)
        return result

    return in_bulk(finished, items, concurrency=concurrency)


async def in_cluster(
    call: Callable[[Item], Awaitable[Result]],
    items: Iterable[Item],
    *,
    concurrency: int,
    cluster: Cluster,
    kept: Kept[Item, Result] | None = None,
) -> AsyncGenerator[Result, None]:
    """Yield the result of each call as its batch is finished, in any order.

    `items` is read in this process, results are kept here before they are yielded, and usage is counted in the meters
    of this process. At most ``2 * concurrency`` items for each worker have been taken and have not come back, a few
    more where one prompt has many rows: if this process dies, these are the ones that are called with again. A worker
    that dies is started again, and so are its batches, up to three times; what their first calls cost is not known.
    Calls must bring their language models: settings of `dspy.context` do not travel.

    The first exception, from a call or from `items`, ends the iteration with the same error as on one machine; so does
    closing it early (use `contextlib.aclosing`). What is still under way is dropped.

    Args:
        call: Coroutine function; it and what it refers to must be serializable.
        items: What to call with; may be lazy.
        concurrency: Most calls under way at a time in each worker.
        cluster: Where to call.
        kept: Where results are kept.

    Raises:
        UsageError: `concurrency` is below 1, the cluster cannot be reached or is too small, or a limit on calls is set:
            only a limit on cost can be kept, up to what is under way.
        BudgetError: The limit on cost is reached.
        ClusterError: The cluster lost the work.
        MissingExtraError: Ray is not installed.
    """
    if concurrency < 1:
        raise UsageError(f"concurrency is {concurrency}, but at least one call must be allowed")
    if any(budget.max_calls is not None for budget in active_budgets()):
        raise UsageError("a limit on calls cannot be kept by a cluster", "limit the cost (--max-cost) or the rows")
    with joined(cluster):
        run = _Run(call, items, concurrency, cluster.workers, kept)
        try:
            async for result in run.results():
                yield result
        finally:
            run.stop()


@dataclass(frozen=True)
class _Known(Generic[Result]):
    """A result that needs no call."""

    result: Result


class _Run(Generic[Item, Result]):
    """Items on their way to a cluster that this process has joined, and back."""

    def __init__(
        self,
        call: Callable[[Item], Awaitable[Result]],
        items: Iterable[Item],
        concurrency: int,
        workers: int,
        kept: Kept[Item, Result] | None,
    ) -> None:
        import ray

        self._items = items
        self._kept = kept
        self._size = max(1, 2 * concurrency // _BATCHES)
        self._most = 2 * concurrency * workers
        self._out: dict[int, list[Item]] = {}
        self._number = 0
        self._feed: Any = ray.remote(num_cpus=0)(Feed).remote()
        under_way = -(-2 * concurrency // self._size)
        self._answers = answers(self._feed, call, workers=workers, concurrency=concurrency, under_way=under_way)
        # Ray waits in a thread of its own; this one goes on handling signals.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="openrubrics-cluster")

    async def results(self) -> AsyncGenerator[Result, None]:
        """Yield what is known and what comes back; end or raise when nothing is out any more, or a call raised."""
        steps, more = self._steps(), True
        while more or self._out:
            while more and sum(map(len, self._out.values())) < self._most:
                step = next(steps, None)
                if step is None:
                    more = False
                elif isinstance(step, _Known):
                    await asyncio.sleep(0)  # others, such as a signal, have their turn
                    yield step.result
                else:
                    self._hand_out(step)
            if self._out:
                async for result in self._come_back():
                    yield result
        self._feed.end.remote()
        await self._next_answer()

    def stop(self) -> None:
        """Drop what is out: Ray, and with it the thread, hears that the feed is gone."""
        import ray

        ray.kill(self._feed)
        self._thread.submit(deque, self._answers, 0)
        self._thread.shutdown()

    def _steps(self) -> Iterator[_Known[Result] | list[Item]]:
        """Yield known results, and batches of the other items; rows of one prompt stay together, within reason."""
        batch: list[Item] = []
        for item in self._items:
            known = self._kept.known(item) if self._kept else None
            if known is not None:
                yield _Known(known)
                continue
            if batch and len(batch) >= self._size * (_LONGEST if _same_prompt(item, batch[-1]) else 1):
                yield batch
                batch = []
            batch.append(item)
        if batch:
            yield batch

    def _hand_out(self, items: list[Item]) -> None:
        reserve("the model", priced=True)  # raises where the limit on cost is reached
        release()
        self._feed.put.remote(Batch(self._number, items))
        self._out[self._number] = items
        self._number += 1

    async def _come_back(self) -> AsyncGenerator[Result, None]:
        answer = await self._next_answer()
        if answer is None:
            raise ClusterError(f"{sum(map(len, self._out.values()))} items did not come back from the cluster", _AGAIN)
        items = self._out.pop(answer.number, None)
        if items is None:
            return
        self._feed.drop.remote(answer.number)
        record(answer.usage)
        for place, result in answer.results:
            if self._kept is not None:
                self._kept.keep(items[place], result)
            yield result
        if answer.error is not None:
            raise answer.error
        if len(answer.results) != len(items):
            raise ClusterError(f"{len(items) - len(answer.results)} items did not come back from a worker", _AGAIN)

    async def _next_answer(self) -> Answers | None:
        from ray.exceptions import RayError

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, next, self._answers, None)
        except RayError as error:
            raise ClusterError(f"the cluster lost the work: {reason(error)}", _AGAIN) from error


def _same_prompt(one: object, other: object) -> bool:
    """Whether two rows, or rows with their places before them, have the same prompt."""
    rows = [item[-1] if isinstance(item, tuple) and item else item for item in (one, other)]
    prompts = [getattr(row, "prompt", None) for row in rows]
    return prompts[0] is not None and prompts[0] == prompts[1]
