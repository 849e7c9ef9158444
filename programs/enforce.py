"""Hard rules that code can decide are decided by code, before any model is asked for anything, even for a rubric."""

from collections.abc import Sequence

from openrubrics.signatures import Criterion, Finding, Rubric, Verdict
from openrubrics.signatures.values import OTHER, Label
from openrubrics.verifiers import CheckResult, stated_rules, verify


def asked_rules(request: str) -> Rubric | None:
    """Return the rules that a request states and code can decide as a rubric; None where there is none."""
    rules = stated_rules(request)
    return Rubric(criteria=rules) if rules else None


def decide_by_checks(rubric: Rubric, response_a: str, response_b: str) -> Verdict | None:
    """Return a verdict when exactly one response passes the checks of all hard rules that have one, else None.

    A response that breaks a rule cannot win by code, whatever the other one breaks: where both break something, the
    same or not, one rule or several, that is for a model to weigh, since rules have no common measure.

    Principles decide nothing here, even those with a check. Checks apply strictly (the IFEval reading without
    tolerance). A check that cannot be decided for one of the responses counts for neither.

    Returns:
        None where no hard rule has a check, both pass, or both fail.
    """
    findings: list[Finding] = []
    broken: dict[Label, list[Criterion]] = {"A": [], "B": []}
    for number, criterion in enumerate(rubric.criteria, 1):
        if criterion.kind != "hard_rule" or criterion.check is None:
            continue
        results: dict[Label, CheckResult] = {
            "A": verify(criterion.check, response_a),
            "B": verify(criterion.check, response_b),
        }
        if any(result.passed is None for result in results.values()):
            continue
        for label, rules in broken.items():
            result = results[label]
            words = "met" if result.passed else "not met"
            findings.append(Finding(criterion=number, response=label, text=f"{words}, by code: {result.detail}"))
            if not result.passed:
                rules.append(criterion)
    losers: list[Label] = [label for label, rules in broken.items() if rules]
    return _verdict(losers[0], broken[losers[0]], findings) if len(losers) == 1 else None


def _verdict(loser: Label, broken: Sequence[Criterion], findings: Sequence[Finding]) -> Verdict:
    winner = OTHER[loser]
    return Verdict(
        preferred=winner,
        gatekeeper=broken[0].text,
        findings=tuple(findings),
        justification=f"Response {winner} meets every rule that code can check; Response {loser} breaks {len(broken)}.",
    )
