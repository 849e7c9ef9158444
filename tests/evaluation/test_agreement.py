"""Cohen's kappa of repeated runs."""

from collections.abc import Callable

import pytest

from openrubrics.evaluation import EvaluatedPair, kappa
from openrubrics.signatures import DataError, UsageError

Judged = Callable[..., EvaluatedPair]


@pytest.fixture
def run(judged: Judged) -> Callable[[str], list[EvaluatedPair]]:
    """A run in which the better response is always A, one letter for each pair."""
    return lambda said: [judged(letter, chosen="A", name=str(index)) for index, letter in enumerate(said)]


def test_the_textbook_case(run: Callable[[str], list[EvaluatedPair]]) -> None:
    # 20 both right, 5 only the first, 10 only the second, 15 both wrong: observed 0.7, by chance 0.5.
    first = run("A" * 20 + "A" * 5 + "B" * 10 + "B" * 15)
    second = run("A" * 20 + "B" * 5 + "A" * 10 + "B" * 15)
    assert kappa([first, second]) == pytest.approx(0.4)


def test_four_categories_by_hand(run: Callable[[str], list[EvaluatedPair]]) -> None:
    # Observed 4/6; by chance (2*2 + 2*1 + 1*2 + 1*1) / 36 = 1/4.
    assert kappa([run("AABBtf"), run("AAtBtf")]) == pytest.approx((4 / 6 + 1 / 6 - 9 / 36) / (1 - 9 / 36))


def test_equal_and_opposite_runs(run: Callable[[str], list[EvaluatedPair]]) -> None:
    assert kappa([run("ABtf"), run("ABtf")]) == 1
    assert kappa([run("AB"), run("BA")]) == -1


def test_more_runs_give_the_mean_over_all_pairs_of_runs(run: Callable[[str], list[EvaluatedPair]]) -> None:
    a, b, c = run("AABB"), run("ABAB"), run("AABB")
    assert kappa([a, b]) == 0
    assert kappa([a, b, c]) == pytest.approx((0 + 1 + 0) / 3)


def test_a_single_category_has_no_kappa(run: Callable[[str], list[EvaluatedPair]]) -> None:
    assert kappa([run("AAA"), run("AAA")]) is None
    assert kappa([run("AAA"), run("ABA")]) == 0


def test_the_category_is_what_the_outcome_says_about_the_label(judged: Judged) -> None:
    first = [judged("A", chosen="A", name="1"), judged("B", chosen="A", name="2")]
    second = [judged("A", chosen="B", name="2"), judged("B", chosen="B", name="1")]
    assert kappa([first, second]) == 1


def test_runs_that_do_not_match_are_errors(run: Callable[[str], list[EvaluatedPair]]) -> None:
    with pytest.raises(DataError, match="runs 1 and 2 differ in 1 ids, the first is '2'"):
        kappa([run("AAB"), run("AA")])
    with pytest.raises(DataError, match="id '0' comes more than once"):
        kappa([run("A") * 2, run("AA")])
    with pytest.raises(DataError, match="without judged pairs"):
        kappa([[], []])
    with pytest.raises(UsageError, match="two runs or more, and there are 1"):
        kappa([run("AB")])
