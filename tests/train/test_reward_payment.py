"""What completions are paid against an anchor, and which groups are dropped, worked out by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scored_judge import ScoredJudge

from openrubrics.signatures import Failed, Judgment, OrderOutcome, Outcome, Prompt, Tie, Verdict
from openrubrics.signatures.errors import UsageError
from openrubrics.train import RubricReward
from openrubrics.verifiers import verifiable_share

SCORES: dict[str, float | None] = {"best": 3, "mid": 2, "also mid": 2, "low": 1, "odd": None, "reference": 2}


def rewards(reward: RubricReward, completions: Sequence[Any], **told: Any) -> list[float | None]:  # noqa: ANN401
    return asyncio.run(reward(prompts=len(completions) * ["Name a prime."], completions=completions, **told))


def paying(rule: Any = SCORES, *, orders: Any = "single", **options: Any) -> RubricReward:  # noqa: ANN401
    given: dict[str, Any] = {"payment": "brpo", "anchor": "first", **options}
    return RubricReward(ScoredJudge(rule, orders), **given)


@pytest.mark.parametrize(
    ("completions", "expected"),
    [
        (["mid", "best", "also mid", "low"], [0, 1, -1, -1]),
        (["low", "best", "mid"], [0, 1, 1]),
        (["best", "mid", "low"], [0, -1, -1]),
    ],
)
def test_brpo_pays_one_for_a_win_and_minus_one_for_all_else_and_nothing_for_the_anchor(
    completions: list[str], expected: list[float]
) -> None:
    assert rewards(paying(), completions) == expected


def test_a_win_in_one_order_only_is_no_win() -> None:
    first_slot = paying(lambda a, b: "A", orders="both")
    assert rewards(first_slot, ["one", "two", "three"]) == [0, -1, -1]
    assert rewards(paying(orders="both"), ["mid", "best", "low"]) == [0, 1, -1]


def test_a_failed_comparison_is_never_paid_as_a_loss() -> None:
    for payment in ("brpo", "graded"):
        assert rewards(paying(payment=payment), ["mid", "odd", "best"]) == [0, None, 1]
        assert rewards(paying(payment=payment), ["odd", "best", "low"]) == [None, None, None]
        assert rewards(paying(payment=payment), ["best"]) == [None]


def test_every_copy_of_the_anchor_is_paid_as_the_anchor() -> None:
    reward = paying()
    assert rewards(reward, ["mid", "best", "mid", "low"]) == [0, 1, 0, -1]
    assert len(reward.judge.compared) == 2  # type: ignore[attr-defined]
    assert rewards(paying(), 3 * ["mid"]) == [0, 0, 0]


def test_each_rollout_of_a_group_is_as_likely_the_anchor_as_any_other() -> None:
    drawn = 0
    for seed in range(400):
        first, *_ = rewards(paying(anchor="random", seed=seed), ["mid", "mid", "mid", "low"])
        drawn += first == 0
    assert 270 <= drawn <= 330, "three of four rollouts say it, though it is one of two texts"


def test_against_a_reference_answer_nobody_of_the_group_is_the_anchor() -> None:
    reward = paying(anchor="answer")
    columns = {"answer": ["reference", "reference", None, "reference"]}
    assert rewards(reward, ["best", "mid", "low", "reference"], **columns) == [1, -1, None, 0]


class GradingJudge:
    """A judge whose scores are given: for each order, with the names of the responses as the caller has them."""

    def __init__(self, scores: Mapping[str, Sequence[float | None]], outcome: Outcome | None = None) -> None:
        self.scores = scores
        self.outcome = outcome

    async def acall(self, *, prompt: Prompt, response_a: str, response_b: str) -> Judgment:
        sign, one = (1, response_a) if response_b == "anchor" else (-1, response_b)
        scores = [None if each is None else sign * each for each in self.scores[one]]
        total = sum(each or 0 for each in scores)
        said = self.outcome or (Verdict(preferred="A" if total > 0 else "B") if total else Tie(reason="even"))
        return Judgment(
            outcome=said if sign > 0 else said.swapped(),
            orders=tuple(
                OrderOutcome(order=order, outcome=said, score=each)
                for order, each in zip(("AB", "BA"), scores, strict=False)
            ),
        )


def graded(judge: GradingJudge, **options: Any) -> list[float | None]:  # noqa: ANN401
    reward = RubricReward(judge, payment="graded", anchor="first", **options)
    return rewards(reward, ["anchor", *judge.scores])


@pytest.mark.parametrize("seed", range(4))
def test_graded_pays_the_score_whatever_the_slots_and_no_more_than_a_win(seed: int) -> None:
    judge = GradingJudge({"far better": [1.0], "better": [0.25], "even": [0.0], "worse": [-0.5], "fatal": [-4.0]})
    assert graded(judge, seed=seed) == [0, 1, 0.25, 0, -0.5, -1]


def test_graded_pays_the_mean_over_both_orders() -> None:
    assert graded(GradingJudge({"x": [1.0, 0.5], "y": [0.5, -0.25], "z": [-0.5, 0.5]})) == [0, 0.75, 0.125, 0]


def test_graded_pays_the_outcome_where_an_order_has_no_score() -> None:
    silent = {"x": [None], "y": [1.0, None]}
    assert graded(GradingJudge(silent, Tie(reason="even"))) == [0, 0, 0]
    assert graded(GradingJudge(silent, Failed(reason="cut"))) == [None, None, None]
    assert rewards(paying(payment="graded"), ["mid", "best", "also mid", "low"]) == [0, 1, 0, -1]


def test_a_failure_has_no_payment_whatever_its_scores() -> None:
    assert graded(GradingJudge({"x": [2.0, None]}, Failed(reason="the other order failed"))) == [None, None]
    assert graded(GradingJudge({"x": [2.0, 2.0]}, Failed(reason="the domain is unknown"))) == [None, None]


def group(won: int, lost: int) -> tuple[dict[str, float | None], list[str]]:
    """Return an anchor with completions that beat it and completions that do not."""
    scores: dict[str, float | None] = {"anchor": 1}
    scores |= {f"better {i}": 2 for i in range(won)} | {f"worse {i}": 0 for i in range(lost)}
    return scores, list(scores)


@pytest.mark.parametrize(
    ("won", "lost", "dropped"),
    [(12, 3, False), (13, 2, True), (15, 0, True), (3, 12, False), (2, 13, True), (0, 15, True), (8, 7, False)],
)
def test_of_sixteen_a_group_is_dropped_where_ten_more_win_than_lose_or_lose_than_win(
    won: int, lost: int, dropped: bool
) -> None:
    scores, completions = group(won, lost)
    metrics: dict[str, float] = {}
    found = rewards(paying(scores, drop_above=0.6), completions, log_metric=metrics.__setitem__)
    assert found == (16 * [None] if dropped else [0, *won * [1], *lost * [-1]])
    assert metrics["rubric_reward/dropped_share"] == dropped
    assert ("rubric_reward/group_std" in metrics) != dropped
    assert metrics["rubric_reward/failed_share"] == 0


def test_a_group_at_the_bound_is_kept_and_the_anchor_counts() -> None:
    scores, completions = group(3, 0)
    assert rewards(paying(scores, drop_above=0.75), completions) == [0, 1, 1, 1]
    assert rewards(paying(scores, drop_above=0.74), completions) == 4 * [None]


def test_what_failed_does_not_hide_that_a_group_is_lopsided() -> None:
    scores, completions = group(3, 0)
    scores |= {f"odd {i}": None for i in range(12)}
    assert rewards(paying(scores, drop_above=0.6), [*completions, *list(scores)[4:]]) == 16 * [None]


def test_each_group_is_kept_or_dropped_by_itself() -> None:
    scores, completions = group(4, 0)
    even, others = group(1, 1)
    prompts = [*5 * ["First?"], *3 * ["Second?"], "Third?"]
    metrics: dict[str, float] = {}
    asked = paying(scores | even, drop_above=0.6)(
        prompts, [*completions, *others, "anchor"], log_metric=metrics.__setitem__
    )
    assert asyncio.run(asked) == [*5 * [None], 0, 1, -1, None]
    assert metrics["rubric_reward/dropped_share"] == 1 / 2, "a group without payments is none"


def test_the_filter_holds_for_graded_payments() -> None:
    judge = GradingJudge({"x": [1.0], "y": [0.8]})
    assert graded(judge, drop_above=0.6) == [0, 1, 0.8]
    assert graded(judge, drop_above=0.5) == 3 * [None]


CHECKED = "Name three primes. Do not use any commas."
PASSES, ALSO_PASSES, BREAKS, EMPTY = "2 and 3 and 5.", "3 and 5 and 7.", "2, 3 and 5.", ""
SHARES = {text: verifiable_share(CHECKED, text) for text in (PASSES, ALSO_PASSES, BREAKS, EMPTY)}


def checked(judge: ScoredJudge, completions: Sequence[str], weight: float = 0.5, **options: Any) -> list[float | None]:  # noqa: ANN401
    given: dict[str, Any] = {"payment": "brpo", "anchor": "first", "verifiable_weight": weight, **options}
    return asyncio.run(RubricReward(judge, **given)(len(completions) * [CHECKED], completions))


def test_what_checks_say_is_added_by_its_weight() -> None:
    broken = SHARES[BREAKS]
    assert broken is not None
    assert (SHARES[PASSES], SHARES[ALSO_PASSES], SHARES[EMPTY]) == (1, 1, 0)
    assert 0 < broken < 1
    judge = ScoredJudge({PASSES: 2, ALSO_PASSES: 3, BREAKS: 1, EMPTY: 0})
    completions = [PASSES, ALSO_PASSES, BREAKS, EMPTY]
    assert checked(judge, completions) == [0.5, 1.5, -1 + 0.5 * broken, -1]
    assert checked(judge, completions, 2) == [2, 3, -1 + 2 * broken, -1]
    assert checked(judge, completions, 0) == [0, 1, -1, -1]
    assert checked(judge, completions, payment="share") == pytest.approx([2 / 3 + 0.5, 1.5, 0.5 * broken, 0])


def test_a_judge_that_loves_what_breaks_a_rule_does_not_make_it_pay() -> None:
    judge = ScoredJudge({PASSES: 2, ALSO_PASSES: 1, BREAKS: 3, EMPTY: 4})
    broken = SHARES[BREAKS] or 0
    assert checked(judge, [PASSES, ALSO_PASSES, BREAKS, EMPTY]) == [0.5, -0.5, -1 + 0.5 * broken, -1]
    assert checked(judge, [PASSES, BREAKS, EMPTY]) == [0.5, 0.5 * broken, 0]
    assert checked(judge, [BREAKS, EMPTY]) == [0.5 * broken, 1], "none passes, so that nobody is held back"


def test_checks_pay_nothing_where_the_comparison_failed_or_the_group_is_dropped() -> None:
    failed = ScoredJudge({PASSES: None, ALSO_PASSES: 1, BREAKS: 0})
    assert checked(failed, [ALSO_PASSES, PASSES, BREAKS])[1] is None
    kept = ScoredJudge({PASSES: 1, ALSO_PASSES: 2, BREAKS: 0})
    assert None not in checked(kept, [PASSES, ALSO_PASSES, BREAKS], 9, drop_above=0.6), "checks are no skew"
    skewed = ScoredJudge({PASSES: 2, BREAKS: 1, EMPTY: 0})
    assert checked(skewed, [PASSES, BREAKS, EMPTY], drop_above=0.6) == 3 * [None]


def test_what_checks_say_is_logged() -> None:
    metrics: dict[str, float] = {}
    judge = ScoredJudge({PASSES: 2, BREAKS: 1, "7": 0, "11": 1})
    reward = RubricReward(judge, verifiable_weight=0.5)
    completions = [PASSES, BREAKS, "7", "11"]
    asyncio.run(reward([CHECKED, CHECKED, "Hm?", "Hm?"], completions, log_metric=metrics.__setitem__))
    shares = [SHARES[PASSES], SHARES[BREAKS], verifiable_share("Hm?", "7"), verifiable_share("Hm?", "11")]
    assert metrics["rubric_reward/verifiable_share"] == pytest.approx(
        fmean(share for share in shares if share is not None)
    )


@settings(max_examples=60, deadline=None)
@given(
    levels=st.lists(st.sampled_from([0, 1, 2]), min_size=4, max_size=4),
    payment=st.sampled_from(["share", "brpo", "graded"]),
    weight=st.floats(0.01, 10),
    seed=st.integers(0, 3),
)
def test_nobody_who_breaks_a_rule_is_paid_as_much_as_one_who_breaks_none(
    levels: list[float], payment: str, weight: float, seed: int
) -> None:
    completions = [PASSES, ALSO_PASSES, BREAKS, EMPTY]
    judge = ScoredJudge(dict(zip(completions, levels, strict=True)))
    passing, also, *broken = checked(judge, completions, weight, payment=payment, anchor="random", seed=seed)
    assert passing is not None
    assert also is not None
    assert all(each is not None and each < min(passing, also) for each in broken)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"payment": "sign"}, "unknown payment 'sign'"),
        ({"payment": "brpo", "mode": "pairs"}, "payment brpo is for comparisons with an anchor"),
        ({"payment": "graded", "mode": "pairs"}, "payment graded is for comparisons with an anchor"),
        ({"drop_above": 0.6}, "drop_above is for payments about 0"),
        ({"payment": "brpo", "drop_above": 1}, "drop_above is 1"),
        ({"payment": "brpo", "drop_above": -0.1}, "drop_above is -0.1"),
        ({"payment": "brpo", "drop_above": float("nan")}, "drop_above is nan"),
        ({"verifiable_weight": -0.5}, "verifiable_weight is -0.5"),
        ({"verifiable_weight": float("inf")}, "verifiable_weight is inf"),
    ],
)
def test_options_are_checked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RubricReward(ScoredJudge(SCORES), **options)


@settings(max_examples=30, deadline=None)
@given(
    levels=st.lists(st.sampled_from([0, 1, 2, None]), min_size=1, max_size=5),
    repeats=st.integers(0, 2),
    drop=st.sampled_from([None, 0.0, 0.6]),
    shuffle=st.randoms(use_true_random=False),
)
def test_permuting_a_group_permutes_its_payments(
    levels: list[float | None],
    repeats: int,
    drop: float | None,
    shuffle: Any,  # noqa: ANN401
) -> None:
    scores = {f"text {i}": level for i, level in enumerate(levels)}
    completions = [*scores, *list(scores)[:repeats]]
    before = rewards(paying(scores, anchor="random", drop_above=drop), completions)
    places = list(range(len(completions)))
    shuffle.shuffle(places)
    after = rewards(paying(scores, anchor="random", drop_above=drop), [completions[i] for i in places])
    assert after == [before[i] for i in places]
    assert {each for each in before if each is not None} <= {-1, 0, 1}
