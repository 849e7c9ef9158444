"""Scores of labels, and the words that go with a wrong one."""

from typing import Any

import dspy
import pytest

from openrubrics.optimizers import as_example, label_accuracy, label_feedback
from openrubrics.signatures import (
    Failed,
    Finding,
    Judgment,
    Label,
    Message,
    Order,
    OrderOutcome,
    Outcome,
    PreferencePair,
    Rubric,
    Tie,
    Verdict,
    prompt_text,
)

PAIR = PreferencePair(id="1", prompt="Say hello.", chosen="Hello!", rejected="Go away.")
RUBRIC = Rubric.parse("1. The response is long. [Principle]\n2. The response is kind. [Principle]")
FINDINGS = (
    Finding(criterion=1, response="A", text="one word"),
    Finding(criterion=1, response="B", text="two words"),
)
RIGHT = Verdict(preferred="A")
WRONG = Verdict(
    preferred="B", gatekeeper="The response is long.", findings=FINDINGS, justification="Response B is longer."
)
TIE = Tie(reason="the judge answered tie")
FAILED = Failed(reason='no "Winner:" line')


def judgment(ab: Outcome, ba: Outcome | None = None, outcome: Outcome | None = None) -> Judgment:
    shown: list[tuple[Order, Outcome]] = [("AB", ab)] if ba is None else [("AB", ab), ("BA", ba)]
    orders = tuple(OrderOutcome(order=order, outcome=one) for order, one in shown)
    return Judgment(outcome=outcome or ab, rubric=RUBRIC, orders=orders)


def feedback(pred: Judgment, **step: Any) -> str:  # noqa: ANN401 - inputs and one output of a predictor
    """What is said to the predictor whose call had these inputs and this output."""
    output = {name: step.pop(name) for name in ("rubric", "judgment") if name in step}
    trace: list[Any] = [(dspy.Predict("a -> b"), step, dspy.Prediction(**output))]
    return label_feedback(as_example(PAIR, "A"), pred, None, "name", trace).feedback


@pytest.mark.parametrize(("slot", "a", "b"), [("A", "Hello!", "Go away."), ("B", "Go away.", "Hello!")])
def test_an_example_shows_the_chosen_response_in_its_slot(slot: Label, a: str, b: str) -> None:
    example = as_example(PAIR, slot)
    assert example.inputs().toDict() == {"prompt": "Say hello.", "response_a": a, "response_b": b}
    assert example.label == slot


def test_a_conversation_becomes_the_text_that_is_judged() -> None:
    turns = (Message(role="user", content="Hi"), Message(role="assistant", content="Yes?"))
    pair = PAIR.model_copy(update={"prompt": turns})
    assert as_example(pair, "A").prompt == prompt_text(turns)


@pytest.mark.parametrize(("outcome", "score"), [(RIGHT, 1.0), (WRONG, 0.0), (TIE, 0.0), (FAILED, 0.0)])
def test_only_the_labelled_response_scores(outcome: Outcome, score: float) -> None:
    example = as_example(PAIR, "A")
    assert label_accuracy(example, judgment(outcome)) == score
    assert isinstance(label_accuracy(example, judgment(outcome)), float)
    assert label_accuracy(example, judgment(outcome), []) is bool(score)
    assert label_feedback(example, judgment(outcome)).score == score


def test_the_label_decides_what_is_right() -> None:
    assert label_accuracy(as_example(PAIR, "B"), judgment(WRONG)) == 1.0


def test_the_generator_is_told_what_spoke_for_the_wrong_side() -> None:
    text = feedback(judgment(WRONG), prompt="Say hello.", rubric=RUBRIC)
    assert text.splitlines()[:4] == [
        "Wrong: people prefer Response A, but under this rubric the outcome was Response B.",
        "Gatekeeper criterion: The response is long.",
        "What was found on each criterion, for the response that people prefer and for the other one:",
        "- The response is long. Preferred: one word. Other: two words.",
    ]
    assert "The response is kind" not in text


@pytest.mark.parametrize(
    ("pred", "rubric", "said"),
    [
        (judgment(RIGHT), RUBRIC, "Right: under this rubric Response A was preferred"),
        (judgment(TIE), RUBRIC, "the outcome was a tie (the judge answered tie)"),
        (judgment(FAILED), RUBRIC, 'no verdict to read: no "Winner:" line'),
        (Judgment(outcome=FAILED), FAILED, "No rubric could be read from the reply"),
    ],
)
def test_the_generator_is_told_what_became_of_its_rubric(pred: Judgment, rubric: Rubric | Failed, said: str) -> None:
    assert said in feedback(pred, prompt="Say hello.", rubric=rubric)


SHOWN = {"response_a": "Hello!", "response_b": "Go away.", "judgment": "a trace"}
SWAPPED = {"response_a": "Go away.", "response_b": "Hello!", "judgment": "a trace"}


def test_the_judge_is_told_its_wrong_verdict_and_why_it_gave_it() -> None:
    assert feedback(judgment(WRONG), **SHOWN).splitlines() == [
        "Wrong: people prefer Response A, and the answer was Response B.",
        "Gatekeeper criterion: The response is long.",
        "Justification: Response B is longer.",
    ]


def test_the_judge_is_told_about_the_order_that_it_saw() -> None:
    flipped = judgment(WRONG, RIGHT, outcome=Tie(reason="the orders disagree"))
    changed = "With the two responses swapped the answer changed: it followed their places, not their content."
    assert feedback(flipped, **SHOWN).splitlines() == [
        "Wrong: people prefer Response A, and the answer was Response B.",
        "Gatekeeper criterion: The response is long.",
        "Justification: Response B is longer.",
        changed,
    ]
    assert feedback(flipped, **SWAPPED).splitlines() == [
        "Right: people prefer Response B, and the answer was Response B.",
        changed,
    ]


def test_the_judge_is_told_that_it_was_wrong_in_both_orders() -> None:
    text = feedback(judgment(WRONG, WRONG), **SWAPPED)
    assert text.startswith("Wrong: people prefer Response B, and the answer was Response A.")
    assert "changed" not in text


@pytest.mark.parametrize(
    ("pred", "said"),
    [
        (judgment(FAILED), 'Wrong: there was no verdict to read: no "Winner:" line. People prefer Response A.'),
        (judgment(TIE), "Wrong: people prefer Response A, and the answer was a tie (the judge answered tie)."),
        (judgment(RIGHT), "Right: people prefer Response A, and the answer was Response A."),
        (judgment(RIGHT, FAILED, FAILED), "With the two responses swapped there was no verdict to read."),
        (
            judgment(WRONG).model_copy(update={"decided_by": "checks"}),
            "Code decided this by the hard rules, without the judge.",
        ),
    ],
)
def test_the_judge_is_told_what_became_of_its_reply(pred: Judgment, said: str) -> None:
    assert said in feedback(pred, **SHOWN)


def test_without_a_call_the_judge_is_told() -> None:
    assert label_feedback(as_example(PAIR, "A"), judgment(WRONG)).feedback.startswith("Wrong: people prefer Response A")
