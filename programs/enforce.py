"""Hard rules that code can decide are decided by code, before any model is asked."""

from collections.abc import Sequence

from openrubrics.signatures import Criterion, Finding, Rubric, Verdict
from openrubrics.signatures.values import OTHER, Label
from openrubrics.verifiers import CheckResult, verify


def decide_by_checks(rubric: Rubric, response_a: str, response_b: str) -> Verdict | None:
    """Return a verdict when exactly one response passes every bound check, else None.

    Checks apply strictly (the IFEval reading without tolerance). A check that cannot be decided for one of the
    responses counts for neither.

    Returns:
        None where there is no bound check, both pass, or both fail.
    """
    findings: list[Finding] = []
    broken: dict[Label, list[Criterion]] = {"A": [], "B": []}
    for number, criterion in enumerate(rubric.criteria, 1):
        if criterion.check is None:
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
