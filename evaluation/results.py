"""One judged pair, as it is kept in judgments.jsonl."""

import json
import sys
from functools import lru_cache
from typing import Literal

from pydantic_core import PydanticSerializationError

from openrubrics.data import slot_of_chosen
from openrubrics.signatures.outcomes import Failed, Judgment, OrderOutcome, Outcome, Tie, Verdict
from openrubrics.signatures.values import OTHER, Frozen, Label, Order, PreferencePair

Category = Literal["chosen", "rejected", "tie", "failed"]
"""What an outcome says about a pair whose better response is known."""


class EvaluatedPair(Frozen):
    """What a judge said about one pair; one line of judgments.jsonl.

    Attributes:
        id: The pair's id.
        domain: The pair's domain, by which figures are broken down.
        source: Where the pair comes from.
        chosen_slot: Slot that held the chosen response, so the right answer.
        longer_slot: Slot that held the response with more characters; None where both have as many.
        judgment: What the judge said.
    """

    id: str
    domain: str
    source: str
    chosen_slot: Label
    longer_slot: Label | None
    judgment: Judgment

    @classmethod
    def of(cls, pair: PreferencePair, judgment: Judgment, *, seed: int) -> "EvaluatedPair":
        """Return the judgment of a pair whose chosen response was in the slot that `slot_of_chosen` gives it."""
        chosen_slot = slot_of_chosen(pair.id, seed)
        longer = len(pair.chosen) - len(pair.rejected)
        return cls(
            id=pair.id,
            domain=pair.domain,
            source=pair.source,
            chosen_slot=chosen_slot,
            longer_slot=None if longer == 0 else chosen_slot if longer > 0 else OTHER[chosen_slot],
            judgment=judgment,
        )

    def slim(self) -> "EvaluatedPair":
        """Return the pair without the texts of the judgment: what is left gives the same figures, in little memory.

        About 500 bytes each: judgments that are equal without their texts are one object.
        """
        judgment = self.judgment
        orders = tuple((shown.order, _said(shown.outcome)) for shown in judgment.orders)
        return EvaluatedPair.model_construct(
            _FIELDS,
            id=self.id,
            domain=sys.intern(self.domain),
            source=sys.intern(self.source),
            chosen_slot=self.chosen_slot,
            longer_slot=self.longer_slot,
            judgment=_bare(_said(judgment.outcome), orders, judgment.decided_by, judgment.reference_assisted),
        )

    def line(self) -> bytes:
        """Return the pair as a line of judgments.jsonl, without its end."""
        return line_of(self)

    def category(self, outcome: Outcome) -> Category:
        """Return what one of the judgment's outcomes says about the human label."""
        if isinstance(outcome, Verdict):
            return "chosen" if outcome.preferred == self.chosen_slot else "rejected"
        return "failed" if isinstance(outcome, Failed) else "tie"


def line_of(value: Frozen) -> bytes:
    """Return what was judged as a line of judgments.jsonl, without its end."""
    try:
        return value.model_dump_json().encode()
    except PydanticSerializationError:
        # A model's text can hold half a surrogate pair, which no UTF-8 file can; it becomes "?".
        return json.dumps(value.model_dump(mode="json"), ensure_ascii=False).encode("utf-8", "replace")


_FIELDS = set(EvaluatedPair.model_fields)
"""One set for all slim pairs; a set of their own would be most of what each takes."""


_Said = tuple[Literal["A", "B", "tie", "failed"], str]
"""What is counted of an outcome: the preference, or why there is none."""


def _said(outcome: Outcome) -> _Said:
    match outcome:
        case Verdict():
            return outcome.preferred, ""
        case Tie():
            return "tie", ""
        case Failed():
            return "failed", outcome.reason


@lru_cache(maxsize=1024)
def _bare(
    said: _Said,
    orders: tuple[tuple[Order, _Said], ...],
    decided_by: Literal["judge", "checks", "reference"],
    assisted: bool,
) -> Judgment:
    shown = tuple(OrderOutcome(order=order, outcome=_outcome(said)) for order, said in orders)
    return Judgment(outcome=_outcome(said), orders=shown, decided_by=decided_by, reference_assisted=assisted)


def _outcome(said: _Said) -> Outcome:
    kind, reason = said
    match kind:
        case "A" | "B":
            return Verdict(preferred=kind)
        case "tie":
            return Tie(reason="")
        case "failed":
            return Failed(reason=reason)
