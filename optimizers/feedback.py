"""What a prompt optimizer's reflection model is told about a judgment, predictor by predictor.

It speaks of content only. The form of replies is the contract's, which optimizers cannot change, so it is never
described here. Whether a finding praises or blames is never guessed from its words: what is said of a criterion beyond
the words themselves comes from code. Texts are quoted in part and lists cut, so a feedback has a few thousand
characters at most, and takes time linear in the texts.
"""

import re
from collections.abc import Sequence

from openrubrics.data import TopicFinding
from openrubrics.optimizers.case import LABELS, Case, alike, found, short
from openrubrics.signatures import (
    JUDGMENT,
    RUBRIC,
    Contract,
    Failed,
    Finding,
    JudgeTrace,
    Judgment,
    Outcome,
    ParseError,
    Rubric,
    Tie,
    Verdict,
)
from openrubrics.signatures.model_text import answer_lines, excerpt
from openrubrics.signatures.values import OTHER

_LONG = 300
_MOST = 8

_WORD = re.compile(r"\w+")
_NUMBER = re.compile(
    r"\A\W{0,4}(\d{1,3})(?:[.):]|\Z)|\b(?:criterion|rule|item)\W{0,3}(\d{1,3})\b",
    re.IGNORECASE,
)
_COMMON = """
    a an and answer answers are at be by contain contains criteria criterion does for hard has have in include includes
    is it its must no not of on or principle request response responses rule should that the this to use uses with
"""
SAYS_LITTLE = frozenset(_COMMON.split())
"""Words that criteria share without having anything in common."""

_TOPIC = {"name": "names", "number": "states the number", "response": "singles out a response by"}


def to_both(case: Case, judgment: Judgment, sees_responses: bool, bound: Sequence[TopicFinding]) -> str:
    """Tell both predictors in one text, for optimizers that do not ask for each.

    Args:
        case: The comparison.
        judgment: What came of it.
        sees_responses: Whether the writer of the rubric is shown the responses.
        bound: What makes the rubric worth nothing, because it binds a principle to this request.
    """
    outcome, rubric = judgment.outcome, judgment.rubric
    if rubric is None and isinstance(outcome, Failed):
        return to_generator(case, judgment, outcome, sees_responses, bound)
    if rubric is None or judgment.decided_by == "checks":
        return to_judge(case, judgment, swapped=False, reply=None)
    wrong = [shown.order for shown in judgment.orders if _answer(shown.outcome) != case.label]
    swapped = wrong[:1] == ["BA"]
    return "\n".join(
        [
            "To the writer of the rubric:",
            to_generator(case, judgment, rubric, sees_responses, bound),
            "",
            f"To the judge, with the responses {'swapped' if swapped else 'as given'}:",
            to_judge(case, judgment, swapped, reply=None),
        ]
    )


def to_generator(
    case: Case, judgment: Judgment, rubric: Rubric | Failed, sees_responses: bool, bound: Sequence[TopicFinding]
) -> str:
    """Tell the writer of the rubric which criteria misled, and what was missing.

    Args:
        case: The comparison.
        judgment: What came of it.
        rubric: What this predictor returned.
        sees_responses: Whether it was shown the responses; if not, the feedback quotes them.
        bound: As for `to_both`.
    """
    outcome = judgment.outcome
    if isinstance(rubric, Failed):
        return f"Failed, which counts as wrong: there is no rubric, so nothing was compared. {_reason(rubric, RUBRIC)}"
    rubric = case.with_checks(rubric)
    if isinstance(outcome, Failed):
        why = _reason(outcome, JUDGMENT["seed"])
        lines = [f"Failed, which counts as wrong: the judge gave no verdict under this rubric. {why}"]
    elif _answer(outcome) == case.label:
        lines = [f"Right: under this rubric Response {case.label} was preferred, as people do."]
    else:
        lines = [
            f"Wrong: people prefer Response {case.label}, but under this rubric the outcome was {_named(outcome)}.",
            *([] if sees_responses else _responses(case)),
            *_reasons(outcome),
            *_misled(case, rubric, outcome.findings),
        ]
    return "\n".join([*lines, *_missing(case, rubric), *_of_topic(bound)])


