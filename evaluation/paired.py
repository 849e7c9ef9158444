"""Is a judge better than it was? Two runs over the same pairs, compared pair by pair.

The two runs share their pairs, and easy pairs are right in both; so their intervals may overlap although one is
reliably better, and what decides is where they differ.
"""

import math
from collections.abc import Sequence
from typing import Literal

from openrubrics.evaluation.agreement import by_id
from openrubrics.evaluation.intervals import bootstrap_difference
from openrubrics.evaluation.metrics import comparisons
from openrubrics.evaluation.results import EvaluatedPair
from openrubrics.signatures.values import Frozen, Orders

_SIGNIFICANT = 0.05


class Paired(Frozen):
    """How the accuracy of two runs over the same pairs differs.

    Attributes:
        pairs: Number of pairs, at least 1.
        before: Accuracy of the first run in [0, 1], as in `openrubrics.evaluation.Figures`.
        after: Accuracy of the second run.
        difference: after - before, from -1 to 1.
        difference_ci: 95 % interval of `difference`, which is always in it: bootstrap over pairs, where both results
            of a pair stay together; `openrubrics.evaluation.intervals.bootstrap_difference` says what it is where all
            pairs differ by the same.
        gained: Pairs that became right; a pair is right if it is right in all orders that were asked for.
        lost: Pairs that were right and no longer are.
        mcnemar_p: Two-sided p of McNemar's exact test on `gained` and `lost`; 1 where there are none of either.
    """

    pairs: int
    before: float
    after: float
    difference: float
    difference_ci: tuple[float, float]
    gained: int
    lost: int
    mcnemar_p: float

    @property
    def verdict(self) -> Literal["reliable gain", "no reliable gain", "reliable loss"]:
        """Whether the second run is reliably better or worse.

        That takes both: an interval of the difference on one side of 0, and a p below 0.05 with more pairs gained than
        lost, or the other way round. Everything else is "no reliable gain", which does not say that there is none.
        """
        low, high = self.difference_ci
        if self.mcnemar_p < _SIGNIFICANT and low > 0 and self.gained > self.lost:
            return "reliable gain"
        if self.mcnemar_p < _SIGNIFICANT and high < 0 and self.gained < self.lost:
            return "reliable loss"
        return "no reliable gain"


def compare(
    before: Sequence[EvaluatedPair], after: Sequence[EvaluatedPair], *, orders: Orders, seed: int = 0
) -> Paired:
    """Return how the second run differs from the first.

    Args:
        before: At least one judged pair.
        after: The same pairs, in any order; which slot held the chosen response may differ.
        orders: What both runs asked for.
        seed: For the bootstrap.

    Raises:
        DataError: A run is empty or repeats an id, the two have other ids, or a pair was judged in more orders than
            `orders`.
        UsageError: `seed` is negative.
    """
    first, second = by_id([before, after])
    scores = [(_right(result, orders), _right(second[name], orders)) for name, result in first.items()]
    gained = sum(was < 1 and now == 1 for was, now in scores)
    lost = sum(was == 1 and now < 1 for was, now in scores)
    pairs = len(scores)
    return Paired(
        pairs=pairs,
        before=sum(was for was, _ in scores) / pairs,
        after=sum(now for _, now in scores) / pairs,
        difference=sum(now - was for was, now in scores) / pairs,
        difference_ci=bootstrap_difference([now - was for was, now in scores], seed=seed),
        gained=gained,
        lost=lost,
        mcnemar_p=mcnemar(gained, lost),
    )


def mcnemar(gained: int, lost: int) -> float:
    """Return the two-sided p of McNemar's exact test: could as many gains and losses come from fair coins?

    It is twice the binomial tail P(X <= min(gained, lost)) for gained + lost tosses, and at most 1.

    Source: Q. McNemar, Note on the sampling error of the difference between correlated proportions or percentages,
    Psychometrika 12 (1947); exact in the form of the sign test.
    """
    n, k = gained + lost, min(gained, lost)
    largest = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2)
    tail = term = 1.0  # in units of P(X = k), the largest term, from which the others follow downwards
    for i in range(k, 0, -1):
        term *= i / (n - i + 1)
        tail += term
        if term < tail * 1e-17:
            break
    return min(1.0, 2 * math.exp(largest) * tail)


def _right(result: EvaluatedPair, orders: Orders) -> float:
    """Return the share of orders in which the judge agrees with the label."""
    outcomes = comparisons(result, orders)
    return sum(result.category(outcome) == "chosen" for outcome in outcomes) / len(outcomes)
