"""The text form of a rubric: a numbered list, one criterion a line, each ending with its tag.

    1. The response has at most 100 words. [Hard Rule]
    2. The response states its conclusion before its reasons. [Principle]

The text carries texts and kinds; weights and checks travel in JSON. The parser takes what models really write: other
bullets, bold, tags that are missing, misspelt, elsewhere on the line or only in a heading, wrapped lines, preambles.
A criterion without any tag counts as a principle, since a hard rule has to be claimed. It reads line by line with
bounded patterns, so its time is linear in the text.
"""

import difflib
import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from openrubrics.signatures.errors import ParseError
from openrubrics.signatures.model_text import answer_lines, excerpt, well_formed

CriterionKind = Literal["hard_rule", "principle"]
"""Explicit constraint of the request, or implicit quality (OpenRubrics v3, section 3)."""

MOST_CRITERIA = 999
"""How many criteria a rubric has at most: numbers of more digits are years, more often than places in a list."""

TAGS: dict[CriterionKind, str] = {"hard_rule": "Hard Rule", "principle": "Principle"}

_OPENING, _CLOSING = "[(【［（", "])】］）"
_AFTER_TAG = " \t*_.。;；,"
_EMPHASIS = " \t*_"
_NUMBER = re.compile(
    r"[\s>#]{0,12}(?P<mark>[*_]{0,2})(?:criterion |rule |item )?"
    r"[(（]?\d{1,3}[.)）、．:：]{1,2}(?P<end>[*_]{0,2})(?=\D)\s*",
    re.IGNORECASE,
)
_BULLET = re.compile(r"\s{0,12}[-*•–—·▪◦●+]\s+")
_NAMES: dict[str, CriterionKind] = {
    "hard rule": "hard_rule",
    "hard rules": "hard_rule",
    "principle": "principle",
    "principles": "principle",
}


@dataclass
class _Item:
    """A line of the list under construction, with the lines it was wrapped over."""

    numbered: bool
    section: CriterionKind | None
    lines: list[str]

    def is_complete(self) -> bool:
        """Whether the tag that ends a criterion is there; it may be wrapped itself."""
        before = self.lines[-2][-40:] if len(self.lines) > 1 else ""
        return _trailing_tag(f"{before} {self.lines[-1][-80:]}") is not None

    def read(self) -> tuple[str, CriterionKind | None, bool]:
        """Return text, kind as far as it is known, and whether the line itself carries a tag."""
        body = " ".join(self.lines)
        found = _trailing_tag(body) or _leading_tag(body)
        text, kind = found or (body, self.section)
        return canonical_line(text), kind, found is not None


def render_criteria(criteria: Iterable[tuple[str, CriterionKind]]) -> str:
    """Return the numbered list of (text, kind); `parse_criteria` gives the same back."""
    return "\n".join(f"{i}. {text} [{TAGS[kind]}]" for i, (text, kind) in enumerate(criteria, 1))


def parse_criteria(text: str) -> list[tuple[str, CriterionKind]]:
    """Read a rubric as a model writes it: distinct criteria as (text, kind), in order, at least one.

    Raises:
        ParseError: No criterion was found, and the message says what was there instead; or there are too many.
    """
    items = _items(answer_lines(well_formed(text)))
    any_number = any(item.numbered for item in items)
    criteria: dict[str, tuple[str, CriterionKind]] = {}
    for item in items:
        line, kind, tagged = item.read()
        if has_words(line) and (item.numbered or tagged or not any_number):
            criteria.setdefault(line.casefold(), (line, kind or "principle"))
    if not criteria:
        raise ParseError(
            f"no criterion found in {excerpt(text)}", "expected lines such as '1. The response ... [Hard Rule]'"
        )
    if len(criteria) > MOST_CRITERIA:
        raise ParseError(f"{len(criteria)} criteria, but a rubric has at most {MOST_CRITERIA}")
    return list(criteria.values())


def has_words(text: str) -> bool:
    """Whether there is a letter or a digit in the text, and not only marks."""
    return any(character.isalnum() for character in text)


