"""Hostile texts of any shape are read in time that grows with their length, not with its square."""

import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from openrubrics.signatures import JudgeTrace, ParseError, Rubric
from openrubrics.signatures.markers import disarm, restore

SIZE = 200_000
LIMIT_SECONDS = 5.0
"""Far above what any shape needs (a second on a slow machine), far below what quadratic work would take."""

SHAPES: dict[str, str] = {
    "backslashes after a key": "winner" + "\\" * SIZE,
    "keys": "winner" * (SIZE // 6),
    "keys and white space": "winner        " * (SIZE // 14),
    "white space": " " * SIZE,
    "white space after a key": "Winner:" + " " * SIZE,
    "blank lines after a key": "Winner:" + "\n" * SIZE,
    "line ends": "\r\n" * (SIZE // 2),
    "winner lines": "Winner: A\n" * (SIZE // 10),
    "punctuation after a bare winner": "Winner: A" + "-" * SIZE,
    "wrapped lines": "1. a\n" + "b\n" * (SIZE // 2),
    "wrapped lines that end with brackets": "1. a\n" + "]\n" * (SIZE // 2),
    "opening brackets": "1. " + "[" * SIZE + "]",
    "brackets line by line": "1. [a]\n" * (SIZE // 7),
    "almost tags": "1. a [Hard Ru1e!]\n" * (SIZE // 18),
    "distinct items": "\n".join(f"1. a{i} [Principle]" for i in range(SIZE // 20)),
    "emphasis": "1. " + "*" * SIZE,
    "emphasis line by line": "**\n" * (SIZE // 3),
    "digits": "1" * SIZE,
    "bullets": "- " * (SIZE // 2),
    "headings": "# Hard Rules\n" * (SIZE // 13),
    "thinking ends": "</think>" * (SIZE // 8),
    "thinking ends and spaces": ("</think>" + " " * 2000 + "x") * (SIZE // 2009),
    "thinking begins": "<think>" * (SIZE // 7),
    "fences": "```\n" * (SIZE // 4),
    "tag openings": "<" * SIZE,
    "tag openings and spaces": "<        /        " * (SIZE // 18),
    "dashes": "-" * SIZE,
    "headers": "--- Compliance Check ---\n--- Analysis ---\n" * (SIZE // 42),
    "justification lines": "Justification: a\n" * (SIZE // 17) + "Winner: A",
    "a long part": "Justification:\n" + "a\n" * (SIZE // 2) + "Winner: A",
    "findings": "**Response A:**\n" + "- Criterion 1: a\n" * (SIZE // 17) + "Winner: A",
    "a long finding": "**Response A:**\n- Criterion 1:\n" + "Justification:\n" * (SIZE // 15) + "Winner: A",
    "lines after the verdict": "Winner: A\n" + "a\n" * (SIZE // 2),
}


def _seconds(work: Callable[[str], object], text: str) -> float:
    start = time.process_time()
    with suppress(ParseError):
        work(text)
    return time.process_time() - start


@pytest.mark.parametrize("shape", SHAPES)
def test_hostile_texts_are_read_in_linear_time(shape: str) -> None:
    text = SHAPES[shape]
    assert len(text) > SIZE * 0.9
    for work in (Rubric.parse, JudgeTrace.parse, disarm, restore):
        assert _seconds(work, text) < LIMIT_SECONDS
