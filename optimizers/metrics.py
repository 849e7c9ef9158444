"""Label accuracy, and what a prompt optimizer is told about a wrong label.

Both metrics take an example of `as_example` and the `Judgment` that a program made of it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dspy

from openrubrics.signatures import Failed, Finding, Judgment, Label, PreferencePair, Rubric, Tie, Verdict, prompt_text
from openrubrics.signatures.values import OTHER

TraceStep = tuple[dspy.Predict, Mapping[str, Any], dspy.Prediction]
"""A predictor of DSPy, its inputs and what it returned."""


def as_example(pair: PreferencePair, chosen_slot: Label) -> dspy.Example:
    """Return a pair as DSPy's optimizers take it, with the chosen response in the given slot."""
    slots: dict[Label, str] = {chosen_slot: pair.chosen, OTHER[chosen_slot]: pair.rejected}
    example = dspy.Example(
        prompt=prompt_text(pair.prompt), response_a=slots["A"], response_b=slots["B"], label=chosen_slot
    )
    return example.with_inputs("prompt", "response_a", "response_b")


def label_accuracy(example: dspy.Example, prediction: Judgment, trace: object = None) -> float | bool:
    """Return 1.0 where the judgment prefers the labelled response, else 0.0; a bool while DSPy collects demonstrations.

    A tie is wrong. A failure is wrong too, since an optimizer must not gain by failing; reports count it apart
    (`openrubrics.evaluation`).
    """
    right = prediction.preferred == example.label
    return right if trace is not None else float(right)


def label_feedback(
    gold: dspy.Example,
    pred: Judgment,
    trace: object = None,
    pred_name: str | None = None,
    pred_trace: Sequence[TraceStep] | None = None,
) -> dspy.Prediction:
    """Score as `label_accuracy` does and explain it to one predictor, as `dspy.GEPA` asks for.

    The writer of the rubric is told on which criteria the wrong verdict rests, the judge what it said and whether the
    order of the responses flipped it, in the names that its own call showed. Without `pred_trace` the judge is told.
    """
    inputs, output = (pred_trace[-1][1], pred_trace[-1][2]) if pred_trace else ({}, {})
    if "rubric" in output:
        feedback = _for_generator(gold.label, pred, output["rubric"])
    else:
        swapped = bool(inputs) and inputs.get("response_a") != gold.response_a
        feedback = _for_judge(gold.label, pred, swapped)
    return dspy.Prediction(score=float(label_accuracy(gold, pred)), feedback=feedback)


def _for_generator(label: Label, judgment: Judgment, rubric: Rubric | Failed) -> str:
    outcome = judgment.outcome
    if isinstance(rubric, Failed):
        return f"No rubric could be read from the reply, so nothing was compared: {rubric.reason}"
    if isinstance(outcome, Failed):
        return f"There was no verdict to read: {outcome.reason}. People prefer Response {label}."
    if judgment.preferred == label:
        return f"Right: under this rubric Response {label} was preferred, as people do."
    answered = f"Response {judgment.preferred}" if isinstance(outcome, Verdict) else f"a tie ({outcome.reason})"
    lines = [f"Wrong: people prefer Response {label}, but under this rubric the outcome was {answered}."]
    lines.append(_gatekeeper(outcome))
    if outcome.findings:
        lines.append("What was found on each criterion, for the response that people prefer and for the other one:")
        lines += _criteria(rubric, outcome.findings, label)
    lines.append("Criteria that speak for the wrong side mislead, are too narrow, or outweigh one that is missing.")
    return "\n".join(lines)


def _criteria(rubric: Rubric, findings: Sequence[Finding], label: Label) -> list[str]:
    found = {(finding.criterion, finding.response): finding.text for finding in findings}
    texts = {i: [found.get((i, response), "nothing") for response in (label, OTHER[label])] for i, _ in found}
    return [
        f"- {criterion.text} Preferred: {texts[i][0]}. Other: {texts[i][1]}."
        for i, criterion in enumerate(rubric.criteria, 1)
        if i in texts
    ]


def _for_judge(label: Label, judgment: Judgment, swapped: bool) -> str:
    shown = next((o for o in judgment.orders if o.order == ("BA" if swapped else "AB")), None)
    outcome = shown.outcome if shown else judgment.outcome
    if swapped:
        label, outcome = OTHER[label], outcome.swapped()
    if isinstance(outcome, Failed):
        return f"Wrong: there was no verdict to read: {outcome.reason}. People prefer Response {label}."
    right = isinstance(outcome, Verdict) and outcome.preferred == label
    answered = f"Response {outcome.preferred}" if isinstance(outcome, Verdict) else f"a tie ({outcome.reason})"
    lines = [f"{'Right' if right else 'Wrong'}: people prefer Response {label}, and the answer was {answered}."]
    if judgment.decided_by == "checks":
        lines.append("Code decided this by the hard rules, without the judge.")
    if not right:
        lines.append(_gatekeeper(outcome))
        lines += [f"Justification: {outcome.justification}"] if isinstance(outcome, Verdict) else []
    if judgment.orders_agree is False:
        lines.append("With the two responses swapped the answer changed: it followed their places, not their content.")
    elif judgment.orders_agree is None and len(judgment.orders) == 2:
        lines.append("With the two responses swapped there was no verdict to read.")
    return "\n".join(lines)


def _gatekeeper(outcome: Verdict | Tie) -> str:
    return f"Gatekeeper criterion: {outcome.gatekeeper or 'none was named'}"
