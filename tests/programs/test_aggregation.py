"""Scores by hand: the released rule with all its oddities, ours without them, and what two orders come to."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openrubrics.programs.aggregation import EPSILON, check_aggregation, released, released_pair, symmetric, vetoed_by
from openrubrics.signatures import UsageError
from openrubrics.signatures.meta_rubric import CRITERION_TYPES, CriterionType
from openrubrics.signatures.outcomes import Compared

WEIGHTS: dict[CriterionType, float] = {"core": 5, "important": 2, "highlight": 1}


def found(*said: str) -> list[Compared]:
    """Return comparisons from texts such as "core A 2", "critical tie" and "highlight tie 1"."""
    made = []
    for number, text in enumerate(said):
        type_, better, by = (*text.split(), "0")[:3]
        made.append(Compared.model_validate({"text": f"c{number}", "type": type_, "better": better, "by": int(by)}))
    return made


RELEASED = {
    # sum(w v) / (sum(w) + 1e-6) over criteria with a margin
    ("core A 2",): 10 / 5.000001,
    ("core A 2", "important B 1"): 8 / 7.000001,
    ("core B 1", "important A 2", "highlight A 1"): 0.0,
    ("highlight B 2",): -2 / 1.000001,
    # equal ones do not enter the denominator ...
    ("core A 2", "core tie", "core tie"): 10 / 5.000001,
    ("core A 2", "core B 0", "core A 0"): 10 / 5.000001,
    # ... though a margin with a tie does
    ("core A 2", "important tie 2"): 10 / 7.000001,
    ("important tie 1",): 0.0,
    # a critical one is alone, unbounded, and cancels
    ("critical B 1", "core A 2", "core A 2"): -1.0,
    ("critical A 2", "critical A 2", "critical A 1"): 5.0,
    ("critical A 2", "critical B 1"): 1.0,
    ("critical A 2", "critical B 2", "core B 2"): 0.0,
    ("critical tie 1", "core A 2"): 0.0,
    ("critical tie", "core A 2"): 10 / 5.000001,
    ("critical A 0", "core A 2"): 10 / 5.000001,
    # nothing
    (): 0.0,
    ("core tie", "important tie"): 0.0,
}


@pytest.mark.parametrize("said", RELEASED)
def test_the_released_rule(said: tuple[str, ...]) -> None:
    assert released(found(*said), WEIGHTS) == pytest.approx(RELEASED[said], abs=1e-15)


def test_the_released_rule_never_reaches_2_without_a_critical_one() -> None:
    assert released(found("core A 2"), WEIGHTS) == 10 / (5 + EPSILON) < 2


def test_a_type_without_a_weight_is_dropped() -> None:
    said = found("core A 2", "highlight B 2")
    assert released(said, {"core": 5}) == 10 / 5.000001
    assert symmetric(said, {"core": 5}) == 1.0
    assert released(found("highlight B 2"), {"core": 5}) == symmetric(found("highlight B 2"), {"core": 5}) == 0.0


def test_below_the_threshold_is_0_and_at_it_is_not() -> None:
    vetoed, weighted = found("critical B 1"), found("core A 1", "core tie")
    assert [released(vetoed, WEIGHTS, m) for m in (0.5, 1.0, 1.1)] == [-1.0, -1.0, 0.0]
    assert [symmetric(vetoed, WEIGHTS, m) for m in (0.25, 0.5, 0.51)] == [-0.5, -0.5, 0.0]
    assert [symmetric(weighted, WEIGHTS, m) for m in (0.25, 0.26)] == [0.25, 0.0]


SYMMETRIC = {
    # sum(w v) / (2 sum(w)) over all criteria
    ("core A 2",): 1.0,
    ("core A 1",): 0.5,
    ("core A 2", "important B 1"): 8 / 14,
    ("core A 2", "core tie", "core tie"): 10 / 30,
    ("core A 2", "core B 0", "core A 0"): 10 / 30,
    ("core A 2", "important tie 2"): 10 / 14,
    ("core B 1", "important A 2", "highlight A 1"): 0.0,
    # a veto goes by the sign of the sum
    ("critical B 1", "core A 2", "core A 2"): -0.5,
    ("critical A 2", "critical A 2", "critical A 1"): 5 / 6,
    ("critical A 2", "critical B 1"): 1 / 4,
    # critical ones that cancel out do not hide the rest
    ("critical A 2", "critical B 2", "core B 2"): -1.0,
    ("critical tie 1", "core A 2"): 1.0,
    ("critical tie", "core A 2"): 1.0,
    ("critical A 1", "critical B 1"): 0.0,
    # nothing
    (): 0.0,
    ("core tie", "important tie"): 0.0,
}


@pytest.mark.parametrize("said", SYMMETRIC)
def test_our_rule(said: tuple[str, ...]) -> None:
    assert symmetric(found(*said), WEIGHTS) == pytest.approx(SYMMETRIC[said], abs=1e-15)


comparisons = st.lists(
    st.builds(
        Compared,
        text=st.just("c"),
        type=st.sampled_from(CRITERION_TYPES),
        better=st.sampled_from(["A", "B", "tie"]),
        by=st.integers(0, 2),
    ),
    max_size=15,
)
weights = st.fixed_dictionaries({name: st.floats(1e-300, 1e300) for name in ("core", "important", "highlight")})


@given(comparisons, weights, st.sampled_from([0.0, 0.1, 0.5]))
@settings(deadline=None, max_examples=200)
def test_exchanging_the_responses_turns_our_score_around_exactly(
    said: list[Compared], weight: dict[CriterionType, float], threshold: float
) -> None:
    score = symmetric(said, weight, threshold)
    assert -1 <= score <= 1
    assert symmetric([one.swapped() for one in said], weight, threshold) == -score


@given(comparisons, st.sampled_from([0.0, 0.1, 1.0]))
@settings(deadline=None, max_examples=100)
def test_exchanging_the_responses_turns_the_released_score_around(said: list[Compared], threshold: float) -> None:
    assert released([one.swapped() for one in said], WEIGHTS, threshold) == -released(said, WEIGHTS, threshold)


def test_weights_without_a_sum_are_refused_and_not_a_tie() -> None:
    huge: dict[CriterionType, float] = dict.fromkeys(("core", "important"), 1.7e308)
    assert symmetric(found("core A 2", "important tie"), huge) == 0.5
    with pytest.raises(UsageError, match="too large"):
        released(found("core A 2", "important tie 1"), huge)


def test_the_criterion_that_vetoes() -> None:
    said = found("core B 2", "critical tie", "critical B 1", "critical A 2")
    veto = vetoed_by(said, symmetric(said, WEIGHTS))
    assert veto is said[3]
    assert vetoed_by(said, 0.0) is None
    cancelled = found("critical A 2", "critical B 2", "core B 2")
    assert vetoed_by(cancelled, symmetric(cancelled, WEIGHTS)) is None


# Scores of the two orders, each above 0 where the response shown first is better: A in the first, B in the second.
PAIRS: dict[tuple[float, float], str] = {
    (1, 1): "tie",  # each order prefers what it shows first
    (1, 0): "A",  # a win where A is shown first, and a tie
    (1, -1): "A",
    (0, 1): "B",  # the same for B
    (0, 0): "tie",
    (0, -1): "tie",  # a tie where A is shown first, and a win where it is not
    (-1, 1): "B",
    (-1, 0): "tie",  # the same for B
    (-1, -1): "tie",
}


@pytest.mark.parametrize("scores", PAIRS)
def test_two_orders_by_the_released_rule(scores: tuple[float, float]) -> None:
    assert released_pair(*scores) == PAIRS[scores]


def test_all_combinations_are_there() -> None:
    assert set(PAIRS) == set(product((1, 0, -1), repeat=2))


BOUNDARY = {
    (0.5, -0.5): "tie",  # not above m
    (0.51, -0.5): "A",
    (0.51, -0.49): "tie",
    (0.51, 0.0): "tie",
    (-0.5, 0.5): "tie",
    (-0.5, 0.51): "B",
    (-0.49, 0.51): "tie",
    (0.0, 0.51): "tie",
}


@pytest.mark.parametrize("scores", BOUNDARY)
def test_two_orders_at_the_threshold(scores: tuple[float, float]) -> None:
    assert released_pair(*scores, threshold=0.5) == BOUNDARY[scores]


def test_options() -> None:
    check_aggregation("released", 2.5)
    check_aggregation("symmetric", 1)
    for threshold in (1.1, -0.1, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="threshold"):
            check_aggregation("symmetric", threshold)
    with pytest.raises(UsageError, match="unknown aggregation 'mean'"):
        check_aggregation("mean", 0)  # pyright: ignore[reportArgumentType]
