"""What curation settles on and what it leaves behind: settings, attempts, and items with their reasons."""

from typing import Literal

from pydantic import Field, field_validator

from openrubrics.data.slots import slot_of_chosen
from openrubrics.data.specificity import TopicFinding
from openrubrics.signatures.outcomes import Failed, Judgment, Tie, Usage
from openrubrics.signatures.values import Frozen, Label, Orders, PreferencePair, RankedResponses, Rubric

Reason = Literal[
    "kept",
    "no rubric",
    "no judgment",
    "tie",
    "orders disagree",
    "rejected response preferred",
    "accuracy below tau",
    "topic-specific principle",
]
"""Why a pair is kept or not; every pair has exactly one, the first that applies in the order of `reason_of`."""


class CurationSettings(Frozen):
    """How the filter decides (preference-label consistency, OpenRubrics v3, section 3, Eq. 1-5).

    Attributes:
        tau: Least share of an item's pairs that the judge must get right, in [0, 1]; 0.5 in the paper. With two
            responses there is one pair, and every value above 0 says the same.
        attempts: Rubrics that are written for an item at most: another one is sampled while no pair of it is kept. One
            that was written and judged before is not judged again.
        orders: With ``both``, a pair counts as right only if the judge is right with the responses swapped, too.
        general_only: Whether a rubric with a topic-specific principle is rejected, before any judge is asked.
        seed: For the order in which the judge sees the responses.
    """

    tau: float = Field(default=0.5, ge=0, le=1, allow_inf_nan=False)
    attempts: int = Field(default=1, ge=1)
    orders: Orders = "single"
    general_only: bool = False
    seed: int = 0


class Attempt(Frozen):
    """One rubric of an item, and what the judge made of it.

    Attributes:
        rubric: The rubric, or why none could be written.
        topic_specific: What in its principles is bound to the topic (`openrubrics.data.specificity`).
        judgments: One for each pair of the item, in the order of `RankedResponses.pairs`; each without the rubric,
            which is the one above, with A and B as the judge saw them first. Empty where the judge was not asked.
        reasons: One for each pair, in the same order.
        accuracy: Share of the pairs that the judge got right, in [0, 1]; ties and failures are wrong. None where the
            judge was not asked.
    """

    rubric: Rubric | Failed
    topic_specific: tuple[TopicFinding, ...] = ()
    judgments: tuple[Judgment, ...] = ()
    reasons: tuple[Reason, ...]
    accuracy: float | None = Field(default=None, ge=0, le=1)

    @property
    def kept(self) -> int:
        """Number of pairs that are kept."""
        return self.reasons.count("kept")

    @property
    def failures(self) -> tuple[Failed, ...]:
        """Why there is no rubric or no judgment, once for each pair that has none."""
        if isinstance(self.rubric, Failed):
            return (self.rubric,) * len(self.reasons)
        outcomes = (judgment.outcome for judgment in self.judgments)
        return tuple(outcome for outcome in outcomes if isinstance(outcome, Failed))

    @property
    def rank(self) -> tuple[int, float, int]:
        """How good it is: kept pairs, then accuracy, then how few judgments are missing."""
        return self.kept, -1.0 if self.accuracy is None else self.accuracy, -len(self.failures)


class CuratedPair(Frozen):
    """A pair with its rubric, and whether that rubric reproduces the human label.

    Attributes:
        pair: The pair; of a longer ranking, one of its induced pairs.
        group: Id of the ranking; of a pair that is none, its own.
        rubric: The rubric, or why none could be written.
        chosen_slot: Where the judge saw the chosen response, the first time where there were two.
        judgment: What the judge said with the rubric; None where it was not asked.
        accuracy: Share of the group's pairs that the judge got right; None where it was not asked.
        attempt: Which rubric of the group this is, from 1.
        attempts: How many were written.
        kept: Whether the pair passed the filter.
        reason: Why, or why not.
        topic_specific: What in the rubric's principles is bound to the topic.
    """

    pair: PreferencePair
    group: str
    rubric: Rubric | Failed
    chosen_slot: Label
    judgment: Judgment | None
    accuracy: float | None
    attempt: int
    attempts: int
    kept: bool
    reason: Reason
    topic_specific: tuple[TopicFinding, ...]


class CuratedItem(Frozen):
    """An item with every rubric that was written for it.

    Attributes:
        item: The responses as they were read.
        seed: For the order in which the judge saw them.
        attempts: In the order in which they were made, at least one.
        usage: What all of them cost, also where it was spent by an earlier run that was stopped.
    """

    item: RankedResponses
    seed: int
    attempts: tuple[Attempt, ...] = Field(min_length=1)
    usage: Usage = Usage()

    @field_validator("attempts")
    @classmethod
    def _one_reason_a_pair(cls, attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
        if len({len(attempt.reasons) for attempt in attempts}) > 1:
            raise ValueError("the attempts decide different numbers of pairs")
        return attempts

    @property
    def chosen(self) -> int:
        """Index of the attempt that counts: the best by `Attempt.rank`, of equals the first."""
        return max(range(len(self.attempts)), key=lambda index: (self.attempts[index].rank, -index))

    @property
    def best(self) -> Attempt:
        """The attempt that counts."""
        return self.attempts[self.chosen]

    @property
    def failed(self) -> bool:
        """Whether a rubric or a judgment is missing in the attempt that counts."""
        return bool(self.best.failures)

    def pairs(self) -> tuple[CuratedPair, ...]:
        """Return every induced pair with the rubric of the attempt that counts."""
        chosen = self.chosen
        best = self.attempts[chosen]
        rubric = best.rubric if isinstance(best.rubric, Rubric) else None
        judgments = [judgment.model_copy(update={"rubric": rubric}) for judgment in best.judgments]
        pairs = self.item.pairs()
        return tuple(
            CuratedPair(
                pair=pair,
                group=self.item.id,
                rubric=best.rubric,
                chosen_slot=slot_of_chosen(pair.id, self.seed),
                judgment=judgment,
                accuracy=best.accuracy,
                attempt=chosen + 1,
                attempts=len(self.attempts),
                kept=reason == "kept",
                reason=reason,
                topic_specific=best.topic_specific,
            )
            for pair, judgment, reason in zip(pairs, judgments or [None] * len(pairs), best.reasons, strict=True)
        )


def reason_of(judgment: Judgment, chosen_slot: Label, accuracy: float, tau: float) -> Reason:
    """Return why a judged pair is kept or not.

    Args:
        judgment: Of the pair.
        chosen_slot: Where the judge saw the chosen response.
        accuracy: Of all pairs of the item.
        tau: Least accuracy.
    """
    if isinstance(judgment.outcome, Failed):
        return "no judgment"
    if isinstance(judgment.outcome, Tie):
        return "orders disagree" if judgment.orders_agree is False else "tie"
    if judgment.outcome.preferred != chosen_slot:
        return "rejected response preferred"
    return "kept" if accuracy >= tau else "accuracy below tau"
