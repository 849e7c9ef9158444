"""One algorithm, two speeds: a program's algorithm is a generator that yields calls and receives their results.

`run` answers the calls one after the other, `arun` all calls of one step at the same time; the algorithm is the same.
"""

import asyncio
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import dspy

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


async def arun(steps: Steps[T]) -> T:
    """Drive an algorithm to its end, the calls of each step at the same time."""
    try:
        calls = next(steps)
        while True:
            if len(calls) == 1:
                results = [await calls[0].module.acall(**calls[0].inputs)]
            else:
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(call.module.acall(**call.inputs)) for call in calls]
                results = [task.result() for task in tasks]
            calls = steps.send(results)
    except StopIteration as end:
        return end.value
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from errors
