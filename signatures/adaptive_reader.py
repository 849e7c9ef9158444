"""How the replies of an adaptive judge are read line by line; `openrubrics.signatures.adaptive_text` has their form."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from openrubrics.signatures.errors import ParseError
from openrubrics.signatures.markers import ADAPTIVE_MARK
from openrubrics.signatures.meta_rubric import CRITERION_TYPES, CriterionType
from openrubrics.signatures.rubric_text import canonical_line, has_words
from openrubrics.signatures.values import Frozen, Label

MOST_LISTED = 99
"""How many criteria a reply has at most."""

_NUMBER = r"[\s>#]{0,12}[*_]{0,2}[(（]?(?P<number>\d{1,2})[.)）、．:：]{1,2}"
_NUMBERED = re.compile(rf"{_NUMBER}[*_]{{0,2}}(?=\D)[ \t]*")
_TYPE = r"[\[【](?P<type>critical|core|important|highlight)[\]】]"
_ENDS_WITH_TYPE = re.compile(rf"{_TYPE}[ \t*_.。;；,]{{0,8}}$", re.IGNORECASE)
_LONGEST_TAG = 24
_TYPE_FIRST = re.compile(rf"{_NUMBER}(?:[*]{{2}}[ ]?|[ ](?:[*]{{2}})?)?{_TYPE}[ \t*_]{{0,4}}[:：]?", re.IGNORECASE)
_BEGINS_WITH_TYPE = re.compile(rf"[*_]{{0,2}}[ \t]?{_TYPE}[ \t*_]{{0,4}}[:：]?[ \t*_]{{0,4}}", re.IGNORECASE)

_TAG = r"(?:[ \t*_–—-]{0,4}(?:[\[(【][^\])】]{0,160}[\])】]|critical|core|important|highlight)){0,2}[ \t*_]{0,4}"
_SIDE = r"(?:the )?(?:(?:response|answer)[ \t_])?(?P<side>[ab])(?![^\W\d_])(?:[ \t](?:(?:is )?better|wins))?"
_TIE = r"(?:(?:both )?(?:tied?|equal)|same|draw|neither|no difference)(?![^\W_])"
_BY = r"[ \t*_`,;:=(：，（]{0,4}(?:by[ \t])?(?P<sign>[+−–-]?)(?P<by>[0-2])(?![^\W_]|[.,/]\d)(?: points?\b)?"
_TIE_BY = r"(?:[ \t*_`,;:=(：，（]{0,4}(?P<tie_by>[0-2])(?![^\W_]|[.,/]\d))?"
_REST = r"[ \t*_`\"'>\])】）]{0,8}(?:$|[.:：;,(。，；（–—-](?P<remark>.*))"
_COMPARISON = re.compile(
    rf"{_TAG}[:：=–—-][ \t*_`\"'<\[(]{{0,6}}(?:{_TYPE}[ \t*_`\"'<]{{0,6}})?"
    rf"(?:{_SIDE}{_BY}|{_TIE}{_TIE_BY}|0(?![^\W_]|[.,/]\d)){_REST}",
    re.IGNORECASE,
)
_SECOND = re.compile(r"^\W{0,3}(?:\d|(?i:or\b))|\b[AB][ \t]?[+−–-]?[0-2]\b")
_COLON = re.compile(r"[:：]")
_TYPED = re.compile(_TYPE, re.IGNORECASE)
# As the prompts call them. "Option B" and "answer B" are what a request with choices asks for, "answer a" is English.
_NAMES_ONE = re.compile(r"\b(?i:response|assistant)(?:[ \t]?[AB]|_[ABab])(?![^\W_])")
_NO_EVIDENCE = {"", "none", "n/a", "na", "nothing", "no evidence", "-", "–", "—", "..."}
_QUOTES = " \t\"'“”„«»`*_.[]()<>"

_Section = Literal["intent", "differences", "criteria", "comparison"]


class ListedCriterion(Frozen):
    """A criterion that an adaptive judge wrote.

    Attributes:
        text: "The response ...", without number and type.
        type: How much it decides.
    """

    text: str
    type: CriterionType

    @property
    def names_a_response(self) -> bool:
        """Whether it speaks of one of the two responses by its name, so that it holds in one order only."""
        return _NAMES_ONE.search(self.text) is not None


class Comparison(Frozen):
    """What a reply says on one criterion, with the responses named as they were shown.

    Attributes:
        criterion: Its number in the list, from 1.
        better: The response that is better on it.
        by: How clearly, from 0 to 2.
        evidence_a: Passage of Response A; empty where there is none.
        evidence_b: The same of Response B.
        reason: Why.
    """

    criterion: int = Field(ge=1)
    better: Label | Literal["tie"]
    by: int = Field(ge=0, le=2)
    evidence_a: str = ""
    evidence_b: str = ""
    reason: str = ""


class Reader:
    """Collects the parts of a reply line by line."""

    def __init__(self) -> None:
        self._section: _Section | None = None
        self._said: dict[str, list[str]] = {}
        self._listed: dict[int, ListedCriterion] = {}
        self._item: tuple[int, list[str]] | None = None
        self._parts: dict[str, list[str]] = {}
        self._part: str | None = None
        self._found: dict[int, Comparison] = {}
        self._before: list[tuple[int, dict[str, str]]] = []
        self._contradicted: set[int] = set()

    def read(self, line: str) -> None:
        """Take the next line."""
        mark = ADAPTIVE_MARK.match(line)
        match mark.lastgroup if mark else None:
            case "intent" | "differences" | "criteria" | "comparison" as section:
                self._begin(section)
            case "criterion" if mark:
                self._numbered_by_word(mark, line)
            case "evidence" | "justification" as key if mark:
                part = mark["evidence"].lower() if key == "evidence" else "reason"
                self._item, self._part = None, part
                after = line[mark.end() :].lstrip(" \t_")
                after = after[1:] if key == "evidence" else after
                self._parts[part] = [after.lstrip(" \t*_")[1:]]
            case _:
                self._text(line)

    def said(self, section: str) -> str:
        """Return the text under a header."""
        return _line(" ".join(self._said.get(section, ())))

    def criteria(self) -> tuple[ListedCriterion, ...]:
        """Return the distinct criteria.

        Raises:
            ParseError: There is none.
        """
        distinct = self._distinct()
        if not distinct:
            raise ParseError("no criterion in the reply", "expected lines such as '1. The response ... [Core]'")
        return tuple(distinct.values())

    def comparisons(self) -> tuple[Comparison, ...]:
        """Return the comparisons by places in the list of distinct criteria, or by their own numbers without a list."""
        places = {text: place for place, text in enumerate(self._distinct(), 1)}
        found: dict[int, Comparison] = {}
        contradicted: set[int] = set()
        for number, one in self._complete().items():
            listed = self._listed.get(number)
            place = places[listed.text.casefold()] if listed else number if not places else len(places) + number
            if found.setdefault(place, one.model_copy(update={"criterion": place})).better != one.better:
                contradicted.add(place)
            if found[place].by != one.by or number in self._contradicted:
                contradicted.add(place)
        return tuple(one for place, one in sorted(found.items()) if place not in contradicted)

    def _distinct(self) -> dict[str, ListedCriterion]:
        distinct: dict[str, ListedCriterion] = {}
        for _, one in sorted(self._listed.items()):
            distinct.setdefault(one.text.casefold(), one)
        return distinct

    def _begin(self, section: _Section) -> None:
        self._item = self._part = None
        self._parts = {}
        if section == "intent":
            self._said = {}
        if section in ("intent", "criteria"):
            self._listed, self._found, self._before, self._contradicted = {}, {}, [], set()
        self._section = section

    def _numbered_by_word(self, mark: re.Match[str], line: str) -> None:
        """Take a line that begins "Criterion 1": a comparison, or in the list a criterion."""
        number, end = int(mark["criterion"]), mark.end("criterion")
        match = _compared(line, end)
        self._item = None
        if match is not None and number > 0:
            self._take(number, match)
        elif self._section == "criteria":
            tag = _BEGINS_WITH_TYPE.match(line, end)
            if tag:
                self._list(number, line[tag.end() :], tag["type"])
            else:
                self._item = number, []
                self._continue(self._item, line[end:].lstrip(" \t*_.:："))
        self._parts, self._part = {}, None

    def _take(self, number: int, match: re.Match[str]) -> None:
        one = Comparison(
            criterion=number,
            better="tie" if not match["side"] else "A" if match["side"] in "aA" else "B",
            by=int(match["by"] or match["tie_by"] or 0),
            reason=_line(match["remark"] or "").strip(")）*_ "),
        )
        known = self._found.setdefault(number, one)
        if (known.better, known.by) != (one.better, one.by):
            self._contradicted.add(number)
        self._before.append((number, self._texts()))

    def _texts(self) -> dict[str, str]:
        """Return evidence and reason that were said since the last comparison."""
        said = {name: _line(" ".join(lines)) for name, lines in self._parts.items()}
        texts = {f"evidence_{side}": _evidence(said.get(side, "")) for side in ("a", "b")}
        texts["reason"] = said.get("reason", "").strip("*_ ")
        return {name: text for name, text in texts.items() if text}

    def _complete(self) -> dict[int, Comparison]:
        """Return the comparisons with what was said on them: before each of them, as asked for, or after each."""
        numbers, texts = [number for number, _ in self._before], [said for _, said in self._before]
        after = self._texts()
        if texts and after and not texts[0]:
            texts = [*texts[1:], after]
        complete: dict[int, Comparison] = {}
        for number, said in zip(numbers, texts, strict=True):
            complete.setdefault(number, self._found[number].model_copy(update=said))
        return complete

    def _text(self, line: str) -> None:
        if self._part is not None:
            self._parts[self._part].append(line)
            return
        if self._section in ("intent", "differences"):
            self._said.setdefault(self._section, []).append(line)
        numbered = _NUMBERED.match(line) if self._section != "comparison" else None
        if numbered:
            tag = _TYPE_FIRST.match(line) if self._section == "criteria" else None
            if tag:
                self._item = None
                self._list(int(numbered["number"]), _without_type(line[tag.end() :], tag["type"]), tag["type"])
                return
            self._item = int(numbered["number"]), []
            line = line[numbered.end() :]
        if self._item is not None and line.strip():
            self._continue(self._item, line.strip())

    def _continue(self, item: tuple[int, list[str]], line: str) -> None:
        number, lines = item
        lines.append(line)
        tag = _ENDS_WITH_TYPE.search(line, max(0, len(line) - _LONGEST_TAG))
        if tag:
            body = " ".join((*lines[:-1], line[: tag.start()].rstrip()))
            self._list(number, _unpaired(body, line[tag.end("type") + 1 :]), tag["type"])
            self._item = None

    def _list(self, number: int, text: str, type_: str) -> None:
        line = canonical_line(text)
        kind: CriterionType | None = next((one for one in CRITERION_TYPES if one == type_.casefold()), None)
        if not has_words(line) or number < 1 or kind is None:
            return
        if number in self._listed and self._section == "criteria" and self._listed[number].text != line:
            number = max(self._listed) + 1  # Markdown lists may number every item 1
        if number > MOST_LISTED:
            raise ParseError(f"criterion {number}, but a list has at most {MOST_LISTED}")
        self._listed.setdefault(number, ListedCriterion(text=line, type=kind))


def _without_type(text: str, type_: str) -> str:
    """Remove a type at the end of a line that began with the same; with another one the line says nothing."""
    tag = _ENDS_WITH_TYPE.search(text, max(0, len(text) - _LONGEST_TAG))
    if tag is None:
        return text
    return text[: tag.start()] if tag["type"].casefold() == type_.casefold() else ""


def _unpaired(text: str, after: str) -> str:
    """Remove the mark of an emphasis that was closed after the type."""
    mark = "**" if after.strip().startswith("**") else ""
    text = text.rstrip()
    return text.removesuffix(mark).rstrip() if mark and text.endswith(mark) else text.removeprefix(mark)


def _compared(line: str, end: int) -> re.Match[str] | None:
    """Return the comparison after a criterion's number, or after its number, type and text; None without one."""
    match = _COMPARISON.match(line, end)
    colon = None if match else _COLON.search(line, end)
    between = line[end : colon.start()] if colon else ""
    if colon and _TYPED.search(between) and not _SECOND.search(between):
        match = _COMPARISON.match(line, colon.start())
    if match is None or _SECOND.search(match["remark"] or "") or _is_contradicted(match):
        return None
    return match


def _is_contradicted(match: re.Match[str]) -> bool:
    """Whether the letter says A and the sign of the number B."""
    return bool(match["side"]) and match["side"] in "aA" and match["sign"] in tuple("−–-") and match["by"] != "0"


def _evidence(text: str) -> str:
    """Return a passage without the quote marks around it; empty where the reply says that there is none."""
    text = text.strip(" \t*_")
    if text.strip(_QUOTES).casefold() in _NO_EVIDENCE:
        return ""
    for opening, closing in (('"', '"'), ("“", "”"), ("«", "»"), ("'", "'")):
        inner = text[1:-1]
        if len(text) > 1 and text[0] == opening and text[-1] == closing and not {opening, closing} & set(inner):
            return inner.strip()
    return text


def _line(text: str) -> str:
    return " ".join(text.split())
