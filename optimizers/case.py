"""A labelled comparison, and what can be said of it without guessing: quoted words, and what code finds."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Self

import dspy

from openrubrics.signatures import Criterion, Finding, Label, Rubric
from openrubrics.signatures.model_text import excerpt
from openrubrics.signatures.rubric_text import MOST_CRITERIA
from openrubrics.signatures.values import OTHER
from openrubrics.verifiers import CheckResult, attach_checks, own_request, stated_rules, verify

LABELS: tuple[Label, Label] = ("A", "B")

_MOST_RULES = 50
_SHORT = 150
_NAME = re.compile(r"\b(?:response|answer)[ _][ab]\b")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Case:
    """A labelled comparison.

    Attributes:
        prompt: The text of the request.
        responses: Those that are compared, by their names.
        label: The one that people prefer.
    """

    prompt: str
    responses: Mapping[Label, str]
    label: Label

    @classmethod
    def of(cls, example: dspy.Example) -> Self:
        """Read an example of `openrubrics.optimizers.as_example`."""
        return cls(example.prompt, {"A": example.response_a, "B": example.response_b}, example.label)

    @property
    def preferred(self) -> str:
        """The response that people prefer."""
        return self.responses[self.label]

    @property
    def other(self) -> str:
        """The response that they do not prefer."""
        return self.responses[OTHER[self.label]]

    def swapped(self) -> "Case":
        """Return the same comparison with the names A and B exchanged."""
        return Case(self.prompt, {"A": self.responses["B"], "B": self.responses["A"]}, OTHER[self.label])

    def by_code(self, rules: Iterable[Criterion]) -> "list[Coded]":
        """Return what code finds on those rules that have a check, numbered from 1 in the order of all rules."""
        return [
            Coded(number, rule.text, *(verify(rule.check, response) for response in (self.preferred, self.other)))
            for number, rule in enumerate(rules, 1)
            if rule.check
        ]

    def with_checks(self, rubric: Rubric) -> Rubric:
        """Return a rubric with checks bound to the hard rules that the request states in the same sense."""
        return attach_checks(own_request(self.prompt), rubric)

    def unstated(self, rubric: Rubric) -> "list[Coded]":
        """Return the rules that the request states and no criterion does, those that tell the responses apart first."""
        request = own_request(self.prompt)
        asked = stated_rules(request)[:_MOST_RULES]
        stated = (rule for criterion in rubric.criteria for rule in stated_rules(criterion.text))
        covered = {*_checks(request, islice(stated, MOST_CRITERIA)), *(_key(rule) for rule in rubric.criteria)}
        missing = [rule for rule, key in zip(asked, _checks(request, asked), strict=True) if key not in covered]
        return sorted(self.by_code(missing), key=lambda coded: not coded.separates)


@dataclass(frozen=True)
class Coded:
    """What code finds on a rule.

    Attributes:
        number: Place in the rubric.
        text: The rule.
        preferred: For the response that people prefer.
        other: For the other one.
    """

    number: int
    text: str
    preferred: CheckResult
    other: CheckResult

    @property
    def separates(self) -> bool:
        """Whether exactly one response meets the rule, and the other one breaks it."""
        return {self.preferred.passed, self.other.passed} == {True, False}

    def sentence(self, preferred: str, other: str) -> str:
        """Say it, with these names for the two responses."""
        return f"Code finds that {preferred} {_said(self.preferred)} and {other} {_said(self.other)}."


def found(findings: Sequence[Finding]) -> dict[tuple[int, Label], str]:
    """Return the words of findings by criterion and response, without those that say nothing."""
    return {(one.criterion, one.response): one.text for one in findings if one.text.strip()}


def alike(first: str, second: str) -> bool:
    """Whether two findings have the same words, but for the name of the response that each is about."""
    one, other = (_WORD.findall(_NAME.sub(" ", text.casefold())) for text in (first, second))
    return one == other


def short(text: str) -> str:
    """Return a quotation for one place among many."""
    return excerpt(text, _SHORT)


def _said(result: CheckResult) -> str:
    verb = {True: "meets it", False: "breaks it", None: "may meet it or not"}[result.passed]
    return f"{verb} ({' '.join(result.detail[:_SHORT].split())})"


def _checks(request: str, rules: Iterable[Criterion]) -> list[str]:
    """Return a key for the check of each rule; checks that decide the same have the same one if the request has any."""
    plain = {rule.text.casefold(): rule.model_copy(update={"check": None}) for rule in rules}
    if not plain:
        return []
    return [_key(rule) for rule in attach_checks(request, Rubric(criteria=tuple(plain.values()))).criteria]


def _key(rule: Criterion) -> str:
    return rule.check.model_dump_json() if rule.check else rule.text.casefold()
