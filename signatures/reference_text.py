"""The text form of a check against a reference answer: the reasons, then one finding.

    Justification: The reference says 12, and so does the last line.
    Finding: correct

A finding is a line of its own that says nothing but correct, incorrect or unclear, with a remark after punctuation at
most; in part correct, both words, or a question are none. Findings that contradict each other are no finding either.
The key is disarmed in all text under judgment (`openrubrics.signatures.markers`), so a reply that quotes the response
is still its own. The parser goes line by line with bounded patterns, in linear time.
"""

from __future__ import annotations

import re
from typing import Literal

from openrubrics.signatures.errors import ParseError
from openrubrics.signatures.markers import FINDING, MARK
from openrubrics.signatures.model_text import answer_lines, excerpt, well_formed
from openrubrics.signatures.rubric_text import has_words
from openrubrics.signatures.values import Frozen

Correctness = Literal["correct", "incorrect", "unclear"]
"""What a response is beside a reference answer."""

_SCORES: dict[Correctness, int] = {"correct": 1, "unclear": 0, "incorrect": -1}
_SAID: dict[str, Correctness] = {
    "correct": "correct",
    "incorrect": "incorrect",
    "not correct": "incorrect",
    "wrong": "incorrect",
    "unclear": "unclear",
}
_VALUE = re.compile(
    r"[ \t*_`\"'<\[(]{0,8}(?P<said>correct|incorrect|not[ \t]correct|wrong|unclear)[ \t*_`\"'>\])]{0,8}"
    r"(?:$|(?:[.;,:!(–—]|(?<=[ \t])-)(?P<remark>.*))",
    re.IGNORECASE,
)
_OTHERWISE = re.compile(
    r"\b(?:correct|incorrect|wrong|unclear|part(?:ly|ial|ially)|in part|half|mostly|except|if|unless)\b|\?",
    re.IGNORECASE,
)


class ReferenceTrace(Frozen):
    """A reply to a check against a reference answer, and what was read from it.

    Attributes:
        text: The reply, verbatim.
        finding: Whether the response says what the reference says; unclear where that cannot be told.
        reasons: Why; empty where the reply does not say.
    """

    text: str
    finding: Correctness
    reasons: str = ""

    @property
    def score(self) -> int:
        """1 for correct, 0 for unclear, -1 for incorrect: the scores of OpenRS (arXiv 2602.14069, released code)."""
        return _SCORES[self.finding]

    @classmethod
    def parse(cls, text: str) -> ReferenceTrace:
        """Read a finding as a model writes it.

        Raises:
            ParseError: There is none, or there are some that contradict each other.
        """
        text = well_formed(text)
        found: list[Correctness] = []
        reasons: list[str] = []
        key_alone = False
        for line in answer_lines(text):
            key = FINDING.match(line)
            said = line[key.end() :] if key else line
            if not has_words(said):
                key_alone = key_alone or key is not None
                continue
            value = _read(said) if key or key_alone else None
            key_alone = False
            if value:
                found.append(value)
            elif not key and not found:
                reasons.append(_reason(line))
        if len(set(found)) > 1:
            raise ParseError(f"findings that contradict each other: {', '.join(found[:10])}")
        if not found:
            raise ParseError(
                f"no finding in {excerpt(text)}", "expected a line such as 'Finding: incorrect' after the reasons"
            )
        return cls(text=text, finding=found[0], reasons=" ".join(" ".join(reasons).split()))

    def __str__(self) -> str:
        return self.text


def _read(text: str) -> Correctness | None:
    match = _VALUE.match(text)
    if match is None or _OTHERWISE.search(match["remark"] or ""):
        return None
    return _SAID[" ".join(match["said"].lower().split())]


def _reason(line: str) -> str:
    mark = MARK.match(line)
    return line[mark.end() :].lstrip(" \t*_")[1:] if mark and mark.lastgroup == "justification" else line
