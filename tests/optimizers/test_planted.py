"""The simulated world behaves as its description says, in this process and over HTTP."""

import itertools
from collections.abc import Callable

import dspy
import pytest
from planted import BLOCK, GUIDELINES, PlantedWorld, guidelines_in, splits, with_guidelines
from server_plugin import ModelServer

from openrubrics.evaluation import Figures, evaluate, measure
from openrubrics.lms import ScriptedLM, lm
from openrubrics.programs import RubricRM
from openrubrics.signatures import JudgeTrace, Orders, Rubric

SPLITS = splits()
GENERATOR = ("evidence", "candour", "directness")
JUDGE = ("length", "polish")


@pytest.fixture
def world() -> PlantedWorld:
    return PlantedWorld()


@pytest.fixture(params=["script", "server"])
def student(request: pytest.FixtureRequest, world: PlantedWorld) -> dspy.LM:
    if request.param == "script":
        return ScriptedLM(world.script)
    server: ModelServer = request.getfixturevalue("model_server")
    server.text = world.serve
    return lm("hosted_vllm/student", api_base=server.url)


def figures(program: RubricRM, student: dspy.LM, orders: Orders = "single") -> Figures:
    with dspy.context(lm=student):
        return measure(evaluate(program, SPLITS.test), orders=orders)


@pytest.mark.parametrize(
    ("told", "right"),
    [
        ((), 20),
        (("evidence",), 26),
        (("candour",), 24),
        (("directness",), 24),
        (("length",), 24),
        (("polish",), 24),
        (GENERATOR, 34),
        (JUDGE, 28),
        ((*GENERATOR, "length"), 42),
        (tuple(GUIDELINES), 48),
    ],
)
def test_each_guideline_helps_and_all_are_needed(
    told: tuple[str, ...], right: int, student: dspy.LM, world: PlantedWorld
) -> None:
    program = with_guidelines(*told)
    assert guidelines_in(program) == set(told)
    measured = figures(program, student)
    assert (measured.accuracy, measured.failed) == (right / 48, 0)
    assert world.unknown == []


@pytest.mark.parametrize("student", ["script"], indirect=True)
def test_orders_agree_since_nothing_depends_on_places(student: dspy.LM) -> None:
    measured = figures(RubricRM(orders="both"), student, "both")
    assert measured.accuracy == measured.consistent_accuracy == 20 / 48


def test_a_demonstration_cures_the_judge_of_length(student: dspy.LM) -> None:
    program = RubricRM()
    pair, rubric = SPLITS.train[0], Rubric.parse("1. The response is clear.")
    judgment = JudgeTrace.parse("Winner: Response A")
    program.judge.predict.demos = [
        {
            "prompt": pair.prompt,
            "rubric": rubric,
            "response_a": pair.chosen,
            "response_b": pair.rejected,
            "judgment": judgment,
        }
    ]
    assert figures(program, student).accuracy == 24 / 48


def test_a_guideline_counts_in_any_sentence_but_only_in_instructions(student: dspy.LM) -> None:
    program = RubricRM()
    program.judge.predict.signature = program.judge.predict.task.with_instructions(
        "Keep in mind: LONGER is\n  not better, and neither is shorter; and yes, decoration is no merit."
    )
    assert figures(program, student).accuracy == 28 / 48
    pair = SPLITS.test[0]
    with dspy.context(lm=student):
        said = " ".join(guideline.sentence for guideline in GUIDELINES.values())
        rubric = RubricRM().generate(f"{pair.prompt} {said}")
    assert isinstance(rubric, Rubric)
    assert len(rubric.criteria) == 2


def test_replies_vary_at_a_temperature_only() -> None:
    def rubrics(**options: float) -> set[str]:
        with dspy.context(lm=ScriptedLM(PlantedWorld().script).copy(**options)):
            return {str(RubricRM().generate(SPLITS.test[0].prompt)) for _ in range(12)}

    assert len(rubrics()) == 1
    warm = rubrics(temperature=1.0)
    assert len(warm) == 3
    assert rubrics(temperature=1.0) == warm


def test_splits_share_no_prompt_and_are_drawn_by_the_seed() -> None:
    prompts = [{str(pair.prompt) for pair in pairs} for pairs in SPLITS]
    assert [len(texts) for texts in prompts] == [BLOCK, BLOCK, 2 * BLOCK]
    assert all(one.isdisjoint(other) for one, other in itertools.combinations(prompts, 2))
    assert splits() == SPLITS
    assert splits(seed=1) != SPLITS


def test_length_alone_decides_nothing() -> None:
    same = [pair for pair in SPLITS.test if not pair.meta["lure"]]
    longer = sum(len(pair.chosen) > len(pair.rejected) for pair in same)
    assert 0.25 < longer / len(same) < 0.75


ASKS: list[Callable[[], object]] = [
    lambda: dspy.Predict("question -> answer")(question="Who are you?"),
    lambda: dspy.settings.lm("Just say something."),
    lambda: dspy.settings.lm("Write a poem about this.\n\n<prompt>\nBees?\n</prompt>"),
]


@pytest.mark.parametrize("ask", ASKS)
def test_it_refuses_what_it_was_not_asked(ask: Callable[[], object], world: PlantedWorld) -> None:
    with dspy.context(lm=ScriptedLM(world.script)), pytest.raises(dspy.LMError):
        ask()
    assert len(world.unknown) == 1
