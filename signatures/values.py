"""The values that judging starts from: prompts, pairs, checks and rubrics, frozen pydantic models without any DSPy.

What judging comes to is in `openrubrics.signatures.outcomes`.
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
