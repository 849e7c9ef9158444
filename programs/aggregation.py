"""From comparisons criterion by criterion to one score, by fixed arithmetic and never by a model.

There are two rules. `released` is that of OpenRS's released code, number for number, with the oddities that it has.
`symmetric` is ours and the default; it differs in four points. A criterion on which the responses are equal counts in
the denominator, so that one small difference among many ties is a small score. Critical criteria that cancel out do
not hide all the others. Every score lies in [-1, 1]. And over two orders a win in one and a tie in the other is a tie,
where the released rule takes it for a win if the winner was shown first in the order that it won.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.meta_rubric import CriterionType
from openrubrics.signatures.outcomes import Compared
from openrubrics.signatures.values import Label

Aggregation = Literal["symmetric", "released"]
"""By which rule comparisons become a score."""

EPSILON = 1e-6
"""What the released code adds to the denominator."""

LARGEST_MARGIN = 2

Weights = Mapping[CriterionType, float]


def check_aggregation(aggregation: Aggregation, threshold: float) -> None:
    """Refuse an unknown rule, and a threshold that is none.

    Raises:
        UsageError: The message says which.
    """
    if aggregation not in get_args(Aggregation):
        raise UsageError(f"unknown aggregation {aggregation!r}", f"rules are {' and '.join(get_args(Aggregation))}")
    if not (math.isfinite(threshold) and threshold >= 0):
        raise UsageError(f"threshold is {threshold!r}, but a number of at least 0 is needed")
    if aggregation == "symmetric" and threshold > 1:
        raise UsageError(
            f"threshold is {threshold!r}, but no score by the symmetric rule is above 1: all would be ties",
            "take one of at most 1",
        )


def released(compared: Sequence[Compared], weights: Weights, threshold: float = 0.0) -> float:
    """Return the score of the released code (OpenRS, ``parse_pair_score``).

    Criteria with margin 0 are skipped. If a critical one is left, the score is the sum of the critical values, however
    many there are, and nothing else counts; else the weighted mean of the values. Its oddities are kept: equal
    criteria do not enter the denominator, though a margin above 0 with a tie does; critical ones that cancel out give
    0; and a sum of critical ones is not bounded by 2.

    Args:
        compared: What was found; types without a weight are dropped.
        weights: By type; 5, 2 and 1 in the released code.
        threshold: A score nearer to 0 than this is 0.

    Returns:
        Above 0 where A is better; in (-2, 2) where no critical criterion counts.

    Raises:
        UsageError: The weights are so large that there is no sum.
    """
    fatal, is_fatal = 0, False
    total = weight = 0.0
    for one in compared:
        if one.by == 0:
            continue
        if one.type == "critical":
            fatal, is_fatal = fatal + one.value, True
        elif one.type in weights:
            total += weights[one.type] * one.value
            weight += weights[one.type]
    score = float(fatal) if is_fatal else total / (weight + EPSILON) if weight > 0 else 0.0
    if not math.isfinite(score):
        raise UsageError("the weights are too large for a sum", "give smaller ones in the meta-rubric")
    return 0.0 if abs(score) < threshold else score


def symmetric(compared: Sequence[Compared], weights: Weights, threshold: float = 0.0) -> float:
    """Return our score, in [-1, 1] and above 0 where A is better; exchanging A and B changes its sign and nothing else.

    Where the values of the critical criteria do not add up to 0, the score is their sum over the largest that it could
    be, and nothing else counts. Else it is the same for the others by weight: ``sum(w v) / (2 sum(w))``, with the
    criteria on which the responses are equal in both sums.

    Args:
        compared: What was found; types without a weight are dropped.
        weights: By type.
        threshold: A score nearer to 0 than this is 0.
    """
    fatal = [one.value for one in compared if one.type == "critical"]
    if sum(fatal):
        score = sum(fatal) / (LARGEST_MARGIN * len(fatal))
    else:
        rest = [(weights[one.type], one.value) for one in compared if one.type in weights]
        largest = max((weight for weight, _ in rest), default=1.0)  # so that no sum is infinite
        total = math.fsum(weight / largest for weight, _ in rest)
        score = (
            math.fsum(weight / largest * value for weight, value in rest) / (LARGEST_MARGIN * total) if rest else 0.0
        )
    return 0.0 if abs(score) < threshold else score


RULES = {"symmetric": symmetric, "released": released}
"""The rules by their names."""


def vetoed_by(compared: Sequence[Compared], score: float) -> Compared | None:
    """Return the critical criterion that decided: the first of those that speak for the side of the score.

    Args:
        compared: What was found.
        score: What it came to by either rule.

    Returns:
        None where the critical criteria did not decide.
    """
    fatal = [one for one in compared if one.type == "critical"]
    if not score or not sum(one.value for one in fatal):
        return None
    return next(one for one in fatal if one.value * score > 0)


def released_pair(first: float, second: float, threshold: float = 0.0) -> Label | Literal["tie"]:
    """Return what two orders come to in the released code (OpenRS, ``evaluate_pair``).

    A wins where ``first > m`` and ``second <= -m``, B where ``first <= -m`` and ``second > m``, and everything else is
    a tie. So with m = 0 a response that wins where it is shown first and ties in the other order wins; one that ties
    where it is shown first and wins in the other order does not.

    Args:
        first: Score with A shown first, above 0 where A is better.
        second: Score of the swapped order as it came out there, above 0 where the response shown first is better: B.
        threshold: m.
    """
    if first > threshold and second <= -threshold:
        return "A"
    if first <= -threshold and second > threshold:
        return "B"
    return "tie"
