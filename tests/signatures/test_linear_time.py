"""Hostile texts of any shape are read in time that grows with their length, not with its square."""

import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from openrubrics.signatures import JudgeTrace, ParseError, Rubric
from openrubrics.signatures.markers import disarm, restore

SMALL, LARGE = 100_000, 400_000
QUICK_SECONDS = 0.4
"""Below this the ratio is noise; quadratic work on a text of the large size takes longer, whatever its constant."""

GROWTH = 8.0
"""Four times the text takes four times as long where the work is linear, sixteen times where it is quadratic."""

SHAPES: dict[str, Callable[[int], str]] = {
    "backslashes after a key": lambda n: "winner" + "\\" * n,
    "keys": lambda n: "winner" * (n // 6),
    "keys and white space": lambda n: "winner        " * (n // 14),
    "white space": lambda n: " " * n,
    "white space after a key": lambda n: "Winner:" + " " * n,
    "blank lines after a key": lambda n: "Winner:" + "\n" * n,
    "line ends": lambda n: "\r\n" * (n // 2),
    "winner lines": lambda n: "Winner: A\n" * (n // 10),
    "punctuation after a bare winner": lambda n: "Winner: A" + "-" * n,
    "wrapped lines": lambda n: "1. a\n" + "b\n" * (n // 2),
    "wrapped lines that end with brackets": lambda n: "1. a\n" + "]\n" * (n // 2),
    "opening brackets": lambda n: "1. " + "[" * n + "]",
    "brackets line by line": lambda n: "1. [a]\n" * (n // 7),
    "almost tags": lambda n: "1. a [Hard Ru1e!]\n" * (n // 18),
    "distinct items": lambda n: "\n".join(f"1. a{i} [Principle]" for i in range(n // 20)),
    "emphasis": lambda n: "1. " + "*" * n,
    "emphasis line by line": lambda n: "**\n" * (n // 3),
    "digits": lambda n: "1" * n,
    "bullets": lambda n: "- " * (n // 2),
    "headings": lambda n: "# Hard Rules\n" * (n // 13),
    "thinking ends": lambda n: "</think>" * (n // 8),
    "thinking ends and spaces": lambda n: ("</think>" + " " * 2000 + "x") * (n // 2009),
    "thinking begins": lambda n: "<think>" * (n // 7),
    "fences": lambda n: "```\n" * (n // 4),
    "tag openings": lambda n: "<" * n,
    "tag openings and spaces": lambda n: "<        /        " * (n // 18),
    "dashes": lambda n: "-" * n,
    "headers": lambda n: "--- Compliance Check ---\n--- Analysis ---\n" * (n // 42),
    "justification lines": lambda n: "Justification: a\n" * (n // 17) + "Winner: A",
    "a long part": lambda n: "Justification:\n" + "a\n" * (n // 2) + "Winner: A",
    "findings": lambda n: "**Response A:**\n" + "- Criterion 1: a\n" * (n // 17) + "Winner: A",
    "a long finding": lambda n: "**Response A:**\n- Criterion 1:\n" + "Justification:\n" * (n // 15) + "Winner: A",
    "lines after the verdict": lambda n: "Winner: A\n" + "a\n" * (n // 2),
}


def _seconds(work: Callable[[str], object], text: str) -> float:
    start = time.process_time()
    with suppress(ParseError):
        work(text)
    return time.process_time() - start


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("work", [Rubric.parse, JudgeTrace.parse, disarm, restore], ids=lambda work: work.__qualname__)
def test_hostile_texts_are_read_in_linear_time(work: Callable[[str], object], shape: str) -> None:
    small, large = SHAPES[shape](SMALL), SHAPES[shape](LARGE)
    assert len(large) > 3.5 * len(small) > 3 * SMALL
    seconds = _seconds(work, large)
    if seconds > QUICK_SECONDS:
        seconds = min(seconds, _seconds(work, large))
        growth = seconds / min(_seconds(work, small) for _ in range(3))
        assert growth < GROWTH, f"{LARGE // SMALL} times the text took {growth:.1f} times as long"
