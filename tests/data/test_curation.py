"""Curation: a pair is kept when a judge who reads the item's rubric is right on it, and on enough of the others."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from openrubrics.data import (
    CuratedItem,
    CurationCounts,
    CurationSettings,
    Ledger,
    acurate,
    curate,
    curate_one,
    slot_of_chosen,
)
from openrubrics.programs import Direct
from openrubrics.signatures import (
    Criterion,
    Failed,
    Judgment,
    LMError,
    Order,
    OrderOutcome,
    Outcome,
    PreferencePair,
    Prompt,
    RankedResponses,
    Rubric,
    Tie,
    UsageError,
    Verdict,
    Vote,
)

RIGHT, WRONG, TIE, FAILED = "right", "wrong", "tie", "failed"
KEPT, LOW = "kept", "accuracy below tau"


def rubric(text: str = "The response is kind.") -> Rubric:
    return Rubric(criteria=(Criterion(text=text, kind="principle"),))


def ranking(count: int, name: str = "r") -> RankedResponses:
    return RankedResponses(id=name, prompt="p", responses=tuple(f"{n}. best" for n in range(1, count + 1)))


class Contrast:
    """Writes the next of some rubrics, or always the same one."""

    def __init__(self, *rubrics: Rubric | Failed) -> None:
        self.rubrics = rubrics or (rubric(),)
        self.seen: list[tuple[Prompt, tuple[str, ...], int]] = []

    async def acall(self, *, prompt: Prompt, responses: Sequence[str], attempt: int = 0) -> Rubric | Failed:
        self.seen.append((prompt, tuple(responses), attempt))
        return self.rubrics[min(attempt, len(self.rubrics) - 1)]


class Judge:
    """Knows for each pair, as ``1>2``, or for its two orders, what to answer; right where nothing is said."""

    def __init__(self, **answers: str | tuple[str, str]) -> None:
        self.answers = {name.replace("_", ">"): answer for name, answer in answers.items()}
        self.seen: list[tuple[str, str, str]] = []

    async def acall(self, *, prompt: Prompt, rubric: Rubric, response_a: str, response_b: str) -> Judgment:
        first, second = sorted((response_a, response_b))
        pair = f"{first[0]}>{second[0]}"
        asked = sum(seen[0] == pair for seen in self.seen)
        self.seen.append((pair, response_a, response_b))
        answer = self.answers.get(pair, RIGHT)
        answer = answer if isinstance(answer, str) else answer[asked]
        outcomes: dict[str, Outcome] = {
            RIGHT: Verdict(preferred="A" if response_a == first else "B"),
            WRONG: Verdict(preferred="B" if response_a == first else "A"),
            TIE: Tie(reason="both kind"),
            FAILED: Failed(reason="no Winner line", raw="?"),
        }
        outcome = outcomes[answer]
        shown = OrderOutcome(order="AB", outcome=outcome, votes=(Vote(outcome=outcome, raw=f"{answer} {asked}"),))
        return Judgment(outcome=outcome, rubric=rubric, orders=(shown,))


def one(item: RankedResponses, contrast: Contrast, judge: Judge, **settings: object) -> CuratedItem:
    filtering = CurationSettings.model_validate(settings)
    return asyncio.run(curate_one(item, contrast, judge, filtering, Direct()))


@pytest.mark.parametrize(
    ("judge", "tau", "accuracy", "reasons"),
    [
        (Judge(), 0.5, 1, [KEPT, KEPT, KEPT]),
        (Judge(), 1, 1, [KEPT, KEPT, KEPT]),
        (Judge(**{"1_3": WRONG}), 0.5, 2 / 3, [KEPT, "rejected response preferred", KEPT]),
        (Judge(**{"1_3": WRONG}), 2 / 3, 2 / 3, [KEPT, "rejected response preferred", KEPT]),
        (Judge(**{"1_3": WRONG}), 0.67, 2 / 3, [LOW, "rejected response preferred", LOW]),
        (Judge(**{"1_3": WRONG}), 1, 2 / 3, [LOW, "rejected response preferred", LOW]),
        (Judge(**{"1_2": TIE, "2_3": FAILED}), 0.5, 1 / 3, ["tie", LOW, "no judgment"]),
        (Judge(**{"1_2": TIE, "2_3": FAILED}), 0, 1 / 3, ["tie", KEPT, "no judgment"]),
        (Judge(**{"1_2": FAILED}), 0.5, 2 / 3, ["no judgment", KEPT, KEPT]),
        (Judge(**{"1_2": WRONG, "1_3": WRONG, "2_3": WRONG}), 0, 0, ["rejected response preferred"] * 3),
    ],
)
def test_three_responses(judge: Judge, tau: float, accuracy: float, reasons: list[str]) -> None:
    item = one(ranking(3), Contrast(), judge, tau=tau)
    pairs = item.pairs()
    assert [pair.reason for pair in pairs] == reasons
    assert [pair.kept for pair in pairs] == [reason == KEPT for reason in reasons]
    assert [pair.accuracy for pair in pairs] == [pytest.approx(accuracy)] * 3
    assert [(pair.pair.id, pair.group) for pair in pairs] == [("r#1>2", "r"), ("r#1>3", "r"), ("r#2>3", "r")]
    assert item.failed == ("no judgment" in reasons)


def test_half_of_the_pairs_of_four_responses_is_enough() -> None:
    wrong = {"1_2": WRONG, "1_3": WRONG, "1_4": WRONG}
    kept = one(ranking(4), Contrast(), Judge(**wrong))
    assert [pair.kept for pair in kept.pairs()] == [False, False, False, True, True, True]
    lost = one(ranking(4), Contrast(), Judge(**wrong, **{"2_3": TIE}))
    assert [pair.reason for pair in lost.pairs()][3:] == ["tie", LOW, LOW]
    assert {pair.accuracy for pair in lost.pairs()} == {2 / 6}


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ((RIGHT, RIGHT), KEPT),
        ((RIGHT, WRONG), "orders disagree"),
        ((RIGHT, TIE), "orders disagree"),
        ((TIE, TIE), "tie"),
        ((WRONG, WRONG), "rejected response preferred"),
        ((RIGHT, FAILED), "no judgment"),
        ((FAILED, RIGHT), "no judgment"),
    ],
)
def test_with_both_orders_a_pair_is_right_only_in_both(answers: tuple[str, str], reason: str) -> None:
    judge = Judge(**{"1_2": answers})
    item = one(ranking(2), Contrast(), judge, orders="both", seed=3)
    (pair,) = item.pairs()
    assert pair.reason == reason
    assert pair.accuracy == (reason == KEPT)
    first, second = judge.seen
    assert first[1:] == second[:0:-1]
    slot = slot_of_chosen("r", 3)
    assert pair.chosen_slot == slot
    assert first[1 if slot == "A" else 2] == "1. best"
    assert pair.judgment is not None
    orders: list[Order] = [shown.order for shown in pair.judgment.orders]
    assert orders == ["AB", "BA"]
    assert [shown.votes[0].raw for shown in pair.judgment.orders] == [f"{answers[0]} 0", f"{answers[1]} 1"]
    for shown, answer in zip(pair.judgment.orders, answers, strict=True):
        if isinstance(shown.outcome, Verdict):
            assert (shown.outcome.preferred == slot) == (answer == RIGHT)
            assert shown.votes[0].outcome == shown.outcome


def test_the_contrast_sees_all_responses_best_first_and_the_judge_the_drawn_orders() -> None:
    contrast, judge = Contrast(), Judge()
    item = ranking(4, "many")
    result = one(item, contrast, judge, seed=5)
    assert contrast.seen == [("p", item.responses, 0)]
    shown = {(a, b) for _, a, b in judge.seen}
    slots = {pair.id: slot_of_chosen(pair.id, 5) for pair in item.pairs()}
    assert set(slots.values()) == {"A", "B"}
    assert shown == {
        (pair.chosen, pair.rejected) if slots[pair.id] == "A" else (pair.rejected, pair.chosen) for pair in item.pairs()
    }
    assert {pair.pair.id: pair.chosen_slot for pair in result.pairs()} == slots


def test_without_a_rubric_nothing_is_judged() -> None:
    judge = Judge()
    item = one(ranking(3), Contrast(Failed(reason="no criteria found")), judge)
    assert judge.seen == []
    assert item.failed
    assert {(pair.reason, pair.judgment, pair.accuracy) for pair in item.pairs()} == {("no rubric", None, None)}
    assert [pair.rubric for pair in item.pairs()] == 3 * [Failed(reason="no criteria found")]


def test_attempts_end_with_the_first_that_keeps_a_pair() -> None:
    contrast = Contrast(Failed(reason="empty"), rubric("The response is short."), rubric("Never asked for."))
    item = one(ranking(2), contrast, Judge(), attempts=5)
    assert [seen[2] for seen in contrast.seen] == [0, 1]
    (pair,) = item.pairs()
    assert (pair.kept, pair.attempt, pair.attempts) == (True, 2, 2)
    assert [attempt.reasons for attempt in item.attempts] == [("no rubric",), (KEPT,)]


def test_of_attempts_without_a_kept_pair_the_most_accurate_counts_and_of_equals_the_first() -> None:
    class Improving(Judge):
        async def acall(self, *, prompt: Prompt, rubric: Rubric, response_a: str, response_b: str) -> Judgment:
            self.answers = {"1>2": WRONG, "1>3": RIGHT if "right" in str(rubric) else WRONG, "2>3": TIE}
            return await super().acall(prompt=prompt, rubric=rubric, response_a=response_a, response_b=response_b)

    texts = ("all wrong", "one right", "one right too")
    contrast = Contrast(*(rubric(text) for text in texts))
    item = one(ranking(3), contrast, Improving(), attempts=3)
    assert [attempt.accuracy for attempt in item.attempts] == [0, 1 / 3, 1 / 3]
    assert item.chosen == 1
    assert {str(pair.rubric) for pair in item.pairs()} == {str(rubric("one right"))}
    failed_first = Contrast(Failed(reason="empty"), rubric("all wrong"))
    assert one(ranking(3), failed_first, Improving(), attempts=2).chosen == 1


def test_an_attempt_that_was_judged_counts_before_one_that_was_not() -> None:
    class FailsFirst(Judge):
        async def acall(self, *, prompt: Prompt, rubric: Rubric, response_a: str, response_b: str) -> Judgment:
            self.answers = {"1>2": WRONG if self.seen else FAILED}
            return await super().acall(prompt=prompt, rubric=rubric, response_a=response_a, response_b=response_b)

    item = one(ranking(2), Contrast(rubric("a"), rubric("b"), rubric("c")), FailsFirst(), attempts=3)
    assert (item.chosen, item.failed) == (1, False)


def test_a_rubric_that_was_judged_before_is_not_judged_again() -> None:
    judge = Judge(**{"1_2": WRONG})
    item = one(ranking(2), Contrast(rubric("a"), rubric("a"), rubric("b"), rubric("a")), judge, attempts=4)
    assert len(judge.seen) == 2
    assert [attempt.rubric for attempt in item.attempts] == [rubric(text) for text in "aaba"]
    assert {attempt.reasons for attempt in item.attempts} == {("rejected response preferred",)}


def test_a_rubric_that_was_not_judged_is_judged_when_it_is_written_again() -> None:
    class Recovers(Judge):
        async def acall(self, *, prompt: Prompt, rubric: Rubric, response_a: str, response_b: str) -> Judgment:
            self.answers = {"1>2": RIGHT if self.seen else FAILED}
            return await super().acall(prompt=prompt, rubric=rubric, response_a=response_a, response_b=response_b)

    item = one(ranking(2), Contrast(), Recovers(), attempts=2)
    assert [attempt.reasons for attempt in item.attempts] == [("no judgment",), (KEPT,)]


def test_rubrics_bound_to_the_topic_are_rejected_on_request_before_any_judge_is_asked() -> None:
    item = RankedResponses(id="i", prompt="Tell me of Rome.", responses=("1. best", "2. best"))
    bound, general = rubric("The response names the hills of Rome."), rubric("The response is exact.")
    judge = Judge()
    (reported,) = one(item, Contrast(bound), judge).pairs()
    assert reported.kept
    assert [finding.text for finding in reported.topic_specific] == ["Rome"]
    judge = Judge()
    (rejected,) = one(item, Contrast(bound), judge, general_only=True).pairs()
    assert (rejected.reason, judge.seen) == ("topic-specific principle", [])
    assert one(item, Contrast(bound, general), judge, general_only=True, attempts=2).chosen == 1


PAIRS = [PreferencePair(id=str(n), prompt=f"p{n}", chosen=f"1 {n}", rejected=f"2 {n}") for n in range(40)]


def test_pairs_are_rankings_of_two_and_counts_come_back() -> None:
    seen: list[CuratedItem] = []
    counts = curate(PAIRS, Contrast(), Judge(), on_item=seen.append, concurrency=4)
    assert (counts.items, counts.pairs, counts.kept, counts.failed) == (40, 40, 40, 0)
    pairs = sorted((pair.pair for item in seen for pair in item.pairs()), key=lambda pair: int(pair.id))
    assert pairs == PAIRS


def test_the_input_is_read_as_it_is_needed() -> None:
    taken, finished = 0, 0

    def lazily() -> Iterator[PreferencePair]:
        nonlocal taken
        for pair in PAIRS:
            taken += 1
            assert taken - finished <= 3 + 1
            yield pair

    def count(_: CuratedItem) -> None:
        nonlocal finished
        finished += 1

    curate(lazily(), Contrast(), Judge(), on_item=count, concurrency=3)
    assert finished == 40


def test_no_more_than_so_many_calls_are_under_way() -> None:
    class Slow(Judge):
        under_way = most = 0

        async def acall(self, *, prompt: Prompt, rubric: Rubric, response_a: str, response_b: str) -> Judgment:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            await asyncio.sleep(0.001)
            self.under_way -= 1
            return await super().acall(prompt=prompt, rubric=rubric, response_a=response_a, response_b=response_b)

    judge = Slow()
    curate([ranking(5, str(n)) for n in range(6)], Contrast(), judge, concurrency=4)
    assert len(judge.seen) == 60
    assert judge.most == 4


def test_what_a_ledger_holds_is_not_asked_again(tmp_path: Path) -> None:
    items = [ranking(3, str(n)) for n in range(5)]

    def run(items: list[RankedResponses], contrast: Contrast, judge: Judge) -> tuple[CurationCounts, list[bytes]]:
        with Ledger(tmp_path / "l", identity={}) as ledger:
            return curate(items, contrast, judge, ledger=ledger, concurrency=2), list(ledger.records())

    first, records = run(items, Contrast(), Judge(**{"1_3": WRONG}))
    contrast, judge = Contrast(), Judge()
    again, same = run([*items, ranking(2, "new")], contrast, judge)
    assert (len(contrast.seen), len(judge.seen)) == (1, 1)
    assert (first.kept, again.kept) == (10, 11)
    assert same[:-1] == records
    assert [CuratedItem.model_validate_json(record).item.id for record in same] == ["0", "1", "2", "3", "4", "new"]


def test_half_a_surrogate_pair_does_not_stop_a_run(tmp_path: Path) -> None:
    contrast = Contrast(Failed(reason="odd \ud800", raw="\udfff"))
    with Ledger(tmp_path / "l", identity={}) as ledger:
        assert curate([ranking(2)], contrast, Judge(), ledger=ledger).failed == 1
        (record,) = ledger.records()
    assert CuratedItem.model_validate_json(record).best.rubric == Failed(reason="odd ?", raw="?")


def test_an_item_survives_json() -> None:
    for item in (
        one(ranking(3), Contrast(), Judge(**{"1_2": TIE}), orders="both"),
        one(ranking(2), Contrast(Failed(reason="r")), Judge(), attempts=2),
    ):
        assert CuratedItem.model_validate_json(item.model_dump_json()) == item


def test_an_exception_of_a_program_ends_the_run() -> None:
    class Broken(Judge):
        async def acall(self, *, prompt: Prompt, rubric: Rubric, response_a: str, response_b: str) -> Judgment:
            raise LMError("no such model")

    with pytest.raises(LMError, match="no such model"):
        curate([ranking(3)], Contrast(), Broken())


@pytest.mark.parametrize(
    "wrong", [{"tau": 1.1}, {"tau": -0.1}, {"tau": float("nan")}, {"attempts": 0}, {"orders": "AB"}, {"concurrency": 0}]
)
def test_options_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        curate(PAIRS, Contrast(), Judge(), **wrong)


def test_inside_an_event_loop_the_asynchronous_form_is_named() -> None:
    async def inside(call: Callable[..., object]) -> None:
        call(PAIRS, Contrast(), Judge())

    with pytest.raises(UsageError, match=r"async for item in acurate"):
        asyncio.run(inside(curate))


def test_closing_early_leaves_nothing_under_way() -> None:
    async def first() -> CuratedItem:
        results = acurate(PAIRS, Contrast(), Judge(), concurrency=4)
        item = await anext(results)
        await results.aclose()
        assert len(asyncio.all_tasks()) == 1
        return item

    assert asyncio.run(first()).best.kept == 1


def test_domains_are_counted_apart_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openrubrics.data.curation_counts.MOST_DOMAINS", 2)
    counts = CurationCounts()
    for domain in ("a", "b", "c", "a", "d"):
        item = ranking(2).model_copy(update={"domain": domain})
        counts.add(one(item, Contrast(), Judge(**({"1_2": TIE} if domain == "b" else {}))))
    summary = counts.summary(CurationSettings(), lm="m", seconds=1.0)
    assert {name: (share.pairs, share.kept) for name, share in summary.by_domain.items()} == {
        "a": (2, 2), "(other domains)": (2, 2), "b": (1, 0),
    }  # fmt: skip
    assert summary.reasons == {"kept": 4, "tie": 1}
    assert summary.kept_share == 0.8


def test_what_went_wrong_is_counted_by_message_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openrubrics.data.curation_counts.MOST_FAILURES", 2)
    counts = CurationCounts()
    for reason in ("b", "a", "c"):
        counts.add(one(ranking(2), Contrast(Failed(reason=reason)), Judge()))
    counts.add(one(ranking(3), Contrast(Failed(reason="a")), Judge()))
    counts.add(one(ranking(3), Contrast(), Judge(**{"1_3": FAILED, "2_3": WRONG})))
    summary = counts.summary(CurationSettings(), lm="m", seconds=1.0)
    assert list(summary.failures.items()) == [("a", 4), ("(other failures)", 2), ("b", 1)]
    assert summary.failed == sum(summary.failures.values()) == 7
    assert repr(counts) == "CurationCounts(items=5, pairs=9, kept=0, failed=7)"
