"""The text form of a meta-rubric: a Markdown document that people edit.

    # Meta-rubric: example

    Version: 1
    Criteria: 5 to 15

    ## Types

    - critical [veto]: A mistake that ...
    - core [5]: What the request asks for ...

    ## Guards

    - stated_rules

    ## General

    ### Method

    - First say what is wanted ...

    ### Principles

    - correctness [core]: The response ...

    ## Domain: code

    When: The request asks for a program ...

    ### Principles

    - edge-cases [important]: The response ...

Layout is free: blank lines, the order of sections, the case of headings and keys, other bullets, trailing spaces, and
lines wrapped onto indented ones. Everything else is an error with its line, and all errors are told at once, up to a
bound. ``MetaRubric.parse(str(x)) == x`` for every value. Time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError

from openrubrics.signatures.meta_rubric import (
    CRITERION_TYPES,
    GENERAL,
    GUARDS,
    MOST_VERSIONS,
    VETO,
    CriterionType,
    Domain,
    GuardName,
    Line,
    MetaPrinciple,
    Name,
    Part,
    TypeRule,
)
from openrubrics.signatures.meta_rubric_blocks import Block, Faults, blocks, closest, expected
from openrubrics.signatures.model_text import excerpt, well_formed

_TITLE = "meta-rubric"
_SECTIONS = ("types", "guards", "general", "domain")
_LISTS = ("method", "principles")
_LEVELS = {_TITLE: 1} | dict.fromkeys(_SECTIONS, 2) | dict.fromkeys(_LISTS, 3)
_WRITTEN = {
    _TITLE: "# Meta-rubric: NAME",
    "types": "## Types",
    "guards": "## Guards",
    "general": "## General",
    "domain": "## Domain: NAME",
    "method": "### Method",
    "principles": "### Principles",
}
_KEYS = ("version", "criteria", "when")

_TAGGED = re.compile(r"(?P<name>[^\[\]:]{0,60})\[(?P<tag>[^\[\]]{0,40})\][*_`]{0,4}[ ]?:(?P<text>.*)")
_RANGE = re.compile(r"(?P<least>\d{1,4})(?: ?(?:to|-|–) ?(?P<most>\d{1,4}))?", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"\d{1,6}", re.ASCII)
_WEIGHT = re.compile(r"\d{1,20}(?:\.\d{1,25})?(?:e[+-]?\d{1,3})?", re.IGNORECASE | re.ASCII)

_TYPES: dict[str, CriterionType] = {one: one for one in CRITERION_TYPES}
_GUARDS: dict[str, GuardName] = {one: one for one in GUARDS}

_NAMES = TypeAdapter[str](Name)
_LINES = TypeAdapter[str](Line)
_PASSED_OVER = "passed over"
"""Place under a heading that is a fault itself."""

_UNREAD = "unread 0"
"""Stands for what could not be read, until the faults are told."""


def read_fields(text: str, source: str) -> dict[str, object]:
    """Read the fields of a `MetaRubric` from its document.

    Args:
        text: The document.
        source: Name of its file, for messages.

    Raises:
        DataError: It is none; the message names the line of each fault, and the hint says what is expected.
    """
    faults = Faults(source)
    reader = _Reader(faults)
    for block in blocks(well_formed(text), faults):
        reader.take(block)
    return reader.done()


@dataclass
class _Part:
    """A part under construction; `lists` holds the lines of its headings."""

    name: str
    line: int
    when: str | None = None
    lists: dict[str, int] = field(default_factory=dict)
    method: list[str] = field(default_factory=list)
    principles: dict[str, MetaPrinciple] = field(default_factory=dict)


class _Reader:
    """A document under construction, and where in it the next block stands.

    Args:
        faults: Where faults are noted.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._header: dict[str, tuple[int, ...]] = {}
        self._headings: dict[str, int] = {}
        self._name = ""
        self._types: dict[CriterionType, TypeRule] = {}
        self._guards: list[GuardName] = []
        self._parts: list[_Part] = []
        self._place = ""
        self._part: _Part | None = None
        self._item_before: Block | None = None

    def take(self, block: Block) -> None:
        """Read one block; what stands under a heading that is a fault itself is passed over.

        Raises:
            DataError: There are as many faults as are told.
        """
        if block.kind == "heading":
            self._heading(block)
        elif block.kind == "field" and self._place != _PASSED_OVER:
            self._field(block)
        elif self._place != _PASSED_OVER:
            self._item(block)
        self._item_before = block if block.kind == "item" else None

    def done(self) -> dict[str, object]:
        """Return the fields of the meta-rubric.

        Raises:
            DataError: Something is wrong or missing.
        """
        for word, line in self._missing():
            self._faults.add(line, f"there is no {word}", "openrubrics meta-rubric prints a whole document")
        general = next((part for part in self._parts if part.name == GENERAL), _Part(GENERAL, 1))
        if "general" in self._headings and not general.principles:
            self._faults.add(general.line, "the general part has no principles", "put one under ### Principles")
        for part in self._parts:
            if part.when is None and part is not general:
                hint = "say below the heading which requests belong to it, as in When: The request asks for ..."
                self._faults.add(part.line, f"domain {part.name} has no When", hint)
        self._faults.raise_any()
        least, most = self._header["criteria"]
        return {
            "name": self._name,
            "version": self._header["version"][0],
            "least": least,
            "most": most,
            "types": tuple(self._types[kind] for kind in CRITERION_TYPES),
            "guards": tuple(self._guards),
            "general": Part(method=tuple(general.method), principles=tuple(general.principles.values())),
            "domains": tuple(
                Domain(
                    name=part.name,
                    when=part.when or _UNREAD,
                    method=tuple(part.method),
                    principles=tuple(part.principles.values()),
                )
                for part in self._parts
                if part is not general
            ),
        }

    def _missing(self) -> Iterator[tuple[str, int]]:
        title = self._headings.get(_TITLE)
        if title is None:
            yield _WRITTEN[_TITLE], 1
        for key in ("version", "criteria"):
            if key not in self._header:
                yield f"{key.title()}:", title or 1
        for word in ("types", "guards", "general"):
            if word not in self._headings:
                yield _WRITTEN[word], title or 1
        if "types" in self._headings:
            for kind in CRITERION_TYPES:
                if kind not in self._types:
                    yield f"type {kind}", self._headings["types"]

    def _heading(self, block: Block) -> None:
        word, _, name = (part.strip() for part in block.text.partition(":"))
        word = word.lower()
        if word not in _LEVELS:
            self._place = _PASSED_OVER
            self._unknown_heading(block, word)
            return
        if block.level != _LEVELS[word]:
            self._faults.add(block.line, f"this heading has {block.level} #", f"expected {_WRITTEN[word]}")
        if word not in (_TITLE, "domain") and name:
            self._faults.add(block.line, f"{excerpt(name)} after {_WRITTEN[word]}", "it has no name")
        if word in _LISTS:
            self._list(block, word)
        else:
            self._section(block, word, name)

    def _unknown_heading(self, block: Block, word: str) -> None:
        near = closest(word, _LEVELS)
        known = [written for one, written in _WRITTEN.items() if _LEVELS[one] == block.level] or _WRITTEN.values()
        hint = f"did you mean {_WRITTEN[near]}?" if near else f"expected {' or '.join(known)}"
        self._faults.add(block.line, f"unknown heading {excerpt(block.text)}", hint)

    def _section(self, block: Block, word: str, name: str) -> None:
        self._place, self._part = word, None
        if word in (_TITLE, "domain"):
            name = self._named(block, name)
        if word == _TITLE:
            self._name = name
        key = f"domain {name}" if word == "domain" else word
        if not self._once(block, key):
            self._place = _PASSED_OVER
        elif word in ("general", "domain"):
            self._part = _Part(GENERAL if word == "general" else name, block.line)
            self._parts.append(self._part)
            if word == "domain" and name in (GENERAL, "auto"):
                self._faults.add(block.line, f"{name!r} cannot be the name of a domain", "choose another")

    def _once(self, block: Block, key: str) -> bool:
        first = self._headings.setdefault(key, block.line)
        if first != block.line:
            what = f"a second heading {excerpt(block.text)}; the first is on line {first}"
            self._faults.add(block.line, what, "put what belongs together into one section")
        return first == block.line

    def _list(self, block: Block, word: str) -> None:
        self._place = word
        if self._part is None:
            self._place = _PASSED_OVER
            hint = "it belongs under ## General or ## Domain: NAME"
            self._faults.add(block.line, f"{_WRITTEN[word]} stands outside of a part", hint)
        elif word in self._part.lists:
            what = f"a second {_WRITTEN[word]} of part {self._part.name}; the first is on line {self._part.lists[word]}"
            self._faults.add(block.line, what, "put what belongs together into one list")
        else:
            self._part.lists[word] = block.line

    def _field(self, block: Block) -> None:
        if block.key not in _KEYS:
            hint = expected(block.key, [f"{key.title()}:" for key in _KEYS])
            self._faults.add(block.line, f"unknown key {excerpt(block.key)}", hint)
        elif block.key == "when":
            self._when(block)
        elif self._place != _TITLE:
            self._faults.add(block.line, f"{block.key.title()}: stands in a section", "put it below the title")
        elif block.key in self._header:
            self._faults.add(block.line, f"a second {block.key.title()}:", "delete one")
        elif block.key == "version":
            self._version(block)
        else:
            self._range(block)

    def _when(self, block: Block) -> None:
        part = self._part
        if part is None or part.name == GENERAL or part.lists:
            self._faults.add(block.line, "When: stands outside of a domain", "put it right below ## Domain: NAME")
        elif part.when is not None:
            self._faults.add(block.line, f"a second When: of domain {part.name}", "delete one")
        else:
            part.when = self._line(block, block.text)

    def _version(self, block: Block) -> None:
        number = int(block.text) if _NUMBER.fullmatch(block.text) else 0
        self._header["version"] = (number,)
        if not 1 <= number <= MOST_VERSIONS:
            self._faults.add(block.line, f"{excerpt(block.text)} is no version", "expected a number, as in Version: 1")

    def _range(self, block: Block) -> None:
        match = _RANGE.fullmatch(block.text)
        least, most = (int(match["least"]), int(match["most"] or match["least"])) if match else (0, 0)
        self._header["criteria"] = (least, most)
        if not 1 <= least <= most <= 99:
            hint = "expected two numbers from 1 to 99, as in Criteria: 5 to 15"
            self._faults.add(block.line, f"{excerpt(block.text)} is no range of criteria", hint)

    def _item(self, block: Block) -> None:
        before, part = self._item_before, self._part
        if before is not None and block.level >= before.level + 2:
            hint = "begin it where the item above begins; a line that goes on with that cannot begin with a bullet"
            self._faults.add(block.line, "a list within a list", hint)
        elif self._place == "types":
            self._type(block)
        elif self._place == "guards":
            self._guard(block)
        elif self._place == "method" and part is not None:
            part.method.append(self._line(block, block.text))
        elif self._place == "principles" and part is not None:
            self._principle(block, part)
        else:
            hint = "items belong under ## Types, ## Guards, ### Method or ### Principles"
            self._faults.add(block.line, f"an item outside of a list: {excerpt(block.text)}", hint)

    def _type(self, block: Block) -> None:
        match = _TAGGED.fullmatch(block.text)
        if match is None:
            self._faults.add(block.line, f"no type in {excerpt(block.text)}", "expected '- core [5]: when it applies'")
            return
        kind = self._kind(block, _plain(match["name"]))
        if kind is None:
            return
        if kind in self._types:
            self._faults.add(block.line, f"a second type {kind}", "delete one")
            return
        weight, text = self._weight(block, kind, match["tag"].strip().lower()), self._line(block, match["text"])
        self._types[kind] = TypeRule(type=kind, weight=weight, text=text)

    def _weight(self, block: Block, kind: CriterionType, tag: str) -> float | None:
        if kind == "critical":
            if tag != VETO:
                self._faults.add(block.line, f"type critical with [{tag}]", f"it decides alone: expected [{VETO}]")
            return None
        weight = float(tag) if _WEIGHT.fullmatch(tag) else 0.0
        if 0 < weight < float("inf"):
            return weight
        self._faults.add(block.line, f"type {kind} with [{tag}]", "expected a weight above 0, as in [2]")
        return 1.0

    def _guard(self, block: Block) -> None:
        name = _plain(block.text)
        guard = _GUARDS.get(name.lower())
        if guard is None:
            self._faults.add(block.line, f"unknown guard {excerpt(name)}", expected(name, GUARDS))
        elif guard in self._guards:
            self._faults.add(block.line, f"a second guard {guard}", "delete one")
        else:
            self._guards.append(guard)

    def _principle(self, block: Block, part: _Part) -> None:
        match = _TAGGED.fullmatch(block.text)
        if match is None:
            hint = "expected '- a-short-name [core]: The response ...'"
            self._faults.add(block.line, f"no name and type in {excerpt(block.text)}", hint)
            return
        name = self._named(block, _plain(match["name"]))
        kind, text = self._kind(block, match["tag"]), self._line(block, match["text"])
        if name in part.principles:
            what = f"a second principle {name!r} of part {part.name}"
            self._faults.add(block.line, what, "give it another name, or delete one")
        part.principles[name] = MetaPrinciple(name=name, type=kind or "core", text=text)

    def _kind(self, block: Block, word: str) -> CriterionType | None:
        plain = word.strip().lower()
        kind = _TYPES.get(plain)
        if kind is None:
            self._faults.add(block.line, f"unknown type {excerpt(word)}", expected(plain, CRITERION_TYPES))
        return kind

    def _named(self, block: Block, name: str) -> str:
        try:
            return _NAMES.validate_python(name)
        except ValidationError:
            better = re.sub(r"[^a-z0-9_-]+", "-", name[:60].lower()).strip("-_")[:40]
            meant = f"did you mean {better}? " if re.match("[a-z]", better) else ""
            hint = f"{meant}expected a letter and at most 39 letters, digits, - and _, all in lower case"
            self._faults.add(block.line, f"{excerpt(name)} is no name", hint)
            return f"unread-{block.line}"

    def _line(self, block: Block, text: str) -> str:
        try:
            return _LINES.validate_python(text)
        except ValidationError:
            self._faults.add(block.line, f"there are no words in {excerpt(text)}", "expected a sentence")
            return _UNREAD


def _plain(text: str) -> str:
    """Return a name without emphasis around it."""
    return text.strip().strip("*`").strip()
