"""Curation: a rubric is kept when a judge who reads it prefers the chosen response."""

import asyncio
from collections.abc import Sequence

import pytest

from openrubrics.data import CuratedPair, acurate, slot_of_chosen
from openrubrics.signatures import (
    Criterion,
    Failed,
    Judgment,
    LMError,
    PreferencePair,
    Prompt,
    Rubric,
    Tie,
    Verdict,
)

RUBRIC = Rubric(criteria=(Criterion(text="The response is kind.", kind="principle"),))
PAIRS = [PreferencePair(id=str(n), prompt=f"p{n}", chosen=f"good {n}", rejected=f"bad {n}") for n in range(40)]


class Contrast:
    def __init__(self, rubric: Rubric | Failed = RUBRIC) -> None:
        self.rubric = rubric
        self.seen: list[tuple[Prompt, tuple[str, ...]]] = []

    async def acall(self, *, prompt: Prompt, responses: Sequence[str]) -> Rubric | Failed:
        self.seen.append((prompt, tuple(responses)))
        return self.rubric


class Judge:
    """Prefers the response whose text starts with a word, or gives a fixed outcome."""

    def __init__(self, prefers: str = "good", outcome: Tie | Failed | None = None) -> None:
        self.prefers, self.outcome = prefers, outcome
        self.seen: list[tuple[Prompt, Rubric, str, str]] = []

    async def acall(self, *, prompt: Prompt, rubric: Rubric, response_a: str, response_b: str) -> Judgment:
        self.seen.append((prompt, rubric, response_a, response_b))
        verdict = Verdict(preferred="A" if response_a.startswith(self.prefers) else "B")
        return Judgment(outcome=self.outcome or verdict, rubric=rubric)


def curate(contrast: Contrast, judge: Judge, seed: int = 0) -> list[CuratedPair]:
    async def run() -> list[CuratedPair]:
        return [item async for item in acurate(PAIRS, contrast, judge, seed=seed, concurrency=4)]

    return sorted(asyncio.run(run()), key=lambda item: int(item.pair.id))


def test_a_right_judge_keeps_everything_in_either_slot() -> None:
    contrast, judge = Contrast(), Judge()
    items = curate(contrast, judge)
    assert [item.pair for item in items] == PAIRS
    assert all(item.kept and item.rubric == RUBRIC and item.judgment for item in items)
    assert {item.reason for item in items} == {"with the rubric, the judge prefers the chosen response"}
    assert {item.chosen_slot for item in items} == {"A", "B"}


def test_the_contrast_sees_the_better_response_first_and_the_judge_the_drawn_order() -> None:
    contrast, judge = Contrast(), Judge()
    curate(contrast, judge, seed=5)
    assert sorted(contrast.seen) == sorted((p.prompt, (p.chosen, p.rejected)) for p in PAIRS)
    for prompt, rubric, a, b in judge.seen:
        pair = next(p for p in PAIRS if p.prompt == prompt)
        first = (pair.chosen, pair.rejected) if slot_of_chosen(pair.id, 5) == "A" else (pair.rejected, pair.chosen)
        assert (rubric, a, b) == (RUBRIC, *first)


@pytest.mark.parametrize(
    ("judge", "reason"),
    [
        (Judge(prefers="bad"), "with the rubric, the judge prefers the rejected response"),
        (Judge(outcome=Tie(reason="both kind")), "tie: both kind"),
        (Judge(outcome=Failed(reason="no Winner line")), "no judgment: no Winner line"),
    ],
)
def test_anything_but_the_chosen_response_is_not_kept_and_says_why(judge: Judge, reason: str) -> None:
    for item in curate(Contrast(), judge):
        assert not item.kept
        assert item.judgment is not None
        assert item.reason == reason


def test_without_a_rubric_nothing_is_judged() -> None:
    judge = Judge()
    items = curate(Contrast(Failed(reason="no criteria found")), judge)
    assert judge.seen == []
    assert {(item.kept, item.judgment, item.reason) for item in items} == {
        (False, None, "no rubric: no criteria found")
    }


def test_a_curated_pair_survives_json() -> None:
    for item in (curate(Contrast(), Judge())[0], curate(Contrast(Failed(reason="r")), Judge())[0]):
        assert CuratedPair.model_validate_json(item.model_dump_json()) == item


def test_an_exception_of_a_program_ends_the_run() -> None:
    class Broken(Judge):
        async def acall(self, *, prompt: Prompt, rubric: Rubric, response_a: str, response_b: str) -> Judgment:
            raise LMError("no such model")

    with pytest.raises(LMError, match="no such model"):
        curate(Contrast(), Broken())
