"""From pairwise to pointwise: abilities that exist, errors that cover, and a calibration made once."""

import asyncio
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dspy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judge_world import GARBAGE, RUBRIC, better, call, is_judging, reply, shown, world
from server_plugin import ModelServer

from openrubrics.lms import ScriptedLM, lm
from openrubrics.programs import Calibration, Direct, PoolScorer, RubricRM
from openrubrics.programs.bradley_terry import abilities, ability
from openrubrics.signatures import Failed, Grade, Judgment, Score, Tie, UsageError, Verdict

both_speeds = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
PROMPT = "Say hello."
REFERENCES = ("a", "bb", "ccc", "dddd")


def scored(response: str, asynchronous: bool = False, script: dspy.BaseLM | None = None, **options: Any) -> Grade:  # noqa: ANN401
    """Score a response; the longer one wins."""
    scorer = PoolScorer(RubricRM(rubric=RUBRIC, **options), {PROMPT: REFERENCES})
    return call(scorer, asynchronous, script or world(len), prompt=PROMPT, response=response)


@both_speeds
def test_what_beats_more_references_has_more(asynchronous: bool) -> None:
    values = [scored("x" * length, asynchronous).value for length in (0, 1, 2, 3, 4, 5)]
    assert values == sorted(values, key=lambda value: value or 0)
    assert all(value is not None and 0 < value < 1 for value in values)
    assert values[0] == pytest.approx(1 - (values[5] or 0))


def test_an_error_and_the_rubric_and_the_replies_go_along() -> None:
    grade = scored("xx", orders="both")
    assert grade.outcome.kind == "score"
    assert grade.outcome.error is not None
    assert 0.05 < grade.outcome.error < 0.5
    assert grade.rubric == RUBRIC
    assert len(grade.raw) == 2 * len(REFERENCES)
    assert grade.usage.calls == 2 * (6 + 4)


def test_a_judge_that_prefers_a_place_gives_everyone_the_middle() -> None:
    scorer = PoolScorer(RubricRM(rubric=RUBRIC), {PROMPT: ("w", "x", "y", "z")})
    grade = call(scorer, False, ScriptedLM(lambda messages, request: reply("A")), prompt=PROMPT, response="v")
    assert grade.value == pytest.approx(0.5, abs=0.05)


def test_ties_are_half_a_win_and_failures_none() -> None:
    def answer(winner: str) -> Any:  # noqa: ANN401
        return ScriptedLM(lambda messages, request: GARBAGE if winner == "fails" else reply("tie"))

    assert scored("x", script=answer("tie")).value == pytest.approx(0.5)
    failed = scored("x", script=answer("fails"))
    assert isinstance(failed.outcome, Failed)
    assert failed.outcome.reason.startswith("no calibration: all comparisons of references failed: ")
    assert failed.outcome.raw == GARBAGE


class Stub:
    """A judge that is nothing but a function, and can only be awaited; the longer response wins."""

    def __init__(self, fails_on: str = "?", chance: Any = None) -> None:  # noqa: ANN401
        self.fails_on = fails_on
        self.chance = chance
        self.asked: list[tuple[str, str]] = []

    async def acall(self, *, prompt: str, response_a: str, response_b: str) -> Judgment:
        self.asked.append((response_a, response_b))
        await asyncio.sleep(0)
        if self.fails_on in response_a + response_b:
            return Judgment(outcome=Failed(reason="cut"))
        if self.chance:
            return Judgment(outcome=Verdict(preferred="A" if self.chance(response_a, response_b) else "B"))
        if len(response_a) == len(response_b):
            return Judgment(outcome=Tie(reason="alike"))
        return Judgment(outcome=Verdict(preferred="A" if len(response_a) > len(response_b) else "B"))


def test_failed_comparisons_are_left_out_and_counted() -> None:
    judge = Stub(fails_on="bb")
    scorer = PoolScorer(judge, {PROMPT: REFERENCES})
    calibration = asyncio.run(scorer.acalibration(PROMPT))
    assert isinstance(calibration, Calibration)
    assert calibration.failed == 3
    assert calibration.wins == ((0, 0, 0, 0), (0, 0, 0, 0), (1, 0, 0, 0), (1, 0, 1, 0))
    whole = asyncio.run(PoolScorer(Stub(), {PROMPT: REFERENCES}).acall(PROMPT, "xxx"))
    part = asyncio.run(scorer.acall(PROMPT, "xxx"))
    assert isinstance(whole.outcome, Score)
    assert isinstance(part.outcome, Score)
    assert (part.outcome.error or 0) > (whole.outcome.error or 0)
    none = asyncio.run(scorer.acall(PROMPT, "bb!"))
    assert none.outcome == Failed(reason="all 4 comparisons with the references failed: cut")


