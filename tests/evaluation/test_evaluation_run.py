"""Running a judge over labelled pairs."""

import asyncio
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from openrubrics.data import Ledger, slot_of_chosen
from openrubrics.evaluation import EvaluatedPair, Summary, aevaluate, evaluate, measure, summarize
from openrubrics.lms import Budget, budget, usage_meter
from openrubrics.signatures import (
    BudgetError,
    DataError,
    Failed,
    Finding,
    Judgment,
    Order,
    OrderOutcome,
    Outcome,
    PreferencePair,
    Prompt,
    Rubric,
    Tie,
    Usage,
    UsageError,
    Verdict,
    Vote,
)


def pair(index: int, rejected: str = "no") -> PreferencePair:
    return PreferencePair(
        id=f"p/{index}",
        prompt=f"prompt {index}",
        chosen="good",
        rejected=rejected,
        domain="d",
        source="s",
        meta={"label": "secret"},
    )


class Judge:
    """Prefers "good"; takes longer for earlier pairs; fails as told."""

    def __init__(self, error_at: int | None = None) -> None:
        self.error_at = error_at
        self.seen: dict[Prompt, tuple[str, str]] = {}
        self.now = self.most = 0

    async def acall(self, *, prompt: Prompt, response_a: str, response_b: str) -> Judgment:
        if self.error_at == len(self.seen):
            raise BudgetError("3 calls were allowed")
        self.seen[prompt] = (response_a, response_b)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(0.005 if len(self.seen) % 2 else 0.001)
        finally:
            self.now -= 1
        outcome = Verdict(preferred="A" if response_a == "good" else "B")
        return Judgment(outcome=outcome, orders=(OrderOutcome(order="AB", outcome=outcome),))


def test_results_come_in_input_order_with_the_right_answer_noted() -> None:
    judge, heard = Judge(), list[EvaluatedPair]()
    pairs = [pair(index) for index in range(40)]
    results = evaluate(judge, pairs, seed=3, concurrency=8, on_result=heard.append)
    assert [result.id for result in results] == [p.id for p in pairs]
    assert heard != results
    assert sorted(heard, key=lambda r: r.id) == sorted(results, key=lambda r: r.id)
    for p, result in zip(pairs, results, strict=True):
        assert result.chosen_slot == slot_of_chosen(p.id, 3)
        assert judge.seen[p.prompt] == (("good", "no") if result.chosen_slot == "A" else ("no", "good"))
        assert (result.domain, result.source) == ("d", "s")
    assert measure(results, orders="single").accuracy == 1


def test_the_longer_response_is_noted_by_its_slot() -> None:
    for rejected, of_chosen in (("no", True), ("no, never", False), ("evil", None)):
        (result,) = evaluate(Judge(), [pair(1, rejected)])
        assert (None if result.longer_slot is None else result.longer_slot == result.chosen_slot) is of_chosen


def test_concurrency_is_bounded_and_the_input_read_lazily() -> None:
    judge, taken = Judge(), list[int]()

    def pairs() -> Iterator[PreferencePair]:
        for index in range(30):
            taken.append(index)
            yield pair(index)

    waiting: list[int] = []
    evaluate(judge, pairs(), concurrency=5, on_result=lambda _: waiting.append(len(taken) - len(waiting)))
    assert judge.most == 5
    assert max(waiting) <= 6


def test_a_failure_of_one_comparison_is_a_result() -> None:
    class Sometimes(Judge):
        async def acall(self, *, prompt: Prompt, response_a: str, response_b: str) -> Judgment:
            if prompt == "prompt 1":
                return Judgment(outcome=Failed(reason="no Winner line"))
            return await super().acall(prompt=prompt, response_a=response_a, response_b=response_b)

    figures = measure(evaluate(Sometimes(), [pair(index) for index in range(4)]), orders="single")
    assert (figures.accuracy, figures.failed) == (0.75, 1)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_an_error_ends_the_run_and_leaves_no_task(concurrency: int) -> None:
    judge = Judge(error_at=10)

    async def run() -> set[asyncio.Task[None]]:
        with pytest.raises(BudgetError, match="3 calls were allowed"):
            await aevaluate(judge, (pair(index) for index in range(1000)), concurrency=concurrency)
        return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}

    assert asyncio.run(run()) == set()
    assert judge.now == 0
    assert len(judge.seen) == 10


