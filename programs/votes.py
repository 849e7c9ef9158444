"""Voting@k: several replies of the judge, and one outcome (OpenRubrics v3, section 4: the rubric is not sampled).

The rule, stated once: failed votes are dropped. Among the rest the most frequent answer (A, B or tie) is the outcome;
when the most frequent answers are level, the outcome is a tie that says so. Only when every vote failed is it `Failed`.
"""

from collections import Counter
from collections.abc import Sequence

from openrubrics.signatures import Failed, Outcome, Tie, Verdict, Vote


def decided(votes: Sequence[Vote], wanted: int) -> bool:
    """Whether votes that are still missing cannot change the outcome any more, or none are missing."""
    remaining = wanted - len(votes)
    ranked = [count for _, count in _count(votes).most_common(2)] + [0, 0]
    return remaining <= 0 or ranked[0] > ranked[1] + remaining


def tally(votes: Sequence[Vote]) -> Outcome:
    """Return the outcome of all votes by the rule of this module.

    A verdict carries the findings of the first vote that agrees with it, and the mean of the measured probabilities.
    """
    if len(votes) == 1:
        return votes[0].outcome
    ranked = _count(votes).most_common()
    if not ranked:
        reasons = "; ".join(dict.fromkeys(v.outcome.reason for v in votes if isinstance(v.outcome, Failed)))
        return Failed(reason=f"all {len(votes)} votes failed: {reasons}", raw=votes[0].raw)
    winner, count = ranked[0]
    if len(ranked) > 1 and ranked[1][1] == count:
        return Tie(reason="the votes are split: " + ", ".join(f"{label} {n}" for label, n in ranked))
    first = next(vote.outcome for vote in votes if _answer(vote) == winner)
    if isinstance(first, Verdict):
        return first.model_copy(update={"probability": _mean_probability(votes, first)})
    return first


def _count(votes: Sequence[Vote]) -> Counter[str]:
    return Counter(answer for vote in votes if (answer := _answer(vote)) is not None)


def _answer(vote: Vote) -> str | None:
    match vote.outcome:
        case Verdict(preferred=label):
            return label
        case Tie():
            return "tie"
        case Failed():
            return None


def _mean_probability(votes: Sequence[Vote], verdict: Verdict) -> float | None:
    measured = [
        v.outcome.probability if v.outcome.preferred == verdict.preferred else 1 - v.outcome.probability
        for v in votes
        if isinstance(v.outcome, Verdict) and v.outcome.probability is not None
    ]
    return sum(measured) / len(measured) if measured else None
