"""Judges and scorers over the cases of a benchmark."""

import asyncio
from pathlib import Path

import pytest
from toy_benchmark import TOY, case

from openrubrics.data import Ledger
from openrubrics.evaluation.benchmarks import Case, Point
from openrubrics.evaluation.benchmarks.run import GradedResponse, acompare, arate, own_rubric
from openrubrics.signatures import DataError, Failed, Judgment, LMError, Orders, Prompt, Rubric, Verdict
from openrubrics.signatures.grades import Grade, Met, Score
from openrubrics.signatures.outcomes import OrderOutcome

Shown = tuple[Prompt, str, str]


class LongerWins:
    """Prefers the longer response, fails where a response says so, and remembers what it saw."""

    def __init__(self, orders: Orders = "single") -> None:
        self.orders = orders
        self.seen: list[Shown] = []

    async def acall(self, *, prompt: Prompt, response_a: str, response_b: str) -> Judgment:
        self.seen.append((prompt, response_a, response_b))
        fails = "fail" in response_a + response_b
        outcome = Failed(reason="asked to") if fails else Verdict(preferred="A" if response_a > response_b else "B")
        shown = ("AB", "BA")[: 2 if self.orders == "both" else 1]
        return Judgment(outcome=outcome, orders=tuple(OrderOutcome(order=order, outcome=outcome) for order in shown))


class Lengths:
    """Scores by length; the second half of a rubric is met, and a response can ask it to fail or to be without one."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.seen: list[tuple[Prompt, str, Rubric | None]] = []
        self.stop_after = stop_after

    async def acall(self, *, prompt: Prompt, response: str, rubric: Rubric | None = None) -> Grade:
        if self.stop_after is not None and len(self.seen) >= self.stop_after:
            raise LMError("the server is gone")
        self.seen.append((prompt, response, rubric))
        if "fail" in response:
            return Grade(outcome=Failed(reason="asked to", raw="\ud800"), rubric=rubric)
        criteria = range(1, len(rubric.criteria) + 1) if rubric else ()
        met = tuple(Met(criterion=n, met=n > 1) for n in criteria if n < 3)
        return Grade(outcome=Score(value=len(response)), rubric=rubric, met=met, raw=("a long reply",))


FOUR = Case(
    id="four",
    subset="best of four",
    group="four",
    prompt="Pick",
    responses=("z", "a", "z", "fail"),
    better=((0, 1), (0, 2), (0, 3)),
    meta={"key": "secret"},
)


def test_every_pair_is_asked_once_and_the_same_text_not_at_all() -> None:
    judge = LongerWins()
    answers, results = asyncio.run(acompare(judge, [FOUR, case(1)], source="toy", orders="single", seed=4))
    assert [answer.outcomes for answer in answers] == [
        (("chosen",), ("tie",), ("failed",)),
        (("rejected",),),
    ]
    assert [result.id for result in results] == ["four#1>2", "four#1>4", "case 1"]
    assert {result.domain for result in results} == {"best of four", "plain"}
    assert len(judge.seen) == 3
    assert "secret" not in repr(judge.seen)
    assert "key" not in repr(results)


def test_both_orders_are_kept_apart() -> None:
    answers, _ = asyncio.run(acompare(LongerWins("both"), [FOUR], source="toy", orders="both"))
    assert answers[0].outcomes == (("chosen",) * 2, ("tie",) * 2, ("failed",) * 2)


def test_a_scorer_is_asked_about_every_response_and_a_failure_is_no_number() -> None:
    scorer = Lengths()
    answers, graded = asyncio.run(arate(scorer, [FOUR, case(1)]))
    assert [answer.scores for answer in answers] == [(1, 1, 1, None), (4, 1)]
    assert [answer.met for answer in answers] == [(), ()]
    assert [(one.id, one.response, one.characters) for one in graded[:4]] == [
        ("four", place, len(text)) for place, text in enumerate(FOUR.responses, 1)
    ]
    assert all(rubric is None for _, _, rubric in scorer.seen)


def test_a_case_with_criteria_is_graded_by_them_and_equal_ones_are_asked_once() -> None:
    points = (Point(text="Names it", points=5), Point(text="Is rude", points=-3), Point(text="names  it", points=2))
    graded_by, places = own_rubric((*points, Point(text="More", points=0)))
    assert [(one.text, one.weight) for one in graded_by.criteria] == [("Names it", 5), ("Is rude", 3), ("More", 1)]
    assert places == (1, 2, 1, 3)
    scorer = Lengths()
    one = FOUR.model_copy(update={"rubric": (*points, Point(text="More", points=1)), "better": ()})
    (answer,), _ = asyncio.run(arate(scorer, [one]))
    assert scorer.seen[0][2] == own_rubric(one.rubric)[0]
    assert answer.met == ((False, True, False, None),) * 3 + ((None,) * 4,)


@pytest.mark.parametrize("criterion", ["--", " "])
def test_criteria_that_are_none_are_refused_before_anything_is_asked(criterion: str) -> None:
    scorer = Lengths()
    broken = case(2).model_copy(update={"rubric": (Point(text=criterion, points=1),)})
    with pytest.raises(DataError, match="case 'case 2' cannot be graded by its criteria"):
        asyncio.run(arate(scorer, [case(1), broken], concurrency=1))
    assert scorer.seen == []


def test_a_failure_that_no_file_can_hold_is_kept_all_the_same_and_asked_again(tmp_path: Path) -> None:
    scorer = Lengths()
    for _ in range(2):
        with Ledger(tmp_path / "kept", identity={"toy": 1}) as ledger:
            assert ledger.forget_failed() == (1 if scorer.seen else 0)
            answers, _ = asyncio.run(arate(scorer, [FOUR], ledger=ledger))
            assert answers[0].scores == (1, 1, 1, None)
    assert [response for _, response, _ in scorer.seen] == ["z", "a", "z", "fail", "fail"]


@pytest.mark.parametrize(
    "changed",
    [
        {"prompt": "Another"},
        {"responses": ("longer", "s")},
        {"rubric": (Point(text="Names it", points=1),)},
        {"subset": "odd"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_response_whose_case_has_changed_is_asked_about_again(tmp_path: Path, changed: dict[str, object]) -> None:
    seen: list[int] = []
    for one in (case(1), case(1), case(1).model_copy(update=changed)):
        scorer = Lengths()
        with Ledger(tmp_path / "kept", identity={"toy": 1}) as ledger:
            asyncio.run(arate(scorer, [one], ledger=ledger))
        seen.append(len(scorer.seen))
    assert seen == [2, 0, 1 if "responses" in changed else 2]


def test_a_run_that_was_stopped_asks_only_for_the_rest(tmp_path: Path) -> None:
    cases = [case(number) for number in range(5)]
    first, second = Lengths(stop_after=4), Lengths()
    taken: list[GradedResponse] = []

    def run(scorer: Lengths) -> list[tuple[float | None, ...]]:
        with Ledger(tmp_path / "kept", identity={"toy": 1}) as ledger:
            answers, _ = asyncio.run(arate(scorer, cases, concurrency=1, ledger=ledger, on_result=taken.append))
        return [answer.scores for answer in answers]

    with pytest.raises(LMError, match="gone"):
        run(first)
    assert run(second) == [(4, 1)] * 5
    assert (len(first.seen), len(second.seen)) == (4, 6)
    assert [one.grade.raw for one in taken] == [("a long reply",)] * 14
    assert TOY.rule("scores") is TOY.scores
