"""The two-stage reward model: write a rubric for the request, then compare under it (OpenRubrics v3, section 4)."""

from typing import TYPE_CHECKING

from pydantic import JsonValue

from openrubrics.programs.arguments import check_rubric, check_texts
from openrubrics.programs.enforce import asked_rules, decide_by_checks
from openrubrics.programs.gatekeeper import GatekeeperJudge
from openrubrics.programs.orders import check_orders, judged_by
from openrubrics.programs.program import Program
from openrubrics.programs.ranking import Ranking, RankMode, rank_steps
from openrubrics.programs.rubric_generator import RubricGenerator
from openrubrics.programs.steps import Call, Steps, arun, at_most, run, through_dspy
from openrubrics.signatures import Judgment, OrderOutcome, Orders, Prompt, Rubric, Verdict, prompt_text
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.values import Order
from openrubrics.verifiers import attach_checks, own_request


class RubricRM(Program):
    """Compare two responses to a request with reasons a person can check.

    Args:
        generator: Writes the rubric; a fresh `RubricGenerator` by default.
        judge: Compares under it; by default a `GatekeeperJudge` with `votes` votes.
        votes: Number of judge replies at most for each order; they share one rubric.
        orders: With ``both``, a verdict holds only if it survives swapping the responses: two verdicts that contradict
            each other are a `Tie` that says so, and an order that failed makes the judgment `Failed`.
        rubric: A fixed rubric for all requests; then none is written.
        enforce_checks: Let code decide before any request is sent, where exactly one response passes all hard rules
            that code can check: those that the request itself states, and no rubric is then written; or those of a
            fixed rubric that have a check already, or that the request states too. Of a conversation only the last
            turn of the user states rules. `Judgment.rubric` holds the rules and their checks.

    Raises:
        UsageError: Both `judge` and `votes` are given, or an option is not what it should be.
    """

    metered = True

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
        check_orders(orders)
        if rubric is not None:
            check_rubric(rubric)
        self.generate = generator or RubricGenerator()
        self.judge = judge or GatekeeperJudge(votes=1 if votes is None else votes)
        self.orders: Orders = orders
        self.rubric = rubric
        self.enforce_checks = enforce_checks

    @property
    def settings(self) -> dict[str, JsonValue]:
        """See `Program.settings`."""
        own: dict[str, JsonValue] = {
            "orders": self.orders,
            "enforce_checks": self.enforce_checks,
            "rubric": self.rubric.model_dump(mode="json") if self.rubric else None,
        }
        return super().settings | own

    def forward(self, prompt: Prompt, response_a: str, response_b: str) -> Judgment:
        """Return the judgment; what went wrong for this item only is a `Failed` outcome.

        Raises:
            UsageError: An argument is not what it should be; nothing was sent.
            LMError: The endpoint cannot answer at all.
        """
        return run(self.steps(prompt, response_a, response_b), metered=True)

    async def aforward(self, prompt: Prompt, response_a: str, response_b: str) -> Judgment:
        """As `forward`; both orders are asked for at the same time."""
        return await arun(self.steps(prompt, response_a, response_b), metered=True)

    def rank(self, prompt: Prompt, responses: list[str], mode: RankMode = "sort") -> Ranking:
        """Rank two or more responses, best first, one comparison after the other.

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

    async def arank(
        self, prompt: Prompt, responses: list[str], mode: RankMode = "sort", concurrency: int = 16
    ) -> Ranking:
        """As `rank`.

        Args:
            prompt: The request.
            responses: The answers.
            mode: As for `rank`; only the comparisons of ``all`` can be asked at the same time.
            concurrency: Number of comparisons at most that are under way; with both orders each is two requests.
        """
        return await arun(rank_steps(self, prompt, responses, mode), at_most(concurrency, through_dspy))

    def steps(self, prompt: Prompt, response_a: str, response_b: str) -> Steps[Judgment]:
        """See `Program.steps`."""
        text = prompt_text(prompt)
        check_texts(response_a=response_a, response_b=response_b)
        rubric = self.rubric
        if self.enforce_checks:
            request = own_request(text)
            rubric = attach_checks(request, rubric) if rubric else None
            rules = rubric or asked_rules(request)
            verdict = decide_by_checks(rules, response_a, response_b) if rules else None
            if rules and verdict:
                return self._decided_by_checks(rules, verdict)
        if rubric is None:
            rubric = self.generate.known(text)
        if rubric is None:
            (rubric,) = yield [Call(self.generate, {"prompt": text})]
        return (yield from judged_by(rubric, self.judge, self.orders, text, response_a, response_b))

    def _decided_by_checks(self, rubric: Rubric, verdict: Verdict) -> Judgment:
        shown: tuple[Order, ...] = ("AB", "BA") if self.orders == "both" else ("AB",)
        orders = tuple(OrderOutcome(order=order, outcome=verdict) for order in shown)
        return Judgment(outcome=verdict, rubric=rubric, orders=orders, decided_by="checks")
