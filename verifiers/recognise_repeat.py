"""Find that the request must be repeated first, and which text that means."""

from __future__ import annotations

import re
from collections.abc import Iterator

from openrubrics.verifiers.reading import QUOTED, Reading
from openrubrics.verifiers.recognised import Recognised, found

_FLAGS = re.IGNORECASE
_WHAT = r"(?:request|sentence|question|prompt|text|instruction|query|message|paragraph)s?"
_REPEAT = re.compile(
    rf"\b(?:repeat|copy|restate)(?:s|ing)?\s++(?:(?:this|the|my|all|exact|exactly|entire|whole|full|above|following|same)\s++)"
    rf"{{0,4}}{_WHAT}(?:\s++(?:above|below))?",
    _FLAGS,
)
_REPEAT_QUOTED = re.compile(
    rf"\brepeat(?:s|ing)?\s++(?:(?:this|the|my|exact|entire|following)\s++){{0,3}}(?:{_WHAT}\b:?\s*+)?(?:(?:word\s++(?:for|by)\s++word|exactly|verbatim):?\s*+)?"
    rf"(?P<text>{QUOTED})",
    _FLAGS,
)
_EXACTLY = re.compile(
    r"word\s++(?:for|by)\s++word|without\s++(?:any\s++)?chang|do\s++not\s++change|don't\s++change|\bexact|verbatim"
    r"|before\s++(?:saying|giving|answering|you)|\bfirst\b|above|below",
    _FLAGS,
)


def find_repeat_prompt(reading: Reading) -> Iterator[Recognised]:
    """Find the text to repeat: quoted, or all that comes before the instruction, or after it."""
    quoted = _REPEAT_QUOTED.search(reading.masked)
    if quoted:
        text = reading.literal(*quoted.span("text"))
        if text.strip() and _EXACTLY.search(reading.around(quoted.start()) + reading.after(quoted.end(), 80)):
            yield found("combination:repeat_prompt", quoted.span(), prompt_to_repeat=text)
        return
    exactly = (m for m in _REPEAT.finditer(reading.masked) if _EXACTLY.search(reading.around(m.start())))
    match = next(exactly, None)
    changed = match and re.search(r"\bbut\b|\bexcept\b", reading.after(match.end(), 80), _FLAGS)
    text = _text_to_repeat(reading, match) if match and not changed else ""
    if match and text:
        yield found("combination:repeat_prompt", match.span(), prompt_to_repeat=text)


def _text_to_repeat(reading: Reading, match: re.Match[str]) -> str:
    start = reading.sentence(match.start())[0]
    before = reading.text[:start].strip()
    if before and "below" not in match[0].lower():
        return before
    _, _, after = reading.text[match.end() :].partition("\n")
    return after.strip()
