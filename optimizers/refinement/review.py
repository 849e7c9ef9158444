"""A person decides about proposed edits; page and terminal are two ways to the same review and the same file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from pydantic import ValidationError

from openrubrics.optimizers.refinement.decision_file import DecisionFile
from openrubrics.optimizers.refinement.decisions import (
    LONGEST_NOTE,
    LONGEST_TEXT,
    STATEMENT,
    Decision,
    Header,
    Signature,
    Verdict,
    in_force,
    next_version,
    outcome,
    principle_name,
)
from openrubrics.optimizers.refinement.evidence import Proposals, ProposedEdit
from openrubrics.signatures.edits import Add, Edit, Modify
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.meta_rubric import MetaPrinciple, MetaRubric
from openrubrics.signatures.model_text import well_formed
from openrubrics.signatures.values import Frozen

NO_EVIDENCE = "of the proposed edit, not of the rewritten one"


class Standing(Frozen):
    """How a proposal stands.

    Attributes:
        verdict: The last decision about it.
        edit: As it stands.
        who: Who decided.
        note: What they had to say.
        signed: Whether a signature covers it.
    """

    verdict: Verdict
    edit: Edit
    who: str
    note: str
    signed: bool


class Line(Frozen):
    """A principle of the document that the decisions give so far.

    Attributes:
        principle: The principle.
        change: What happened to it.
    """

    principle: MetaPrinciple
    change: Literal["kept", "added", "changed", "deleted"]


class State(Frozen):
    """Where a review is.

    Attributes:
        standing: How each proposal stands that was decided about, by its id.
        undecided: Ids of the others.
        unsigned: Number of decisions that nobody has signed.
        result: The principles that the decisions give so far, deleted ones in their old places.
        version: The version that the document would have.
    """

    standing: Mapping[str, Standing]
    undecided: tuple[str, ...]
    unsigned: int
    result: tuple[Line, ...]
    version: int


class Review:
    """Decisions about proposed edits, each saved before it counts.

    ```python
    with Review(proposals, Path("decisions.jsonl")) as review:
        review.decide(proposals.proposals[0].id, "accept", who="Ada")
        document = review.sign("Ada Lovelace", leave_undecided=True)
    ```

    Attributes:
        proposals: What is decided about.
        path: The file of decisions.
    """

    def __init__(self, proposals: Proposals, path: Path) -> None:
        self.proposals = proposals
        self.path = path
        meta_rubric = proposals.meta_rubric
        self._file = DecisionFile(
            path,
            Header(
                meta_rubric=meta_rubric.fingerprint,
                version=meta_rubric.version,
                domain=proposals.domain,
                data=proposals.data,
                proposals=proposals.fingerprint,
            ),
        )

    def __enter__(self) -> Self:
        """Open the file; see `DecisionFile`."""
        self._file.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.__exit__(kind, error, trace)

    @property
    def head(self) -> str:
        """Hash of the last line of the file."""
        return self._file.held.head

    def decide(
        self,
        proposal: str,
        verdict: Verdict,
        *,
        who: str,
        note: str = "",
        type: str = "",  # noqa: A002 - the name of the principle's field
        text: str = "",
    ) -> None:
        """Save a decision; one about the same proposal before it no longer counts.

        Args:
            proposal: Id of the proposed edit.
            verdict: What becomes of it.
            who: Who decides.
            note: Why, for those who read the file later.
            type: Where it is rewritten, the type that the principle is to have.
            text: Where it is rewritten, the text.

        Raises:
            UsageError: There is no such proposal, something is missing or too long, the rewritten principle cannot be,
                the edit does not fit those that were accepted, or the file cannot be written.
        """
        proposed = self.proposals.get(proposal)
        is_rewritten = verdict == "rewrite"
        decision = Decision(
            proposal=proposal,
            verdict=verdict,
            proposed=proposed.edit,
            edit=self._rewritten(proposed, type, text) if is_rewritten else proposed.edit,
            fixes=tuple(pair.id for pair in proposed.fixes),
            breaks=tuple(pair.id for pair in proposed.breaks),
            evidence=NO_EVIDENCE if is_rewritten else "of this edit",
            who=_name(who),
            note=_short("the note", note.strip(), LONGEST_NOTE),
        )
        try:
            self._document([*self._decisions, decision])
        except UsageError as error:
            raise UsageError(
                f"this does not fit with the other decisions: {error.message}",
                "reject the other one first, or this one",
            ) from error
        self._file.append(decision)

    def sign(self, name: str, *, leave_undecided: bool = False) -> MetaRubric:
        """Save the signature under all decisions since the last one, and return the document that they give.

        Args:
            name: As typed by the person.
            leave_undecided: Whether to leave proposals without a decision.

        Raises:
            UsageError: There is nothing new to sign, the name is missing, a proposal is undecided, or the file cannot
                be written.
        """
        state = self.state
        name = _name(name)
        if not state.unsigned:
            raise UsageError("there is no decision to sign", "decide about an edit first")
        if state.undecided and not leave_undecided:
            raise UsageError(
                f"{len(state.undecided)} of {len(self.proposals.proposals)} edits have no decision",
                "decide about each, or say that they are left undecided",
            )
        document = next_version(self.signed, self._document(self._decisions))
        self._file.append(
            Signature(
                name=name,
                statement=STATEMENT,
                decisions=state.unsigned,
                undecided=state.undecided,
                lines=self.head,
                result=document.fingerprint,
                version=document.version,
            )
        )
        return document

    @property
    def signed(self) -> MetaRubric:
        """The document that the signed batches give."""
        document = self.proposals.meta_rubric
        before: list[Decision] = []
        for record in self._file.held.signed:
            if isinstance(record, Decision):
                before.append(record)
            else:
                document = next_version(document, self._document(before))
        return document

    @property
    def state(self) -> State:
        """Where the review is."""
        held = self._file.held
        unsigned = {decision.proposal for decision in held.unsigned}
        standing = {
            one.proposal: Standing(
                verdict=one.verdict, edit=one.edit, who=one.who, note=one.note, signed=one.proposal not in unsigned
            )
            for one in in_force(self._decisions)
        }
        after = self._document(self._decisions)
        before = self.proposals.meta_rubric.part(self.proposals.domain).principles
        return State(
            standing=standing,
            undecided=tuple(one.id for one in self.proposals.proposals if one.id not in standing),
            unsigned=len(held.unsigned),
            result=_lines(before, after.part(self.proposals.domain).principles),
            version=next_version(self.signed, after).version,
        )

    @property
    def _decisions(self) -> list[Decision]:
        return [record for record in self._file.held.records if isinstance(record, Decision)]

    def _document(self, decisions: list[Decision]) -> MetaRubric:
        return outcome(self.proposals.meta_rubric, decisions)

    def _rewritten(self, proposed: ProposedEdit, type_: str, text: str) -> Edit:
        """Return the edit with another principle; where a deletion is rewritten, the principle is modified instead."""
        edit = proposed.edit
        name = principle_name(edit)
        text = _short("the text", text, LONGEST_TEXT)
        try:
            principle = MetaPrinciple.model_validate({"name": name, "type": type_, "text": text})
        except ValidationError as error:
            first = error.errors()[0]
            raise UsageError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", "change it and try again") from None
        kind = Add if isinstance(edit, Add) else Modify
        changed = kind(part=edit.part, principle=principle)
        if changed == edit:
            raise UsageError("that is what was proposed", "accept it, or write something else")
        return changed


def principle_of(meta_rubric: MetaRubric, edit: Edit) -> MetaPrinciple | None:
    """Return the principle that an edit changes or deletes, as it is in the document; None where one is added."""
    name = principle_name(edit)
    return next((one for one in meta_rubric.part(edit.part).principles if one.name == name), None)


def _lines(before: tuple[MetaPrinciple, ...], after: tuple[MetaPrinciple, ...]) -> tuple[Line, ...]:
    now = {one.name: one for one in after}
    old = {one.name: one for one in before}
    lines = [
        Line(principle=now.get(one.name, one), change="deleted" if one.name not in now else _change(one, now[one.name]))
        for one in before
    ]
    return (*lines, *(Line(principle=one, change="added") for one in after if one.name not in old))


def _change(before: MetaPrinciple, after: MetaPrinciple) -> Literal["kept", "changed"]:
    return "kept" if before == after else "changed"


def _name(given: str) -> str:
    name = " ".join(well_formed(given).split())
    if not any(character.isalnum() for character in name):
        raise UsageError("the name is missing", "type the name of the person who decides")
    return _short("the name", name, 200)


def _short(what: str, given: str, limit: int) -> str:
    if len(given) > limit:
        raise UsageError(f"{what} has {len(given)} characters, and {limit} are the most", "make it shorter")
    return well_formed(given)
