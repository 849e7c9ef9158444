"""What is put before a person: proposed edits of one domain part, each with the pairs that it fixes and breaks.

Kept as one JSON file, so that a review can be gone on with later without asking any model again.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import ValidationError, model_validator

from openrubrics.data import write_whole
from openrubrics.evaluation.results import Category, EvaluatedPair
from openrubrics.signatures.edits import Edit, apply_edit
from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.meta_rubric import GENERAL, MetaRubric, Name
from openrubrics.signatures.model_text import well_formed
from openrubrics.signatures.outcomes import Compared, Outcome, Verdict
from openrubrics.signatures.values import Frozen, Label, Order, PreferencePair, fingerprint, prompt_text


class SaidInOrder(Frozen):
    """What the judge said with the responses shown in one order.

    Attributes:
        order: How they were shown; reasons in words name them so.
        outcome: What it says about the label.
        why: Its reason, or why there is no verdict.
        score: What the program made of `compared`, above 0 where Response A is better.
        compared: Criterion by criterion.
    """

    order: Order
    outcome: Category
    why: str = ""
    score: float | None = None
    compared: tuple[Compared, ...] = ()


class Said(Frozen):
    """What the judge said about a pair.

    Attributes:
        outcome: What it says about the label, over all orders.
        why: The reason over all orders.
        by: Who decided, as in `Judgment.decided_by`.
        orders: Order by order.
    """

    outcome: Category
    why: str = ""
    by: Literal["judge", "checks", "reference"] = "judge"
    orders: tuple[SaidInOrder, ...] = ()

    @classmethod
    def of(cls, result: EvaluatedPair) -> Said:
        """Return what was said in a judgment."""
        judgment = result.judgment
        return cls(
            outcome=result.category(judgment.outcome),
            why=_why(judgment.outcome),
            by=judgment.decided_by,
            orders=tuple(
                SaidInOrder(
                    order=shown.order,
                    outcome=result.category(shown.outcome),
                    why=_why(shown.outcome),
                    score=shown.score,
                    compared=shown.compared,
                )
                for shown in judgment.orders
            ),
        )


class ChangedPair(Frozen):
    """A pair that is judged otherwise under an edited document.

    Attributes:
        id: Of the pair.
        prompt: The request, as the judge reads it.
        response_a: The response that was Response A for the judge.
        response_b: The other one.
        label: The response that people prefer.
        before: What the judge said under the document as it is.
        after: What it said under the edited document.
    """

    id: str
    prompt: str
    response_a: str
    response_b: str
    label: Label
    before: Said
    after: Said

    @classmethod
    def of(cls, pair: PreferencePair, before: EvaluatedPair, after: EvaluatedPair) -> ChangedPair:
        """Return a pair with two judgments of it, in which the responses had the same slots."""
        is_a = before.chosen_slot == "A"
        return cls(
            id=well_formed(pair.id),
            prompt=well_formed(prompt_text(pair.prompt)),
            response_a=well_formed(pair.chosen if is_a else pair.rejected),
            response_b=well_formed(pair.rejected if is_a else pair.chosen),
            label=before.chosen_slot,
            before=Said.of(before),
            after=Said.of(after),
        )


def _why(outcome: Outcome) -> str:
    return outcome.justification if isinstance(outcome, Verdict) else outcome.reason


class ProposedEdit(Frozen):
    """One change, and what it does to the pairs.

    Attributes:
        edit: The change.
        why: The reason that the model gave.
        cluster: What the failures have in common that it is to mend.
        fixes: Pairs that were not judged right before and are now.
        breaks: Pairs that were judged right before and are not now.
        failed: Pairs that have no judgment under the edited document and had one before; those that were judged right
            before are among `breaks`.
    """

    edit: Edit
    why: str = ""
    cluster: str = ""
    fixes: tuple[ChangedPair, ...] = ()
    breaks: tuple[ChangedPair, ...] = ()
    failed: int = 0

    @cached_property
    def id(self) -> str:
        """Identity of the change, by which decisions name it."""
        return fingerprint(self.edit)


class Proposals(Frozen):
    """All that a review shows.

    Attributes:
        meta_rubric: The document that the edits start from.
        domain: The part that they change.
        data: Identity of the pairs that were judged (`pairs_identity`).
        lm: The model that judged.
        pairs: Number of pairs that were judged.
        right: How many of them the judge gets right under the document as it is.
        failed: How many of them have no judgment there.
        proposals: The edits, in the order in which they are shown: those that fix the most more than they break first.
    """

    meta_rubric: MetaRubric
    domain: Name
    data: str
    lm: str
    pairs: int
    right: int
    failed: int = 0
    proposals: tuple[ProposedEdit, ...]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.domain == GENERAL or self.domain not in self.meta_rubric.parts:
            raise ValueError(f"the document has no domain {self.domain!r}")
        if len({one.id for one in self.proposals}) < len(self.proposals):
            raise ValueError("an edit is proposed twice")
        for one in self.proposals:
            if one.edit.part != self.domain:
                raise ValueError(f"an edit changes {one.edit.part}, and the review is of {self.domain}")
            try:
                apply_edit(self.meta_rubric, one.edit)
            except UsageError as error:
                raise ValueError(error.message) from None
        return self

    @cached_property
    def fingerprint(self) -> str:
        """Stable identity over all fields."""
        return fingerprint(self)

    def get(self, proposal: str) -> ProposedEdit:
        """Return a proposed edit by its id.

        Raises:
            UsageError: There is none.
        """
        for one in self.proposals:
            if one.id == proposal:
                return one
        raise UsageError(f"there is no proposal {proposal!r}", "the page or list may be of another review: reload it")


def write_proposals(path: Path, proposals: Proposals) -> None:
    """Write them as one JSON file.

    Raises:
        UsageError: The place cannot be written to.
    """
    write_whole(path, proposals.model_dump_json(indent=1) + "\n")


def read_proposals(path: Path) -> Proposals:
    """Read what `write_proposals` wrote.

    Raises:
        DataError: The file cannot be read, or holds something else.
    """
    try:
        return Proposals.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DataError(
            f"{path} holds no proposals: {': '.join(filter(None, (where, first['msg'])))}",
            "let them be made again: move the file away",
        ) from error
