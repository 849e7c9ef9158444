"""Every figure against a case that was worked out by hand, and properties that hold for any run."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrubrics.evaluation import EvaluatedPair, Figures, measure
from openrubrics.evaluation.metrics import failures
from openrubrics.signatures import DataError, Judgment, Label, Order, OrderOutcome, Orders, Outcome, Tie, Verdict
from openrubrics.signatures.outcomes import Failed
from openrubrics.signatures.values import OTHER

Judged = Callable[..., EvaluatedPair]


def test_single_order_by_hand(judged: Judged) -> None:
    figures = measure(
        [
            judged("A", chosen="A", longer="A"),
            judged("B", chosen="B", longer="A"),
            judged("A", chosen="B", longer=None),
            judged("t", chosen="A", longer="A"),
            judged("f", chosen="A", longer="B"),
        ],
        orders="single",
    )
    assert figures.pairs == figures.comparisons == 5
    assert figures.accuracy == pytest.approx(2 / 5)
    assert figures.accuracy_ci == pytest.approx((0.1176, 0.7693), abs=1e-4)
    assert (figures.ties, figures.failed) == (1, 1)
    assert figures.coverage == pytest.approx(4 / 5)
    # Verdicts for the first: 1 of 1 with the chosen response first, 1 of 2 with it second.
    assert figures.position_bias == pytest.approx((1 + 1 / 2) / 2 - 0.5)
    assert figures.length_baseline == pytest.approx(2.5 / 5)
    assert figures.consistent_accuracy is None
    assert figures.flips is None


def test_both_orders_by_hand(judged: Judged) -> None:
    figures = measure(
        [
            judged("AA", chosen="A"),
            judged("AB", chosen="A"),
            judged("BB", chosen="A"),
            judged("Af", chosen="A"),
            judged("tB", chosen="B"),
            judged("BA", chosen="B"),
            judged("tf", chosen="B"),
            judged(result="f"),
        ],
        orders="both",
    )
    assert (figures.pairs, figures.comparisons) == (8, 16)
    assert figures.accuracy == pytest.approx((2 + 1 + 0 + 1 + 1 + 1 + 0 + 0) / 16)
    assert figures.consistent_accuracy == pytest.approx(1 / 8)
    assert figures.flips == pytest.approx(2 / 8)
    assert (figures.ties, figures.failed) == (2, 4)
    assert figures.coverage == pytest.approx(12 / 16)
    # For the first, with the chosen response first: AA yes, AB yes, BB no, A yes, B yes, BA no (second order: 4 of 6);
    # with it second: AA no, AB yes, BB yes, BA no (2 of 4).
    assert figures.position_bias == pytest.approx((4 / 6 + 2 / 4) / 2 - 0.5)
    low, high = figures.accuracy_ci
    assert 0 < low < figures.accuracy < high < 1


def test_without_orders_the_result_counts_in_every_order(judged: Judged) -> None:
    asked_for: tuple[tuple[Orders, int], ...] = (("single", 1), ("both", 2))
    for result, right, ties, failed in (("A", 1, 0, 0), ("B", 0, 0, 0), ("t", 0, 1, 0), ("f", 0, 0, 1)):
        for orders, asked in asked_for:
            figures = measure([judged(result=result, chosen="A")], orders=orders)
            assert figures.comparisons == asked
            assert (figures.accuracy, figures.ties, figures.failed) == (right, ties * asked, failed * asked)
            assert figures.position_bias is None


def test_an_order_that_is_missing_beside_another_has_failed(judged: Judged) -> None:
    results = [judged("A", chosen="A")]
    figures = measure(results, orders="both")
    assert (figures.comparisons, figures.accuracy, figures.failed) == (2, 0.5, 1)
    assert failures(results, "both") == {"this order was not judged": 1}


def test_more_orders_than_asked_for_are_an_error(judged: Judged) -> None:
    with pytest.raises(DataError, match="pair 'x' was judged in 2 orders, but the run says 'single'"):
        measure([judged("AA", name="x")], orders="single")


def test_no_results_are_an_error() -> None:
    with pytest.raises(DataError, match="no judged pairs"):
        measure([], orders="single")


@pytest.mark.parametrize("orders", ["single", "both"])
@pytest.mark.parametrize(("letter", "coverage"), [("f", 0.0), ("t", 1.0)])
def test_nothing_but_failures_or_ties(judged: Judged, orders: Orders, letter: str, coverage: float) -> None:
    asked = 2 if orders == "both" else 1
    figures = measure([judged(letter * asked) for _ in range(10)], orders=orders)
    assert figures.accuracy == 0
    assert figures.coverage == coverage
    assert (figures.ties, figures.failed) == ((0, 10 * asked) if letter == "f" else (10 * asked, 0))
    assert figures.position_bias is None
    assert figures.consistent_accuracy == (0 if orders == "both" else None)
    assert figures.flips == (0 if orders == "both" else None)
    assert figures.accuracy_ci == pytest.approx((0, 0.2775), abs=1e-4)


def test_failures_are_counted_by_reason_most_frequent_first() -> None:
    def result(*reasons: str) -> EvaluatedPair:
        shown: tuple[Order, ...] = ("AB", "BA")
        orders = tuple(
            OrderOutcome(order=order, outcome=Failed(reason=reason))
            for order, reason in zip(shown, reasons, strict=False)
        )
        judgment = Judgment(outcome=Failed(reason=reasons[0]), orders=orders if len(reasons) > 1 else ())
        return EvaluatedPair(id="1", domain="d", source="s", chosen_slot="A", longer_slot="A", judgment=judgment)

    counted = failures(
        [result("no Winner line", "timed out"), result("timed out", "timed out"), result("no rubric")], "both"
    )
    assert list(counted.items()) == [("timed out", 3), ("no rubric", 2), ("no Winner line", 1)]


labels: tuple[Label, ...] = ("A", "B")
slots = st.sampled_from(labels)
outcomes = st.one_of(
    slots.map(lambda slot: Verdict(preferred=slot)), st.just(Tie(reason="t")), st.just(Failed(reason="f"))
)


def build(index: int, chosen: Label, longer: Label | None, ab: Outcome, ba: Outcome) -> EvaluatedPair:
    orders = (OrderOutcome(order="AB", outcome=ab), OrderOutcome(order="BA", outcome=ba))
    return EvaluatedPair(
        id=str(index),
        domain="d",
        source="s",
        chosen_slot=chosen,
        longer_slot=longer,
        judgment=Judgment(outcome=ab, orders=orders),
    )


runs = st.lists(st.tuples(slots, st.one_of(st.none(), slots), outcomes, outcomes), min_size=1, max_size=30).map(
    lambda rows: [build(index, *row) for index, row in enumerate(rows)]
)


def exchanged(result: EvaluatedPair) -> EvaluatedPair:
    """The same judgment had A and B been given the other way round."""
    ab, ba = (shown.outcome.swapped() for shown in result.judgment.orders)
    longer = None if result.longer_slot is None else OTHER[result.longer_slot]
    return build(int(result.id), OTHER[result.chosen_slot], longer, ba, ab)


@given(runs)
def test_exchanging_the_slots_everywhere_changes_nothing(results: list[EvaluatedPair]) -> None:
    assert measure([exchanged(result) for result in results], orders="both") == measure(results, orders="both")


@given(runs)
def test_figures_stay_in_their_ranges_and_add_up(results: list[EvaluatedPair]) -> None:
    figures = measure(results, orders="both")
    wrong = sum(
        isinstance(shown.outcome, Verdict) and shown.outcome.preferred != result.chosen_slot
        for result in results
        for shown in result.judgment.orders
    )
    right = figures.accuracy * figures.comparisons
    assert right + wrong + figures.ties + figures.failed == pytest.approx(figures.comparisons)
    assert figures.consistent_accuracy is not None
    assert figures.flips is not None
    assert figures.consistent_accuracy <= figures.accuracy
    assert figures.consistent_accuracy + figures.flips <= 1
    assert 0 <= figures.accuracy_ci[0] <= figures.accuracy_ci[1] <= 1
    assert figures.position_bias is None or -0.5 <= figures.position_bias <= 0.5
    assert 0 <= figures.length_baseline <= 1


@given(st.lists(slots, min_size=1, max_size=30))
def test_always_preferring_what_is_shown_first(chosen: list[Label]) -> None:
    first = [
        build(index, slot, None, Verdict(preferred="A"), Verdict(preferred="B")) for index, slot in enumerate(chosen)
    ]
    figures = measure(first, orders="both")
    assert figures.accuracy == 0.5
    assert figures.consistent_accuracy == 0
    assert figures.position_bias == 0.5
    assert figures.flips == 1
    assert isinstance(figures, Figures)


@given(st.lists(slots, min_size=2, max_size=30).filter(lambda chosen: len(set(chosen)) == 2), st.booleans())
def test_the_coin_that_placed_the_chosen_response_is_no_position_bias(chosen: list[Label], right: bool) -> None:
    """A judge that is always right, or always wrong, does not care for places, however often the chosen was first."""
    results = [_single(index, slot, slot if right else OTHER[slot]) for index, slot in enumerate(chosen)]
    assert measure(results, orders="single").position_bias == 0
    first = [_single(index, slot, "A") for index, slot in enumerate(chosen)]
    assert measure(first, orders="single").position_bias == 0.5


def test_one_placement_alone_tells_no_position_bias() -> None:
    assert measure([_single(index, "A", "A") for index in range(3)], orders="single").position_bias is None


@given(st.lists(st.tuples(slots, slots, slots), min_size=1, max_size=30))
def test_with_verdicts_in_both_orders_it_is_the_share_for_the_first(rows: list[tuple[Label, Label, Label]]) -> None:
    results = [
        build(index, chosen, None, Verdict(preferred=ab), Verdict(preferred=ba))
        for index, (chosen, ab, ba) in enumerate(rows)
    ]
    first = sum((ab == "A") + (ba == "B") for _, ab, ba in rows)
    assert measure(results, orders="both").position_bias == pytest.approx(first / (2 * len(rows)) - 0.5)


def _single(index: int, chosen: Label, preferred: Label) -> EvaluatedPair:
    outcome = Verdict(preferred=preferred)
    judgment = Judgment(outcome=outcome, orders=(OrderOutcome(order="AB", outcome=outcome),))
    return EvaluatedPair(id=str(index), domain="d", source="s", chosen_slot=chosen, longer_slot=None, judgment=judgment)


@given(runs)
def test_the_interval_holds_the_accuracy(results: list[EvaluatedPair]) -> None:
    figures = measure(results, orders="both")
    assert figures.accuracy_ci[0] <= figures.accuracy <= figures.accuracy_ci[1]
