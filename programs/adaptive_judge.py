"""The adaptive judge (OpenRS, arXiv 2602.14069): criteria made for one comparison, and a score by fixed arithmetic."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from pydantic import JsonValue

from openrubrics.programs.adaptive_outcome import judged_order, over_both_as_released, rubric_of, told_apart
from openrubrics.programs.aggregation import Aggregation, check_aggregation
from openrubrics.programs.arguments import check_texts
from openrubrics.programs.domain_router import DomainRouter
from openrubrics.programs.enforce import decide_by_checks
from openrubrics.programs.orders import check_orders, over_orders
from openrubrics.programs.predict import BoundPredict
from openrubrics.programs.program import Program
from openrubrics.programs.reference_checker import ReferenceChecker
from openrubrics.programs.steps import Call, Steps, arun, run
from openrubrics.signatures import Failed, Judgment, OrderOutcome, Orders, Prompt, Rubric, Verdict, prompt_text
from openrubrics.signatures.adaptive import (
    ADAPTIVE,
    ADAPTIVE_CRITERIA,
    COMPARISON_BY_CRITERIA,
    CompareAdaptively,
    CompareByCriteria,
    WriteAdaptiveCriteria,
)
from openrubrics.signatures.adaptive_text import AdaptiveTrace, ListedCriterion, render_list
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.meta_rubric import MetaRubric
from openrubrics.signatures.meta_rubric_file import default_meta_rubric
from openrubrics.signatures.meta_rubric_shown import shown
from openrubrics.signatures.values import Order
from openrubrics.verifiers.guards import request_checks

AUTO = "auto"
"""The domain that a model chooses for each request."""


class AdaptiveRubricJudge(Program):
    """Compare two responses on criteria that a model writes for them under a meta-rubric (PAMR of OpenRS).

    The model compares on each criterion and quotes its evidence; `openrubrics.programs.aggregation` makes a score of
    that. Where code finds that exactly one response breaks a rule of the request or is degenerate, no model is asked
    (PVR). `OrderOutcome.compared` says what was found; its texts name the responses as they were shown in that order.
    `Judgment.rubric` holds the criteria of the first order; where each order has its own, those of the second stand in
    its `compared` alone. With the shipped document a prompt has about 11,000 characters besides request and responses.
    Evidence that does not occur in its response is marked there, and counts all the same. A reply that leaves out a
    criterion of its own list, or is unreadable on one, is `Failed`. A criterion that speaks of Response A or B by name
    is allowed only where it is used in the order that it was written for, that is with one call.

    Args:
        meta_rubric: How criteria are written, typed and weighted; the default one where none is given.
        domain: Its part that is used besides the general one: a name, ``general`` for none, or ``auto`` to ask the
            model once for each prompt.
        two_calls: Write the criteria in one request, from both responses as they are given, and compare in a second,
            which does not see the meta-rubric; both orders then share the criteria. Else both are one request, and each
            order has criteria of its own. The paper's figure draws two steps, the released code sends one request.
        aggregation: ``symmetric`` (ours) or ``released``, also over two orders.
        threshold: A score nearer to 0 than this is a tie.
        orders: As for `openrubrics.programs.RubricRM`; with ``released`` both orders count as in the released code.
        guards: Look for what the meta-rubric names as guards before anything is sent.

    Raises:
        UsageError: An option is not what it should be, or the meta-rubric has no such part.
    """

    metered = True

    if TYPE_CHECKING:

        def __call__(self, prompt: Prompt, response_a: str, response_b: str, reference: str | None = None) -> Judgment:
            """As `forward`, through DSPy."""
            ...

        async def acall(
            self, prompt: Prompt, response_a: str, response_b: str, reference: str | None = None
        ) -> Judgment:
            """As `aforward`, through DSPy."""
            ...

    def __init__(
        self,
        meta_rubric: MetaRubric | None = None,
        *,
        domain: str = AUTO,
        two_calls: bool = False,
        aggregation: Aggregation = "symmetric",
        threshold: float = 0.0,
        orders: Orders = "single",
        guards: bool = True,
    ) -> None:
        super().__init__()
        check_orders(orders)
        check_aggregation(aggregation, threshold)
        self.meta_rubric = _checked(default_meta_rubric() if meta_rubric is None else meta_rubric)
        if domain != AUTO:
            self.meta_rubric.part(domain)
        self.domain = domain
        self.aggregation: Aggregation = aggregation
        self.threshold = threshold
        self.orders: Orders = orders
        self.guards = guards
        self.two_calls = two_calls
        self.route = DomainRouter()
        self.check_reference = ReferenceChecker()
        if two_calls:
            self.write = BoundPredict(WriteAdaptiveCriteria, ADAPTIVE_CRITERIA)
            self.predict = BoundPredict(CompareByCriteria, COMPARISON_BY_CRITERIA)
        else:
            self.predict = BoundPredict(CompareAdaptively, ADAPTIVE)

    @property
    def settings(self) -> dict[str, JsonValue]:
        """See `Program.settings`; the meta-rubric stands there by its fingerprint."""
        own: dict[str, JsonValue] = {
            "orders": self.orders,
            "meta_rubric": f"{self.meta_rubric.name} v{self.meta_rubric.version} ({self.meta_rubric.fingerprint})",
            "domain": self.domain,
            "two_calls": self.two_calls,
            "aggregation": self.aggregation,
            "threshold": self.threshold,
            "guards": self.guards,
        }
        return super().settings | own

    def forward(self, prompt: Prompt, response_a: str, response_b: str, reference: str | None = None) -> Judgment:
        """Return the judgment; what went wrong for this item only is a `Failed` outcome.

        Args:
            prompt: The request.
            response_a: Shown first in the first order.
            response_b: The other response.
            reference: The right answer, where one is known: both responses are then checked against it, one by one,
                and compared with each other only where that does not tell them apart. The comparison never sees it.
                The judgment says that it was given.

        Raises:
            UsageError: An argument is not what it should be; nothing was sent.
            LMError: The endpoint cannot answer at all.
        """
        return run(self.steps(prompt, response_a, response_b, reference), metered=True)

    async def aforward(
        self, prompt: Prompt, response_a: str, response_b: str, reference: str | None = None
    ) -> Judgment:
        """As `forward`; both orders are asked for at the same time."""
        return await arun(self.steps(prompt, response_a, response_b, reference), metered=True)

    def steps(self, prompt: Prompt, response_a: str, response_b: str, reference: str | None = None) -> Steps[Judgment]:
        """See `Program.steps`."""
        text = prompt_text(prompt)
        check_texts(response_a=response_a, response_b=response_b)
        if reference is not None and not (isinstance(reference, str) and reference.strip()):
            raise UsageError(f"reference is {reference!r:.60}", "give the right answer as text, or None")
        judged = self._by_checks(text, response_a, response_b)
        if judged is None and reference is not None:
            judged = yield from self._by_reference(text, response_a, response_b, reference)
        if judged is None:
            judged = yield from self._by_comparison(text, response_a, response_b)
        return judged.model_copy(update={"reference_assisted": True}) if reference is not None else judged

    def _by_checks(self, text: str, a: str, b: str) -> Judgment | None:
        rules = request_checks(text, self.meta_rubric.guards) if self.guards else ()
        rubric = Rubric(criteria=rules) if rules else None
        verdict = decide_by_checks(rubric, a, b) if rubric else None
        return self._decided(verdict, rubric).model_copy(update={"decided_by": "checks"}) if verdict else None

    def _by_reference(self, text: str, a: str, b: str, reference: str) -> Steps[Judgment | None]:
        asked = {"prompt": text, "reference": reference}
        checked = yield [Call(self.check_reference, asked | {"response": one}, metered=False) for one in (a, b)]
        verdict = told_apart(*checked)
        return self._decided(verdict, None).model_copy(update={"decided_by": "reference"}) if verdict else None

    def _decided(self, verdict: Verdict, rubric: Rubric | None) -> Judgment:
        shown_orders: tuple[Order, ...] = ("AB", "BA") if self.orders == "both" else ("AB",)
        orders = tuple(OrderOutcome(order=order, outcome=verdict) for order in shown_orders)
        return Judgment(outcome=verdict, rubric=rubric, orders=orders)

    def _by_comparison(self, text: str, a: str, b: str) -> Steps[Judgment]:
        domain = self.domain
        if domain == AUTO:
            (routed,) = yield [Call(self.route, {"prompt": text, "meta_rubric": self.meta_rubric}, metered=False)]
            if isinstance(routed, Failed):
                return Judgment(outcome=Failed(reason=f"no domain: {routed.reason}", raw=routed.raw))
            domain = cast("str", routed)
        inputs = {"prompt": text, "response_a": a, "response_b": b}
        if self.two_calls:
            judged = yield from self._in_two_calls(inputs, domain)
        else:
            judged = yield from self._in_one_call(inputs, domain)
        return judged.model_copy(update={"domain": domain})

    def _in_one_call(self, inputs: dict[str, str], domain: str) -> Steps[Judgment]:
        rules = {"meta_rubric": shown(self.meta_rubric, domain)}
        asked = self._in_orders(inputs)
        answers = yield [Call(self.predict, rules | one) for one in asked]
        traces: list[AdaptiveTrace | Failed] = [answer.comparison for answer in answers]
        found = [self._judged(trace, None, one) for trace, one in zip(traces, asked, strict=True)]
        first = traces[0]
        return self._together(found, first.criteria if isinstance(first, AdaptiveTrace) else ())

    def _in_two_calls(self, inputs: dict[str, str], domain: str) -> Steps[Judgment]:
        rules = {"meta_rubric": shown(self.meta_rubric, domain)}
        (answer,) = yield [Call(self.write, rules | inputs)]
        written: AdaptiveTrace | Failed = answer.criteria
        if isinstance(written, Failed):
            return Judgment(outcome=Failed(reason=f"no criteria: {written.reason}", raw=written.raw))
        asked = self._in_orders(inputs)
        listed = {"criteria": render_list(written.criteria)}
        answers = yield [Call(self.predict, listed | one) for one in asked]
        found = [self._judged(answer.comparison, written, one) for answer, one in zip(answers, asked, strict=True)]
        return self._together(found, written.criteria)

    def _in_orders(self, inputs: dict[str, str]) -> list[dict[str, str]]:
        swapped = inputs | {"response_a": inputs["response_b"], "response_b": inputs["response_a"]}
        return [inputs, swapped] if self.orders == "both" else [inputs]

    def _judged(
        self, trace: AdaptiveTrace | Failed, written: AdaptiveTrace | None, inputs: dict[str, str]
    ) -> OrderOutcome:
        return judged_order(
            trace,
            written,
            inputs["response_a"],
            inputs["response_b"],
            weights=self.meta_rubric.weights,
            aggregation=self.aggregation,
            threshold=self.threshold,
        )

    def _together(self, found: Sequence[OrderOutcome], criteria: Sequence[ListedCriterion]) -> Judgment:
        rubric = rubric_of(criteria, self.meta_rubric.weights) if criteria else None
        judged = over_orders(found, rubric)
        if len(found) == 1:
            return judged
        first, second = judged.orders
        if self.aggregation == "released":
            outcome = over_both_as_released(first, second, self.threshold)
            judged = judged.model_copy(update={"outcome": outcome})
        if not self.two_calls:  # what was found in the second order is numbered by criteria of its own
            judged = judged.model_copy(update={"orders": (first, _without_findings(second))})
        return judged


def _without_findings(shown: OrderOutcome) -> OrderOutcome:
    """Return an outcome without findings, of which `OrderOutcome.compared` has more."""
    if isinstance(shown.outcome, Failed):
        return shown
    votes = tuple(
        vote.model_copy(update={"outcome": vote.outcome.model_copy(update={"findings": ()})}) for vote in shown.votes
    )
    outcome = shown.outcome.model_copy(update={"findings": ()})
    return shown.model_copy(update={"outcome": outcome, "votes": votes})


def _checked(meta_rubric: MetaRubric) -> MetaRubric:
    if not isinstance(meta_rubric, MetaRubric):
        kind = type(meta_rubric).__name__
        raise UsageError(f"meta_rubric is of type {kind}", "read a document with read_meta_rubric or MetaRubric.parse")
    return meta_rubric
