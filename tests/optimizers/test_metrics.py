"""Scores of judgments against labels."""

import itertools

import dspy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrubrics.optimizers import LabelMetric, as_example
from openrubrics.programs import RubricRM
from openrubrics.signatures import (
    Failed,
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
from openrubrics.signatures.errors import UsageError

PAIR = PreferencePair(id="1", prompt="Say hello to Anna.", chosen="Hello!", rejected="Go away.")
LONGER = PAIR.model_copy(update={"chosen": "Hello, and how are you?"})
RUBRIC = Rubric.parse("1. The response is kind. [Principle]")
RIGHT, WRONG = Verdict(preferred="A"), Verdict(preferred="B")
TIE, FAILED = Tie(reason="the judge answered tie"), Failed(reason="it timed out")
OUTCOMES: list[Outcome] = [RIGHT, WRONG, TIE, FAILED]


def judgment(*outcomes: Outcome, rubric: Rubric | None = RUBRIC) -> Judgment:
    """What a program returns whose orders came out like this."""
    names: list[Order] = ["AB", "BA"]
    orders = tuple(OrderOutcome(order=order, outcome=one) for order, one in zip(names, outcomes, strict=False))
    return Judgment(outcome=outcomes[0] if len(outcomes) == 1 else TIE, rubric=rubric, orders=orders)


@pytest.mark.parametrize(("slot", "a", "b"), [("A", "Hello!", "Go away."), ("B", "Go away.", "Hello!")])
def test_an_example_shows_the_chosen_response_in_its_slot(slot: Label, a: str, b: str) -> None:
    shown = {"prompt": "Say hello to Anna.", "response_a": a, "response_b": b}
    assert as_example(PAIR, slot).inputs().toDict() == shown
    assert as_example(PAIR, slot).label == slot
    contrast = as_example(PAIR, slot, contrastive=True)
    assert contrast.inputs().toDict() == shown | {"responses": ["Hello!", "Go away."]}


def test_a_conversation_becomes_the_text_that_is_judged() -> None:
    turns = (Message(role="user", content="Hi"), Message(role="assistant", content="Yes?"))
    pair = PAIR.model_copy(update={"prompt": turns})
    assert as_example(pair, "A").prompt == prompt_text(turns)


@pytest.mark.parametrize(("outcome", "score"), [(RIGHT, 1.0), (WRONG, 0.0), (TIE, 0.0), (FAILED, 0.0)])
def test_one_order_is_right_or_not(outcome: Outcome, score: float) -> None:
    example, pred = as_example(PAIR, "A"), judgment(outcome)
    for scored in (LabelMetric()(example, pred), LabelMetric().score(example, pred)):
        assert scored == score
        assert isinstance(scored, float)
    assert LabelMetric()(as_example(PAIR, "B"), pred) == float(outcome == WRONG)


@pytest.mark.parametrize(("first", "second"), list(itertools.product(OUTCOMES, OUTCOMES)))
def test_two_orders_count_half_each(first: Outcome, second: Outcome) -> None:
    example, pred = as_example(PAIR, "A"), judgment(first, second)
    right = [first, second].count(RIGHT)
    assert LabelMetric()(example, pred) == right / 2
    assert LabelMetric(position_penalty=0.4)(example, pred) == [0.0, 0.5 * 0.6, 1.0][right]
    assert LabelMetric(position_penalty=1.0)(example, pred) == [0.0, 0.0, 1.0][right]


@pytest.mark.parametrize(
    ("pair", "outcomes", "score"),
    [
        (LONGER, [RIGHT], 0.75),
        (LONGER, [RIGHT, RIGHT], 0.75),
        (LONGER, [RIGHT, WRONG], 0.5 * 0.75 * 0.5),
        (LONGER, [WRONG], 0.0),
        (PAIR, [RIGHT], 1.0),
        (PAIR, [RIGHT, FAILED], 0.5 * 0.5),
        (PAIR.model_copy(update={"chosen": "Hi there"}), [RIGHT], 1.0),  # as long as the other one
    ],
)
@pytest.mark.parametrize("slot", ["A", "B"])
def test_a_right_verdict_for_the_longer_response_is_worth_less(
    slot: Label, pair: PreferencePair, outcomes: list[Outcome], score: float
) -> None:
    metric = LabelMetric(length_penalty=0.25, position_penalty=0.5)
    verdicts = {"A": RIGHT, "B": WRONG} if slot == "A" else {"A": WRONG, "B": RIGHT}
    shown = [verdicts[outcome.preferred] if isinstance(outcome, Verdict) else outcome for outcome in outcomes]
    assert metric(as_example(pair, slot), judgment(*shown)) == pytest.approx(score)


PENALTIES = st.floats(min_value=0, max_value=1)


@given(
    outcomes=st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=2),
    place=st.integers(0, 1),
    pair=st.sampled_from([PAIR, LONGER]),
    length=PENALTIES,
    position=PENALTIES,
)
def test_failing_never_gains(
    outcomes: list[Outcome], place: int, pair: PreferencePair, length: float, position: float
) -> None:
    metric = LabelMetric(length_penalty=length, position_penalty=position)
    failing = [FAILED if i == place % len(outcomes) else outcome for i, outcome in enumerate(outcomes)]
    example = as_example(pair, "A")
    before, after = (metric.score(example, judgment(*shown)) for shown in (outcomes, failing))
    assert 0 <= after <= before <= 1
    assert metric.score(example, Judgment(outcome=FAILED)) == 0.0


