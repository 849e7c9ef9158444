"""Does it matter which response is shown first?"""

from collections.abc import Sequence
from math import hypot

from openrubrics.evaluation.audits.measures import measured, share
from openrubrics.evaluation.audits.question import Asked, Auditor, Given, examples
from openrubrics.evaluation.audits.result import Audit, Example, Measured
from openrubrics.evaluation.intervals import Interval, bootstrap, wilson
from openrubrics.evaluation.metrics import position_bias
from openrubrics.evaluation.results import EvaluatedPair
from openrubrics.signatures.outcomes import Verdict
from openrubrics.signatures.values import Orders

_BIAS = "how much more than half of the verdicts go to the response shown first, from -0.5 to 0.5"
_FLIPS = "share of pairs that the judge decides for another response once the two are swapped"
_TITLE = "Position: does it matter which response is shown first?"


def _measure(given: Given, asked: Sequence[Asked]) -> Audit:
    results = given.judged
    figures, missing = _bias(results, given.orders, given.seed)
    if given.orders == "single":
        missing.append("flips: each pair was shown in one order only; ask with --orders both")
    else:
        figures = [*_flips(results), *figures]
    return Audit(
        name="position",
        title=_TITLE,
        measured=tuple(figures),
        examples=examples(
            Example(id=result.id, change="the responses were swapped", before=_said(result, 0), after=_said(result, 1))
            for result in results
            if _flipped(result)
        ),
        not_measured=tuple(missing),
    )


def _verdicts(result: EvaluatedPair) -> list[Verdict]:
    return [shown.outcome for shown in result.judgment.orders if isinstance(shown.outcome, Verdict)]


def _flipped(result: EvaluatedPair) -> bool:
    return len({verdict.preferred for verdict in _verdicts(result)}) > 1


def _said(result: EvaluatedPair, order: int) -> str:
    shown = result.judgment.orders[order]
    return f"the {result.category(shown.outcome)} response, with Response {shown.order[0]} first"


def _flips(results: Sequence[EvaluatedPair]) -> list[Measured]:
    """Return the share of flips over all pairs with two verdicts, and in each domain where there are several."""
    decided = [result for result in results if len(_verdicts(result)) == 2]
    domains = sorted({result.domain for result in decided})
    groups = {"": decided}
    if len(domains) > 1:
        groups |= {name: [result for result in decided if result.domain == name] for name in domains}
    return [
        share("flips", [_flipped(one) for one in members], unit="pairs with two verdicts", says=_FLIPS, group=name)
        for name, members in groups.items()
    ]


def _bias(results: Sequence[EvaluatedPair], orders: Orders, seed: int) -> tuple[list[Measured], list[str]]:
    """Return the position bias; of both orders over pairs with two verdicts, so that each pair stays together."""
    asked = 2 if orders == "both" else 1
    decided = [result for result in results if len(_verdicts(result)) == asked]
    value = position_bias(decided)
    if value is None:
        return [], ["position bias: too few verdicts"]
    interval = _paired(decided, seed) if orders == "both" else _unpaired(decided, value)
    unit = "pairs with two verdicts" if orders == "both" else "pairs with a verdict"
    return [measured("position bias", value, interval, n=len(decided), unit=unit, says=_BIAS, no_effect=0.0)], []


def _paired(results: Sequence[EvaluatedPair], seed: int) -> Interval:
    low, high = bootstrap([sum(_first(result)) / 2 for result in results], seed=seed)
    return low - 0.5, high - 0.5


def _unpaired(results: Sequence[EvaluatedPair], value: float) -> Interval:
    """Return the interval of a mean of two shares of other pairs, from their Wilson intervals (Newcombe 1998)."""
    below = above = 0.0
    for chosen_first in (True, False):
        flags = [
            _first(one)[0] for one in results if (one.judgment.orders[0].order[0] == one.chosen_slot) is chosen_first
        ]
        low, high = wilson(sum(flags), len(flags))
        middle = sum(flags) / len(flags)
        below, above = hypot(below, middle - low), hypot(above, high - middle)
    return value - below / 2, value + above / 2


def _first(result: EvaluatedPair) -> list[bool]:
    """Return whether each verdict went to the response that was shown first."""
    return [
        shown.outcome.preferred == shown.order[0]
        for shown in result.judgment.orders
        if isinstance(shown.outcome, Verdict)
    ]


POSITION = Auditor("position", _TITLE, _measure)
