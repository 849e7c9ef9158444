"""One judged pair, as it is kept in judgments.jsonl."""

import json
from typing import Literal

from pydantic_core import PydanticSerializationError

from openrubrics.data import slot_of_chosen
from openrubrics.signatures.values import (
    OTHER,
    Failed,
    Frozen,
    Judgment,
    Label,
    OrderOutcome,
    Outcome,
    PreferencePair,
    Tie,
    Verdict,
)

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
        """Return the pair without the texts of the judgment: what is left gives the same figures, in little memory."""
        judgment = self.judgment
        orders = tuple(OrderOutcome(order=shown.order, outcome=_bare(shown.outcome)) for shown in judgment.orders)
        bare = Judgment(outcome=_bare(judgment.outcome), orders=orders, decided_by=judgment.decided_by)
        return self.model_copy(update={"judgment": bare})

    def line(self) -> bytes:
        """Return the pair as a line of judgments.jsonl, without its end."""
        try:
            return self.model_dump_json().encode()
        except PydanticSerializationError:
            # A model's text can hold half a surrogate pair, which no UTF-8 file can; it becomes "?".
            return json.dumps(self.model_dump(mode="json"), ensure_ascii=False).encode("utf-8", "replace")

    def category(self, outcome: Outcome) -> Category:
        """Return what one of the judgment's outcomes says about the human label."""
        if isinstance(outcome, Verdict):
            return "chosen" if outcome.preferred == self.chosen_slot else "rejected"
        return "failed" if isinstance(outcome, Failed) else "tie"


def _bare(outcome: Outcome) -> Outcome:
    """Return what is counted: the preference, or why there is none."""
    match outcome:
        case Verdict():
            return _PREFERRED[outcome.preferred]
        case Tie():
            return _TIE
        case Failed():
            return Failed(reason=outcome.reason)


_PREFERRED = {"A": Verdict(preferred="A"), "B": Verdict(preferred="B")}
_TIE = Tie(reason="")
