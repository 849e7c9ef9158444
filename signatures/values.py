"""The values that move between rooms: frozen pydantic models without any DSPy in them.

An outcome is one of three things (`Verdict`, `Tie`, `Failed`), and a failure is a value: it is counted and reported,
never scored as a number, a preference or a tie.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.model_text import excerpt
from openrubrics.signatures.rubric_text import (
    MOST_CRITERIA,
    CriterionKind,
    canonical_line,
    has_words,
    parse_criteria,
    render_criteria,
)

Label = Literal["A", "B"]
"""The slot of a response in a comparison."""

Order = Literal["AB", "BA"]
"""How two responses were shown: as given, or swapped."""

Orders = Literal["single", "both"]
"""Whether a comparison is asked once as given, or a second time with the responses swapped."""

OTHER: Mapping[Label, Label] = {"A": "B", "B": "A"}


class Frozen(BaseModel):
    """Base of all values: immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def fingerprint(value: object) -> str:
    """Return 16 hex digits that are equal for equal JSON content, on any machine and in any process."""
    content = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Message(Frozen):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


Prompt = str | tuple[Message, ...]
"""A request: plain text, or the conversation so far with the user's turn last.

Values hold a conversation as a tuple of `Message`; they and `prompt_text` take lists, and messages as
``{"role": ..., "content": ...}``, too.
"""

_SPEAKERS = {"system": "System", "user": "Human", "assistant": "Assistant"}
_TURN = re.compile(r"(?<=\n)([^\S\n]*\n)(?=\\*(?:System|Human|Assistant):)")
_CONVERSATION = TypeAdapter(Annotated[tuple[Message, ...], Field(min_length=1)])


def prompt_text(prompt: Prompt | Sequence[Message | Mapping[str, str]]) -> str:
    r"""Return the text of a prompt as the judge reads it.

    A single user message is its content; a longer conversation becomes a transcript of
    ``\n\nHuman: ...\n\nAssistant: ...`` turns that ends with an open assistant turn. A line inside a message that looks
    like the beginning of a turn gets a backslash, so that different conversations have different texts. A prompt that
    is text stays as it is, also where it is a transcript already.

    Raises:
        UsageError: The prompt is neither text nor messages with text.
    """
    if isinstance(prompt, str):
        return prompt
    try:
        messages = _CONVERSATION.validate_python(prompt)
    except ValidationError as error:
        raise UsageError(
            f"a prompt cannot be read from {excerpt(repr(prompt))}",
            'give a text, or messages such as {"role": "user", "content": "hi"}; other roles are system and assistant',
        ) from error
    if len(messages) == 1 and messages[0].role == "user":
        return messages[0].content
    turns = (f"\n\n{_SPEAKERS[message.role]}: " + _TURN.sub(r"\1\\", message.content) for message in messages)
    return "".join(turns) + "\n\nAssistant:"


class PreferencePair(Frozen):
    """A human preference: `chosen` is better than `rejected` as an answer to `prompt`.

    Attributes:
        id: Unique within its file.
        domain: Subset name that results are reported by.
        source: Where the pair comes from.
        meta: Anything else; may reveal the label, so it is never shown to a judge.
    """

    id: str
    prompt: Prompt
    chosen: str
    rejected: str
    domain: str = "general"
    source: str = ""
    meta: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _responses_differ(self) -> Self:
        if self.chosen == self.rejected:
            raise ValueError("chosen and rejected are the same text, so there is no preference to learn from")
        return self