def canonical_line(text: str) -> str:
    """Collapse white space and remove emphasis marks that enclose the whole line."""
    line = " ".join(text.split())
    while len(line) > 4 and line.startswith("**") and line.endswith("**") and "**" not in line[2:-2]:
        line = line[2:-2].strip()
    return line


def _items(lines: list[str]) -> list[_Item]:
    items: list[_Item] = []
    section: CriterionKind | None = None
    open_item = False
    for line in lines:
        if not line.strip():
            open_item = False
            continue
        numbered, body = _unmark(line)
        heading = _heading(body)
        if heading is not None:
            section, open_item = heading, False
        elif numbered is not None or _starts_plainly(body):
            items.append(_Item(numbered is True, section, [body]))
            open_item = not items[-1].is_complete()
        elif open_item:
            items[-1].lines.append(body)
            open_item = not items[-1].is_complete()
    return items


def _unmark(line: str) -> tuple[bool | None, str]:
    """Split off the list mark: (True, rest) after a number, (False, rest) after a bullet, (None, line) without."""
    if match := _NUMBER.match(line):
        body = line[match.end() :]
        if match["mark"] and not match["end"]:  # emphasis that began before the number ends somewhere in the text
            body = body.replace(match["mark"], "", 1)
        return True, body
    if match := _BULLET.match(line):
        return False, line[match.end() :]
    return None, line.strip()


def _heading(body: str) -> CriterionKind | None:
    """Return the kind that a line of its own names, such as "## Hard Rules (explicit):"."""
    tagged = _trailing_tag(body)
    if tagged and (tagged[0].strip("*_") or body[len(tagged[0])].isspace()):
        return None
    name = body.strip(_EMPHASIS + "#:：-")
    bracket = max(name.rfind("("), name.rfind("（"))
    remark = bracket > 0 and name[-1] in ")）"
    return kind_of(name[:bracket] if remark else name)


def _starts_plainly(body: str) -> bool:
    """Whether an unmarked line is a criterion: it is tagged and starts as the contract asks."""
    text, _ = _trailing_tag(body) or _leading_tag(body) or ("", None)
    return text.lstrip(_EMPHASIS).casefold().startswith("the response")


def _trailing_tag(body: str) -> tuple[str, CriterionKind] | None:
    stripped = body.rstrip(_AFTER_TAG)
    if not stripped or stripped[-1] not in _CLOSING:
        return None
    start = max(stripped.rfind(mark) for mark in _OPENING)
    kind = kind_of(stripped[start + 1 : -1]) if start >= 0 else None
    return (_unpaired(stripped[:start].rstrip(), body[len(stripped) :].lstrip()), kind) if kind else None


def _unpaired(text: str, after: str) -> str:
    """Remove the opening mark of an emphasis that closes after the tag: around the tag alone, or around the line."""
    mark = next((mark for mark in ("**", "__", "*", "_") if after.startswith(mark)), "")
    return text.removesuffix(mark).rstrip() if text.endswith(mark) else text.removeprefix(mark)


def _leading_tag(body: str) -> tuple[str, CriterionKind] | None:
    stripped = body.lstrip(" *_")
    if stripped[:1] and stripped[0] in _OPENING:
        ends = [at for mark in _CLOSING if (at := stripped.find(mark, 0, 40)) > 0]
        end, start = min(ends, default=-1), 1
    else:
        ends = [at for mark in ":：" if (at := stripped.find(mark, 0, 40)) > 0]
        end, start = min(ends, default=-1), 0
    kind = kind_of(stripped[start:end]) if end > 0 else None
    return (stripped[end + 1 :].lstrip(" *_:：-–—"), kind) if kind else None


@functools.lru_cache(maxsize=512)  # a line is asked for its tag more than once, and fuzzy matching is what costs
def kind_of(tag: str) -> CriterionKind | None:
    """Return the kind a tag names, forgiving case, hyphens, number and small misspellings; None for anything else."""
    if not 5 <= len(tag) <= 40:
        return None
    name = " ".join(tag.casefold().replace("-", " ").replace("_", " ").strip(" *").split())
    close = difflib.get_close_matches(name, _NAMES, n=1, cutoff=0.78)
    return _NAMES[close[0]] if close else None
