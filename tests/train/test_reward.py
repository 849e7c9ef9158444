"""Rewards of groups that were worked out by hand, and what must hold for any group."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scored_judge import ScoredJudge

from openrubrics.signatures.errors import UsageError
from openrubrics.train import RubricReward

PROMPT = "Name a prime."
GROUP = ["best", "mid", "also mid", "low"]
SCORES: dict[str, float | None] = {"best": 3, "mid": 2, "also mid": 2, "low": 1, "odd": None, "reference": 2}


def rewards(
    reward: RubricReward,
    completions: Sequence[Any],
    prompts: Sequence[Any] | None = None,
    **told: Any,  # noqa: ANN401
) -> list[float | None]:
    return asyncio.run(reward(prompts=prompts or len(completions) * [PROMPT], completions=completions, **told))


def test_all_pairs_give_the_share_of_comparisons_won() -> None:
    judge = ScoredJudge(SCORES)
    assert rewards(RubricReward(judge, mode="pairs"), GROUP) == [1, 0.5, 0.5, 0]
    assert len(judge.compared) == 6
    assert judge.rubrics == 1


@pytest.mark.parametrize(
    ("completions", "expected"),
    [
        (["mid", "best", "also mid", "low"], [0.5, 1, 0.5, 0]),
        (["low", "best", "mid"], [0, 1, 1]),
        (GROUP, [1, 0, 0, 0]),
    ],
)
def test_against_an_anchor_of_the_group(completions: list[str], expected: list[float]) -> None:
    judge = ScoredJudge(SCORES)
    assert rewards(RubricReward(judge, anchor="first"), completions) == expected
    assert len(judge.compared) == len(completions) - 1
    assert all(completions[0] in compared for compared in judge.compared)


def test_a_drawn_anchor_is_any_completion_of_the_group_and_the_same_one_again() -> None:
    anchors = []
    for seed in range(40):
        judge = ScoredJudge(SCORES)
        first = rewards(RubricReward(judge, seed=seed), GROUP)
        (anchor,) = set.intersection(*map(set, judge.compared))
        assert len(judge.compared) == 3
        assert first == rewards(RubricReward(ScoredJudge(SCORES), seed=seed), GROUP)
        anchors.append(anchor)
    assert min(map(anchors.count, GROUP)) >= 4


def test_against_a_reference_answer() -> None:
    judge = ScoredJudge(SCORES)
    columns = {
        "answer": ["reference", [{"role": "assistant", "content": "<think>\nHm.\n</think>\n\nlow"}], None, "best"]
    }
    assert rewards(RubricReward(judge, anchor="answer"), GROUP, **columns) == [1, 1, None, 0]
    assert sorted(map(sorted, judge.compared)) == [["best", "low"], ["best", "reference"], ["low", "mid"]]
    assert rewards(RubricReward(judge, anchor="answer"), ["best"], answer=["low"]) == [1], "also one alone"


def test_a_column_that_is_not_there_is_refused_before_anything_is_asked() -> None:
    judge = ScoredJudge(SCORES)
    with pytest.raises(UsageError, match=r"column 'answer'.*none of that name"):
        rewards(RubricReward(judge, anchor="answer"), GROUP, source=GROUP)
    assert not judge.scripted.requests


def test_both_orders_are_asked_for_and_a_judge_that_loves_the_first_slot_gets_ties() -> None:
    judge = ScoredJudge(lambda a, b: "A", orders="both")
    assert rewards(RubricReward(judge, mode="pairs"), GROUP) == [0.5, 0.5, 0.5, 0.5]
    assert len(judge.compared) == 12
    assert len(set(judge.compared)) == 12
    fair = ScoredJudge(SCORES, orders="both")
    assert rewards(RubricReward(fair, anchor="first"), GROUP) == [1, 0, 0, 0]


def test_in_one_order_either_completion_may_come_first() -> None:
    judge = ScoredJudge(lambda a, b: "A")
    names = [f"text {i}" for i in range(16)]
    rewards(RubricReward(judge, anchor="first"), names)
    assert 3 <= sum(first == "text 0" for first, _ in judge.compared) <= 12


def test_failed_comparisons_are_left_out_and_no_reward_stands_where_all_have_failed() -> None:
    judge = ScoredJudge(SCORES)
    assert rewards(RubricReward(judge, mode="pairs"), ["best", "low", "odd"]) == [1, 0, None]
    assert rewards(RubricReward(judge, anchor="first"), ["odd", "best", "low"]) == [None, None, None]
    assert rewards(RubricReward(judge, anchor="first"), ["best", "odd", "low"]) == [1, None, 0]


def test_equal_completions_tie_without_a_request() -> None:
    judge = ScoredJudge(SCORES)
    assert rewards(RubricReward(judge, mode="pairs"), ["best", "best", "low"]) == [0.75, 0.75, 0]
    assert len(judge.compared) == 1
    assert rewards(RubricReward(judge, anchor="first"), ["best", "low", "best"]) == [0.75, 0, 0.75]
    nobody = ScoredJudge({})
    assert rewards(RubricReward(nobody), 3 * ["same"]) == [0.5, 0.5, 0.5]
    assert not nobody.scripted.requests


def test_completions_are_grouped_by_prompt_in_whatever_order_and_number_they_come() -> None:
    judge = ScoredJudge(SCORES)
    message = [{"role": "user", "content": "First?"}]
    prompts = ["First?", "Second?", message, "Second?", "Third?", "First?"]
    completions = ["best", "best", "low", "mid", "low", "mid"]
    assert rewards(RubricReward(judge, mode="pairs"), completions, prompts) == [1, 1, 0, 0, None, 0.5]
    assert (judge.rubrics, len(judge.compared)) == (2, 4)
    assert rewards(RubricReward(judge, mode="pairs"), ["low", "mid"], ["Second?", "Second?"]) == [0, 1]
    assert judge.rubrics == 2, "the rubric of a prompt is written once"


def test_only_the_answer_is_judged() -> None:
    judge = ScoredJudge(SCORES | {"": 0, "<think>\nbest": 0})
    turns = [
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "tool", "content": "low"},
        {"role": "assistant", "content": "mid"},
    ]
    completions = [
        "<think>\nlow?\n</think>\n\nbest",
        "low?\n</think>\n\nbest",
        "<think>low?</think>best",
        "<think>\nbest",
        turns,
        turns[:1],
    ]
    assert rewards(RubricReward(judge, mode="pairs"), completions) == [0.8, 0.8, 0.8, 0.1, 0.4, 0.1]
    assert {text for compared in judge.compared for text in compared} == {"best", "mid", ""}
    assert rewards(RubricReward(judge, anchor="first", remove_thinking=False), ["best", "<think>\nbest"]) == [1, 0]


@pytest.mark.parametrize(
    "completion", [None, 7, [], ["x"], [{"role": "user", "content": "x"}], [{"role": "assistant"}]]
)
def test_what_is_no_completion_is_refused(completion: object) -> None:
    judge = ScoredJudge(SCORES)
    with pytest.raises(UsageError, match="an answer cannot be read from"):
        rewards(RubricReward(judge), ["best", completion])
    assert not judge.scripted.requests


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "all"}, "unknown mode 'all'"),
        ({"mode": "pairs", "anchor": "first"}, "mode pairs has no anchor"),
        ({"concurrency": 0}, "concurrency is 0"),
    ],
)
def test_options_are_checked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RubricReward(ScoredJudge(SCORES), **options)


def test_one_prompt_for_each_completion() -> None:
    with pytest.raises(UsageError, match="1 prompts were given for 4 completions"):
        rewards(RubricReward(ScoredJudge(SCORES)), GROUP, [PROMPT])


def test_what_is_logged() -> None:
    metrics: dict[str, float] = {}
    extra: dict[str, list[str]] = {}
    reward = RubricReward(ScoredJudge(SCORES), mode="pairs", name="judge")
    prompts = [*3 * ["a"], *2 * ["b"], "c"]
    completions = ["best", "low", "odd", "mid", "also mid", "low"]
    found = rewards(reward, completions, prompts, log_metric=metrics.__setitem__, log_extra=extra.__setitem__)
    assert found == [1, 0, None, 0.5, 0.5, None]
    assert metrics == {
        "judge/win_share": 1 / 4,
        "judge/tie_share": 2 / 4,
        "judge/failed_share": 4 / 8,
        "judge/group_std": 0.25,
        "judge/saturated_share": 0.5,
    }
    (lines,) = extra.values()
    assert list(extra) == ["judge/comparisons"], "a column `judge` would hide the rewards in the log of TRL"
    assert lines[1] == "0 won, 0 tied, 1 lost, 1 failed (" + lines[1].partition("(")[2]
    assert lines[3:] == ["0 won, 1 tied, 0 lost", "0 won, 1 tied, 0 lost", "0 won, 0 tied, 0 lost"]


def test_nothing_is_logged_of_what_there_is_not() -> None:
    metrics: dict[str, float] = {}
    rewards(RubricReward(ScoredJudge(SCORES)), ["low"], log_metric=metrics.__setitem__)
    assert metrics == {}


@settings(max_examples=60, deadline=None)
@given(
    levels=st.lists(st.sampled_from([0, 1, 2, None]), min_size=1, max_size=5),
    repeats=st.integers(0, 2),
    options=st.sampled_from([{"mode": "pairs"}, {"anchor": "random"}]),
    shuffle=st.randoms(use_true_random=False),
)
def test_permuting_a_group_permutes_its_rewards(
    levels: list[float | None], repeats: int, options: Mapping[str, Any], shuffle: random.Random
) -> None:
    scores = {f"text {i}": level for i, level in enumerate(levels)}
    group = [*scores, *list(scores)[:repeats]]
    before = rewards(RubricReward(ScoredJudge(scores), **options), group)
    places = list(range(len(group)))
    shuffle.shuffle(places)
    after = rewards(RubricReward(ScoredJudge(scores), **options), [group[i] for i in places])
    assert after == [before[i] for i in places]
    assert all(reward is None or 0 <= reward <= 1 for reward in before)
    if None not in levels and options == {"mode": "pairs"} and len(group) > 1:
        assert sum(reward or 0 for reward in before) == pytest.approx(len(group) / 2)