def to_judge(case: Case, judgment: Judgment, swapped: bool, reply: JudgeTrace | Failed | None) -> str:
    """Tell the judge what was wrong with its verdict, and where it left the rubric, in the names that it was shown.

    Args:
        case: The comparison, with the caller's names.
        judgment: What came of it.
        swapped: Whether this call showed the responses the other way round.
        reply: What this call returned; without it, the feedback is about the outcome of the order.
    """
    order = "BA" if swapped else "AB"
    shown = next((one.outcome for one in judgment.orders if one.order == order), judgment.outcome)
    case, shown = (case.swapped(), shown.swapped()) if swapped else (case, shown)
    outcome = reply.outcome() if isinstance(reply, JudgeTrace) else reply or shown
    lines = [_verdict(case, outcome)]
    if _answer(shown) != _answer(outcome):
        lines.append(f"Counted together with the other votes, the answer was {_named(shown)}.")
    if judgment.decided_by == "checks":
        lines.append("Code decided this by the hard rules that the request states; no model was asked.")
    elif not isinstance(outcome, Failed):
        lines += _reasons(outcome) if _answer(outcome) != case.label else []
        counted = isinstance(outcome, Tie) and reply is None and not outcome.findings
        if judgment.rubric and not counted:
            lines += _left(judgment.rubric, outcome)
            lines += _contradicted(case, case.with_checks(judgment.rubric), outcome)
    return "\n".join([*lines, *_orders(judgment, outcome)])


def _verdict(case: Case, outcome: Outcome) -> str:
    if isinstance(outcome, Failed):
        why = _reason(outcome, JUDGMENT["seed"])
        return f"Failed, which counts as wrong: there is no verdict, and people prefer Response {case.label}. {why}"
    right = "Right" if _answer(outcome) == case.label else "Wrong"
    return f"{right}: people prefer Response {case.label}, and the answer was {_named(outcome)}."


def _reason(failed: Failed, contract: Contract) -> str:
    """Say why there is nothing to read, and of a reply that breaks its form only that it does."""
    if _breaks_form(failed, contract):
        return (
            "The reply could not be read. The form that it needs is given in the prompt, outside of the instructions."
        )
    return f"The reason is {excerpt(failed.reason, _LONG)}."


def _breaks_form(failed: Failed, contract: Contract) -> bool:
    try:
        answer_lines(failed.raw)
    except ParseError:  # there is no answer in the reply at all
        return False
    read = contract.read(failed.raw)
    return isinstance(read, Failed) and read.reason in failed.reason


def _answer(outcome: Outcome) -> str:
    return outcome.preferred if isinstance(outcome, Verdict) else outcome.kind


def _named(outcome: Outcome) -> str:
    match outcome:
        case Verdict():
            return f"Response {outcome.preferred}"
        case Tie():
            return f"a tie ({short(outcome.reason)})"
        case Failed():
            return "a failure"


def _responses(case: Case) -> list[str]:
    return [
        f"Response {case.label}, which people prefer: {excerpt(case.preferred, _LONG)}",
        f"Response {OTHER[case.label]}, the other one: {excerpt(case.other, _LONG)}",
    ]


def _reasons(outcome: Verdict | Tie) -> list[str]:
    lines = [f"Gatekeeper criterion: {short(outcome.gatekeeper) if outcome.gatekeeper else 'none was named'}"]
    if isinstance(outcome, Verdict) and outcome.justification:
        lines.append(f"Reason that the judge gave: {excerpt(outcome.justification, _LONG)}")
    return lines


def _misled(case: Case, rubric: Rubric, findings: Sequence[Finding]) -> list[str]:
    """Show what was found on each criterion for both responses, by the judge and by code."""
    words = found(findings)
    coded = {one.number: one for one in case.by_code(rubric.criteria)}
    lines: list[str] = []
    same: list[bool] = []
    for number, criterion in enumerate(rubric.criteria, 1):
        texts = [words.get((number, label), "") for label in (case.label, OTHER[case.label])]
        if not any(texts) and number not in coded:
            continue
        preferred, other = (short(text) if text else "nothing" for text in texts)
        line = f"- {number}. {short(criterion.text)} Preferred: {preferred}. Other: {other}."
        same.append(all(texts) and alike(*texts))
        line += " The same is found for both." if same[-1] else ""
        if number in coded:
            line += f" {coded[number].sentence('the preferred one', 'the other one')}"
            same[-1] &= not coded[number].separates
        lines.append(line)
    if not lines:
        return []
    return [
        "What was found on each criterion, for the response that people prefer and for the other one:",
        *_cut(lines),
        "No criterion separates the two responses: on each the same was found for both. What people prefer is missing."
        if all(same)
        else "Criteria that speak for the wrong side mislead, are too narrow, or outweigh one that is missing.",
    ]