@pytest.mark.parametrize("outcomes", [[o] for o in OUTCOMES] + [list(p) for p in itertools.product(OUTCOMES, OUTCOMES)])
def test_demonstrations_come_from_judgments_that_are_right_in_all_orders(outcomes: list[Outcome]) -> None:
    for metric in (LabelMetric(), LabelMetric(length_penalty=1.0, position_penalty=1.0)):
        collected = metric(as_example(LONGER, "A"), judgment(*outcomes), [])
        assert collected is all(outcome == RIGHT for outcome in outcomes)


ANNA = Rubric.parse("1. The response greets Anna. [Principle]")
CURT = Rubric.parse("1. The response is never Curt with the reader. [Principle]")


@pytest.mark.parametrize(
    ("rubric", "contrastive", "score"),
    [(RUBRIC, False, 1.0), (ANNA, False, 0.0), (CURT, False, 1.0), (CURT, True, 0.0)],
)
def test_a_rubric_that_is_bound_to_its_request_is_worth_nothing(
    rubric: Rubric, contrastive: bool, score: float
) -> None:
    example = as_example(PAIR.model_copy(update={"rejected": "Be Curt."}), "A", contrastive=contrastive)
    pred = judgment(RIGHT, RIGHT, rubric=rubric)
    metric = LabelMetric(general_only=True)
    assert metric(example, pred) == metric.explained(example, pred).score == score
    assert metric(example, pred, []) is bool(score)
    assert LabelMetric()(example, pred) == 1.0
    assert metric(example, Judgment(outcome=FAILED)) == 0.0


def test_what_explains_a_score_has_the_same_score() -> None:
    metric = LabelMetric(length_penalty=0.25, position_penalty=0.5)
    example, pred = as_example(LONGER, "A"), judgment(RIGHT, WRONG)
    steps = [(dspy.Predict("a -> rubric"), {"prompt": "Say hello."}, dspy.Prediction(rubric=RUBRIC))]
    assert metric(example, pred, steps, "generate.predict", steps).score == metric(example, pred) == 0.1875  # pyright: ignore[reportAttributeAccessIssue]
    assert metric.explained(example, pred).score == 0.1875


def test_a_judgment_may_be_a_field_of_what_the_program_returns() -> None:
    example, pred = as_example(PAIR, "A"), dspy.Prediction(preferred="A", judgment=judgment(RIGHT))
    assert LabelMetric()(example, pred) == 1.0
    assert LabelMetric().explained(example, pred).score == 1.0


@pytest.mark.parametrize("pred", [None, dspy.Prediction(winner="A"), RUBRIC])
def test_without_a_judgment_there_is_no_score(pred: dspy.Prediction) -> None:
    with pytest.raises(UsageError, match="no judgment"):
        LabelMetric()(as_example(PAIR, "A"), pred)


@pytest.mark.parametrize("name", ["length_penalty", "position_penalty"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_penalty_is_a_share(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=name):
        LabelMetric(**{name: value})  # pyright: ignore[reportArgumentType]


def test_rules_that_code_decides_are_scored_like_verdicts() -> None:
    pair = PAIR.model_copy(update={"prompt": "Say hello. Do not use any commas.", "rejected": "Well, hello."})
    example = as_example(pair, "A")
    pred = RubricRM(enforce_checks=True, orders="both")(**example.inputs())
    assert pred.decided_by == "checks"
    assert LabelMetric(position_penalty=1.0)(example, pred) == 1.0
