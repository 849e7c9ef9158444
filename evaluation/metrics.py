"""Figures over judged pairs. A tie or a failure is never right, and a failure is never a tie.

A *comparison* is one order of one pair: a run that asked for single orders has as many comparisons as pairs, one that
asked for both has twice as many, whatever became of them.
"""

from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from openrubrics.evaluation.intervals import bootstrap, wilson
from openrubrics.evaluation.results import EvaluatedPair
from openrubrics.signatures.errors import DataError
from openrubrics.signatures.outcomes import Failed, Outcome, Verdict
from openrubrics.signatures.values import Frozen, Orders

_ASKED = {"single": 1, "both": 2}


class Figures(Frozen):
    """How well a judge agrees with the human labels of some pairs. Shares are in [0, 1].

    Attributes:
        pairs: Number of pairs, at least 1.
        comparisons: Number of pairs times number of orders asked for.
        accuracy: Right comparisons / comparisons.
        accuracy_ci: 95 % interval of `accuracy` with n = pairs; `accuracy` is always in it. For a single order it is
            Wilson's; for both a bootstrap over pairs, or Wilson's where all pairs have the same number of right orders.
        consistent_accuracy: Pairs that are right in both orders / pairs; None for a single order.
        ties: Comparisons that came to a tie.
        failed: Comparisons without an outcome.
        coverage: 1 - failed / comparisons.
        flips: Pairs whose two orders prefer different responses / pairs; None for a single order.
        position_bias: How much more than half of the verdicts go to the response that was shown first, from -0.5 to 0.5
            (see `position_bias`); 0 for a judge that does not care.
        length_baseline: What always choosing the response with more characters would score; equal lengths count half.
    """

    pairs: int
    comparisons: int
    accuracy: float
    accuracy_ci: tuple[float, float]
    consistent_accuracy: float | None
    ties: int
    failed: int
    coverage: float
    flips: float | None
    position_bias: float | None
    length_baseline: float


def measure(results: Sequence[EvaluatedPair], *, orders: Orders, seed: int = 0) -> Figures:
    """Return the figures of a run.

    Args:
        results: At least one.
        orders: What the run asked for.
        seed: For the bootstrap.

    Raises:
        DataError: There are no results, or a pair was judged in more orders than `orders`.
        UsageError: `seed` is negative, and both orders need a bootstrap.
    """
    if not results:
        raise DataError("there are no judged pairs to measure", "give at least one pair")
    both = orders == "both"
    categories = [[result.category(outcome) for outcome in comparisons(result, orders)] for result in results]
    pairs = len(results)
    total = pairs * _ASKED[orders]
    counts = Counter(category for row in categories for category in row)
    scores = [row.count("chosen") / len(row) for row in categories]
    return Figures(
        pairs=pairs,
        comparisons=total,
        accuracy=counts["chosen"] / total,
        accuracy_ci=bootstrap(scores, seed=seed) if both else wilson(counts["chosen"], pairs),
        consistent_accuracy=scores.count(1) / pairs if both else None,
        ties=counts["tie"],
        failed=counts["failed"],
        coverage=1 - counts["failed"] / total,
        flips=sum(set(row) == {"chosen", "rejected"} for row in categories) / pairs if both else None,
        position_bias=position_bias(results),
        length_baseline=length_baseline(results),
    )


def comparisons(result: EvaluatedPair, orders: Orders) -> tuple[Outcome, ...]:
    """Return one outcome for each order that was asked for.

    A judgment that never got as far as an order (no rubric could be written, say) has its outcome in all of them; an
    order that is missing beside another one has failed.

    Raises:
        DataError: The judgment has more orders than were asked for.
    """
    asked, judgment = _ASKED[orders], result.judgment
    if len(judgment.orders) > asked:
        raise DataError(f"pair {result.id!r} was judged in {len(judgment.orders)} orders, but the run says {orders!r}")
    if not judgment.orders:
        return (judgment.outcome,) * asked
    missing = Failed(reason="this order was not judged")
    return tuple(shown.outcome for shown in judgment.orders) + (missing,) * (asked - len(judgment.orders))


def position_bias(results: Sequence[EvaluatedPair]) -> float | None:
    """Return how much more than half of the verdicts go to the response that was shown first, from -0.5 to 0.5.

    It is the mean of two shares, minus 0.5: of verdicts for the first response where the chosen one was first, and
    where it was second. So neither being right or wrong nor how often a seed put the chosen response first counts as
    bias: a judge that is always right, or always wrong, has 0, and one that always takes the first has 0.5. None where
    one of the two placements has no verdicts.
    """
    taken: dict[bool, list[bool]] = {True: [], False: []}
    for result in results:
        for shown in result.judgment.orders:
            if isinstance(shown.outcome, Verdict):
                first = shown.order[0]
                taken[first == result.chosen_slot].append(shown.outcome.preferred == first)
    return fmean(fmean(placement) for placement in taken.values()) - 0.5 if all(taken.values()) else None


def length_baseline(results: Sequence[EvaluatedPair]) -> float:
    """Return the accuracy of always choosing the response with more characters; equal lengths count half."""
    points = (0.5 if r.longer_slot is None else float(r.longer_slot == r.chosen_slot) for r in results)
    return sum(points) / len(results)


def decided_by(results: Sequence[EvaluatedPair]) -> dict[str, int]:
    """Return how many pairs were decided by each of `Judgment.decided_by`; failed ones count for the judge."""
    counts = Counter(result.judgment.decided_by for result in results)
    return {who: counts[who] for who in ("judge", "checks", "reference")}


def failures(results: Sequence[EvaluatedPair], orders: Orders) -> dict[str, int]:
    """Return how many comparisons failed for each reason, most frequent first."""
    outcomes = (outcome for result in results for outcome in comparisons(result, orders))
    return dict(Counter(outcome.reason for outcome in outcomes if isinstance(outcome, Failed)).most_common())
