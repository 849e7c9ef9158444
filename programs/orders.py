"""A comparison in one order of the responses or in both, and what the orders come to together."""

from collections.abc import Sequence
from typing import get_args

from openrubrics.programs.gatekeeper import GatekeeperJudge
from openrubrics.programs.steps import Call, Steps
from openrubrics.signatures import Failed, Judgment, OrderOutcome, Orders, Outcome, Rubric, Tie, Verdict
from openrubrics.signatures.errors import UsageError


def check_orders(orders: Orders) -> None:
    """Refuse what is not one of the two.

    Raises:
        UsageError: The hint names them.
    """
    if orders not in get_args(Orders):
        raise UsageError(f"unknown orders {orders!r}", f"orders are {' and '.join(get_args(Orders))}")


def judged_by(
    rubric: Rubric | Failed, judge: GatekeeperJudge, orders: Orders, prompt: str, response_a: str, response_b: str
) -> Steps[Judgment]:
    """The second stage of a program: judge under what the first one wrote, in the orders that are asked for.

    Args:
        rubric: What was written; without a rubric nobody is asked.
        judge: Compares under it.
        orders: As in `openrubrics.programs.RubricRM`.
        prompt: The text of the request.
        response_a: Shown first in the first order.
        response_b: The other response.
    """
    if isinstance(rubric, Failed):
        return Judgment(outcome=Failed(reason=f"no rubric: {rubric.reason}", raw=rubric.raw))
    inputs = {"prompt": prompt, "rubric": rubric}
    shown = [(response_a, response_b), (response_b, response_a)][: 2 if orders == "both" else 1]
    calls = [Call(judge, inputs | {"response_a": a, "response_b": b}, metered=False) for a, b in shown]
    judged: list[Judgment] = yield calls
    return over_orders([judgment.orders[0] for judgment in judged], rubric)


def over_orders(shown: Sequence[OrderOutcome], rubric: Rubric | None = None) -> Judgment:
    """Return the judgment over one order or two.

    Args:
        shown: What was said with the responses as given, and with the responses swapped; each with the names A and B
            as they were shown.
        rubric: The rubric used.
    """
    outcomes = [shown[0], *(_swapped(other) for other in shown[1:])]
    return Judgment(outcome=combine(*outcomes), rubric=rubric, orders=tuple(outcomes))


def _swapped(shown: OrderOutcome) -> OrderOutcome:
    """Return the result of the swapped order with the caller's names for the responses."""
    votes = tuple(vote.model_copy(update={"outcome": vote.outcome.swapped()}) for vote in shown.votes)
    return OrderOutcome(
        order="BA",
        outcome=shown.outcome.swapped(),
        votes=votes,
        compared=tuple(one.swapped() for one in shown.compared),
        score=None if shown.score is None else 0.0 - shown.score,  # 0 has no sign
    )


def combine(first: OrderOutcome, second: OrderOutcome | None = None) -> Outcome:
    """Return one outcome for the orders that were shown, by the rule of `openrubrics.programs.RubricRM`."""
    if second is None:
        return first.outcome
    match first.outcome, second.outcome:
        case (Failed() as failed, _) | (_, Failed() as failed):
            shown = first if isinstance(first.outcome, Failed) else second
            return Failed(reason=f"order {shown.order} failed: {failed.reason}", raw=failed.raw)
        case Verdict() as one, Verdict() as other if one.preferred == other.preferred:
            measured = [p for p in (one.probability, other.probability) if p is not None]
            return one.model_copy(update={"probability": sum(measured) / len(measured) if measured else None})
        case Tie() as one, Tie():
            return one
        case one, other:
            return Tie(
                reason=f"the orders disagree: {_name(one)} when A is shown first, {_name(other)} when B is",
                gatekeeper=one.gatekeeper,
                findings=one.findings,
            )


def _name(outcome: Verdict | Tie) -> str:
    return f"Response {outcome.preferred}" if isinstance(outcome, Verdict) else "tie"
