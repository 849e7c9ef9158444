"""A scripted model for `openrs.py`, so that it runs without any server. It is not a language model.

Its script holds the answers of the example, and for each of them how good it is by three criteria and where that shows.
From this it compares any two of them in the form that an adaptive judge asks for, whichever is shown first. It knows
nothing else, so what the example prints shows how the parts work together, and nothing about language models.
"""

from typing import Literal, NamedTuple

from dspy.lm15 import Request

from openrubrics.lms import ScriptedLM
from openrubrics.lms.scripted import Messages
from openrubrics.signatures import invert
from openrubrics.signatures.adaptive import CompareAdaptively
from openrubrics.signatures.adaptive_text import render_adaptive
from openrubrics.signatures.meta_rubric import CriterionType
from openrubrics.signatures.outcomes import Compared

NAME = "scripted (not a language model)"

PROMPT = "How long may cooked rice stand at room temperature before it has to go into the fridge? Use at most 40 words."

GOOD = (
    "Two hours at most, one on a hot day. Spores that survive cooking multiply in warm rice, "
    "and their poison withstands reheating. Spread it out so that it cools quickly."
)
VAGUE = "Not too long. Put it into the fridge soon after the meal, and do not leave it out."
WRONG = "It can stay out all night if the pot is covered. Heat it well in the morning and it is safe."
LONG = (
    "Two hours at most. Rice is a staple for half of the people in the world, and it is cooked in many ways, in water, "
    "in stock or in milk, with salt or without. Whichever way you like it, two hours is what it may stand, covered or "
    "not, and one hour where it is hot."
)
ANSWERS = {"good": GOOD, "vague": VAGUE, "wrong": WRONG, "long": LONG}


class _Shown(NamedTuple):
    """How good an answer is by a criterion, from 0 to 2, and where that shows."""

    level: int
    evidence: str


_CRITERIA: tuple[tuple[CriterionType, str, dict[str, _Shown]], ...] = (
    (
        "critical",
        "The response says nothing that would make somebody ill.",
        {
            GOOD: _Shown(2, "Two hours at most"),
            VAGUE: _Shown(2, "do not leave it out"),
            WRONG: _Shown(0, "It can stay out all night"),
            LONG: _Shown(2, "Two hours at most"),
        },
    ),
    (
        "core",
        "The response gives the time for which it was asked.",
        {
            GOOD: _Shown(2, "Two hours at most, one on a hot day"),
            VAGUE: _Shown(0, "Not too long"),
            WRONG: _Shown(1, "Rice keeps all night."),  # in other words than the answer's: the judge marks it
            LONG: _Shown(2, "one hour where it is hot"),
        },
    ),
    (
        "important",
        "The response keeps to what was asked.",
        {GOOD: _Shown(2, ""), VAGUE: _Shown(2, ""), WRONG: _Shown(2, ""), LONG: _Shown(1, "Rice is a staple")},
    ),
    (
        "highlight",
        "The response says why.",
        {
            GOOD: _Shown(2, "Spores that survive cooking multiply in warm rice"),
            VAGUE: _Shown(0, ""),
            WRONG: _Shown(0, ""),
            LONG: _Shown(0, ""),
        },
    ),
)


def scripted() -> ScriptedLM:
    """Return the model, and say what it is."""
    print("The model is scripted: this shows how the parts work together, and nothing about language models.")
    return ScriptedLM(reply, model=NAME)


def reply(messages: Messages, _: Request | None = None) -> str:
    """Answer the two requests of an adaptive judge: to which domain the request belongs, and the comparison."""
    text = messages[-1]["content"]
    if "<response_a>\n" not in text:
        return "Reason: The answer decides whether somebody falls ill.\nChosen part: health"
    fields = invert(text, CompareAdaptively)
    a, b = str(fields["response_a"]), str(fields["response_b"])
    compared = [_compared(type_, criterion, shown[a], shown[b]) for type_, criterion, shown in _CRITERIA]
    return render_adaptive("How long rice keeps, to stay healthy.", "The time, and whether it is right.", compared)


def _compared(type_: CriterionType, text: str, a: _Shown, b: _Shown) -> Compared:
    better: Literal["A", "B", "tie"] = "A" if a.level > b.level else "B" if b.level > a.level else "tie"
    reason = "Both do this alike." if better == "tie" else f"Response {better} does this better."
    margin = abs(a.level - b.level)
    return Compared(
        text=text, type=type_, better=better, by=margin, evidence_a=a.evidence, evidence_b=b.evidence, reason=reason
    )
