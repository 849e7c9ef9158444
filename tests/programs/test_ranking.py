"""Ranking by pairwise comparisons."""

import asyncio
from itertools import permutations

import dspy
import pytest
from judge_world import GARBAGE, RUBRIC, RUBRIC_TEXT, is_judging, judging_requests, reply, shown, world

from openrubrics.lms import ScriptedLM
from openrubrics.lms.scripted import Messages
from openrubrics.programs import Ranking, RubricRM
from openrubrics.programs.ranking import RankMode
from openrubrics.signatures import Judgment, Prompt, UsageError

both_speeds = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
both_modes = pytest.mark.parametrize("mode", ["sort", "all"])


def rank(
    script: ScriptedLM,
    responses: list[str],
    mode: RankMode,
    asynchronous: bool = False,
    program: RubricRM | None = None,
) -> Ranking:
    program = program or RubricRM()
    with dspy.context(lm=script):
        if asynchronous:
            return asyncio.run(program.arank("p", responses, mode))
        return program.rank("p", responses, mode)


def number(response: str) -> float:
    return float(response.rsplit(maxsplit=1)[-1])


def texts(*numbers: int) -> list[str]:
    return [f"answer {n}" for n in numbers]


@both_speeds
@both_modes
def test_the_hidden_order_is_found_whatever_order_is_given(mode: RankMode, asynchronous: bool) -> None:
    for given in permutations(range(4)):
        ranking = rank(world(number), texts(*given), mode, asynchronous)
        assert [given[i] for i in ranking.order] == [3, 2, 1, 0]
        assert (ranking.cycles, ranking.failed) == ((), 0)


def test_all_compares_every_pair_once() -> None:
    script = world(number)
    ranking = rank(script, texts(1, 4, 2, 3, 0), "all")
    assert [(c.first, c.second) for c in ranking.comparisons] == [(i, j) for i in range(5) for j in range(i + 1, 5)]
    assert len(judging_requests(script)) == 10
    assert len(script.requests) == 11


@pytest.mark.parametrize(("n", "most"), [(2, 1), (3, 3), (4, 5), (8, 17), (16, 49)])
def test_sort_asks_as_few_comparisons_as_binary_insertion(n: int, most: int) -> None:
    script = world(number)
    given = [(7 * i) % n if n % 7 else i for i in range(n)]
    ranking = rank(script, texts(*given), "sort")
    assert [given[i] for i in ranking.order] == sorted(given, reverse=True)
    assert n - 1 <= len(ranking.comparisons) <= most
    assert len(script.requests) == 1 + len(ranking.comparisons)


def test_each_comparison_carries_its_judgment() -> None:
    ranking = rank(world(number), texts(1, 2), "sort")
    (comparison,) = ranking.comparisons
    assert (comparison.first, comparison.second) == (0, 1)
    assert comparison.judgment.preferred == "B"


@both_modes
def test_what_nothing_separates_keeps_its_order(mode: RankMode) -> None:
    assert rank(world(lambda response: 0), texts(3, 1, 2), mode).order == (0, 1, 2)
    assert rank(world(lambda response: number(response) // 2), texts(0, 2, 3, 1), mode).order == (1, 2, 0, 3)


def circle(messages: Messages, request: object) -> str:
    """Rock, paper, scissors, and a well that loses against all."""
    if not is_judging(messages):
        return RUBRIC_TEXT
    a, b = shown(messages)
    beats = {("rock", "scissors"), ("scissors", "paper"), ("paper", "rock")}
    return reply("A" if (a, b) in beats or b == "well" else "B")


def test_all_reports_a_circle() -> None:
    ranking = rank(ScriptedLM(circle), ["rock", "well", "paper", "scissors"], "all")
    assert ranking.cycles == ((0, 2, 3),)
    assert ranking.order == (0, 2, 3, 1)


def test_all_reports_each_circle_apart() -> None:
    def two(messages: Messages, request: object) -> str:
        if not is_judging(messages):
            return RUBRIC_TEXT
        (group_a, a), (group_b, b) = (text.split() for text in shown(messages))
        if group_a != group_b:
            return reply("A" if group_a == "upper" else "B")
        return reply("A" if (int(a) + 1) % 3 == int(b) else "B")

    responses = [f"{group} {i}" for i in range(3) for group in ("lower", "upper")]
    ranking = rank(ScriptedLM(two), responses, "all")
    assert ranking.cycles == ((0, 2, 4), (1, 3, 5))
    assert ranking.order == (1, 3, 5, 0, 2, 4)


@both_speeds
@both_modes
def test_failed_comparisons_are_counted_and_separate_nothing(mode: RankMode, asynchronous: bool) -> None:
    def partly(messages: Messages, request: object) -> str:
        if not is_judging(messages):
            return RUBRIC_TEXT
        a, b = shown(messages)
        return GARBAGE if "answer 9" in (a, b) else reply("A" if number(a) > number(b) else "B")

    ranking = rank(ScriptedLM(partly), texts(9, 1, 2), mode, asynchronous)
    assert ranking.failed == sum(c.judgment.outcome.kind == "failed" for c in ranking.comparisons) > 0
    assert ranking.order.index(2) < ranking.order.index(1)


@both_modes
def test_a_judge_that_prefers_a_place_separates_nothing_in_both_orders(mode: RankMode) -> None:
    script = ScriptedLM(lambda messages, request: reply("B") if is_judging(messages) else RUBRIC_TEXT)
    ranking = rank(script, texts(1, 2, 3), mode, program=RubricRM(orders="both"))
    assert ranking.order == (0, 1, 2)
    assert {c.judgment.outcome.kind for c in ranking.comparisons} == {"tie"}


@both_speeds
@pytest.mark.parametrize(
    ("responses", "mode", "message"),
    [
        (["one"], "sort", "at least two"),
        ([], "all", "at least two"),
        (["one", "two"], "elo", "unknown ranking mode"),
        (["one", None], "all", r"responses\[1\] is None"),
        ("one", "sort", "responses is 'one'"),
    ],
)
def test_what_cannot_be_ranked_is_refused(
    responses: list[str], mode: RankMode, message: str, asynchronous: bool
) -> None:
    script = world(number)
    with pytest.raises(UsageError, match=message):
        rank(script, responses, mode, asynchronous)
    assert script.requests == []


@pytest.mark.parametrize(("concurrency", "most"), [(None, 16), (3, 3), (1, 1)])
def test_all_keeps_to_its_concurrency(concurrency: int | None, most: int) -> None:
    class Counting(RubricRM):
        """Knows how many of its comparisons are under way."""

        def __init__(self) -> None:
            super().__init__(rubric=RUBRIC)
            self.now = self.most = 0

        async def aforward(self, prompt: Prompt, response_a: str, response_b: str) -> Judgment:
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0.001)
            self.now -= 1
            return await super().aforward(prompt, response_a, response_b)

    program = Counting()
    options = {} if concurrency is None else {"concurrency": concurrency}
    with dspy.context(lm=world(number)):
        ranking = asyncio.run(program.arank("p", texts(*range(8)), "all", **options))
    assert [c.second for c in ranking.comparisons][:7] == list(range(1, 8))
    assert ranking.order == tuple(range(7, -1, -1))
    assert program.most == most


def test_a_concurrency_below_one_is_refused() -> None:
    script = world(number)
    with dspy.context(lm=script), pytest.raises(UsageError, match="concurrency is 0"):
        asyncio.run(RubricRM().arank("p", texts(1, 2), "all", concurrency=0))
    assert script.requests == []
