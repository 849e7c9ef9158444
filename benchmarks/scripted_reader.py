"""A scripted model that answers the prompts of a direct judge and of an adaptive one. It is not a language model.

The embedded reader (`openrubrics.lms.embedded`) answers the prompts that write rubrics and judge by them, and no
others. This one reads the other prompts back into request and responses, takes the embedded reader's rubric for the
request and its decision on each criterion, and writes them down in the form that the prompt asks for. So the same
reading stands behind all methods, and what differs between them is the method: which requests it makes, what code
decides before, how criteria add up, and what becomes of the two orders. Nothing in its figures is about how well any
model judges.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import dspy
from dspy.lm15 import Request

from openrubrics.lms import ScriptedLM
from openrubrics.lms.embedded_reader import judge, write_rubric
from openrubrics.lms.scripted import Messages
from openrubrics.signatures import Contract, Criterion, JudgeTrace, Rubric, invert
from openrubrics.signatures.adapter import NOTICE
from openrubrics.signatures.adaptive import (
    ADAPTIVE,
    ADAPTIVE_CRITERIA,
    COMPARISON_BY_CRITERIA,
    ROUTE,
    CompareAdaptively,
    CompareByCriteria,
    RouteRequest,
    WriteAdaptiveCriteria,
)
from openrubrics.signatures.adaptive_text import (
    TYPE_TAGS,
    ListedCriterion,
    render_adaptive,
    render_comparison_reply,
    render_criteria_reply,
)
from openrubrics.signatures.baselines import VERDICT, CompareDirectly
from openrubrics.signatures.markers import disarm
from openrubrics.signatures.meta_rubric import CriterionType
from openrubrics.signatures.outcomes import Compared
from openrubrics.signatures.values import CriterionKind

NAME = "scripted reader (not a language model)"

TYPES: dict[CriterionKind, CriterionType] = {"hard_rule": "core", "principle": "important"}
"""What the embedded reader's criteria are in an adaptive judgment."""

MARGINS: dict[CriterionKind, int] = {"hard_rule": 2, "principle": 1}
"""By how much the better response is better: a rule is kept or broken, and what can be measured is only a sign."""

_NOT_SAID = "The scripted reader says nothing on this."
_QUOTED = 8
_LONGEST_QUOTE = 80

Fields = Mapping[str, str | list[str]]


def scripted_reader() -> ScriptedLM:
    """Return the model."""
    return ScriptedLM(reply, model=NAME)


class _Task(NamedTuple):
    contract: Contract
    signature: type[dspy.Signature]
    answer: Callable[[Fields], str]


def reply(messages: Messages, _: Request | None = None) -> str:
    """Answer one prompt.

    Raises:
        ValueError: It is no prompt that this reader knows.
    """
    static, notice, inputs = messages[-1]["content"].partition(NOTICE)
    for task in _TASKS:
        if notice and static.endswith(f"{task.contract.instructions}\n\n"):
            return task.answer(invert(inputs, task.signature))
    raise ValueError(f"the scripted reader knows no prompt that begins {static[:80]!r}")


def _direct(fields: Fields) -> str:
    winner = _judged(fields, write_rubric(str(fields["prompt"]))).winner
    return f"Winner: {'Tie' if winner == 'tie' else f'Response {winner}'}"


def _route(fields: Fields) -> str:
    return "Reason: The scripted reader knows no domains.\nChosen part: general"


def _adaptive(fields: Fields) -> str:
    return render_adaptive(_NOT_SAID, _NOT_SAID, [_compared(fields, one) for one in _criteria(fields)])


def _write(fields: Fields) -> str:
    listed = [ListedCriterion(text=one.text, type=TYPES[one.kind]) for one in _criteria(fields)]
    return render_criteria_reply(_NOT_SAID, _NOT_SAID, listed)


def _compare(fields: Fields) -> str:
    """Compare on the criteria of the prompt, in which the type stands before the text: "1. Core: The response ..."."""
    kinds: dict[str, CriterionKind] = {TYPE_TAGS[type_]: kind for kind, type_ in TYPES.items()}
    listed = [line.partition(". ")[2].partition(": ") for line in str(fields["criteria"]).splitlines()]
    criteria = [Criterion(text=text, kind=kinds[tag]) for tag, _, text in listed]
    return render_comparison_reply([_compared(fields, one) for one in criteria])


_TASKS = (
    _Task(VERDICT, CompareDirectly, _direct),
    _Task(ROUTE, RouteRequest, _route),
    _Task(ADAPTIVE, CompareAdaptively, _adaptive),
    _Task(ADAPTIVE_CRITERIA, WriteAdaptiveCriteria, _write),
    _Task(COMPARISON_BY_CRITERIA, CompareByCriteria, _compare),
)


def _criteria(fields: Fields) -> tuple[Criterion, ...]:
    return write_rubric(str(fields["prompt"])).criteria


def _judged(fields: Fields, rubric: Rubric) -> JudgeTrace:
    prompt, a, b = (str(fields[name]) for name in ("prompt", "response_a", "response_b"))
    return JudgeTrace.parse(judge(prompt, rubric, a, b, "seed"))


def _compared(fields: Fields, criterion: Criterion) -> Compared:
    """Return the embedded reader's judgment by one criterion alone, which is its decision on that criterion."""
    judged = _judged(fields, Rubric(criteria=(criterion,)))
    return Compared(
        text=criterion.text,
        type=TYPES[criterion.kind],
        better=judged.winner,
        by=0 if judged.winner == "tie" else MARGINS[criterion.kind],
        evidence_a=_quote(str(fields["response_a"])),
        evidence_b=_quote(str(fields["response_b"])),
        reason=" ".join(f"{finding.response}: {finding.text}." for finding in judged.findings),
    )


def _quote(response: str) -> str:
    """Return how a response begins: the measures are of the whole response, so any passage shows as much."""
    return disarm(" ".join(response.split()[:_QUOTED])[:_LONGEST_QUOTE])
