"""The contrastive program: a rubric from ranked responses, then two of them under it, as a curation asks."""

import asyncio
from pathlib import Path

import dspy
import pytest
from dspy.lm15 import TimeoutError  # noqa: A004
from judge_world import GARBAGE, RUBRIC, RUBRIC_TEXT, call, is_judging, judges, judging_requests, shown, world

from openrubrics.data import curate
from openrubrics.lms import ScriptedLM
from openrubrics.programs import ContrastiveRubricGenerator, ContrastiveRubricRM, Direct, GatekeeperJudge, RubricRM
from openrubrics.signatures import DataError, Failed, Judgment, Orders, RankedResponses, UsageError

both_speeds = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
both_orders = pytest.mark.parametrize("orders", ["single", "both"])
RANKED = ["Hello!", "Go away, please."]
ITEM = {"prompt": "Say hello.", "responses": RANKED, "response_a": RANKED[0], "response_b": RANKED[1]}


def friendly(response: str) -> float:
    return float("Hello" in response)


@both_speeds
def test_the_writer_sees_the_ranking_and_the_judge_the_rubric(asynchronous: bool) -> None:
    script = ScriptedLM([RUBRIC_TEXT, *judges("A")])
    judgment = call(ContrastiveRubricRM(), asynchronous, script, **ITEM)
    assert (judgment.preferred, judgment.rubric) == ("A", RUBRIC)
    wrote, judged = (asked.messages[-1]["content"] for asked in script.requests)
    assert wrote.index("<response_1>\nHello!\n") < wrote.index("<response_2>\nGo away, please.\n")
    assert f"<rubric>\n{RUBRIC}\n</rubric>" in judged
    assert "response_1" not in judged
    assert judgment.usage.calls == 2


@both_speeds
@both_orders
def test_swapping_the_responses_swaps_the_verdict(orders: Orders, asynchronous: bool) -> None:
    program = ContrastiveRubricRM(orders=orders)
    swapped = ITEM | {"response_a": RANKED[1], "response_b": RANKED[0]}
    assert call(program, asynchronous, world(friendly), **ITEM).preferred == "A"
    assert call(program, asynchronous, world(friendly), **swapped).preferred == "B"


@both_speeds
@pytest.mark.parametrize("entry", [GARBAGE, TimeoutError("too slow")])
def test_without_a_rubric_the_judgment_is_failed_and_nobody_judges(entry: str | Exception, asynchronous: bool) -> None:
    script = ScriptedLM([entry])
    judgment = call(ContrastiveRubricRM(orders="both"), asynchronous, script, **ITEM)
    assert isinstance(judgment.outcome, Failed)
    assert judgment.outcome.reason.startswith("no rubric: ")
    assert judging_requests(script) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"responses": ["one"]}, "at least two different ones"),
        ({"responses": ["one", "one"]}, "at least two different ones"),
        ({"responses": "one"}, "give a list of texts"),
        ({"responses": ["one", None]}, r"responses\[1\] is None"),
        ({"response_b": None}, "response_b is None"),
        ({"prompt": 7}, "a prompt cannot be read"),
    ],
)
def test_wrong_arguments_ask_nothing(wrong: dict[str, object], said: str) -> None:
    script = ScriptedLM([])
    with pytest.raises(UsageError, match=said):
        call(ContrastiveRubricRM(), False, script, **ITEM | wrong)
    assert script.requests == []


def test_unknown_orders_are_refused() -> None:
    with pytest.raises(UsageError, match=r"unknown orders 'all' \(orders are single and both\)"):
        ContrastiveRubricRM(orders="all")  # pyright: ignore[reportArgumentType]


@both_orders
def test_direct_sends_the_same_and_comes_to_the_same(orders: Orders) -> None:
    program = ContrastiveRubricRM(judge=GatekeeperJudge(votes=3), orders=orders)
    through_dspy, directly = world(friendly), world(friendly)
    expected = call(program, True, through_dspy, **ITEM)
    with dspy.context(lm=directly):
        judgment = asyncio.run(Direct()(program, **ITEM))
    assert judgment == expected
    assert directly.requests == through_dspy.requests


@both_orders
def test_a_curation_asks_the_same(orders: Orders) -> None:
    program, alone, curating = ContrastiveRubricRM(orders=orders), world(friendly), world(friendly)
    judgment: Judgment = call(program, True, alone, **ITEM)
    item = RankedResponses(id="r", prompt="Say hello.", responses=tuple(RANKED))
    items = []
    with dspy.context(lm=curating):
        counts = curate([item], program.generate, program.judge, orders=orders, on_item=items.append)
    assert counts.kept == 1
    assert [asked.messages for asked in curating.requests if not is_judging(asked.messages)] == [
        asked.messages for asked in alone.requests if not is_judging(asked.messages)
    ]
    compared = [
        {shown(asked.messages) for asked in lm.requests if is_judging(asked.messages)} for lm in (curating, alone)
    ]
    assert compared[0] == compared[1] or (orders == "single" and {pair[::-1] for pair in compared[0]} == compared[1])
    assert judgment.usage == items[0].usage


def test_it_is_an_ordinary_module_for_optimizers() -> None:
    program, script = ContrastiveRubricRM(), world(friendly)
    assert [name for name, _ in program.named_predictors()] == ["generate.predict", "judge.predict"]
    assert program.rubric is None
    with dspy.context(lm=script, trace=[]):
        program(**ITEM)
        trace = dspy.settings.trace
    assert [predictor for predictor, _, _ in trace] == [program.generate.predict, program.judge.predict]
    assert trace[0][1]["responses"] == RANKED
    assert trace[0][2].rubric == RUBRIC


def test_saved_and_loaded_it_renders_the_same_prompts(tmp_path: Path) -> None:
    program = ContrastiveRubricRM()
    for predictor in program.bound_predictors().values():
        predictor.signature = predictor.task.with_instructions("Think like a judge of bread.")
    program.generate.predict.demos = [dspy.Example(prompt="earlier", responses=["one", "two"], rubric=RUBRIC)]
    program.save(tmp_path / "contrastive.json")
    loaded = ContrastiveRubricRM(orders="both")
    loaded.load(tmp_path / "contrastive.json")
    assert loaded.fingerprint == program.fingerprint != ContrastiveRubricRM().fingerprint
    assert loaded.settings == {"judge": GatekeeperJudge().settings, "orders": "both"}
    asked = {"prompt": "now", "responses": RANKED}
    assert loaded.generate.predict.messages(**asked) == program.generate.predict.messages(**asked)
    with pytest.raises(DataError, match="program is 'ContrastiveRubricRM', but this program has 'RubricRM'"):
        RubricRM().load(tmp_path / "contrastive.json")


def test_the_parts_that_are_given_are_those_that_run() -> None:
    generator, judge = ContrastiveRubricGenerator("Contrast {prompt} {responses}"), GatekeeperJudge(form="v3")
    program = ContrastiveRubricRM(generator, judge)
    assert (program.generate, program.judge) == (generator, judge)
    script = world(friendly)
    call(program, False, script, **ITEM)
    assert script.requests[0].messages[0]["content"].startswith("Contrast Say hello.")
