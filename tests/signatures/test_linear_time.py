"""Hostile texts of any shape are read in time that grows with their length, not with its square."""

import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from openrubrics.signatures import DataError, JudgeTrace, MetaRubric, ParseError, Rubric, ScoreTrace
from openrubrics.signatures.adaptive_text import AdaptiveTrace
from openrubrics.signatures.markers import disarm, restore
from openrubrics.signatures.reference_text import ReferenceTrace

SMALL, LARGE = 40_000, 320_000
QUICK_SECONDS = 0.3
"""Below this the ratio is noise; quadratic work on a text of the large size takes longer, whatever its constant."""

GROWTH = 24.0
"""Eight times the text takes 8 times as long where the work is linear, 64 times where it is quadratic."""

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
    "marks": lambda n: "Justification: Response A: Criterion 1: Analysis\n" * (n // 49),
    "almost marks": lambda n: "--- Final Judgment " * (n // 19),
    "almost headers": lambda n: "## Analysis" * (n // 11),
    "spaces after a mark": lambda n: "Justification" + " " * n,
    "spaces after marks": lambda n: ("Justification" + " " * 1000) * (n // 1013),
    "a header and decoration": lambda n: "Analysis" + "*" * n + "a",
    "a blank line of marks": lambda n: "#" * n + "x",
    "backslashes after a name": lambda n: "<response" + "\\" * n,
    "findings of many criteria": lambda n: (
        "Response A:\n" + "".join(f"Criterion {i % 999}: a\n" for i in range(n // 15))
    ),
    "contradictions": lambda n: "Criterion 1: Met\nCriterion 1: Not met\n" * (n // 38),
    "a long remark": lambda n: "Criterion 1: Met (" + "part " * (n // 5),
    "almost a finding": lambda n: "Criterion 1 [" + "]:*" * (n // 3),
    "a long reason": lambda n: "a\n" * (n // 2) + "Criterion 1: Met",
    "findings on a response": lambda n: "Finding: correct\n" * (n // 17),
    "bare findings": lambda n: "Finding:\n" * (n // 9),
    "findings in one line": lambda n: "Finding: correct (" * (n // 18),
    "lines after the verdict": lambda n: "Winner: A\n" + "a\n" * (n // 2),
}


def _seconds(work: Callable[[str], object], text: str) -> float:
    """Return the time of this process, which does not count what else the machine does."""
    start = time.process_time()
    with suppress(ParseError, DataError):
        work(text)
    return time.process_time() - start


def _growth(work: Callable[[str], object], shape: Callable[[int], str], quick: float = QUICK_SECONDS) -> float:
    """Return how many times as long the large text takes, at the best of several runs; 1 where it is quick."""
    small, large = shape(SMALL), shape(LARGE)
    assert len(large) > 7 * len(small) > 5 * SMALL
    seconds = _seconds(work, large)
    if seconds < quick:
        return 1.0
    at_best = min(_seconds(work, small) for _ in range(5))
    if seconds / at_best >= GROWTH:
        seconds = min(seconds, _seconds(work, large), _seconds(work, large))
    return seconds / at_best


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "work",
    [
        Rubric.parse,
        JudgeTrace.parse,
        ScoreTrace.parse,
        ReferenceTrace.parse,
        disarm,
        restore,
    ],
    ids=lambda work: work.__qualname__,
)
def test_hostile_texts_are_read_in_linear_time(work: Callable[[str], object], shape: str) -> None:
    assert _growth(work, SHAPES[shape]) < GROWTH


ADAPTIVE_SHAPES: dict[str, Callable[[int], str]] = {
    "tags": lambda n: "[Core]" * (n // 6) + "x",
    "tags and white space": lambda n: ("[Core]" + " " * 1000) * (n // 1006),
    "lines of a list without types": lambda n: "--- Criteria ---\n" + "1. a\n" * (n // 5),
    "a criterion of many lines": lambda n: "--- Criteria ---\n1. a\n" + "b\n" * (n // 2) + "[Core]",
    "evidence": lambda n: 'Evidence A: "' + "a\n" * (n // 2) + "Criterion 1: A 2",
    "comparisons": lambda n: "Criterion 1: A 2\nCriterion 1: B 2\n" * (n // 34),
    "almost a comparison": lambda n: "Criterion 1: A" + " ;" * (n // 2),
    "spaces after a number": lambda n: "Criterion 1" + " " * n + ": A 2",
    "brackets after a number": lambda n: "Criterion 1 " + "[" * n + ": A 2",
    "numbers": lambda n: "1." * (n // 2),
    "a comparison and a remark": lambda n: "Criterion 1: A 2, " + "A 2 " * (n // 4),
}


@pytest.mark.parametrize("shape", ADAPTIVE_SHAPES)
@pytest.mark.parametrize("work", [AdaptiveTrace.parse_comparisons, disarm], ids=lambda work: work.__qualname__)
def test_hostile_comparisons_are_read_in_linear_time(work: Callable[[str], object], shape: str) -> None:
    assert _growth(work, ADAPTIVE_SHAPES[shape]) < GROWTH


_HEAD = "# Meta-rubric: a\n"
_DOCUMENT = (
    _HEAD
    + "Version: 1\nCriteria: 5\n## Types\n- critical [veto]: a\n- core [5]: a\n- important [2]: a\n- highlight [1]: a\n"
    + "## Guards\n## General\n### Principles\n- a [core]: a\n"
)

DOCUMENTS: dict[str, Callable[[int], str]] = {
    "wrapped lines": lambda n: _DOCUMENT + "  and\n" * (n // 6),
    "a long line": lambda n: _DOCUMENT + "a" * n,
    "principles": lambda n: _DOCUMENT + "".join(f"- p{i} [core]: It is.\n" for i in range(n // 24)),
    "domains": lambda n: _DOCUMENT + "".join(f"## Domain: d{i}\nWhen: It is.\n" for i in range(n // 30)),
    "blank lines": lambda n: _DOCUMENT + "\r" * n,
    "indented by much": lambda n: _DOCUMENT + "\t" * n + "- a",
    "a heading of many marks": lambda n: _HEAD + "#" * n + " a",
    "a long unknown heading": lambda n: _HEAD + "## " + "Types" * (n // 5),
    "a long name": lambda n: _HEAD + "## Domain: " + "a " * (n // 2),
    "brackets in an item": lambda n: _HEAD + "## Types\n- " + "[" * n,
    "tags in an item": lambda n: _HEAD + "## Types\n- " + "a [core] " * (n // 9),
    "spaces in an item": lambda n: _HEAD + "## Types\n- core" + " " * n + "[5]",
    "digits of a version": lambda n: _HEAD + "Version: " + "1" * n,
    "digits of a range": lambda n: _HEAD + "Criteria: " + "1 to " * (n // 5),
    "digits of a weight": lambda n: _HEAD + "## Types\n- core [" + "1" * n + "]: a",
    "spaces before a colon": lambda n: _HEAD + "Version" + " " * n + ":",
    "faults": lambda n: "a\n" * (n // 2),
}


@pytest.mark.parametrize("shape", DOCUMENTS)
def test_hostile_documents_are_read_in_linear_time(shape: str) -> None:
    assert _growth(MetaRubric.parse, DOCUMENTS[shape]) < GROWTH


def test_quadratic_work_is_told_from_linear_work() -> None:
    def linear(text: str) -> None:
        for _ in range(3):
            " ".join(list(text))

    def quadratic(text: str) -> None:
        for _ in range(len(text) // 4000):
            text.count("ab")

    shape = SHAPES["dashes"]
    assert _growth(linear, shape, quick=0) < GROWTH < _growth(quadratic, shape, quick=0)
