"""Hard rules with their checks: those that a request states, and those of a rubric that states the same."""

from __future__ import annotations

from openrubrics.signatures.values import Check, Criterion, Rubric
from openrubrics.verifiers.describe import describe
from openrubrics.verifiers.recognise import recognise
from openrubrics.verifiers.verify import resolve

_CASE_MATTERS = frozenset({"detectable_format:multiple_sections", "text:starts_with", "text:ends_with"})


def attach_checks(prompt: str, rubric: Rubric) -> Rubric:
    """Return the rubric with a check bound to every hard rule that code can decide.

    A hard rule without a check gets one if its text states exactly one check that the prompt states too, with the same
    arguments: a rule that a model made up, or whose numbers it changed, is never enforced by code.

    Args:
        prompt: The request that the rubric is for.
        rubric: Its criteria; principles, and checks that are already bound, stay as they are.
    """
    asked = {_key(one.check): one.check for one in recognise(prompt)}
    return Rubric(criteria=tuple(_bind(criterion, asked) for criterion in rubric.criteria))


def _bind(criterion: Criterion, asked: dict[str, Check]) -> Criterion:
    if criterion.kind != "hard_rule" or criterion.check is not None:
        return criterion
    stated = {_key(one.check) for one in recognise(criterion.text)}
    check = asked.get(stated.pop()) if len(stated) == 1 else None
    return criterion.model_copy(update={"check": check}) if check else criterion


def _key(check: Check) -> str:
    """Return text that is equal for checks that decide the same: word order in a list and case do not matter."""
    _, arguments = resolve(check)
    values = arguments.model_dump(mode="json", by_alias=True)
    sorted_values = {name: sorted(value) if isinstance(value, list) else value for name, value in values.items()}
    key = f"{check.name} {sorted(sorted_values.items())}"
    return key if check.name in _CASE_MATTERS else key.casefold()


def stated_rules(request: str) -> tuple[Criterion, ...]:
    """Return the rules that a request states and code can decide, as hard rules with their checks, each once."""
    rules: dict[str, Criterion] = {}
    for found in recognise(request):
        rule = Criterion(text=describe(found.check), kind="hard_rule", check=found.check)
        rules.setdefault(rule.text.casefold(), rule)
    return tuple(rules.values())
