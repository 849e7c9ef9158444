"""What a completion of a group is paid for its comparisons, and which groups teach nothing.

BRPO (Writing-Zero, arXiv 2506.00103), on which OpenRS (arXiv 2602.14069) builds its reward, pays 1 for a win against
an anchor drawn from the group under every voting condition, -1 otherwise, and 0 for the anchor; of groups of 16 it
drops those where ``abs(sum of payments) / 16`` is above 0.6, since their anchor is an outlier. So say notes on the
paper and a public trainer that follows it; its equations we have not read. Copies of the anchor are paid as the anchor,
a comparison that failed is not paid, and the 16 become the payments that there are: that is ours.

Whether OpenRS pays the sign or the score of its judge, and how it weighs verifiable rubrics, is not published:
``graded`` and the weighing here are ours.
"""

import math
from collections.abc import Sequence
from typing import Literal

from openrubrics.evaluation.comparing import Settled, score
from openrubrics.signatures import Tie, Verdict

Payment = Literal["share", "brpo", "graded"]


def pay(payment: Payment, found: Sequence[Settled], *, is_anchor: bool) -> float | None:
    """Return what a completion is paid for its comparisons; None where there are none with an outcome.

    Args:
        payment: As in `openrubrics.train.RubricReward`.
        found: What its comparisons came to; without ``share`` and for an answer other than the anchor, just one.
        is_anchor: Whether its text is that of the anchor.
    """
    counted = score(found)
    if payment == "share" or not counted.readable:
        return counted.share
    if is_anchor:
        return 0.0
    (settled,) = found
    return _graded(settled) if payment == "graded" else _brpo(settled)


def _brpo(settled: Settled) -> float:
    return 1.0 if isinstance(settled.outcome, Verdict) and settled.outcome.preferred == "A" else -1.0


def _graded(settled: Settled) -> float:
    if settled.margin is not None:
        return max(-1.0, min(1.0, settled.margin))
    return 0.0 if isinstance(settled.outcome, Tie) else _brpo(settled)


def is_lopsided(payments: Sequence[float | None], above: float) -> bool:
    """Return whether ``abs(sum) / n`` over the payments that there are is above a bound."""
    known = [each for each in payments if each is not None]
    return bool(known) and abs(math.fsum(known)) / len(known) > above


def with_checks(payments: Sequence[float | None], shares: Sequence[float | None], weight: float) -> list[float | None]:
    """Return the rewards of a group: payments, guarded by checks, with the weighted share of checks passed.

    A completion that breaks a rule is paid at most what the worst paid one that passes all checks is paid, so that its
    reward is below that of each of these. Where no check can be read nothing is added.

    Args:
        payments: One for each completion of the group.
        shares: Share of the checks that each passes, in [0, 1]; None where none could be decided.
        weight: What passing all checks is worth.
    """
    passing = [paid for paid, share in zip(payments, shares, strict=True) if paid is not None and share == 1]
    ceiling = min(passing, default=math.inf)
    rewards: list[float | None] = []
    for paid, share in zip(payments, shares, strict=True):
        if paid is None or share is None:
            rewards.append(paid)
        else:
            rewards.append((paid if share == 1 else min(paid, ceiling)) + weight * share)
    return rewards
