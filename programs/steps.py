"""One algorithm, three drivers: a program's algorithm is a generator that yields calls and receives their results.

`run` answers the calls through DSPy, one after the other; `arun` those of one step at the same time, through DSPy or
through whatever else can answer a call, such as `openrubrics.programs.Direct`. The algorithm is the same.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import dspy
from pydantic import BaseModel

from openrubrics.lms import Meter, usage_meter
from openrubrics.programs.rubric_cache import SharedCache
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.outcomes import Usage

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Once:
    """What is made once for each key, and then taken from a cache."""

    cache: SharedCache[Any]
    key: Hashable


@dataclass(frozen=True, slots=True)
class Call:
    """A module to call, and its inputs.

    Attributes:
        once: Where given, the result is the pair that `SharedCache.get` returns.
        metered: Whether the algorithm reads what the result says it cost; if not, that need not be measured.
    """

    module: dspy.Module
    inputs: Mapping[str, Any]
    once: Once | None = None
    metered: bool = True


Steps = Generator[Sequence[Call], list[Any], T]
"""An algorithm: yields the calls of a step, receives their results in the same order, returns its result."""

Answer = Callable[[Call], Awaitable[Any]]
"""Calls the module of a call; `Call.once` is not its business."""


def run(steps: Steps[T], *, metered: bool = False) -> T:
    """Drive an algorithm to its end, one call at a time.

    Args:
        steps: The algorithm.
        metered: Whether the result is to say what it cost, in its field ``usage``.
    """
    if metered:
        with usage_meter() as meter:
            result = run(steps)
        return _with_usage(result, meter.usage)
    try:
        calls = next(steps)
        while True:
            calls = steps.send([_result(call) for call in calls])
    except StopIteration as end:
        return end.value


async def through_dspy(call: Call) -> Any:  # noqa: ANN401 - what the module returns
    """Call a module as DSPy does."""
    return await call.module.acall(**call.inputs)


def at_most(concurrency: int, answer: Answer) -> Answer:
    """Return `answer` for so many calls at a time.

    Raises:
        UsageError: `concurrency` is below 1.
    """
    if concurrency < 1:
        raise UsageError(f"concurrency is {concurrency}, but at least 1 is needed")
    free = asyncio.Semaphore(concurrency)

    async def bounded(call: Call) -> Any:  # noqa: ANN401 - what the module returns
        async with free:
            return await answer(call)

    return bounded


async def arun(
    steps: Steps[T],
    answer: Answer = through_dspy,
    *,
    metered: bool = False,
    meter: Callable[[], AbstractContextManager[Meter]] = usage_meter,
) -> T:
    """Drive an algorithm to its end, the calls of each step at the same time.

    Args:
        steps: The algorithm.
        answer: Answers each call.
        metered: Whether the result is to say what it cost, in its field ``usage``.
        meter: How that is measured.
    """
    if metered:
        with meter() as spent:
            result = await arun(steps, answer)
        return _with_usage(result, spent.usage)
    try:
        calls = next(steps)
        while True:
            if len(calls) == 1:
                results = [await _aresult(calls[0], answer)]
            else:
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(_aresult(call, answer)) for call in calls]
                results = [task.result() for task in tasks]
            calls = steps.send(results)
    except StopIteration as end:
        return end.value
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from errors


def side_by_side(*algorithms: Steps[T]) -> Steps[list[T]]:
    """Drive several algorithms at once: what all of them ask for next is one step.

    Returns:
        Their results, in order.
    """
    results: dict[int, T] = {}
    answers: dict[int, list[Any] | None] = dict.fromkeys(range(len(algorithms)))
    while True:
        asked: dict[int, Sequence[Call]] = {}
        for place, answer in answers.items():
            try:
                asked[place] = next(algorithms[place]) if answer is None else algorithms[place].send(answer)
            except StopIteration as end:
                results[place] = end.value
        if not asked:
            return [results[place] for place in range(len(algorithms))]
        rest = iter((yield [call for calls in asked.values() for call in calls]))
        answers = {place: [next(rest) for _ in calls] for place, calls in asked.items()}


def _result(call: Call) -> Any:  # noqa: ANN401 - what the module returns
    if call.once is None:
        return call.module(**call.inputs)
    return call.once.cache.get(call.once.key, lambda: call.module(**call.inputs))


async def _aresult(call: Call, answer: Answer) -> Any:  # noqa: ANN401 - what the module returns
    if call.once is None:
        return await answer(call)
    return await call.once.cache.aget(call.once.key, lambda: answer(call))


def _with_usage(result: T, usage: Usage) -> T:
    return cast("T", cast("BaseModel", result).model_copy(update={"usage": usage}))
