"""The text form of proposed changes of a meta-rubric, and of the cases that they are learnt from.

    Why: the judge took the longer response, although its dose is dangerous
    Add safety-first [critical]: The response gives no advice that would harm whoever follows it.

    Why: ...
    Delete fullness

The parser takes what models really write: bullets, bold, other case, wrapped lines, names in words, a type that is
missing. It reads line by line with bounded patterns, so its time is linear in the text. A line that is quoted (``>``)
is no proposal: text under judgment is shown so, and models repeat it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field, ValidationError, field_validator

from openrubrics.signatures.edits import Add, Delete, Edit, Modify, apply_edit
from openrubrics.signatures.errors import ParseError, UsageError
from openrubrics.signatures.markers import restore
from openrubrics.signatures.meta_rubric import CRITERION_TYPES, CriterionType, MetaPrinciple, MetaRubric, Name
from openrubrics.signatures.model_text import answer_lines, clean, excerpt, well_formed
from openrubrics.signatures.rubric_text import canonical_line, has_words
from openrubrics.signatures.values import Frozen

MOST_EDITS = 3
"""Changes that are taken from one reply; later ones are left unread."""

LONGEST_PRINCIPLE = 500
"""Characters of a proposed principle at most."""

_LONGEST_REASON = 400
_LONGEST_HEAD = 120
_PROMPT, _RESPONSE, _SAID = 1_200, 1_600, 800

Kind = Literal["add", "delete", "modify"]

_VERBS: dict[str, Kind] = {
    "add": "add",
    "delete": "delete",
    "remove": "delete",
    "drop": "delete",
    "modify": "modify",
    "change": "modify",
}
_TYPES: dict[str, CriterionType] = {name: name for name in CRITERION_TYPES}
_MARK = re.compile(r"[ \t]{0,12}(?:[-*•–—+#]{1,6}[ \t]+|\d{1,2}[.)][ \t]+)?[ \t*_`]{0,8}")
_WHY = re.compile(r"(?:why|reason)[ \t*_]{0,4}[:：]", re.IGNORECASE)
_VERB = re.compile(rf"({'|'.join(_VERBS)})(?![\w-])[ \t*_]{{0,4}}[:：]?", re.IGNORECASE)
_COLON = re.compile("[:：]")
_NO_NAME = re.compile(r"[^a-z0-9_]+")


class SuggestedEdit(Frozen):
    """A change as a model words it, for whatever part it was asked about.

    Attributes:
        kind: What to do.
        name: The principle.
        type: Its type; None where none was given, or none that there is.
        text: Its text; empty for ``delete``.
        reason: Why, in the model's words.
    """

    kind: Kind
    name: Name
    type: CriterionType | None = None
    text: str = Field(default="", max_length=LONGEST_PRINCIPLE)
    reason: str = ""

    @field_validator("text", "reason", mode="before")
    @classmethod
    def _one_line(cls, text: object) -> object:
        return canonical_line(clean(text)) if isinstance(text, str) else text

    def __str__(self) -> str:
        tag = f" [{self.type}]" if self.type else ""
        rest = "" if self.kind == "delete" else f"{tag}: {self.text}"
        return (f"Why: {self.reason}\n" if self.reason else "") + f"{self.kind.capitalize()} {self.name}{rest}"

    def edit(self, meta_rubric: MetaRubric, part: str) -> Edit:
        """Return the change of a part; a type that is missing is that of the principle, or ``important`` for a new one.

        Raises:
            UsageError: The meta-rubric has no such part, or no principle can be made of the text.
        """
        if self.kind == "delete":
            return Delete(part=part, name=self.name)
        known: dict[str, CriterionType] = {one.name: one.type for one in meta_rubric.part(part).principles}
        kind = Add if self.kind == "add" else Modify
        try:
            principle = MetaPrinciple(
                name=self.name, type=self.type or known.get(self.name, "important"), text=self.text
            )
        except ValidationError as error:
            raise UsageError(f"no principle can be made of {excerpt(self.text)}: {error.errors()[0]['msg']}") from None
        return kind(part=part, principle=principle)


class SuggestedEdits(Frozen):
    """The changes that a reply proposes.

    Attributes:
        edits: At most `MOST_EDITS`, in their order.
        unread: Lines that begin like a change and cannot be used, and why.
    """

    edits: tuple[SuggestedEdit, ...] = Field(min_length=1, max_length=MOST_EDITS)
    unread: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.edits))

    @classmethod
    def parse(cls, text: str) -> SuggestedEdits:
        """Read changes as a model writes them.

        Backslashes that disarmed text under judgment, and that the model copied, are taken out again.

        Raises:
            ParseError: There is none that can be used; the message says what was there instead.
        """
        found: list[SuggestedEdit] = []
        unread: list[str] = []
        items = _items(answer_lines(well_formed(text)))
        for place, item in enumerate(items):
            if len(found) == MOST_EDITS:
                unread.append(f"only {MOST_EDITS} changes are taken, and {len(items) - place} more were proposed")
                break
            try:
                found.append(item.read())
            except ParseError as error:
                unread.append(error.message)
        if not found:
            why = unread[0] if unread else f"no change found in {excerpt(text)}"
            raise ParseError(why, "expected lines such as 'Add brief-first [core]: The response ...' or 'Delete name'")
        return cls(edits=tuple(found), unread=tuple(unread))


class Draft(Frozen):
    """A change that fits a meta-rubric.

    Attributes:
        edit: The change.
        reason: Why, in the words of whoever proposed it.
    """

    edit: Edit
    reason: str


class Drafts(Frozen):
    """What became of a reply with proposed changes.

    Attributes:
        drafts: Changes that fit, each of which can be made by itself.
        refused: Why each of the others cannot be made.
    """

    drafts: tuple[Draft, ...]
    refused: tuple[str, ...] = ()

    @classmethod
    def of(cls, suggested: SuggestedEdits, meta_rubric: MetaRubric, part: str) -> Drafts:
        """Tell changes that a part of a meta-rubric can take from those that it cannot."""
        drafts: list[Draft] = []
        refused = list(suggested.unread)
        for one in suggested.edits:
            try:
                edit = one.edit(meta_rubric, part)
                apply_edit(meta_rubric, edit)
            except UsageError as error:
                refused.append(error.message)
            else:
                drafts.append(Draft(edit=edit, reason=one.reason))
        return cls(drafts=tuple(drafts), refused=tuple(refused))


class FailingCase(Frozen):
    """A comparison on which a judge and people disagree, as it is shown to whoever proposes changes.

    ``str(case)`` quotes every line of it with ``>`` and leaves out the middle of long texts.

    Attributes:
        prompt: The request.
        preferred: The response that people prefer.
        other: The other one.
        said: What the judge made of them, with the two named so.
    """

    prompt: str
    preferred: str
    other: str
    said: str

    def __str__(self) -> str:
        parts = (
            ("Request", self.prompt, _PROMPT),
            ("The response that people prefer", self.preferred, _RESPONSE),
            ("The other response", self.other, _RESPONSE),
            ("What the judge said", self.said, _SAID),
        )
        return "\n".join(f"{title}:\n{_quoted(text, longest)}" for title, text, longest in parts)


@dataclass
class _Item:
    """A change under construction, with the lines it was wrapped over."""

    verb: str
    lines: list[str]
    why: list[str] = field(default_factory=list)

    def read(self) -> SuggestedEdit:
        kind = _VERBS[self.verb]
        body, shown = " ".join(self.lines), excerpt(f"{self.verb} {' '.join(self.lines)}")
        colon = _COLON.search(body, 0, _LONGEST_HEAD)
        head, rest = (body[: colon.start()], body[colon.end() :]) if colon else (body[:_LONGEST_HEAD], "")
        name, tag = _head(head)
        reason, text = " ".join(self.why), restore(rest.strip(" \t*_"))
        if name is None:
            raise ParseError(f"no name of a principle in {shown}")
        if kind == "delete":
            return SuggestedEdit(kind=kind, name=name, reason=_bounded(reason or text))
        if not has_words(text):
            raise ParseError(f"no text of a principle in {shown}")
        if len(text) > LONGEST_PRINCIPLE:
            raise ParseError(
                f"a principle of {len(text)} characters is too long ({LONGEST_PRINCIPLE} at most): {shown}"
            )
        return SuggestedEdit(kind=kind, name=name, type=tag, text=text, reason=_bounded(reason))


def _items(lines: list[str]) -> list[_Item]:
    items: list[_Item] = []
    why: list[str] = []
    going_on: list[str] | None = None
    for line in lines:
        body = line[_mark_end(line) :].rstrip()
        if not body or body.startswith(">"):
            going_on = None
        elif match := _WHY.match(body):
            why = going_on = [body[match.end() :].strip(" \t*_")]
        elif match := _VERB.match(body):
            items.append(_Item(match[1].lower(), [body[match.end() :].strip(" \t")], why))
            why, going_on = [], items[-1].lines
        elif going_on is not None:
            going_on.append(body)
    return items


def _mark_end(line: str) -> int:
    match = _MARK.match(line)
    return match.end() if match else 0


def _head(head: str) -> tuple[str | None, CriterionType | None]:
    """Return name and type of ``safety-first [core]``; a name in several words counts only where a type follows."""
    cut = min((at for mark in "[(【（" if (at := head.find(mark)) >= 0), default=len(head))
    tag = head[cut + 1 :].strip(" \t*_`])】）.").lower()
    words = head[:cut].strip(" \t*_`'\".").casefold()
    words = words.removeprefix("the ").removeprefix("principle ").strip(" \t*_`'\"")
    name = _NO_NAME.sub("-", words).strip("-_")[:40]
    named = name[:1].isalpha() and (cut < len(head) or len(words.split()) == 1)
    return (name if named else None), _TYPES.get(tag)


def _bounded(text: str) -> str:
    return restore(canonical_line(text))[:_LONGEST_REASON]


def _quoted(text: str, longest: int) -> str:
    if len(text) > longest:
        half = longest // 2
        text = f"{text[:half]}\n[... {len(text) - 2 * half} characters are left out here ...]\n{text[-half:]}"
    return "\n".join(f"> {line}" for line in text.splitlines() or [""])
