"""RubricRM is an ordinary DSPy module: evaluators and optimizers work on it as on any other.

The models are scripts, so what is tested is the machinery: that traces, demonstrations, instructions and feedback pass
through it. How much an optimizer gains with a real model is another question.
"""

import json
import random
from collections.abc import Callable
from pathlib import Path

import dspy
import pytest
from dspy.lm15 import Request
from judge_world import GARBAGE, RUBRIC, RUBRIC_TEXT, better, is_judging, reply, shown

from openrubrics.lms import ScriptedLM
from openrubrics.lms.scripted import Messages, Scripted
from openrubrics.optimizers import LabelMetric, as_example
from openrubrics.programs import RubricRM
from openrubrics.signatures import JUDGMENT, JudgePair, JudgeTrace, PreferencePair, Rubric
from openrubrics.signatures import RUBRIC as RUBRIC_CONTRACT
from openrubrics.signatures.judge_text import Winner
from openrubrics.signatures.values import Label

GUIDELINE = "A kind answer beats a long one."
KIND, RUDE = "Gladly, here it is.", "No. Find it yourself, since nobody here has any time for you."


def _examples() -> list[dspy.Example]:
    """Pairs whose better response is the kind one; in every second of them it is the longer one too."""
    slots: list[Label] = ["A", "B"]
    pairs = [
        PreferencePair(
            id=str(i),
            prompt=f"Question {i}?",
            chosen=KIND if i % 2 else f"{KIND} And since you ask, there is much more to say about it.",
            rejected=RUDE,
        )
        for i in range(12)
    ]
    return [as_example(pair, slots[i // 2 % 2]) for i, pair in enumerate(pairs)]


EXAMPLES = _examples()


def kindness(text: str) -> float:
    return float("Gladly" in text)


def judging(otherwise: Callable[[str, str], Winner]) -> ScriptedLM:
    """Return a model that judges by kindness where its instructions say so, and otherwise by something else."""

    def answer(messages: Messages, request: Request) -> Scripted:
        if not is_judging(messages):
            return RUBRIC_TEXT
        a, b = shown(messages)
        return reply(better(kindness, a, b) if GUIDELINE in messages[0]["content"] else otherwise(a, b))

    return ScriptedLM(answer)


def by_length(a: str, b: str) -> Winner:
    return better(len, a, b)


def accuracy(program: RubricRM, lm: dspy.LM) -> float:
    evaluate = dspy.Evaluate(devset=EXAMPLES, metric=LabelMetric(), num_threads=2, display_progress=False)
    with dspy.context(lm=lm):
        return evaluate(program).score


def rendered(program: RubricRM) -> dict[str, list[dict[str, str]]]:
    return {
        "generate.predict": program.generate.predict.messages(prompt="now"),
        "judge.predict": program.judge.predict.messages(
            prompt="now", rubric=RUBRIC, response_a="one", response_b="two"
        ),
    }


def assert_is_whole(program: dspy.Module, tmp_path: Path) -> RubricRM:
    """What holds for every optimized program: its type, its contracts, and that a file gives it back."""
    assert type(program) is RubricRM
    prompts = rendered(program)
    contracts = {"generate.predict": RUBRIC_CONTRACT, "judge.predict": JUDGMENT["seed"]}
    for name, contract in contracts.items():
        assert contract.instructions in prompts[name][0]["content"]
        assert prompts[name][-1]["content"].endswith(
            "<prompt>\nnow\n</prompt>" if name == "generate.predict" else "<response_b>\ntwo\n</response_b>"
        )
    program.save(tmp_path / "program.json")
    loaded = RubricRM()
    loaded.load(tmp_path / "program.json")
    assert rendered(loaded) == prompts
    assert loaded.fingerprint == program.fingerprint
    return loaded


@pytest.mark.parametrize("threads", [1, 4])
def test_evaluate_scores_it(threads: int) -> None:
    evaluate = dspy.Evaluate(devset=EXAMPLES, metric=LabelMetric(), num_threads=threads, display_progress=False)
    with dspy.context(lm=judging(by_length)):
        result = evaluate(RubricRM())
    assert result.score == 50.0
    wrong = [example.prompt for example, judgment, score in result.results if score == 0.0]
    assert wrong == [f"Question {i}?" for i in range(1, 12, 2)]


def test_evaluate_counts_failures_as_wrong() -> None:
    def sometimes(messages: Messages, request: Request) -> str:
        if not is_judging(messages):
            return RUBRIC_TEXT
        a, b = shown(messages)
        return GARBAGE if RUDE in (a, b) and len(KIND) in (len(a), len(b)) else reply(better(kindness, a, b))

    assert accuracy(RubricRM(), ScriptedLM(sometimes)) == 50.0


def test_bootstrap_few_shot_collects_right_judgments(tmp_path: Path) -> None:
    optimizer = dspy.BootstrapFewShot(metric=LabelMetric(), max_bootstrapped_demos=3, max_labeled_demos=2)
    with dspy.context(lm=judging(by_length)):
        program = optimizer.compile(RubricRM(), trainset=EXAMPLES)
    assert_is_whole(program, tmp_path)
    shown_rubrics = [demo.rubric for demo in program.generate.predict.demos]
    assert shown_rubrics[:3] == [RUBRIC] * 3
    demos = program.judge.predict.demos
    assert [demo.prompt for demo in demos[:3]] == ["Question 0?", "Question 2?", "Question 4?"]
    assert all(isinstance(demo.judgment, JudgeTrace) and isinstance(demo.rubric, Rubric) for demo in demos[:3])
    roles = [message["role"] for message in rendered(program)["judge.predict"]]
    assert roles == ["user", "assistant"] * 3 + ["user"]


def test_a_failed_vote_does_not_become_a_demonstration(tmp_path: Path) -> None:
    def first_sample_fails(messages: Messages, request: Request) -> Scripted:
        if not is_judging(messages):
            return RUBRIC_TEXT
        right = reply(better(kindness, *shown(messages)))
        return [GARBAGE, right] if wave.pop(0) == 2 else right

    wave = [2, 1] * len(EXAMPLES)
    optimizer = dspy.BootstrapFewShot(metric=LabelMetric(), max_bootstrapped_demos=1, max_labeled_demos=0)
    with dspy.context(lm=ScriptedLM(first_sample_fails)):
        program = optimizer.compile(RubricRM(votes=3), trainset=EXAMPLES[:1])
    assert len(program.judge.predict.demos) == 1
    loaded = assert_is_whole(program, tmp_path)
    for prompts in (rendered(program), rendered(loaded)):
        assert all(GARBAGE not in message["content"] for message in prompts["judge.predict"])


def _advice(messages: Messages, request: Request) -> str:
    """Answer as SIMBA asks: a discussion, and a rule for each module."""
    advice = {"generate.predict": "Keep it short.", "judge.predict": GUIDELINE}
    parts = {"discussion": "The judge looked at length.", "module_advice": json.dumps(advice)}
    return "\n\n".join(f"[[ ## {name} ## ]]\n{text}" for name, text in parts.items()) + "\n\n[[ ## completed ## ]]"


def test_simba_adds_demonstrations_or_rules(tmp_path: Path) -> None:
    """SIMBA shows its advisor plain values only, so the feedback of the metric is how it learns what went wrong."""
    guess = random.Random(0)
    model = judging(lambda a, b: "A" if guess.random() < 0.5 else "B")
    advisor = ScriptedLM(_advice)
    optimizer = dspy.SIMBA(
        metric=LabelMetric().explained,  # pyright: ignore[reportArgumentType]
        bsize=6,
        num_candidates=2,
        max_steps=3,
        max_demos=2,
        prompt_model=advisor,
        num_threads=1,
    )
    with dspy.context(lm=model):
        program = optimizer.compile(RubricRM(), trainset=EXAMPLES, seed=1)
    best = assert_is_whole(program, tmp_path)
    assert any("Wrong: people prefer Response" in asked.messages[-1]["content"] for asked in advisor.requests)
    assert GUIDELINE in best.judge.predict.task.instructions
    assert accuracy(best, judging(by_length)) == 100.0


class Reflection:
    """A scripted author of instructions, who adds the guideline where the judge is told that a verdict is wrong."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, messages: Messages, request: Request) -> str:
        text = "\n".join(message["content"] for message in messages)
        self.asked.append(text)
        told = "answer was Response" in text and "Wrong: people prefer Response" in text
        return json.dumps({"new_instruction": f"Compare. {GUIDELINE}" if told else "Write a rubric, a good one."})


@pytest.mark.parametrize("orders", ["single", "both"])
def test_gepa_finds_what_the_feedback_says(orders: str, tmp_path: Path) -> None:
    reflection, model = Reflection(), judging(by_length)
    optimizer = dspy.GEPA(
        metric=LabelMetric(),
        max_metric_calls=60,
        reflection_lm=ScriptedLM(reflection),
        num_threads=1,
        track_stats=True,
        seed=3,
    )
    with dspy.context(lm=model):
        program = optimizer.compile(
            RubricRM(orders=orders),  # pyright: ignore[reportArgumentType]
            trainset=EXAMPLES[:6],
            valset=EXAMPLES[6:],
        )
    best = assert_is_whole(program, tmp_path)
    assert best.judge.predict.task.instructions == f"Compare. {GUIDELINE}"
    assert JudgePair.instructions not in rendered(best)["judge.predict"][0]["content"]
    assert accuracy(RubricRM(), model) == 50.0
    assert accuracy(best, model) == 100.0
    scores = vars(program)["detailed_results"].val_aggregate_scores
    assert (scores[0], max(scores)) == (0.5, 1.0)


def test_gepa_shows_each_predictor_what_concerns_it() -> None:
    reflection = Reflection()
    optimizer = dspy.GEPA(
        metric=LabelMetric(), max_metric_calls=40, reflection_lm=ScriptedLM(reflection), num_threads=1, seed=3
    )
    with dspy.context(lm=judging(by_length)):
        optimizer.compile(RubricRM(orders="both"), trainset=EXAMPLES[:6], valset=EXAMPLES[6:])
    generator = [text for text in reflection.asked if "under this rubric the outcome was" in text]
    judge = [text for text in reflection.asked if "and the answer was" in text]
    assert generator
    assert judge
    for text in generator:
        assert "The response is kind." in text
        assert "What was found on each criterion" in text
    for text in judge:
        assert "Gatekeeper criterion: 'The response has at most 5 words.'" in text
        assert KIND in text


def test_an_optimizer_does_not_touch_the_program_it_starts_from() -> None:
    program = RubricRM()
    before = rendered(program)
    optimizer = dspy.BootstrapFewShot(metric=LabelMetric(), max_bootstrapped_demos=1)
    with dspy.context(lm=judging(by_length)):
        optimized = optimizer.compile(program, trainset=EXAMPLES)
    assert rendered(program) == before
    assert rendered(optimized) != before
    assert optimized.fingerprint != program.fingerprint