def test_a_bad_row_or_a_full_disk_ends_the_run() -> None:
    def pairs() -> Iterator[PreferencePair]:
        yield pair(1)
        raise DataError("line 2 is bad")

    def full(_: EvaluatedPair) -> None:
        raise UsageError("no space left")

    judge = Judge()
    with pytest.raises(DataError, match="line 2"):
        evaluate(judge, pairs(), concurrency=1)
    with pytest.raises(UsageError, match="no space"):
        evaluate(judge, [pair(1), pair(2)], on_result=full)
    assert judge.now == 0


def test_no_pairs_no_results() -> None:
    assert evaluate(Judge(), []) == []


def test_evaluate_names_aevaluate_inside_a_loop() -> None:
    async def notebook() -> None:
        evaluate(Judge(), [pair(1)])

    with pytest.raises(UsageError, match=r"await aevaluate"):
        asyncio.run(notebook())


def test_an_evaluated_pair_survives_json() -> None:
    (result,) = evaluate(Judge(), [pair(1)])
    assert EvaluatedPair.model_validate_json(result.model_dump_json()) == result
    assert "secret" not in result.model_dump_json()


def test_a_run_goes_on_with_what_its_ledger_holds(tmp_path: Path) -> None:
    """Also with a judge that asks no LM of ours, whose replies are not kept."""
    pairs = [pair(index) for index in range(20)]
    whole = evaluate(Judge(), pairs)
    with suppress(BudgetError), Ledger(tmp_path / "l", identity={}) as ledger:
        evaluate(Judge(error_at=9), pairs, ledger=ledger, concurrency=3)
    with Ledger(tmp_path / "l", identity={}) as ledger:
        later, heard = Judge(), list[EvaluatedPair]()
        results = evaluate(later, pairs[::-1], ledger=ledger, on_result=heard.append)
        assert results == whole[::-1]
        assert len(heard) == 20
        assert 11 <= len(later.seen) < 20
        assert [EvaluatedPair.model_validate_json(record) for record in ledger.records()] == results
        again = Judge()
        evaluate(again, pairs, ledger=ledger, repeat=1)
        assert len(again.seen) == 20
        assert len(list(ledger.records())) == 40


def test_what_was_paid_before_counts_once_more_in_meters_but_not_in_budgets(tmp_path: Path) -> None:
    class Dear(Judge):
        async def acall(self, *, prompt: Prompt, response_a: str, response_b: str) -> Judgment:
            judgment = await super().acall(prompt=prompt, response_a=response_a, response_b=response_b)
            return judgment.model_copy(update={"usage": Usage(calls=2, prompt_tokens=5)})

    pairs = [pair(index) for index in range(3)]
    with Ledger(tmp_path / "l", identity={}) as ledger:
        evaluate(Dear(), pairs, ledger=ledger)
        with usage_meter() as meter, budget(Budget(max_calls=1)) as limit:
            evaluate(Dear(), pairs, ledger=ledger)
    assert meter.usage == Usage(calls=6, prompt_tokens=15)
    assert limit.usage == Usage()


class Wordy(Judge):
    """Says much about every pair, and something else about each."""

    async def acall(self, *, prompt: Prompt, response_a: str, response_b: str) -> Judgment:
        index = int(str(prompt).split()[1])
        text = f"{index} " + "word " * 1000
        finding = Finding(criterion=1, response="A", text=text)
        outcome: Outcome = Verdict(preferred="A", gatekeeper=text, findings=(finding,), justification=text)
        if index % 3:
            outcome = Tie(reason=text, findings=(finding,)) if index % 3 == 1 else Failed(reason="no Winner", raw=text)
        orders: tuple[Order, ...] = ("AB", "BA")
        return Judgment(
            outcome=outcome,
            rubric=Rubric.parse(f"1. The response is {text}. [Principle]"),
            orders=tuple(
                OrderOutcome(order=order, outcome=outcome, votes=(Vote(outcome=outcome, raw=text),)) for order in orders
            ),
        )


def test_slim_results_give_the_same_figures_in_little_memory() -> None:
    pairs = [pair(index) for index in range(100)]
    heard = list[EvaluatedPair]()
    full = evaluate(Wordy(), pairs, on_result=heard.append)
    tracemalloc.start()
    try:
        slim = evaluate(Wordy(), pairs, slim=True)
        used = tracemalloc.get_traced_memory()[0] / len(pairs)
    finally:
        tracemalloc.stop()
    assert summary(slim) == summary(full)
    assert sorted(result.id for result in heard) == sorted(result.id for result in slim)
    assert all(result.judgment.rubric is not None for result in heard)
    assert used < 1500


def summary(results: list[EvaluatedPair]) -> Summary:
    return summarize(results, orders="both", lm="l", method="m", usage=Usage(), seconds=1)