class RankedResponses(Frozen):
    """Two or more different responses to one prompt, best first.

    Attributes:
        id: Unique within its file.
        responses: Each is better than those after it.
        domain: Subset name that results are reported by.
        source: Where they come from.
        meta: Anything else; may reveal the ranking, so it is never shown to a judge.
    """

    id: str
    prompt: Prompt
    responses: tuple[str, ...] = Field(min_length=2)
    domain: str = "general"
    source: str = ""
    meta: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _responses_differ(self) -> Self:
        if len(set(self.responses)) < len(self.responses):
            raise ValueError("two of the responses are the same text, so there is no preference between them")
        return self

    @classmethod
    def of(cls, pair: PreferencePair) -> Self:
        """Return a pair as a ranking of two, with the same id."""
        fields = pair.model_dump(exclude={"prompt", "chosen", "rejected"})
        return cls(prompt=pair.prompt, responses=(pair.chosen, pair.rejected), **fields)

    def pairs(self) -> tuple[PreferencePair, ...]:
        """Return every pair of responses, the better one chosen: M (M - 1) / 2 pairs of M responses.

        Two responses make one pair with the id of the ranking; of more, pair 1>3 of ranking x has the id ``x#1>3``.
        """
        ranked = list(enumerate(self.responses, 1))
        fields = self.model_dump(exclude={"id", "prompt", "responses"})
        return tuple(
            PreferencePair(
                id=self.id if len(ranked) == 2 else f"{self.id}#{i}>{j}",
                prompt=self.prompt,
                chosen=better,
                rejected=worse,
                **fields,
            )
            for (i, better), (j, worse) in combinations(ranked, 2)
        )


class Check(Frozen):
    """A programmatic verifier by name, with its arguments: data, never code.

    The registry of `openrubrics.verifiers` says which names exist and what arguments each takes.
    """

    name: str
    arguments: dict[str, JsonValue] = Field(default_factory=dict)

    @field_validator("arguments")
    @classmethod
    def _can_be_saved(cls, arguments: dict[str, JsonValue]) -> dict[str, JsonValue]:
        json.dumps(arguments, allow_nan=False)  # JSON has no infinity: it would be saved as null
        return arguments


class Criterion(Frozen):
    """One rule of a rubric, in one line of text.

    White space is collapsed and Markdown emphasis around the whole text removed, so that the text form of a rubric
    gives back exactly the same criterion.

    Attributes:
        text: "The response ...", without number and tag; it holds a letter or a digit.
        kind: Explicit constraint or implicit quality.
        weight: Relative importance, above 0.
        check: Verifier that decides this criterion without a model, where one is bound.
    """

    text: str
    kind: CriterionKind
    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    check: Check | None = None

    @field_validator("text", mode="before")
    @classmethod
    def _canonical(cls, text: object) -> object:
        return canonical_line(text) if isinstance(text, str) else text

    @field_validator("text")
    @classmethod
    def _says_something(cls, text: str) -> str:
        if not has_words(text):
            raise ValueError(f"a criterion needs a letter or a digit, and there is none in {text!r}")
        return text


class Rubric(Frozen):
    """An ordered list of distinct criteria, at least one and at most 999.

    ``str(rubric)`` is the numbered list that models read and write, `Rubric.parse` its tolerant inverse for texts and
    kinds; JSON (``model_dump_json``) is lossless.
    """

    criteria: tuple[Criterion, ...] = Field(min_length=1, max_length=MOST_CRITERIA)

    @field_validator("criteria")
    @classmethod
    def _distinct(cls, criteria: tuple[Criterion, ...]) -> tuple[Criterion, ...]:
        seen: set[str] = set()
        for criterion in criteria:
            key = criterion.text.casefold()
            if key in seen:
                raise ValueError(f"criterion appears twice: {criterion.text!r}")
            seen.add(key)
        return criteria

    @classmethod
    def parse(cls, text: str) -> Rubric:
        """Read a rubric as a model writes it.

        Raises:
            ParseError: No criterion was found, and the message says what was there instead; or there are too many.
        """
        return cls(criteria=tuple(Criterion(text=line, kind=kind) for line, kind in parse_criteria(text)))

    def __str__(self) -> str:
        return render_criteria((c.text, c.kind) for c in self.criteria)

    @property
    def fingerprint(self) -> str:
        """Stable identity over all fields of all criteria."""
        return fingerprint(self)

    @property
    def hard_rules(self) -> tuple[Criterion, ...]:
        """Criteria of kind ``hard_rule``, in order."""
        return tuple(c for c in self.criteria if c.kind == "hard_rule")

    @property
    def principles(self) -> tuple[Criterion, ...]:
        """Criteria of kind ``principle``, in order."""
        return tuple(c for c in self.criteria if c.kind == "principle")


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
