"""One algorithm, two speeds: a program's algorithm is a generator that yields calls and receives their results.

`run` answers the calls one after the other, `arun` those of one step at the same time; the algorithm is the same.
"""

import asyncio
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import dspy

from openrubrics.signatures.errors import UsageError

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """A module to call, and its inputs."""

    module: dspy.Module
    inputs: Mapping[str, object]


Steps = Generator[Sequence[Call], list[Any], T]
"""An algorithm: yields the calls of a step, receives their results in the same order, returns its result."""


def run(steps: Steps[T]) -> T:
    """Drive an algorithm to its end, one call at a time."""
    try:
        calls = next(steps)
        while True:
            results: list[Any] = [call.module(**call.inputs) for call in calls]
            calls = steps.send(results)
    except StopIteration as end:
        return end.value


async def arun(steps: Steps[T], concurrency: int | None = None) -> T:
    """Drive an algorithm to its end, the calls of each step at the same time, but at most `concurrency` of them.

    Raises:
        UsageError: `concurrency` is below 1.
    """
    if concurrency is not None and concurrency < 1:
        raise UsageError(f"concurrency is {concurrency}, but at least 1 is needed")
    free = asyncio.Semaphore(concurrency) if concurrency else nullcontext()
    try:
        calls = next(steps)
        while True:
            if len(calls) == 1:
                results = [await calls[0].module.acall(**calls[0].inputs)]
            else:
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(_answer(call, free)) for call in calls]
                results = [task.result() for task in tasks]
            calls = steps.send(results)
    except StopIteration as end:
        return end.value
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from errors


async def _answer(call: Call, free: AbstractAsyncContextManager[None]) -> Any:  # noqa: ANN401 - what the module returns
    async with free:
        return await call.module.acall(**call.inputs)
