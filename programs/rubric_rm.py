"""The two-stage reward model: write a rubric for the request, then compare under it (OpenRubrics v3, section 4)."""

from typing import TYPE_CHECKING, Literal

from openrubrics.lms import usage_meter
from openrubrics.programs.enforce import decide_by_checks
from openrubrics.programs.gatekeeper import GatekeeperJudge
from openrubrics.programs.program import Program
from openrubrics.programs.ranking import Ranking, RankMode, rank_steps
from openrubrics.programs.rubric_generator import RubricGenerator
from openrubrics.programs.steps import Call, Steps, arun, run
from openrubrics.signatures import (
    Failed,
    Judgment,
    OrderOutcome,
    Outcome,
    Prompt,
    Rubric,
    Tie,
    Verdict,
    prompt_text,
)
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.values import Order
from openrubrics.verifiers import attach_checks

Orders = Literal["single", "both"]
"""Compare once as given, or a second time with the responses swapped."""


class RubricRM(Program):
    """Compare two responses to a request with reasons a person can check.

    Args:
        generator: Writes the rubric; a fresh `RubricGenerator` by default.
        judge: Compares under it; by default a `GatekeeperJudge` with `votes` votes.
        votes: Number of judge replies at most for each order; they share one rubric.
        orders: With ``both``, a verdict holds only if it survives swapping the responses: two verdicts that contradict
            each other are a `Tie` that says so, and an order that failed makes the judgment `Failed`.
        rubric: A fixed rubric for all requests; then none is written.
        enforce_checks: Bind verifiers to hard rules that both the rubric and the request state, and let them decide
            before any judging where exactly one response passes them all.

    Raises:
        UsageError: Both `judge` and `votes` are given.
    """

    if TYPE_CHECKING:

        def __call__(self, prompt: Prompt, response_a: str, response_b: str) -> Judgment:
            """As `forward`, through DSPy."""
            ...

        async def acall(self, prompt: Prompt, response_a: str, response_b: str) -> Judgment:
            """As `aforward`, through DSPy."""
            ...

    def __init__(
        self,
        generator: RubricGenerator | None = None,
        judge: GatekeeperJudge | None = None,
        *,
        votes: int | None = None,
        orders: Orders = "single",
        rubric: Rubric | None = None,
        enforce_checks: bool = False,
    ) -> None:
        super().__init__()
        if judge is not None and votes is not None:
            raise UsageError("both judge and votes are given", "set votes on the judge")
        self.generate = generator or RubricGenerator()
        self.judge = judge or GatekeeperJudge(votes=votes or 1)
        self.orders: Orders = orders
        self.rubric = rubric
        self.enforce_checks = enforce_checks

    def forward(self, prompt: Prompt, response_a: str, response_b: str) -> Judgment:
        """Return the judgment; what went wrong for this item only is a `Failed` outcome.

        Raises:
            LMError: The endpoint cannot answer at all.
        """
        with usage_meter() as meter:
            judgment = run(self._steps(prompt, response_a, response_b))
        return judgment.model_copy(update={"usage": meter.usage})

    async def aforward(self, prompt: Prompt, response_a: str, response_b: str) -> Judgment:
        """As `forward`; both orders are asked for at the same time."""
        with usage_meter() as meter:
            judgment = await arun(self._steps(prompt, response_a, response_b))
        return judgment.model_copy(update={"usage": meter.usage})

    def rank(self, prompt: Prompt, responses: list[str], mode: RankMode = "sort") -> Ranking:
        """Rank two or more responses, best first.

        Args:
            prompt: The request.
            responses: The answers.
            mode: ``sort`` asks O(n log n) comparisons and trusts them to be transitive; ``all`` asks all n(n-1)/2,
                orders by wins and reports cycles.

        Raises:
            UsageError: Fewer than two responses, or an unknown mode.
            LMError: The endpoint cannot answer at all.
        """
        return run(rank_steps(self, prompt, responses, mode))

    async def arank(self, prompt: Prompt, responses: list[str], mode: RankMode = "sort") -> Ranking:
        """As `rank`."""
        return await arun(rank_steps(self, prompt, responses, mode))

    def _steps(self, prompt: Prompt, response_a: str, response_b: str) -> Steps[Judgment]:
        rubric = self.rubric
        if rubric is None:
            (written,) = yield [Call(self.generate, {"prompt": prompt})]
            if isinstance(written, Failed):
                return Judgment(outcome=Failed(reason=f"no rubric: {written.reason}", raw=written.raw))
            rubric = written
        if self.enforce_checks:
            rubric = attach_checks(prompt_text(prompt), rubric)
            verdict = decide_by_checks(rubric, response_a, response_b)
            if verdict is not None:
                return self._decided_by_checks(rubric, verdict)
        inputs = {"prompt": prompt, "rubric": rubric}
        calls = [Call(self.judge, inputs | {"response_a": response_a, "response_b": response_b})]
        if self.orders == "both":
            calls.append(Call(self.judge, inputs | {"response_a": response_b, "response_b": response_a}))
        judged: list[Judgment] = yield calls
        outcomes = [judged[0].orders[0], *(_swapped(judgment.orders[0]) for judgment in judged[1:])]
        return Judgment(outcome=combine(*outcomes), rubric=rubric, orders=tuple(outcomes))

    def _decided_by_checks(self, rubric: Rubric, verdict: Verdict) -> Judgment:
        shown: tuple[Order, ...] = ("AB", "BA") if self.orders == "both" else ("AB",)
        orders = tuple(OrderOutcome(order=order, outcome=verdict) for order in shown)
        return Judgment(outcome=verdict, rubric=rubric, orders=orders, decided_by="checks")


def _swapped(shown: OrderOutcome) -> OrderOutcome:
    """Return the result of the swapped order with the caller's names for the responses."""
    votes = tuple(vote.model_copy(update={"outcome": vote.outcome.swapped()}) for vote in shown.votes)
    return OrderOutcome(order="BA", outcome=shown.outcome.swapped(), votes=votes)


def combine(first: OrderOutcome, second: OrderOutcome | None = None) -> Outcome:
    """Return one outcome for the orders that were shown, by the rule of `RubricRM`."""
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
