"""What runs on the nodes of a cluster: the feed that hands out batches, the source that reads it, and the workers."""

import asyncio
import traceback
import warnings
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from openrubrics.data.bulk import in_bulk
from openrubrics.lms import usage_meter
from openrubrics.signatures.errors import OpenRubricsError
from openrubrics.signatures.outcomes import Usage

if TYPE_CHECKING:
    from pandas import DataFrame
    from ray.data import Dataset

_DEATHS = 3
"""How often a worker is started again, and a batch asked again, where its process died."""

_COLUMN = "batch"


@dataclass(frozen=True)
class Batch:
    """Some items on their way to a worker.

    Attributes:
        number: Its place among all batches, from 0.
        items: What to call with.
    """

    number: int
    items: Sequence[Any]


@dataclass(frozen=True)
class Answers:
    """What became of a batch.

    Attributes:
        number: That of the batch.
        results: Of the calls that returned, each with the place of its item in the batch; in any order.
        usage: What all of them cost, with those that failed.
        error: What ends the run, if anything.
    """

    number: int
    results: Sequence[tuple[int, Any]]
    usage: Usage
    error: BaseException | None


class Feed:
    """An actor that holds the batches that are out, so that one whose node was lost can be read again."""

    def __init__(self) -> None:
        self._out: dict[int, Batch] = {}
        self._done: set[int] = set()
        self._first = 0  # all before it are done
        self._ended = False
        self._news = asyncio.Condition()

    async def put(self, batch: Batch) -> None:
        """Take a batch."""
        async with self._news:
            self._out[batch.number] = batch
            self._news.notify_all()

    async def drop(self, number: int) -> None:
        """Forget a batch that is done."""
        del self._out[number]
        self._done.add(number)
        while self._first in self._done:
            self._done.remove(self._first)
            self._first += 1

    async def end(self) -> None:
        """Take note that all batches are done, and none follows."""
        async with self._news:
            self._ended = True
            self._news.notify_all()

    async def get(self, number: int) -> Batch | None:
        """Return a batch, once it is there: an empty one where it is done, None where no such batch follows."""
        async with self._news:
            await self._news.wait_for(lambda: self._ended or number in self._out or self._is_done(number))
        return Batch(number, ()) if self._is_done(number) else self._out.get(number)

    def _is_done(self, number: int) -> bool:
        return number < self._first or number in self._done


class Worker:
    """Calls with the items of one batch after the other, several batches at a time, all on one event loop.

    Args:
        call: What to call.
        concurrency: Most calls under way at a time.
    """

    def __init__(self, call: Callable[[Any], Awaitable[Any]], concurrency: int) -> None:
        self._call = call
        self._free = asyncio.Semaphore(concurrency)

    async def __call__(self, rows: "DataFrame") -> "DataFrame":
        """Answer the batch that is the one row."""
        (batch,) = rows[_COLUMN]
        return _row(await self._answer(batch))

    async def _answer(self, batch: Batch) -> Answers:
        results: list[tuple[int, Any]] = []
        with usage_meter() as meter:
            work = asyncio.ensure_future(self._collect(batch, results))
            await asyncio.wait([work])
        return Answers(batch.number, results, meter.usage, _error(work))

    async def _collect(self, batch: Batch, results: list[tuple[int, Any]]) -> None:
        if batch.items:
            async for result in in_bulk(self._one, enumerate(batch.items), concurrency=len(batch.items)):
                results.append(result)

    async def _one(self, placed: tuple[int, Any]) -> tuple[int, Any]:
        place, item = placed
        async with self._free:
            return place, await self._call(item)


def _error(work: asyncio.Future[None]) -> BaseException | None:
    """Return what a call raised; an error that is none of ours says where, since its traceback stays behind."""
    error = work.exception()
    if error is not None and not isinstance(error, OpenRubricsError):
        error.add_note("".join(traceback.format_exception(error)))
    return error


def answers(
    feed: Any,  # noqa: ANN401 - a handle of Ray, which has no type for the methods of an actor
    call: Callable[[Any], Awaitable[Any]],
    *,
    workers: int,
    concurrency: int,
    under_way: int,
) -> Generator[Answers, None, None]:
    """Yield what becomes of each batch of a feed, in any order, until the feed has ended.

    Args:
        feed: Handle of a `Feed`.
        call: What the workers call.
        workers: How many there are.
        concurrency: Most calls under way at a time in each.
        under_way: Most batches at a time in each.
    """
    from ray.data import ActorPoolStrategy, DataContext
    from ray.util.annotations import RayDeprecationWarning

    context = DataContext.get_current().copy()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.target_max_block_size = 1  # so that no batch waits for the next one
    pool = ActorPoolStrategy(
        size=workers, max_tasks_in_flight_per_actor=under_way, max_concurrent_calls_per_actor=under_way
    )
    with DataContext.current(context), warnings.catch_warnings(action="ignore", category=RayDeprecationWarning):
        # Ray 2.64 is to name these two arguments otherwise; until then the only other way is endless repetition.
        answered = _read(feed).map_batches(
            Worker,
            fn_constructor_args=(call, concurrency),
            compute=pool,
            batch_format="pandas",
            num_cpus=1,
            max_restarts=_DEATHS,
            max_task_retries=_DEATHS,
        )
    for rows in answered.iter_batches(batch_size=None, batch_format="pandas", prefetch_batches=0):
        yield from rows[_COLUMN]


def _row(value: Batch | Answers) -> "DataFrame":
    """Return a block of one row; of all kinds of blocks, only a data frame holds any value as it is."""
    import pandas as pd

    return pd.DataFrame({_COLUMN: [value]})


def _read(feed: Any) -> "Dataset":  # noqa: ANN401 - as above
    """Return a data set with a row for each batch, read by one task as the feed gets them."""
    import ray
    from ray.data import Datasource, ReadTask, read_datasource
    from ray.data.block import BlockMetadata

    def read() -> Iterator[Any]:
        number = 0
        while True:
            batch: Batch | None = ray.get(feed.get.remote(number))
            if batch is None:
                return
            yield _row(batch)
            number += 1

    class Batches(Datasource):
        def get_read_tasks(self, parallelism: int, *_: object, **__: object) -> list[ReadTask]:
            return [ReadTask(read, BlockMetadata(None, None, None, None))]

        def estimate_inmemory_data_size(self) -> int | None:
            return None

    return read_datasource(Batches(), override_num_blocks=1, num_cpus=0)
