"""Intervals: published values, and what a bootstrap must do."""

import random

import pytest

from openrubrics.evaluation.intervals import bootstrap, wilson
from openrubrics.signatures import UsageError


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998) 857-872, Table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_limits(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_is_symmetric_and_stays_in_range() -> None:
    for n in (1, 2, 10, 1000):
        for successes in (0, n // 2, n):
            low, high = wilson(successes, n)
            mirrored = wilson(n - successes, n)
            assert 0 <= low < high <= 1
            assert (low, high) == pytest.approx((1 - mirrored[1], 1 - mirrored[0]))


SCORES = random.Random(1).choices([0.0, 0.5, 1.0], k=400)


def test_the_bootstrap_depends_on_the_seed_and_on_nothing_else() -> None:
    assert bootstrap(SCORES, seed=1) == bootstrap(SCORES, seed=1) == bootstrap(SCORES[::-1], seed=1)
    assert bootstrap(SCORES, seed=1) != bootstrap(SCORES, seed=2)


def test_the_bootstrap_agrees_with_the_normal_interval() -> None:
    mean = sum(SCORES) / len(SCORES)
    deviation = (sum((score - mean) ** 2 for score in SCORES) / len(SCORES)) ** 0.5
    half = 1.96 * deviation / len(SCORES) ** 0.5
    assert bootstrap(SCORES, seed=0) == pytest.approx((mean - half, mean + half), abs=0.004)


def test_the_bootstrap_resamples_pairs_and_not_orders() -> None:
    """Fully dependent orders carry the information of n pairs; 2n independent comparisons would give 0.71 of it."""
    pairs = [1.0] * 200 + [0.0] * 200
    low, high = bootstrap(pairs, seed=0)
    assert high - low == pytest.approx(2 * 1.96 * 0.5 / 400**0.5, abs=0.008)


@pytest.mark.parametrize("score", [0.0, 0.5, 1.0])
def test_equal_scores_do_not_pretend_certainty(score: float) -> None:
    low, high = bootstrap([score] * 10, seed=0)
    assert high - low > 0.25
    assert (low, high) == wilson(10 * score, 10)


def test_a_large_run_costs_no_memory_for_its_resamples() -> None:
    low, high = bootstrap([0.0, 0.5, 1.0] * 100_000, seed=0)
    assert 0 < high - low < 0.01


def test_the_share_is_in_its_interval_to_the_last_digit() -> None:
    for n in range(1, 400):
        for successes in (0, n // 3, n):
            low, high = wilson(successes, n)
            assert low <= successes / n <= high


def test_a_negative_seed_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="seed is -1"):
        bootstrap([0.0, 1.0], seed=-1)
