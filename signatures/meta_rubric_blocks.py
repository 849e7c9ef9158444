"""The document of a meta-rubric as headings, list items and fields, each with its line, and the faults found in it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from openrubrics.signatures.errors import DataError
from openrubrics.signatures.model_text import excerpt

MOST_FAULTS = 12
"""How many faults are told; reading ends there."""

_FIELD = re.compile(r"(?P<key>[A-Za-z]{1,20})[ \t]{0,20}:(?!\S*//)")
_TAB = 4


@dataclass(frozen=True)
class Block:
    """A heading, an item of a list, or a field such as ``Version: 1``.

    Attributes:
        kind: Which of them.
        line: 1-based line on which it begins.
        level: Number of ``#`` of a heading; columns that an item is indented by.
        key: Name of a field, in lower case.
        parts: Its text, line by line.
    """

    kind: Literal["heading", "item", "field"]
    line: int
    level: int = 0
    key: str = ""
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Everything that follows the mark or the key, on one line."""
        return " ".join(" ".join(self.parts).split())


class Faults:
    """What is wrong in a document, told together.

    Args:
        source: Name of the file; empty where there is none.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._found: dict[int, list[tuple[str, str]]] = {}
        self._count = 0

    def add(self, line: int, what: str, expected: str = "") -> None:
        """Note a fault.

        Raises:
            DataError: There are as many as are told.
        """
        self._found.setdefault(line, []).append((what, expected))
        self._count += 1
        if self._count >= MOST_FAULTS:
            self.raise_any("there may be more")

    def raise_any(self, more: str = "") -> None:
        """Raise an error where something is wrong.

        Raises:
            DataError: Its message has a line for each fault, in the order of the document.
        """
        told = [(line, what, hint) for line in sorted(self._found) for what, hint in self._found[line]]
        if len(told) == 1:
            line, what, hint = told[0]
            raise DataError(f"{self._at(line)} {what}", hint)
        if told:
            lines = (f"{self._at(line)} {what}{f' ({hint})' if hint else ''}" for line, what, hint in told)
            raise DataError("\n".join(lines), more)

    def _at(self, line: int) -> str:
        return f"{self._source}:{line}:" if self._source else f"line {line}:"


def blocks(text: str, faults: Faults) -> Iterator[Block]:
    """Yield what a document consists of; anything else is noted as a fault."""
    last: Block | None = None
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, raw in enumerate(lines, 1):
        line = raw.strip()
        if not line:
            continue
        block = _block(number, raw, line, continues=last is not None)
        if block is not None:
            if last is not None:
                yield last
            last = block
        elif last is not None and raw[0].isspace() and last.kind != "heading":
            last.parts.append(line)
        else:
            faults.add(
                number,
                f"this line belongs to nothing: {excerpt(line)}",
                "indent it where it goes on with the line above; free text and comments have no place here",
            )
    if last is not None:
        yield last


def _block(number: int, raw: str, line: str, *, continues: bool) -> Block | None:
    indent = len(raw[:200].expandtabs(_TAB)) - len(raw[:200].expandtabs(_TAB).lstrip())
    if line[0] == "#":
        title = line.lstrip("#")
        return Block("heading", number, len(line) - len(title), parts=[title.strip().rstrip("#").rstrip()])
    if line[0] in "-*+•" and (len(line) == 1 or line[1].isspace()):
        return Block("item", number, indent, parts=[line[1:].strip()])
    match = None if indent and continues else _FIELD.match(line)
    if match is None:
        return None
    return Block("field", number, key=match["key"].lower(), parts=[line[match.end() :].strip()])


def closest(word: str, known: Iterable[str]) -> str:
    """Return the known word that is meant by a misspelt one; empty where none is near."""
    found = difflib.get_close_matches(word[:60].lower(), list(known), n=1, cutoff=0.6)
    return found[0] if found else ""


def expected(word: str, known: Iterable[str]) -> str:
    """Return a hint: what is probably meant, and what there is."""
    choices = list(known)
    near = closest(word, choices)
    return f"{f'did you mean {near}? ' if near else ''}expected {' or '.join(choices)}"
