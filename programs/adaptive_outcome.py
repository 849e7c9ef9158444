"""What an adaptive judge's replies come to: scores, outcomes in words, and the criteria as a rubric."""

from collections.abc import Sequence

from openrubrics.programs.aggregation import RULES, Aggregation, Weights, released_pair, vetoed_by
from openrubrics.programs.orders import combine
from openrubrics.programs.quotes import with_unquoted
from openrubrics.signatures import Criterion, Failed, Finding, OrderOutcome, Outcome, Rubric, Tie, Verdict, Vote
from openrubrics.signatures.adaptive_text import AdaptiveTrace, ListedCriterion
from openrubrics.signatures.errors import ParseError
from openrubrics.signatures.outcomes import Compared
from openrubrics.signatures.reference_text import ReferenceTrace
from openrubrics.signatures.values import Label


def rubric_of(criteria: Sequence[ListedCriterion], weights: Weights) -> Rubric:
    """Return criteria as a rubric: critical ones as hard rules, the others as principles with their type's weight."""
    return Rubric(
        criteria=tuple(
            Criterion(
                text=one.text,
                kind="hard_rule" if one.type == "critical" else "principle",
                weight=weights.get(one.type, 1.0),
            )
            for one in criteria
        )
    )


def judged_order(
    trace: AdaptiveTrace | Failed,
    written: AdaptiveTrace | None,
    response_a: str,
    response_b: str,
    *,
    weights: Weights,
    aggregation: Aggregation,
    threshold: float,
) -> OrderOutcome:
    """Return what one comparison came to, with the responses named as they were shown.

    Args:
        trace: The reply with the comparison.
        written: The reply with the criteria, where it is another one.
        response_a: Shown first.
        response_b: Shown second.
        weights: By type of criterion.
        aggregation: The rule.
        threshold: A score nearer to 0 than this is a tie.
    """
    if isinstance(trace, Failed):
        return _failed(trace)
    try:
        found = trace.compared((written or trace).criteria)
    except ParseError as error:
        return _failed(Failed(reason=str(error), raw=trace.text))
    compared = tuple(with_unquoted(one, response_a, response_b) for one in found)
    score = RULES[aggregation](compared, weights, threshold)
    outcome = _outcome(compared, score, threshold)
    raw = f"{written.text}\n\n{trace.text}" if written else trace.text
    votes = (Vote(outcome=outcome, raw=raw),)
    return OrderOutcome(order="AB", outcome=outcome, votes=votes, compared=compared, score=score)


def over_both_as_released(first: OrderOutcome, second: OrderOutcome, threshold: float) -> Outcome:
    """Return what two orders come to by the released rule (`released_pair`); one that failed makes a failure.

    Args:
        first: A shown first.
        second: B shown first; both with the caller's names.
        threshold: That of the rule.
    """
    if isinstance(first.outcome, Failed) or isinstance(second.outcome, Failed):
        return combine(first, second)
    one, other = first.score or 0.0, 0.0 - (second.score or 0.0)
    said = f"score {one:+.2f} for Response A where it is shown first, {other:+.2f} for Response B where it is"
    findings = first.outcome.findings
    preferred = released_pair(one, other, threshold)
    if preferred == "tie":
        return Tie(reason=f"the orders do not settle it by the released rule: {said}", findings=findings)
    deciding = vetoed_by((first if preferred == "A" else second).compared, 1.0 if preferred == "A" else -1.0)
    return Verdict(
        preferred=preferred,
        gatekeeper=deciding.text if deciding else None,
        findings=findings,
        justification=f"By the released rule over both orders: {said}.",
    )


def told_apart(a: ReferenceTrace | Failed, b: ReferenceTrace | Failed) -> Verdict | None:
    """Return a verdict where a reference answer tells two responses apart: correct before unclear before incorrect.

    Returns:
        None where both are alike, or one of the checks failed; as in the released code, the comparison goes on then.
    """
    if isinstance(a, Failed) or isinstance(b, Failed) or a.score == b.score:
        return None
    return Verdict(
        preferred="A" if a.score > b.score else "B",
        justification=f"Beside the reference answer Response A is {a.finding}, Response B {b.finding}. "
        f"A: {a.reasons or 'no reasons'} B: {b.reasons or 'no reasons'}",
    )


def _failed(failed: Failed) -> OrderOutcome:
    return OrderOutcome(order="AB", outcome=failed, votes=(Vote(outcome=failed, raw=failed.raw),))


def _outcome(compared: Sequence[Compared], score: float, threshold: float) -> Verdict | Tie:
    findings = _findings(compared)
    counts = {side: sum(one.better == side and one.by > 0 for one in compared) for side in ("A", "B")}
    equal = len(compared) - sum(counts.values())
    if score == 0:
        near = f"; a score nearer to 0 than {threshold:g} is a tie" if threshold else ""
        reason = (
            f"score 0: of {len(compared)} criteria Response A is better on {counts['A']}, Response B on {counts['B']}"
        )
        return Tie(reason=f"{reason}, equal on {equal}{near}", findings=findings)
    preferred: Label = "A" if score > 0 else "B"
    veto = vetoed_by(compared, score)
    if veto:
        why = f"Response {preferred} is better on a critical criterion, which decides before all others: {veto.text}"
        why = f"{why.rstrip('.')}. Score {abs(score):.2f}."
    else:
        worse = counts["B" if preferred == "A" else "A"]
        cancelled = any(one.type == "critical" and one.value for one in compared)
        why = (
            f"Response {preferred} has the higher weight of {len(compared)} criteria: better on {counts[preferred]}, "
            f"worse on {worse}, equal on {equal}{'; critical ones cancel out' * cancelled}. Score {abs(score):.2f}."
        )
    return Verdict(preferred=preferred, gatekeeper=veto.text if veto else None, findings=findings, justification=why)


def _findings(compared: Sequence[Compared]) -> tuple[Finding, ...]:
    sides: tuple[tuple[Label, str], ...] = (("A", "evidence_a"), ("B", "evidence_b"))
    return tuple(
        Finding(criterion=number, response=label, text=text)
        for number, one in enumerate(compared, 1)
        for label, name in sides
        if (text := getattr(one, name))
    )
