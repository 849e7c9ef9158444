"""A meta-rubric: the document that says how criteria for one comparison are written, typed, weighted and enforced.

OpenRS (arXiv 2602.14069) has one general part and one part for each domain; a judge sees the general part and at most
one domain's. Its released documents are prompts in Chinese; form and content here are ours. The text form, which people
edit, is in `openrubrics.signatures.meta_rubric_text`; changes are values too (`openrubrics.signatures.edits`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, StringConstraints, field_validator, model_validator

from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.rubric_text import canonical_line, has_words
from openrubrics.signatures.values import Frozen, fingerprint

CriterionType = Literal["critical", "core", "important", "highlight"]
"""How much a criterion decides (OpenRS): a critical one alone, the others by their weights."""

GuardName = Literal["stated_rules", "empty", "cut", "repetition", "language_mix", "refusal"]
"""What code looks for in each response: the rules that the request states, and signs of degenerate output."""

CRITERION_TYPES: tuple[CriterionType, ...] = get_args(CriterionType)
GUARDS: tuple[GuardName, ...] = get_args(GuardName)

GENERAL = "general"
"""Name of the part that holds for every request."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")

Name = Annotated[str, StringConstraints(pattern=rf"^{_NAME.pattern}$")]
"""A short name: lower-case letters, digits, ``-`` and ``_``, at most 40 of them, a letter first."""


def _one_line(text: object) -> object:
    return canonical_line(text) if isinstance(text, str) else text


class _Line(Frozen):
    """Base of what stands in one line of the document: white space is collapsed, and there is a word in it."""

    text: str

    @field_validator("text", mode="before")
    @classmethod
    def _canonical(cls, text: object) -> object:
        return _one_line(text)

    @field_validator("text")
    @classmethod
    def _says_something(cls, text: str) -> str:
        if not has_words(text):
            raise ValueError(f"a line needs a letter or a digit, and there is none in {text!r}")
        return text


class TypeRule(_Line):
    """What a type of criterion is for, and how it is enforced.

    Attributes:
        type: The type.
        weight: Its weight in the aggregate, above 0; None for ``critical``, which decides alone.
        text: When a criterion is of this type.
    """

    type: CriterionType
    weight: float | None = Field(default=None, gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _weighted(self) -> Self:
        if (self.type == "critical") != (self.weight is None):
            raise ValueError("type critical has no weight, since it decides alone, and every other type has one")
        return self


class MetaPrinciple(_Line):
    """A principle that criteria are made from: it is adapted to the request, or left out where it does not apply.

    Attributes:
        name: Unique within its part; edits refer to it.
        type: The type that criteria made from it usually have.
        text: What makes a response better.
    """

    name: Name
    type: CriterionType


class Part(Frozen):
    """The general part.

    Attributes:
        method: How criteria are written, one rule a line.
        principles: What they are made from.
    """

    method: tuple[str, ...] = ()
    principles: tuple[MetaPrinciple, ...] = ()

    @field_validator("method", mode="before")
    @classmethod
    def _lines(cls, method: Iterable[object]) -> tuple[object, ...]:
        return tuple(_one_line(line) for line in method)

    @field_validator("principles")
    @classmethod
    def _distinct(cls, principles: tuple[MetaPrinciple, ...]) -> tuple[MetaPrinciple, ...]:
        _refuse_repeats("principle", (one.name for one in principles))
        return principles


class Domain(Part):
    """What holds in one domain besides the general part.

    Attributes:
        name: Unique in the document, and not ``general``.
        when: Which requests belong to it, in one line.
    """

    name: Name
    when: str

    @field_validator("when", mode="before")
    @classmethod
    def _canonical(cls, when: object) -> object:
        return _one_line(when)

    @field_validator("name")
    @classmethod
    def _is_no_word_of_ours(cls, name: str) -> str:
        if name in (GENERAL, "auto"):
            raise ValueError(f"{name!r} cannot be the name of a domain")
        return name


class MetaRubric(Frozen):
    """A meta-rubric; ``str(meta_rubric)`` is the document that people edit, `parse` its inverse.

    Attributes:
        name: What it is called.
        version: Counts up with each refinement, from 1.
        least: Fewest criteria that are asked for.
        most: Most criteria that are asked for; OpenRS asks for 5 to 15.
        types: One rule for each type, in the order of `CRITERION_TYPES`.
        guards: What code looks for before a model judges.
        general: The general part, with one principle at least.
        domains: The domain parts.
    """

    name: Name
    version: int = Field(default=1, ge=1)
    least: int = Field(default=5, ge=1)
    most: int = Field(default=15, le=99)
    types: tuple[TypeRule, ...]
    guards: tuple[GuardName, ...] = GUARDS
    general: Part
    domains: tuple[Domain, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.least > self.most:
            raise ValueError(f"{self.least} to {self.most} criteria is no range")
        if tuple(rule.type for rule in self.types) != CRITERION_TYPES:
            raise ValueError(f"the types are {', '.join(CRITERION_TYPES)}, each once and in this order")
        _refuse_repeats("guard", self.guards)
        _refuse_repeats("domain", (domain.name for domain in self.domains))
        if not self.general.principles:
            raise ValueError("the general part has no principles, so there is nothing to make criteria from")
        return self

    @property
    def fingerprint(self) -> str:
        """Stable identity over all fields."""
        return fingerprint(self)

    @property
    def weights(self) -> dict[CriterionType, float]:
        """The weight of each type that has one."""
        return {rule.type: rule.weight for rule in self.types if rule.weight is not None}

    @property
    def parts(self) -> dict[str, Part]:
        """All parts by name, the general one first."""
        return {GENERAL: self.general} | {domain.name: domain for domain in self.domains}

    def part(self, name: str) -> Part:
        """Return a part.

        Raises:
            UsageError: There is none of that name; the hint lists them.
        """
        try:
            return self.parts[name]
        except KeyError:
            raise UsageError(
                f"the meta-rubric {self.name} has no part {name!r}", f"its parts are {', '.join(self.parts)}"
            ) from None

    def with_part(self, name: str, part: Part) -> MetaRubric:
        """Return the meta-rubric with another part in the place of the one of that name.

        Raises:
            UsageError: There is none of that name.
        """
        self.part(name)
        if name == GENERAL:
            changed = {"general": Part(method=part.method, principles=part.principles)}
        else:
            domains = tuple(
                Domain(name=name, when=one.when, method=part.method, principles=part.principles)
                if one.name == name
                else one
                for one in self.domains
            )
            changed = {"domains": domains}
        return MetaRubric.model_validate({**dict(self), **changed})


def _refuse_repeats(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{what} appears twice: {name!r}")
        seen.add(name)
