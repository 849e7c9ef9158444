"""What a recogniser gives back, and what recognisers share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pydantic import JsonValue

from openrubrics.signatures.values import Check
from openrubrics.verifiers.quantities import Quantity, trailing
from openrubrics.verifiers.reading import Reading


@dataclass(frozen=True)
class Recognised:
    """A constraint found in a text.

    Attributes:
        check: The check that decides it.
        start: Where the words that state it start.
        end: Where they end.
    """

    check: Check
    start: int
    end: int


Recogniser = Callable[[Reading], Iterator[Recognised]]
"""Finds the constraints of one kind."""


def found(name: str, span: tuple[int, int], **arguments: JsonValue) -> Recognised:
    """Build a `Recognised` from a check's name, a span and the check's arguments."""
    return Recognised(Check(name=name, arguments=arguments), *span)


def measured(reading: Reading, unit: re.Pattern[str]) -> Iterator[tuple[Quantity, re.Match[str]]]:
    """Yield each quantity that is followed by a unit, directly or after a second bound, with the match of the unit."""
    previous: Quantity | None = None
    for quantity in reading.quantities:
        match = unit.match(reading.masked, quantity.end)
        if match and previous and not previous.bare and not quantity.bare:
            between = reading.masked[previous.end : quantity.start]
            if len(between) < 10 and between.strip(" ,").lower() in {"but", "and"}:
                yield previous, match
        if match:
            yield trailing(quantity, reading.masked, match.end()), match
        previous = quantity