def _missing(case: Case, rubric: Rubric) -> list[str]:
    lines = [
        f"- {short(one.text)} {one.sentence('the preferred response', 'the other one')}"
        for one in case.unstated(rubric)
    ]
    if not lines:
        return []
    return ["The request demands this, and no criterion says so in words that code can tell:", *_cut(lines)]


def _of_topic(bound: Sequence[TopicFinding]) -> list[str]:
    if not bound:
        return []
    return [
        "The rubric scores 0: a principle has to serve any request of the same kind, and these are bound to this one.",
        *_cut([f"- Criterion {one.criterion} {_TOPIC[one.kind]} {short(one.text)}." for one in bound]),
        "Keep the general quality behind such a principle, and drop what belongs to this request.",
    ]


def _left(rubric: Rubric, outcome: Verdict | Tie) -> list[str]:
    """Say where a judgment leaves the rubric: criteria passed over, and a gatekeeper from elsewhere."""
    words = found(outcome.findings)
    numbers = range(1, len(rubric.criteria) + 1)
    lines: list[str] = []
    for label in LABELS:
        passed_over = [str(number) for number in numbers if (number, label) not in words]
        if len(passed_over) == len(numbers):
            lines.append(f"It left the rubric: nothing was found for Response {label} on any criterion.")
        elif passed_over:
            listed = ", ".join(passed_over[:_MOST]) + (" and more" if len(passed_over) > _MOST else "")
            lines.append(f"It left the rubric: nothing was found for Response {label} on criterion {listed}.")
    if outcome.gatekeeper is None and rubric.hard_rules:
        lines.append("It named no gatekeeper, though the rubric has hard rules.")
    elif outcome.gatekeeper and not _is_of(outcome.gatekeeper, rubric):
        lines.append(f"It left the rubric: the gatekeeper {short(outcome.gatekeeper)} is none of its criteria.")
    return lines


def _contradicted(case: Case, rubric: Rubric, outcome: Verdict | Tie) -> list[str]:
    """Put what code finds beside what the judge found, where it cannot be squared with findings or verdict."""
    words = found(outcome.findings)
    wrong = _answer(outcome) != case.label
    lines: list[str] = []
    for one in case.by_code(rubric.criteria):
        texts = {label: text for label in LABELS if (text := words.get((one.number, label)))}
        if not one.separates:
            continue
        if one.preferred.passed and wrong:
            against = "The verdict goes against that."
        elif len(texts) == 2 and alike(*texts.values()):
            against = "The same was found for both all the same."
        else:
            continue
        line = f"- Criterion {one.number}: "
        line += one.sentence(f"Response {case.label}", f"Response {OTHER[case.label]}")
        line += "".join(f" What was found for Response {label}: {short(text)}." for label, text in texts.items())
        lines.append(f"{line} {against}")
    return ["Code contradicts it:", *_cut(lines)] if lines else []


def _orders(judgment: Judgment, outcome: Outcome) -> list[str]:
    if judgment.orders_agree is False:
        return ["With the two responses swapped the answer changed: it followed their places, not their content."]
    failed = any(isinstance(shown.outcome, Failed) for shown in judgment.orders)
    if failed and len(judgment.orders) == 2 and not isinstance(outcome, Failed):
        return ["With the two responses swapped there was no verdict to read."]
    return []


def _is_of(gatekeeper: str, rubric: Rubric) -> bool:
    """Whether a gatekeeper may stand for a criterion: by number, or as they share the text or half of its words."""
    numbers = [int(match[1] or match[2]) for match in _NUMBER.finditer(gatekeeper[:_LONG])]
    if any(1 <= number <= len(rubric.criteria) for number in numbers):
        return True
    words, stems = gatekeeper[:_LONG].casefold().strip(), _stems(gatekeeper)
    for criterion in rubric.criteria:
        text, own = criterion.text.casefold().rstrip("."), _stems(criterion.text)
        if words in text or text in words or 2 * len(stems & own) >= min(len(stems), len(own)):
            return True
    return False


def _stems(text: str) -> set[str]:
    return {word[:4] for word in _WORD.findall(text[:_LONG].casefold()) if word not in SAYS_LITTLE}


def _cut(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _MOST
    return [*lines[:_MOST], f"- and {more} more"] if more > 0 else list(lines)
