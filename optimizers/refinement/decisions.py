"""What people decided about proposed edits: an append-only file that replays to the same document.

One JSON object a line: what the review starts from, then decisions, and a signature after each batch of them. Every
line holds its number and the SHA-256 of the line before it together with its own content, so a line that was changed,
removed, added or moved is found when the file is read, and named. That proves integrity and not identity: whoever can
write the file can write all of it anew, and the name under a batch is what somebody typed. Lines cut off at the end
leave no trace in the file itself; the hash of its last line (`Decisions.head`), noted elsewhere, shows that too.

Rules of the replay, all ours (OpenRS says only that experts audit edits before they are merged): only signed batches
count; of several decisions about one proposal the last counts; those that count are applied in the order of their
lines, and no two of them are about the same principle; times are kept for people, and nothing depends on them. A last
line without its end was cut off while it was written, before anybody was told that it is saved: it does not count, and
the next line replaces it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError, model_validator

from openrubrics.signatures.edits import Delete, Edit, apply_edit
from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.meta_rubric import MetaRubric, Name
from openrubrics.signatures.values import Frozen

FORMAT = 1
STATEMENT = "I have read each edit and the pairs it fixes and breaks, and stand by these decisions."
"""What a name stands under."""

LONGEST_NAME = 200
LONGEST_NOTE = 4_000
LONGEST_TEXT = 2_000

Verdict = Literal["accept", "reject", "rewrite"]
Evidence = Literal["of this edit", "of the proposed edit, not of the rewritten one"]
PersonName = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME, strip_whitespace=True)]

START = hashlib.sha256(b"openrubrics decisions").hexdigest()
"""What the first line follows."""

_LINE = re.compile(rb'\{"hash":"([0-9a-f]{64})","line":(\d{1,9}),("kind":.*\})', re.DOTALL)


class Header(Frozen):
    """What a review starts from; the first line.

    Attributes:
        meta_rubric: Fingerprint of the document.
        version: Its version.
        domain: The part that is changed.
        data: Identity of the pairs that were judged.
        proposals: Fingerprint of what was shown.
        at: Time (UTC); nothing depends on it.
    """

    kind: Literal["header"] = "header"
    format: Literal[1] = FORMAT
    meta_rubric: str
    version: int
    domain: Name
    data: str
    proposals: str
    at: str = ""


class Decision(Frozen):
    """What somebody decided about one proposal.

    Attributes:
        proposal: Its id.
        verdict: Take it, leave it, or take it in other words.
        proposed: The edit as it was proposed.
        edit: The edit as it stands, which differs only where it was rewritten.
        fixes: Ids of the pairs that the proposed edit fixes.
        breaks: Ids of the pairs that it breaks.
        evidence: What `fixes` and `breaks` are of; nobody has judged the pairs under a rewritten text.
        who: Who decided.
        note: Whatever they had to say.
        at: Time (UTC).
    """

    kind: Literal["decision"] = "decision"
    proposal: str
    verdict: Verdict
    proposed: Edit
    edit: Edit
    fixes: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    evidence: Evidence = "of this edit"
    who: PersonName
    note: str = Field(default="", max_length=LONGEST_NOTE)
    at: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.verdict == "rewrite") == (self.edit == self.proposed):
            raise ValueError("an edit differs from what was proposed if, and only if, it was rewritten")
        if (self.verdict == "rewrite") == (self.evidence == "of this edit"):
            raise ValueError("the evidence is that of the proposed edit where, and only where, it was rewritten")
        return self


class Signature(Frozen):
    """The end of a batch: somebody stands by all decisions before.

    Attributes:
        name: As typed.
        statement: What the name stands under.
        decisions: Number of decisions since the signature before.
        undecided: Ids of proposals that were left without a decision on purpose.
        lines: Hash of the line before, and so of all lines before.
        result: Fingerprint of the document that all signed decisions give.
        version: Its version.
        at: Time (UTC).
    """

    kind: Literal["signature"] = "signature"
    name: PersonName
    statement: str = Field(max_length=LONGEST_NOTE)
    decisions: int = Field(ge=0)
    undecided: tuple[str, ...] = ()
    lines: str
    result: str
    version: int
    at: str = ""


Record = Annotated[Header | Decision | Signature, Field(discriminator="kind")]
_RECORD: TypeAdapter[Header | Decision | Signature] = TypeAdapter(Record)


@dataclass(frozen=True)
class Decisions:
    """What a file holds.

    Attributes:
        header: What the review starts from.
        records: Decisions and signatures, in order.
        head: Hash of the last line.
        size: Bytes up to the end of the last whole line.
        cut: Bytes of a last line that has no end, which does not count.
    """

    header: Header
    records: tuple[Decision | Signature, ...]
    head: str
    size: int
    cut: int

    @property
    def signed(self) -> tuple[Decision | Signature, ...]:
        """The records of signed batches."""
        return self.records[: len(self.records) - len(self.unsigned)]

    @property
    def unsigned(self) -> tuple[Decision, ...]:
        """The decisions after the last signature, which a replay does not apply."""
        kept: list[Decision] = []
        for record in reversed(self.records):
            if isinstance(record, Signature):
                break
            kept.append(record)
        return tuple(reversed(kept))


def replay(meta_rubric: MetaRubric, path: Path) -> MetaRubric:
    """Return the document that the signed decisions of a file make of the one they start from.

    Equal documents and files give byte for byte equal documents. Decisions that nobody signed are not applied. The
    version counts up by one with each signed batch that changes the document.

    Raises:
        UsageError: The decisions start from another document.
        DataError: The file cannot be read, was changed, or does not give what was signed; names the line.
    """
    decisions = read_decisions(path)
    check_start(decisions.header, meta_rubric, path)
    document = meta_rubric
    before: list[Decision] = []
    for number, record in enumerate(decisions.signed, 2):
        if isinstance(record, Decision):
            before.append(record)
            continue
        try:
            document = next_version(document, outcome(meta_rubric, before))
        except UsageError as error:
            raise DataError(f"{path}, line {number}: the decisions before it do not fit: {error.message}") from error
        if (document.fingerprint, document.version) != (record.result, record.version):
            raise DataError(
                f"{path}, line {number}: what was signed is document {record.result} (version {record.version}), and "
                f"the decisions give {document.fingerprint} (version {document.version})",
                "replay it with the version of openrubrics that wrote it",
            )
    return document


def outcome(meta_rubric: MetaRubric, decisions: Iterable[Decision]) -> MetaRubric:
    """Return the document with the decisions that count applied; its version stays.

    Raises:
        UsageError: They do not fit together: two are about the same principle.
    """
    changed: set[str] = set()
    for decision in in_force(decisions):
        if decision.verdict != "reject":
            name = principle_name(decision.edit)
            if name in changed:
                raise UsageError(f"two of the edits that were accepted or rewritten are about {name!r}")
            changed.add(name)
            meta_rubric = apply_edit(meta_rubric, decision.edit)
    return meta_rubric


def principle_name(edit: Edit) -> str:
    """Return the name of the principle that an edit is about."""
    return edit.name if isinstance(edit, Delete) else edit.principle.name


def in_force(decisions: Iterable[Decision]) -> tuple[Decision, ...]:
    """Return the last decision about each proposal, in the order of their lines."""
    last: dict[str, Decision] = {}
    for decision in decisions:
        last.pop(decision.proposal, None)
        last[decision.proposal] = decision
    return tuple(last.values())


def next_version(document: MetaRubric, changed: MetaRubric) -> MetaRubric:
    """Return the changed document with the next version; the document itself where nothing but that differs."""
    same = changed.model_copy(update={"version": document.version})
    return document if same == document else changed.model_copy(update={"version": document.version + 1})


def check_start(header: Header, meta_rubric: MetaRubric, path: Path) -> None:
    """Make sure that decisions start from a document.

    Raises:
        UsageError: They start from another one.
    """
    if header.meta_rubric != meta_rubric.fingerprint:
        raise UsageError(
            f"{path} starts from document {header.meta_rubric} (version {header.version}), and {meta_rubric.name} is "
            f"{meta_rubric.fingerprint} (version {meta_rubric.version})",
            "name the document that was reviewed, or another file for new decisions",
        )


def read_decisions(path: Path) -> Decisions:
    """Read a file and check every line.

    Raises:
        DataError: It cannot be read, holds something else, or a line was changed, removed, added or moved.
    """
    try:
        return checked(path.read_bytes(), path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


def checked(content: bytes, path: Path) -> Decisions:
    """Return what the content of a file holds; see `read_decisions`."""
    whole, _, cut = content.rpartition(b"\n")
    lines = whole.split(b"\n") if whole else []
    head = START
    header: Header | None = None
    records: list[Decision | Signature] = []
    for number, line in enumerate(lines, 1):
        where = f"{path}, line {number}"
        record, found = _read(line, number, head, where)
        if isinstance(record, Header) != (number == 1):
            raise DataError(f"{where}: the first line, and no other, says what the review starts from")
        if isinstance(record, Header):
            header = record
        else:
            _fits(record, header, records, head, where)
            records.append(record)
        head = found
    if header is None:
        raise DataError(f"{path} holds no decisions", "name a file that openrubrics refine wrote")
    return Decisions(header, tuple(records), head, len(content) - len(cut), len(cut))


def _fits(
    record: Decision | Signature, header: Header | None, before: Sequence[Decision | Signature], head: str, where: str
) -> None:
    """Make sure that a line says nothing that the lines before contradict."""
    if isinstance(record, Decision):
        if header and not record.edit.part == record.proposed.part == header.domain:
            raise DataError(f"{where}: changes {record.edit.part}, and the review is of {header.domain}")
        return
    batch = next((n for n, one in enumerate(reversed(before)) if isinstance(one, Signature)), len(before))
    if (record.lines, record.decisions) != (head, batch):
        raise DataError(f"{where}: the signature is of other lines than those before it")


def _read(line: bytes, number: int, head: str, where: str) -> tuple[Header | Decision | Signature, str]:
    """Return the record of a line and its hash."""
    match = _LINE.fullmatch(line)
    if not match:
        raise DataError(f"{where}: is no line of a file of decisions, or was changed", _FROM_BACKUP)
    if int(match[2]) != number:
        raise DataError(
            f"{where}: says that it is line {int(match[2])}: a line was removed, added or moved", _FROM_BACKUP
        )
    found = _hash(head, b"{" + match[3])
    if found != match[1].decode():
        raise DataError(f"{where}: its hash does not fit: it was changed, or does not follow line {number - 1}")
    try:
        return _RECORD.validate_json(b"{" + match[3]), found
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


_FROM_BACKUP = "take the file as it was, from a copy"


def line_of(record: Header | Decision | Signature, number: int, head: str) -> tuple[bytes, str]:
    """Return a record as the line of that number after a line of that hash, with its end, and its hash."""
    content = json.dumps(record.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":")).encode()
    found = _hash(head, content)
    return b'{"hash":"%s","line":%d,%s\n' % (found.encode(), number, content[1:]), found


def _hash(head: str, content: bytes) -> str:
    return hashlib.sha256(head.encode() + b"\n" + content).hexdigest()
