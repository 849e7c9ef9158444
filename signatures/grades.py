"""What a pointwise judge says about one response: a grade with the findings behind it, never a number for a failure."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field

from openrubrics.signatures.outcomes import Failed, Usage
from openrubrics.signatures.values import Frozen, Rubric


class Met(Frozen):
    """Whether a response meets one criterion.

    Attributes:
        criterion: 1-based position in the rubric.
        met: Whether the criterion, as it is worded, holds for the response; one that describes a fault is met where
            the fault is there.
        reason: Why, in the judge's words; of a check, what it found.
        decided_by: A model, or a check that is bound to the criterion.
    """

    criterion: int = Field(ge=1)
    met: bool
    reason: str = ""
    decided_by: Literal["judge", "check"] = "judge"


class Score(Frozen):
    """The response has a score.

    Attributes:
        value: Higher is better. Under a rubric the weight of the criteria that are met / the weight of all, in
            [0, 1]; other scorers have scales of their own.
        error: Standard error of the value, where the scorer estimates one; None where it does not.
    """

    kind: Literal["score"] = "score"
    value: float = Field(allow_inf_nan=False)
    error: float | None = Field(default=None, ge=0, allow_inf_nan=False)


class Grade(Frozen):
    """What a scorer says about one response.

    Attributes:
        outcome: The score; `Failed` where a criterion has no finding, or there is nothing at all.
        rubric: The rubric used; None where none could be written, or the scorer has none.
        met: Finding for each criterion that has one, in the order of the rubric.
        raw: The model's replies.
        usage: What it cost.
    """

    outcome: Annotated[Score | Failed, Field(discriminator="kind")]
    rubric: Rubric | None = None
    met: tuple[Met, ...] = ()
    raw: tuple[str, ...] = ()
    usage: Usage = Usage()

    @property
    def value(self) -> float | None:
        """The score; None where there is none."""
        return self.outcome.value if isinstance(self.outcome, Score) else None


class Best(Frozen):
    """The best of several responses to one prompt.

    Attributes:
        index: Place of the response with the highest score, the first one of several; None where none has a score.
        grades: What was said about each response, in the order in which they were given.
        usage: What it all cost, a rubric that was written for it included.
    """

    index: int | None
    grades: tuple[Grade, ...]
    usage: Usage = Usage()

    @classmethod
    def of(cls, grades: Sequence[Grade]) -> Self:
        """Choose the best one; a failed grade is never best."""
        scored = [(grade.value, -place) for place, grade in enumerate(grades) if grade.value is not None]
        return cls(index=-max(scored)[1] if scored else None, grades=tuple(grades))