def test_the_references_are_compared_once_also_by_scores_made_at_the_same_time() -> None:
    judge = Stub()
    scorer = PoolScorer(judge, {PROMPT: REFERENCES, "Other": REFERENCES})

    async def several() -> None:
        ask = Direct(concurrency=4)
        await asyncio.gather(*(ask(scorer, prompt=PROMPT, response="x" * i) for i in range(5)))
        await scorer.acall(PROMPT, "last")

    asyncio.run(several())
    among = [pair for pair in judge.asked if set(pair) <= set(REFERENCES)]
    assert len(among) == 6
    assert len(judge.asked) == 6 + 6 * 4
    first = {reference: sum(a == reference for a, _ in among) for reference in REFERENCES}
    assert set(first.values()) <= {1, 2}
    asyncio.run(scorer.acall("Other", "x"))
    assert len(judge.asked) == 2 * 6 + 7 * 4


def named(model: str, score: Callable[[str], float]) -> ScriptedLM:
    return ScriptedLM(lambda messages, request: reply(better(score, *shown(messages))), model=model)


def test_another_model_gets_a_calibration_of_its_own() -> None:
    scorer = PoolScorer(RubricRM(rubric=RUBRIC), {PROMPT: REFERENCES})
    long, short = named("one", len), named("two", lambda response: -len(response))
    found = [call(scorer, False, script, prompt=PROMPT, response="xxxxx").value for script in (long, short, long)]
    assert [len(script.requests) for script in (long, short)] == [6 + 4 + 4, 6 + 4]
    assert found[0] == found[2] == pytest.approx(1 - found[1])


def test_a_calibration_that_failed_is_made_again() -> None:
    judge = Stub(fails_on="")
    scorer = PoolScorer(judge, {PROMPT: REFERENCES})
    assert isinstance(asyncio.run(scorer.acalibration(PROMPT)), Failed)
    judge.fails_on = "?"
    assert isinstance(asyncio.run(scorer.acalibration(PROMPT)), Calibration)
    assert len(judge.asked) == 12


def test_what_cannot_be_a_pool_is_refused() -> None:
    bad: list[Any] = [["one"], [], ["one", "one"], "text", ["one", 2]]
    for references in bad:
        with pytest.raises(UsageError):
            PoolScorer(Stub(), {PROMPT: references})
    scorer = PoolScorer(Stub(), {PROMPT: REFERENCES})
    with pytest.raises(UsageError, match="Stub can only be awaited"):
        scorer(PROMPT, "x")
    with pytest.raises(UsageError, match="a rubric is given"):
        asyncio.run(scorer.acall(PROMPT, "x", RUBRIC))
    unknown = asyncio.run(scorer.acall("Who?", "x"))
    assert unknown.outcome == Failed(reason="the pool has no references for this prompt")
    with pytest.raises(UsageError, match="no references for 'Who"):
        asyncio.run(scorer.acalibration("Who?"))


def test_two_references_are_the_least() -> None:
    scorer = PoolScorer(Stub(), {PROMPT: ("a", "bbb")})
    grades = [asyncio.run(scorer.acall(PROMPT, response)) for response in ("", "xx", "xxxx")]
    assert [grade.value for grade in grades] == sorted(grade.value or 0 for grade in grades)
    calibration = asyncio.run(scorer.acalibration(PROMPT))
    assert isinstance(calibration, Calibration)
    assert (calibration.error, calibration.n) == (0.5, 2)  # nothing is known of one from the other


def test_prompts_are_saved_and_the_pool_is_named(tmp_path: Path) -> None:
    scorer = PoolScorer(RubricRM(), {PROMPT: REFERENCES})
    assert [name for name, _ in scorer.named_predictors()] == [
        "calibrate.judge.generate.predict",
        "calibrate.judge.judge.predict",
    ]
    scorer.calibrate.judge.judge.predict.demos = []  # pyright: ignore[reportAttributeAccessIssue]
    scorer.save(tmp_path / "pool.json")
    manifest = json.loads((tmp_path / "pool.json").read_text(encoding="utf-8"))["manifest"]
    assert manifest["settings"]["prompts"] == 1
    assert manifest["settings"]["calibrate"]["judge"]["orders"] == "single"
    loaded = PoolScorer(RubricRM(), {"Other": REFERENCES})
    loaded.load(tmp_path / "pool.json")
    assert loaded.fingerprint == scorer.fingerprint
    assert loaded.settings["pool"] != scorer.settings["pool"]


def test_in_bulk_the_requests_and_grades_are_those_of_dspy(model_server: ModelServer) -> None:
    def text(body: dict[str, Any]) -> str:
        messages = body["messages"]
        return reply(better(len, *shown(messages))) if is_judging(messages) else str(RUBRIC)

    model_server.text = text
    found = []
    for way in ("dspy", "direct"):
        scorer = PoolScorer(RubricRM(), {PROMPT: REFERENCES})
        scorer.set_lm(lm("openai/judge", api_base=model_server.url))
        inputs: dict[str, Any] = {"prompt": PROMPT, "response": "xxx"}
        grade = asyncio.run(scorer.acall(**inputs) if way == "dspy" else Direct()(scorer, **inputs))
        found.append((grade, sorted(json.dumps(body) for body in model_server.bodies)))
        model_server.received.clear()
    assert found[0] == found[1]
    assert len(found[0][1]) == 1 + 6 + 4


