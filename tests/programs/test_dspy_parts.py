"""The parts of RubricRM are ordinary DSPy modules too: evaluators and optimizers work on each of them alone."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dspy
import pytest
from dspy.lm15 import Request
from judge_world import RUBRIC, better, reply, shown

from openrubrics.lms import ScriptedLM
from openrubrics.lms.scripted import Messages
from openrubrics.optimizers import LabelMetric
from openrubrics.programs import ContrastiveRubricGenerator, GatekeeperJudge, Program, RubricGenerator
from openrubrics.signatures import Failed, Judgment, Rubric

GUIDELINE = "Ask for kindness."
KIND, RUDE = "Gladly, here it is.", "No. Find it yourself, since nobody here has any time for you."
SHORT_RUBRIC = "1. The response is short. [Principle]"
KIND_RUBRIC = "1. The response is kind. [Principle]"


def kindness(text: str) -> float:
    return float("Gladly" in text)


def judging(messages: Messages, told: bool) -> str:
    """Judge by length, or by kindness where somebody said so."""
    return reply(better(kindness if told else len, *shown(messages)))


def writing(messages: Messages, told: bool) -> str:
    """Ask for kindness where somebody said so, and otherwise only for requests about people."""
    return KIND_RUBRIC if told or "about people?" in messages[-1]["content"] else SHORT_RUBRIC


def asks_for_kindness(example: dspy.Example, prediction: Rubric | Failed, trace: object = None) -> float | bool:
    good = str(prediction) == KIND_RUBRIC
    return good if trace is not None else float(good)


def _topic(i: int) -> str:
    return f"Question {i} about {'people' if i % 2 else 'stones'}?"


def _to_judge(i: int) -> dspy.Example:
    kind = KIND if i % 2 else f"{KIND} And since you ask, there is much more to say about it."
    a, b = (kind, RUDE) if i % 3 else (RUDE, kind)
    example = dspy.Example(prompt=_topic(i), rubric=RUBRIC, response_a=a, response_b=b, label="A" if i % 3 else "B")
    return example.with_inputs("prompt", "rubric", "response_a", "response_b")


@dataclass(frozen=True)
class Part:
    """One program with its model, its examples, of which half come out right, and its metric."""

    build: Callable[[], Program]
    answer: Callable[[Messages, bool], str]
    examples: list[dspy.Example]
    metric: Callable[..., Any]
    now: dict[str, Any]
    output: type

    def model(self, by_chance: float = 0.0) -> ScriptedLM:
        """Return a model that follows the guideline where its instructions hold it, and else by chance."""
        chance = random.Random(0)
        return ScriptedLM(
            lambda messages, request: self.answer(
                messages, GUIDELINE in messages[0]["content"] or chance.random() < by_chance
            )
        )

    def predictor(self, program: dspy.Module) -> Any:  # noqa: ANN401 - a BoundPredict
        return program.predict

    def messages(self, program: dspy.Module) -> list[dict[str, str]]:
        return self.predictor(program).messages(**self.now)

    def feedback(self, gold: dspy.Example, pred: Any, trace: Any = None, name: Any = None, steps: Any = None) -> Any:  # noqa: ANN401
        if self.output is Judgment:
            metric = LabelMetric()
            return metric(gold, pred, trace, name, steps) if steps else metric.explained(gold, pred)
        return dspy.Prediction(score=float(self.metric(gold, pred)), feedback="The rubric must be about kindness.")


ANSWERS = [KIND, RUDE]
PARTS = {
    "judge": Part(
        GatekeeperJudge,
        judging,
        [_to_judge(i) for i in range(12)],
        LabelMetric(),
        {"prompt": "now", "rubric": RUBRIC, "response_a": "one", "response_b": "two"},
        Judgment,
    ),
    "generator": Part(
        RubricGenerator,
        writing,
        [dspy.Example(prompt=_topic(i)).with_inputs("prompt") for i in range(12)],
        asks_for_kindness,
        {"prompt": "now"},
        Rubric,
    ),
    "contrast": Part(
        ContrastiveRubricGenerator,
        writing,
        [dspy.Example(prompt=_topic(i), responses=ANSWERS).with_inputs("prompt", "responses") for i in range(12)],
        asks_for_kindness,
        {"prompt": "now", "responses": ["one", "two"]},
        Rubric,
    ),
}
each_part = pytest.mark.parametrize("part", PARTS.values(), ids=PARTS.keys())


def score(part: Part, program: dspy.Module) -> float:
    evaluate = dspy.Evaluate(devset=part.examples, metric=part.metric, num_threads=2, display_progress=False)
    with dspy.context(lm=part.model()):
        return evaluate(program).score


def assert_saves(part: Part, program: Any, tmp_path: Path) -> None:  # noqa: ANN401 - as optimizers return it
    program.save(tmp_path / "program.json")
    loaded = part.build()
    loaded.load(tmp_path / "program.json")
    assert part.messages(loaded) == part.messages(program) != part.messages(part.build())


@each_part
def test_evaluate_scores_it(part: Part) -> None:
    evaluate = dspy.Evaluate(devset=part.examples, metric=part.metric, num_threads=4, display_progress=False)
    with dspy.context(lm=part.model()):
        result = evaluate(part.build())
    assert result.score == 50.0
    assert all(isinstance(prediction, part.output) for _, prediction, _ in result.results)


@each_part
def test_bootstrap_few_shot_collects_what_came_out_right(part: Part, tmp_path: Path) -> None:
    optimizer = dspy.BootstrapFewShot(metric=part.metric, max_bootstrapped_demos=2, max_labeled_demos=0)
    with dspy.context(lm=part.model()):
        program = optimizer.compile(part.build(), trainset=part.examples)
    demos = part.predictor(program).demos
    right = [e.prompt for e in part.examples if part.metric(e, _run(part, e))]
    assert [demo.prompt for demo in demos] == right[:2]
    assert [message["role"] for message in part.messages(program)] == ["user", "assistant"] * 2 + ["user"]
    assert_saves(part, program, tmp_path)


def _run(part: Part, example: dspy.Example) -> Any:  # noqa: ANN401 - each part has its own result
    with dspy.context(lm=part.model()):
        return part.build()(**example.inputs())


@each_part
def test_gepa_rewrites_its_instructions(part: Part, tmp_path: Path) -> None:
    def reflect(messages: Messages, request: Request) -> str:
        text = "\n".join(message["content"] for message in messages)
        told = "about kindness" in text or "Wrong: people prefer" in text
        return json.dumps({"new_instruction": f"Do it well. {GUIDELINE}" if told else "Do it."})

    optimizer = dspy.GEPA(
        metric=part.feedback, max_metric_calls=60, reflection_lm=ScriptedLM(reflect), num_threads=1, seed=3
    )
    with dspy.context(lm=part.model()):
        program = optimizer.compile(part.build(), trainset=part.examples[:6], valset=part.examples[6:])
    assert part.predictor(program).task.instructions == f"Do it well. {GUIDELINE}"
    assert score(part, program) == 100.0
    assert_saves(part, program, tmp_path)


@each_part
def test_simba_improves_it(part: Part, tmp_path: Path) -> None:
    def advise(messages: Messages, request: Request) -> str:
        parts = {"discussion": "Kindness was missing.", "module_advice": json.dumps({"predict": GUIDELINE})}
        sections = [f"[[ ## {name} ## ]]\n{text}" for name, text in parts.items()]
        return "\n\n".join([*sections, "[[ ## completed ## ]]"])

    optimizer = dspy.SIMBA(
        metric=part.feedback,
        bsize=6,
        num_candidates=2,
        max_steps=3,
        max_demos=0,
        prompt_model=ScriptedLM(advise),
        num_threads=1,
    )
    with dspy.context(lm=part.model(by_chance=0.5)):  # SIMBA learns from what varies
        program = optimizer.compile(part.build(), trainset=part.examples, seed=1)
    assert GUIDELINE in part.predictor(program).task.instructions
    assert score(part, program) == 100.0
    assert_saves(part, program, tmp_path)
