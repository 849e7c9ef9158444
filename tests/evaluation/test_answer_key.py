"""A judge that takes the right answer is given that of the pair, and the run says for which pairs it had one."""

import asyncio
from pathlib import Path

import dspy
import pytest
from adaptive_world import adaptive_world, kinds, section
from meta_rubrics import META
from pydantic import JsonValue

from openrubrics.data import Ledger
from openrubrics.evaluation import EvaluatedPair, FunctionJudge, PairJudge, aevaluate
from openrubrics.lms import ScriptedLM
from openrubrics.programs import AdaptiveRubricJudge, RubricRM
from openrubrics.signatures import DataError, PreferencePair, UsageError


def pair(number: int, key: JsonValue) -> PreferencePair:
    return PreferencePair(
        id=f"p{number}",
        prompt=f"What is 2 + {number}?",
        chosen=f"It is {number + 2}.",
        rejected="It is five, which is a wrong thing to say.",
        meta={"key": key, "other": "x"},
    )


def judged(lm: ScriptedLM, pairs: list[PreferencePair], ledger: Ledger | None = None) -> list[EvaluatedPair]:
    judge = AdaptiveRubricJudge(META, domain="code")
    with dspy.context(lm=lm):
        return asyncio.run(aevaluate(judge, pairs, answer_key="key", ledger=ledger, slim=True))


def references(lm: ScriptedLM) -> set[str]:
    return {section(asked.messages, "reference") for asked in lm.requests if section(asked.messages, "reference")}


def test_text_and_numbers_are_keys_and_what_is_empty_is_none() -> None:
    lm = adaptive_world()
    results = judged(lm, [pair(n, key) for n, key in enumerate(["two", 3, 4.5, " ", None])])
    assert references(lm) == {"two", "3", "4.5"}
    assert kinds(lm).count("one call") == 2
    assert [one.judgment.reference_assisted for one in results] == [True, True, True, False, False]
    assert {one.judgment.decided_by for one in results} == {"reference", "judge"}


@pytest.mark.parametrize("key", [["4"], {"a": 4}, True])
def test_anything_else_is_an_error_that_names_the_pair(key: JsonValue) -> None:
    with pytest.raises(DataError, match=r"pair 'p0': meta\.key is"):
        judged(adaptive_world(), [pair(0, key)])


@pytest.mark.parametrize("judge", [RubricRM(), FunctionJudge(lambda prompt, a, b: "A")], ids=["program", "function"])
def test_a_judge_that_takes_no_right_answer_is_refused_before_anything_is_asked(judge: PairJudge) -> None:
    lm = adaptive_world()
    with dspy.context(lm=lm), pytest.raises(UsageError, match="answer_key is 'key', but"):
        asyncio.run(aevaluate(judge, [pair(0, None), pair(1, "3")], answer_key="key"))
    assert lm.requests == []


def test_a_run_that_goes_on_judges_anew_where_the_right_answer_is_another(tmp_path: Path) -> None:
    with Ledger(tmp_path / "run.ledger", identity={"run": 1}) as ledger:
        judged(adaptive_world(), [pair(0, "2"), pair(1, "3"), pair(2, None)], ledger)
    lm = adaptive_world()
    with Ledger(tmp_path / "run.ledger", identity={"run": 1}) as ledger:
        results = judged(lm, [pair(0, "2"), pair(1, "three"), pair(2, None)], ledger)
    assert references(lm) == {"three"}
    assert kinds(lm) == ["reference", "reference"]
    assert [one.judgment.reference_assisted for one in results] == [True, True, False]