# The arithmetic.


@given(
    st.integers(2, 6).flatmap(
        lambda k: st.lists(st.sampled_from([None, 0.0, 0.5, 1.0]), min_size=k * k, max_size=k * k)
    )
)
@settings(deadline=None, max_examples=50)
def test_abilities_always_exist_and_solve_the_equations(results: list[float | None]) -> None:
    size = math.isqrt(len(results))
    wins = np.zeros((size, size))
    for i in range(size):
        for j in range(i):
            if (result := results[i * size + j]) is not None:
                wins[i, j], wins[j, i] = result, 1 - result
    at = abilities(wins)
    expected = 1 / (1 + np.exp(at[None, :] - at[:, None]))
    left_over = (wins - (wins + wins.T) * expected).sum(axis=1) + 0.5 - 1 / (1 + np.exp(-at))
    assert np.abs(left_over).max() < 1e-8
    assert np.abs(at).max() < 10 * size


def test_an_ability_by_hand() -> None:
    """One win against an opponent of ability 0: 1 - p + 1/2 - p = 0, so p = 3/4, and the ability is log 3."""
    found = ability(np.array([1.0]), np.array([1.0]), np.array([0.0]))
    assert found == pytest.approx(math.log(3))
    assert abilities(np.array([[0.0, 1.0], [0.0, 0.0]])) == pytest.approx([-(low := -abilities_by_bisection()), low])


def abilities_by_bisection() -> float:
    """Two players, one win: 1 - s(2x) + 1/2 - s(x) = 0 for the winner at x, the loser at -x."""
    low, high = 0.0, 5.0
    for _ in range(60):
        x = (low + high) / 2
        left = 1.5 - 1 / (1 + math.exp(-2 * x)) - 1 / (1 + math.exp(-x))
        low, high = (x, high) if left > 0 else (low, x)
    return low


@pytest.mark.slow
def test_on_simulated_judges_the_order_is_recovered_and_the_errors_cover() -> None:
    """Judges that follow Bradley and Terry, on abilities drawn at random: nothing here is tuned to the seed."""
    draw = np.random.default_rng(11)
    covered: list[bool] = []
    correlations: list[float] = []
    misses: list[float] = []
    stated: list[float] = []
    predicted: list[float] = []
    for _ in range(12):
        truth = {f"r{i}": float(draw.normal(0, 1.5)) for i in range(24)}

        def chance(a: str, b: str, truth: dict[str, float] = truth) -> bool:
            return bool(draw.random() < 1 / (1 + math.exp(truth[b] - truth[a])))

        references = list(truth)[:12]
        scorer = PoolScorer(Stub(chance=chance), {PROMPT: references})
        new = list(truth)[12:]

        async def every(scorer: PoolScorer = scorer, new: list[str] = new) -> list[Grade]:
            return [await scorer.acall(PROMPT, response) for response in new]

        grades = asyncio.run(every())
        rates = [np.mean([1 / (1 + math.exp(truth[r] - truth[n])) for r in references]) for n in new]
        values = [grade.value or math.nan for grade in grades]
        correlations.append(float(np.corrcoef(np.argsort(np.argsort(rates)), np.argsort(np.argsort(values)))[0, 1]))
        for grade, rate in zip(grades, rates, strict=True):
            assert grade.outcome.kind == "score"
            misses.append((grade.value or 0) - float(rate))
            stated.append(grade.outcome.error or 0)
            covered.append(abs(misses[-1]) <= 1.96 * stated[-1])
        calibration = asyncio.run(scorer.acalibration(PROMPT))
        assert isinstance(calibration, Calibration)
        predicted.append(calibration.error)
    error = float(np.sqrt(np.mean(np.square(misses))))
    assert np.mean(correlations) > 0.8
    assert 0.88 < np.mean(covered) < 0.99
    assert abs(np.mean(misses)) < 0.03
    assert float(np.sqrt(np.mean(np.square(stated)))) == pytest.approx(error, rel=0.25)
    assert 1.3 < np.mean(predicted) / error < 3


def test_a_judge_without_an_order_is_known_by_its_calibration() -> None:
    """Coin flips on every comparison: a reference's results say nothing about its other results."""
    draw = np.random.default_rng(5)
    names = [f"r{i}" for i in range(14)]
    ordered, coins = (
        asyncio.run(PoolScorer(Stub(chance=chance), {PROMPT: names}).acalibration(PROMPT))
        for chance in (lambda a, b: int(a[1:]) > int(b[1:]), lambda a, b: draw.random() < 0.5)
    )
    assert isinstance(ordered, Calibration)
    assert isinstance(coins, Calibration)
    assert ordered.error < 0.15 < coins.error
    assert ordered.n == coins.n == 28
