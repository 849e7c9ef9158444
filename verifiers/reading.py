"""A text prepared for recognisers: quoted literals hidden, sentences found, offsets unchanged.

What a request quotes is material, not an instruction, so patterns run over a copy in which the inside of every quoted
literal is blanked out; the literal itself is read back by its position. Patterns start with a fixed word and repeat
only within a bound, so that reading is linear in the length of the text.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property

from openrubrics.verifiers.quantities import Quantity, scan_quantities

HIDDEN = "\0"
QUOTED = rf'"{HIDDEN}*"'
"""Pattern of a quoted literal in a masked text."""

NEGATION = r"(?:\b(?:not|cannot|never|no|without|avoid\w{0,5}|refrain\w{0,5}|exclud\w{0,4}|omit\w{0,4})\b|n't\b)"
"""Pattern of a word that forbids what follows it."""

ABOUT_CODE = re.compile(
    r"\b(?:function|script|program|code|class|api|pars(?:e|es|ing|er)|reads?|reading|convert\w{0,3}|(?:sub)?strings?"
    r"|passwords?|data\s?sets?|files?)\b",
    re.IGNORECASE,
)
"""Pattern of words that say a sentence is about a program or its data, not about how to answer."""

OF_A_PART = re.compile(r"\b(?:each(?!\s++other)|every|per)\b", re.IGNORECASE)
"""Pattern of words that say a sentence is about parts of the response."""

_STRAIGHT = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", HIDDEN: " "})
_SINGLE = re.compile(r"(?<![\w\"'])'(?=[^\s'])([^'\"\n\0]{1,80})(?<!\s)'(?!\w)")
_BOUNDARY = re.compile(r"[.!?][\"')\]]?\s++(?=[A-Z0-9\"'])|\n")


class Reading:
    """One text and its masked copy of the same length.

    Attributes:
        text: As it was given.
        plain: With straight quotation marks.
        masked: Also with the inside of quoted literals hidden.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.plain = text.translate(_STRAIGHT)
        self.masked = _SINGLE.sub(_hide, _hide_double_quoted(self.plain))

    @cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        """Numbers with their relations, in order."""
        return tuple(scan_quantities(self.masked))

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in _BOUNDARY.finditer(self.masked))]

    def sentence(self, position: int) -> tuple[int, int]:
        """Return start and end of the sentence, or line, around a position."""
        index = bisect_right(self._starts, position)
        end = self._starts[index] if index < len(self._starts) else len(self.masked)
        return self._starts[index - 1], end

    def before(self, position: int, characters: int) -> str:
        """Return at most so many characters of masked text before a position, within its sentence."""
        return self.masked[max(self.sentence(position)[0], position - characters) : position]

    def after(self, position: int, characters: int) -> str:
        """Return at most so many characters of masked text after a position, within its sentence."""
        return self.masked[position : min(self.sentence(max(position - 1, 0))[1], position + characters)]

    def around(self, position: int) -> str:
        """Return the masked sentence around a position, at most 400 characters of it."""
        start, end = self.sentence(position)
        return self.masked[max(start, position - 200) : min(end, position + 200)]

    def literal(self, start: int, end: int) -> str:
        r"""Return what a quoted literal says; backslash escapes are read as in JSON where they are valid."""
        inner = self.text[start + 1 : end - 1]
        if "\\" not in inner:
            return inner
        try:
            return str(json.loads(f'"{inner}"', strict=False))
        except ValueError:
            return inner


def quote(text: str) -> str:
    """Return text as a quoted literal on one line that `Reading.literal` reads back, white space included."""
    encoded = json.dumps(text, ensure_ascii=False)
    return re.sub(r"[^\S ]|(?<=\s)\s|[“”„]", lambda match: f"\\u{ord(match[0]):04x}", encoded)


def _hide_double_quoted(text: str) -> str:
    parts, position = [], 0
    for start, end in _double_quoted(text):
        parts += (text[position : start + 1], HIDDEN * (end - start - 2))
        position = end - 1
    return "".join((*parts, text[position:]))


def _double_quoted(text: str) -> Iterator[tuple[int, int]]:
    position = 0
    while (start := text.find('"', position)) >= 0:
        if start and (text[start - 1].isalnum() or text[start - 1] == "\\"):
            position = start + 1
            continue
        end = _closing(text, start + 1)
        if end < 0:
            return
        yield start, end + 1
        position = end + 1


def _closing(text: str, position: int) -> int:
    """Return where the next quotation mark is that no backslash escapes, or -1."""
    while (end := text.find('"', position)) >= 0:
        slashes = end
        while slashes > position and text[slashes - 1] == "\\":
            slashes -= 1
        if (end - slashes) % 2 == 0:
            return end
        position = end + 1
    return -1


def _hide(match: re.Match[str]) -> str:
    return f'"{HIDDEN * (len(match[0]) - 2)}"'
