"""A meta-rubric: the document that says how criteria for one comparison are written, typed, weighted and enforced.

OpenRS (arXiv 2602.14069) has one general part and one part for each domain; a judge sees the general part and at most
one domain's. Its released documents are prompts in Chinese; form and content here are ours. The text form, which people
edit, is in `openrubrics.signatures.meta_rubric_text`; changes are values too (`openrubrics.signatures.edits`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, field_validator, model_validator

from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.rubric_text import canonical_line, has_words
from openrubrics.signatures.values import Frozen, fingerprint

CriterionType = Literal["critical", "core", "important", "highlight"]
"""How much a criterion decides (OpenRS): a critical one alone, the others by their weights."""

GuardName = Literal["stated_rules", "empty", "cut", "repetition", "language_mix", "refusal"]
"""What code looks for in each response: the rules that the request states, and signs of degenerate output."""

CRITERION_TYPES: tuple[CriterionType, ...] = get_args(CriterionType)
GUARDS: tuple[GuardName, ...] = get_args(GuardName)

VETO = "veto"
"""What the document has in the place of a weight, for the type that decides alone."""

GENERAL = "general"
"""Name of the part that holds for every request."""

MOST_VERSIONS = 999_999
"""Highest version there is."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
"""A short name: lower-case letters, digits, ``-`` and ``_``, at most 40 of them, a letter first."""


def _canonical(text: object) -> object:
    return canonical_line(text) if isinstance(text, str) else text


def _says_something(text: str) -> str:
    if not has_words(text):
        raise ValueError(f"a line needs a letter or a digit, and there is none in {text!r}")
    return text


Line = Annotated[str, BeforeValidator(_canonical), AfterValidator(_says_something)]
"""One line of the document: white space is collapsed, and there is a letter or a digit in it."""


class TypeRule(Frozen):
    """What a type of criterion is for, and how it is enforced.

    Attributes:
        type: The type.
        weight: Its weight in the aggregate, above 0; None for ``critical``, which decides alone.
        text: When a criterion is of this type.
    """

    type: CriterionType
    text: Line
    weight: float | None = Field(default=None, gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _weighted(self) -> Self:
        if (self.type == "critical") != (self.weight is None):
            raise ValueError("type critical has no weight, since it decides alone, and every other type has one")
        return self

    @property
    def tag(self) -> str:
        """What the document has in brackets: ``veto``, or the weight with every digit that it has."""
        return VETO if self.weight is None else repr(self.weight).removesuffix(".0")


class MetaPrinciple(Frozen):
    """A principle that criteria are made from: it is adapted to the request, or left out where it does not apply.

    Attributes:
        name: Unique within its part; edits refer to it.
        type: The type that criteria made from it usually have.
        text: What makes a response better.
    """

    name: Name
    type: CriterionType
    text: Line


class Part(Frozen):
    """The general part.

    Attributes:
        method: How criteria are written, one rule a line.
        principles: What they are made from.
    """

    method: tuple[Line, ...] = ()
    principles: tuple[MetaPrinciple, ...] = ()

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
    when: Line

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
    version: int = Field(default=1, ge=1, le=MOST_VERSIONS)
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

    @classmethod
    def parse(cls, text: str, source: str = "") -> MetaRubric:
        """Read the document that people edit.

        Args:
            text: Markdown, as `openrubrics.signatures.meta_rubric_text` describes it.
            source: Name of the file, for messages.

        Raises:
            DataError: It is none; the message names the line of each fault, and the hint says what is expected.
        """
        from openrubrics.signatures.meta_rubric_text import read_fields  # it makes the values of this module

        return cls.model_validate(read_fields(text, source))

    def __str__(self) -> str:
        return "\n\n".join(_paragraphs(self)) + "\n"

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


def _paragraphs(meta_rubric: MetaRubric) -> Iterator[str]:
    yield f"# Meta-rubric: {meta_rubric.name}"
    yield f"Version: {meta_rubric.version}\nCriteria: {meta_rubric.least} to {meta_rubric.most}"
    yield "## Types"
    yield _listed(f"{rule.type} [{rule.tag}]: {rule.text}" for rule in meta_rubric.types)
    yield "## Guards"
    if meta_rubric.guards:
        yield _listed(meta_rubric.guards)
    yield "## General"
    yield from _part_paragraphs(meta_rubric.general)
    for domain in meta_rubric.domains:
        yield f"## Domain: {domain.name}"
        yield f"When: {domain.when}"
        yield from _part_paragraphs(domain)


def _part_paragraphs(part: Part) -> Iterator[str]:
    if part.method:
        yield "### Method"
        yield _listed(part.method)
    if part.principles:
        yield "### Principles"
        yield _listed(f"{one.name} [{one.type}]: {one.text}" for one in part.principles)


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
