"""Judges that are no programs of this project, in the same harness: functions, and scorers that compare."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Literal, TypeVar

from openrubrics.evaluation.run import Scorer
from openrubrics.lms import is_systemic, lm_error, usage_meter
from openrubrics.programs.arguments import check_texts
from openrubrics.programs.orders import check_orders, over_orders
from openrubrics.signatures.errors import MissingExtraError, UsageError
from openrubrics.signatures.grades import Grade, Score
from openrubrics.signatures.model_text import excerpt
from openrubrics.signatures.outcomes import Failed, Judgment, OrderOutcome, Outcome, Tie, Usage, Verdict, Vote
from openrubrics.signatures.values import Orders, Prompt, prompt_text

T = TypeVar("T")

Said = Literal["A", "B", "tie"] | Judgment | None
"""What a function may answer: a label, a whole judgment, or nothing, which is a failure."""

Compare = Callable[[str, str, str], Said | Awaitable[Said]]
"""Compares two responses to a prompt: prompt (a conversation as its transcript), response A, response B."""


async def together(*work: Coroutine[Any, Any, T]) -> list[T]:
    """Return the results of coroutines that run at the same time; the first error of one cancels the others."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in work]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    return [task.result() for task in tasks]


async def in_orders(
    compare: Callable[[str, str], Coroutine[Any, Any, Judgment]], orders: Orders, response_a: str, response_b: str
) -> Judgment:
    """Compare two responses in one order or in both, by the rule of `openrubrics.programs.RubricRM`.

    Args:
        compare: Compares them as they are shown.
        orders: Which orders.
        response_a: Shown first in the first order.
        response_b: The other one.
    """
    check_texts(response_a=response_a, response_b=response_b)
    if orders == "single":
        return await compare(response_a, response_b)
    judged = await together(compare(response_a, response_b), compare(response_b, response_a))
    judgment = over_orders([_shown(one) for one in judged], judged[0].rubric)
    return judgment.model_copy(update={"usage": judged[0].usage + judged[1].usage})


def _shown(judgment: Judgment) -> OrderOutcome:
    votes = judgment.orders[0].votes if len(judgment.orders) == 1 else ()
    return OrderOutcome(order="AB", outcome=judgment.outcome, votes=votes)


def judgment_of(outcome: Outcome, raw: str = "", usage: Usage | None = None) -> Judgment:
    """Return the judgment that one answer in one order makes."""
    votes = (Vote(outcome=outcome, raw=raw),) if raw else ()
    shown = OrderOutcome(order="AB", outcome=outcome, votes=votes)
    return Judgment(outcome=outcome, orders=(shown,), usage=usage or Usage())


class FunctionJudge:
    """A function as a judge.

    The function gets prompt, response A and response B by position, and answers as `Said` says. It may be asynchronous;
    one that is not is called in the thread of the event loop, so one call at a time. A judgment in one order is taken
    as it is; where both orders are asked for, its outcome counts for the order that was shown.

    An exception makes this one comparison `Failed`. What has nothing to do with it ends the run: `UsageError`,
    `MissingExtraError`, an endpoint that cannot answer at all, a budget that is used up, `MemoryError`, whatever is no
    `Exception`, such as KeyboardInterrupt, and a judgment in both orders where one is asked for.

    Args:
        function: Compares.
        orders: With ``both`` it is called a second time with the responses swapped.

    Raises:
        UsageError: It cannot be called, or `orders` is unknown.
    """

    def __init__(self, function: Compare, *, orders: Orders = "single") -> None:
        if not callable(function):
            raise UsageError(f"{function!r:.60} is no function", "give one of prompt, response A and response B")
        check_orders(orders)
        self.function = function
        self.orders: Orders = orders

    async def acall(self, *, prompt: Prompt, response_a: str, response_b: str) -> Judgment:
        """Return the judgment."""
        text = prompt_text(prompt)
        return await in_orders(lambda a, b: self._compared(text, a, b), self.orders, response_a, response_b)

    async def _compared(self, prompt: str, a: str, b: str) -> Judgment:
        with usage_meter() as meter:
            said = await self._said(prompt, a, b)
        if isinstance(said, Judgment):
            if len(said.orders) > 1 and self.orders == "single":
                hint = "ask for both orders: --orders both (in Python orders='both')"
                raise UsageError("the function judges in both orders, but is asked for one", hint)
            return said
        return judgment_of(_outcome(said), usage=meter.usage)

    async def _said(self, prompt: str, a: str, b: str) -> Said | Failed:
        try:
            said = self.function(prompt, a, b)
            return await said if inspect.isawaitable(said) else said
        except (UsageError, MissingExtraError, MemoryError):
            raise
        except Exception as error:
            ours = lm_error(error)
            if ours is not None and is_systemic(ours):
                raise ours from error
            return Failed(reason=f"the function raised {type(error).__name__}: {' '.join(str(error).split())[:300]}")


def _outcome(said: Said | Failed) -> Outcome:
    match said:
        case Failed():
            return said
        case str("A" | "B" as label):  # str first: what is compared with a text may raise, as arrays do
            return Verdict(preferred=label)
        case str("tie"):
            return Tie(reason="the function answered tie")
        case None:
            return Failed(reason="the function gave no answer")
        case _:
            return Failed(reason=f"the function answered {excerpt(repr(said))}, and not A, B, tie or a Judgment")


class ScoreJudge:
    """A scorer as a judge: the higher score wins, equal scores are a tie, and a missing one is a failure.

    Scores know no order, so each response is scored once, also for both orders.

    Args:
        scorer: Scores one response.
        orders: As for `openrubrics.programs.RubricRM`; the second order has the result of the first one.

    Raises:
        UsageError: `orders` is unknown.
    """

    def __init__(self, scorer: Scorer, *, orders: Orders = "single") -> None:
        check_orders(orders)
        self.scorer = scorer
        self.orders: Orders = orders

    async def acall(self, *, prompt: Prompt, response_a: str, response_b: str) -> Judgment:
        """Return the judgment."""
        check_texts(response_a=response_a, response_b=response_b)
        a, b = await together(*(self._graded(prompt, response) for response in (response_a, response_b)))
        shown = [(a, b), (b, a)][: 2 if self.orders == "both" else 1]
        judgment = over_orders([OrderOutcome(order="AB", outcome=_compared(pair)) for pair in shown], a.rubric)
        return judgment.model_copy(update={"usage": a.usage + b.usage})

    async def _graded(self, prompt: Prompt, response: str) -> Grade:
        return await self.scorer.acall(prompt=prompt, response=response)


def _compared(grades: Sequence[Grade]) -> Outcome:
    first, second = (grade.outcome for grade in grades)
    match first, second:
        case Score(value=a), Score(value=b):
            if a == b:
                return Tie(reason=f"both responses have the score {a:.6g}")
            said = f"Response A has the score {a:.6g}, Response B {b:.6g}."
            return Verdict(preferred="A" if a > b else "B", justification=said)
        case Failed() as failed, _:
            return Failed(reason=f"Response A has no score: {failed.reason}", raw=failed.raw)
        case _, Failed() as failed:
            return Failed(reason=f"Response B has no score: {failed.reason}", raw=failed.raw)
