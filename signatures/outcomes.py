"""What judging comes to: frozen values of outcomes, votes, orders, whole judgments and what they cost.

An outcome is one of three things (`Verdict`, `Tie`, `Failed`), and a failure is a value: it is counted and reported,
never scored as a number, a preference or a tie.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from openrubrics.signatures.values import OTHER, Frozen, Label, Order, Rubric


class Finding(Frozen):
    """What the judge found about one criterion in one response.

    Attributes:
        criterion: 1-based position in the rubric.
        response: Which response it is about.
        text: The judge's justification.
    """

    criterion: int = Field(ge=1)
    response: Label
    text: str


class Verdict(Frozen):
    """One response is preferred.

    Attributes:
        preferred: The better response.
        probability: Probability of `preferred` in [0, 1] as measured from token log-probabilities; None where the
            endpoint gave none.
        gatekeeper: The objective criterion that the judge put first; None where it named none.
        findings: Criterion by criterion, for A and for B.
        justification: Why, in the judge's words; it names responses as they were shown.
    """

    kind: Literal["verdict"] = "verdict"
    preferred: Label
    probability: float | None = Field(default=None, ge=0, le=1)
    gatekeeper: str | None = None
    findings: tuple[Finding, ...] = ()
    justification: str = ""

    def swapped(self) -> Verdict:
        """Return the same verdict with the names A and B exchanged."""
        return self.model_copy(update={"preferred": OTHER[self.preferred], "findings": _swap(self.findings)})


class Tie(Frozen):
    """Neither response is preferred: the judge said so, or its verdicts cancel out.

    Attributes:
        reason: Who says so and why.
    """

    kind: Literal["tie"] = "tie"
    reason: str
    gatekeeper: str | None = None
    findings: tuple[Finding, ...] = ()

    def swapped(self) -> Tie:
        """Return the same tie with the names A and B exchanged."""
        return self.model_copy(update={"findings": _swap(self.findings)})


class Failed(Frozen):
    """There is no outcome; counted apart and reported, never scored.

    Attributes:
        reason: What went wrong.
        raw: The model's text, empty where there was none.
    """

    kind: Literal["failed"] = "failed"
    reason: str
    raw: str = ""

    def swapped(self) -> Failed:
        """Return itself: a failure has no sides."""
        return self


def _swap(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(f.model_copy(update={"response": OTHER[f.response]}) for f in findings)


Outcome = Annotated[Verdict | Tie | Failed, Field(discriminator="kind")]
"""What a comparison came to."""


class Usage(Frozen):
    """What was spent.

    Attributes:
        calls: Requests sent to an endpoint (a request for n samples is one call; cached answers are none).
        prompt_tokens: Tokens read, as the endpoint counts them.
        completion_tokens: Tokens written.
        cost: US dollars, None where the price of the model is unknown.
    """

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None

    def __add__(self, other: Usage) -> Usage:
        costs = [u.cost for u in (self, other) if u.calls]
        return Usage(
            calls=self.calls + other.calls,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            cost=None if not costs or None in costs else sum(c for c in costs if c is not None),
        )

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens


class Vote(Frozen):
    """One reply of the judge.

    Attributes:
        outcome: What it says, with the caller's names for A and B.
        raw: The reply itself, with A and B as they were shown.
    """

    outcome: Outcome
    raw: str = ""


class Compared(Frozen):
    """What an adaptive judge found on one criterion of its own.

    Attributes:
        text: The criterion.
        type: How much it decides: ``critical``, ``core``, ``important`` or ``highlight`` (OpenRS).
        better: The response that is better on it.
        by: How clearly, from 0 to 2.
        evidence_a: Passage of Response A that shows it; empty where the judge gave none.
        evidence_b: The same of Response B.
        reason: Why, in the judge's words.
        unquoted: Responses in which the evidence given for them does not occur.
    """

    text: str
    type: Literal["critical", "core", "important", "highlight"]
    better: Label | Literal["tie"]
    by: int = Field(ge=0, le=2)
    evidence_a: str = ""
    evidence_b: str = ""
    reason: str = ""
    unquoted: tuple[Label, ...] = ()

    @property
    def value(self) -> int:
        """From -2 (B is clearly better) to 2 (A is)."""
        return {"A": self.by, "B": -self.by, "tie": 0}[self.better]

    def swapped(self) -> Compared:
        """Return the same with the names A and B exchanged."""
        return self.model_copy(
            update={
                "better": self.better if self.better == "tie" else OTHER[self.better],
                "evidence_a": self.evidence_b,
                "evidence_b": self.evidence_a,
                "unquoted": tuple(OTHER[label] for label in reversed(self.unquoted)),
            }
        )


class OrderOutcome(Frozen):
    """What the judge said with the responses shown in one order.

    Attributes:
        order: How they were shown.
        outcome: Decision of the votes, with the caller's names for A and B.
        votes: Every vote that was asked for, failed ones too.
        compared: Criterion by criterion, with the caller's names for A and B; empty for judges that do not score
            criteria one by one.
        score: What the program made of `compared`; above 0 where A is better. None where there is none.
    """

    order: Order
    outcome: Outcome
    votes: tuple[Vote, ...] = ()
    compared: tuple[Compared, ...] = ()
    score: float | None = None


class Judgment(Frozen):
    """A comparison of two responses, with everything a person needs to check it.

    Attributes:
        outcome: The result over all orders.
        rubric: The rubric used; None where none could be written, or the judge uses none.
        orders: The result for each order that was shown.
        decided_by: ``judge`` (a model), ``checks`` (bound verifiers decided before any call), or ``reference`` (a
            model that was given the right answer compared each response with it).
        reference_assisted: Whether the judge was given the right answer; such judgments do not compare with others.
        domain: Part of the meta-rubric that was used; empty for judges without one.
        usage: What this judgment cost; a rubric that was already cached costs nothing.
    """

    outcome: Outcome
    rubric: Rubric | None = None
    orders: tuple[OrderOutcome, ...] = ()
    decided_by: Literal["judge", "checks", "reference"] = "judge"
    reference_assisted: bool = False
    domain: str = ""
    usage: Usage = Usage()

    @property
    def orders_agree(self) -> bool | None:
        """Whether both orders prefer the same response; None unless both orders gave an outcome."""
        if len(self.orders) != 2 or any(isinstance(o.outcome, Failed) for o in self.orders):
            return None
        first, second = (o.outcome.preferred if isinstance(o.outcome, Verdict) else "tie" for o in self.orders)
        return first == second

    @property
    def preferred(self) -> Label | None:
        """The preferred response; None for a tie or a failure."""
        return self.outcome.preferred if isinstance(self.outcome, Verdict) else None
