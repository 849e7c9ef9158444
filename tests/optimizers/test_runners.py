"""The real optimizers of DSPy on a two-stage program in the planted world: what they change, cost and are told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

import dspy
import pytest
from planted import PlantedWorld, guidelines_in, splits
from pydantic import JsonValue

from openrubrics.lms import Asked, ScriptedLM
from openrubrics.optimizers import OPTIMIZERS, LabelMetric, as_example
from openrubrics.optimizers.search import Sizes
from openrubrics.optimizers.student import Candidates, Compilable, Student
from openrubrics.programs import ContrastiveRubricRM, RubricRM
from openrubrics.signatures import JUDGMENT, RUBRIC, UsageError

pytestmark = pytest.mark.slow

SPLITS = splits()
RUNS = {"gepa": 60, "miprov2": 544, "simba": 500, "bootstrap-rs": 152, "copro": 300}
PROGRAMS: dict[str, Callable[[], Compilable]] = {
    "rubric-rm": RubricRM,
    "both orders": lambda: RubricRM(orders="both"),
    "contrastive": ContrastiveRubricRM,
}
REWRITING = ["copro", "gepa", "miprov2", "simba"]
SEEDED = ["bootstrap-rs", "gepa", "miprov2", "simba"]


@dataclass(frozen=True)
class Found:
    """What came of a search.

    Attributes:
        student: What was searched on.
        best: What the optimizer returned.
        asked: Requests to the reflection LM.
        runs: Program runs that it took.
    """

    student: Student
    best: dspy.Module
    asked: list[Asked]
    runs: int

    @property
    def program(self) -> RubricRM:
        assert isinstance(self.best, Student)
        assert isinstance(self.best.program, RubricRM)
        return self.best.program

    @property
    def told(self) -> str:
        """All that the reflection LM read."""
        return "\n".join(message["content"] for asked in self.asked for message in asked.messages)


@cache
def search(
    name: str,
    runs: int = 0,
    *,
    target: Literal["rubric-rm", "both orders", "contrastive"] = "rubric-rm",
    demos: bool = True,
    seed: int = 0,
    threads: int = 1,
) -> Found:
    """Search once for each set of arguments."""
    return searched(PROGRAMS[target](), name, runs or RUNS[name], demos=demos, seed=seed, threads=threads)


def searched(
    base: Compilable,
    name: str,
    runs: int,
    *,
    demos: bool = True,
    seed: int = 0,
    threads: int = 1,
    options: Mapping[str, JsonValue] | None = None,
) -> Found:
    world = PlantedWorld()
    model, author = ScriptedLM(world.script), ScriptedLM(world.script, model="author")
    contrastive = isinstance(base, ContrastiveRubricRM)
    train, val = ([as_example(p, "B" if i % 2 else "A", contrastive) for i, p in enumerate(s)] for s in SPLITS[:2])
    candidates = Candidates(base, dict.fromkeys(base.bound_predictors(), model), {}, lambda candidate: None)
    student = Student(base.deepcopy(), candidates)
    row = OPTIMIZERS[name]
    best = row.run(
        student,
        train,
        val,
        metric=LabelMetric(),
        reflection_lm=author if row.needs_reflection else None,
        runs=runs,
        demos=demos,
        seed=seed,
        threads=threads,
        options=options,
    )
    assert world.unknown == []
    judged = sum("<response_a>\n" in asked.messages[-1]["content"] for asked in model.requests)
    return Found(student, best, author.requests, judged // (2 if base.orders == "both" else 1))


def smallest(name: str, *, demos: bool = True) -> int:
    return OPTIMIZERS[name].smallest(Sizes(len(SPLITS.train), len(SPLITS.val), 2, demos))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_changes_instructions_and_demonstrations_only(name: str) -> None:
    before = RubricRM()
    fingerprint = before.fingerprint
    found = searched(before, name, RUNS[name])
    assert before.fingerprint == found.student.program.fingerprint == fingerprint
    assert type(found.best) is Student
    for path, predictor in found.program.bound_predictors().items():
        old = before.bound_predictors()[path]
        assert predictor.task.equals(old.task.with_instructions(predictor.task.instructions))
        assert predictor.adapter.template is old.adapter.template is None
        assert (predictor.task.instructions == old.task.instructions) or "instructions" in OPTIMIZERS[name].changes
        assert (not predictor.demos) or "demonstrations" in OPTIMIZERS[name].changes
    prompts = [
        found.program.generate.predict.messages(prompt="now"),
        found.program.judge.predict.messages(prompt="now", rubric="1. a", response_a="one", response_b="two"),
    ]
    for messages, contract in zip(prompts, (RUBRIC, JUDGMENT["seed"]), strict=True):
        assert contract.instructions in messages[0]["content"]


@pytest.mark.parametrize("name", REWRITING)
def test_it_finds_instructions_that_help(name: str) -> None:
    assert guidelines_in(search(name).program)


@pytest.mark.parametrize("name", ["bootstrap-rs", "miprov2"])
def test_it_collects_right_judgments_as_demonstrations(name: str) -> None:
    labels = {pair.prompt: pair.chosen for pair in SPLITS.train}
    found = search(name)
    demos = found.program.judge.predict.demos
    assert 1 <= len(demos) <= 4
    assert all(labels[demo.prompt] == getattr(demo, f"response_{demo.judgment.winner.lower()}") for demo in demos)
    assert [demo.prompt for demo in found.program.generate.predict.demos]


@pytest.mark.parametrize("name", ["miprov2", "simba"])
def test_demonstrations_can_be_declined(name: str) -> None:
    found = search(name, demos=False)
    assert all(not predictor.demos for predictor in found.program.bound_predictors().values())
    assert guidelines_in(found.program)


@pytest.mark.parametrize("runs", [0, 1, pytest.param(1500, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_keeps_to_the_runs_that_are_allowed(name: str, runs: int) -> None:
    runs = {0: RUNS[name], 1: smallest(name)}.get(runs, runs)
    found = search(name, runs)
    # GEPA repeats much, so it makes four times as many before it ends the round in which it gets there.
    most = 4 * runs + 2 * 6 + len(SPLITS.val) if name == "gepa" else runs
    assert 0.3 * runs < found.runs <= most


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_too_few_runs_are_refused_before_anything_is_asked(name: str) -> None:
    least = smallest(name)
    silent = ScriptedLM([])
    student = Student(
        RubricRM(), Candidates(RubricRM(), dict.fromkeys(("generate.predict", "judge.predict"), silent), {}, print)
    )
    train, val = ([as_example(pair, "A") for pair in pairs] for pairs in SPLITS[:2])
    with pytest.raises(UsageError, match=f"at least {least} program runs here, and the budget allows {least - 1}"):
        OPTIMIZERS[name].run(
            student,
            train,
            val,
            metric=LabelMetric(),
            reflection_lm=silent,
            runs=least - 1,
            demos=True,
            seed=0,
            threads=1,
        )
    assert silent.requests == []


@pytest.mark.parametrize("name", SEEDED)
def test_a_seed_decides(name: str) -> None:
    one, again = search(name), searched(RubricRM(), name, RUNS[name])
    assert one.program.fingerprint == again.program.fingerprint
    assert one.told == again.told
    assert one.program.fingerprint != search(name, seed=9).program.fingerprint


def test_the_seed_decides_nothing_for_copro() -> None:
    assert search("copro").program.fingerprint == search("copro", seed=9).program.fingerprint
    assert OPTIMIZERS["copro"].seed == "nothing"


@pytest.mark.parametrize("name", ["bootstrap-rs", "copro", "gepa", "miprov2"])
def test_threads_change_nothing(name: str) -> None:
    assert search(name).program.fingerprint == search(name, threads=4).program.fingerprint


@pytest.mark.parametrize("name", ["bootstrap-rs", "miprov2"])
def test_with_both_orders_a_demonstration_shows_the_responses_as_given(name: str) -> None:
    """DSPy would draw one of the two orders by a hash that differs between processes."""
    shown = {pair.prompt: (pair.chosen, pair.rejected)[:: -1 if i % 2 else 1] for i, pair in enumerate(SPLITS.train)}
    demos = search(name, target="both orders").program.judge.predict.demos
    assert len(demos) > 1
    assert [(demo.response_a, demo.response_b) for demo in demos] == [shown[demo.prompt] for demo in demos]


@pytest.mark.parametrize("name", ["gepa", "simba"])
def test_the_reflection_lm_reads_why_a_verdict_is_wrong(name: str) -> None:
    found = search(name)
    assert "Wrong: people prefer Response" in found.told
    assert "Gatekeeper criterion" in found.told


def test_gepa_shows_values_as_texts_and_asks_for_methodology() -> None:
    told = search("gepa").told
    assert "Do not describe the form of the reply" in told
    assert "--- Final Judgment ---" in told
    assert '{"rubric": "1. The response keeps to the question that was asked. [Principle]' in told
    assert '"criteria"' not in told
    assert '"winner"' not in told


def test_gepa_shows_a_reply_that_could_not_be_read_as_it_is() -> None:
    def garbled(messages: list[dict[str, str]], request: object) -> str:
        return "I would rather not."

    world = PlantedWorld()
    model, author = ScriptedLM(garbled), ScriptedLM(world.script)
    base = RubricRM()
    student = Student(base, Candidates(base, dict.fromkeys(base.bound_predictors(), model), {}, lambda candidate: None))
    examples = [as_example(pair, "A") for pair in SPLITS.train]
    OPTIMIZERS["gepa"].run(
        student, examples, examples, metric=LabelMetric(), reflection_lm=author, runs=120, demos=True, seed=0, threads=1
    )
    told = author.requests[0].messages[-1]["content"]
    assert '{"rubric": "I would rather not."}' in told


def test_miprov2_shows_texts_and_no_source_code() -> None:
    told = search("miprov2").told
    assert "Judgment: --- Compliance Check ---" in told
    assert "Rubric: 1. The response keeps to the question" in told
    assert "JudgeTrace" not in told
    assert "def forward" not in told
    assert "Questions with two answers each" in told  # the summary of the data


@pytest.mark.parametrize(
    ("runs", "instructions"),
    [(544, 6), pytest.param(800, 12, marks=pytest.mark.slow), pytest.param(1000, 18, marks=pytest.mark.slow)],
)
def test_miprov2_takes_the_most_candidates_that_fit(runs: int, instructions: int) -> None:
    found = search("miprov2", runs)
    proposals = [asked for asked in found.asked if "`proposed_instruction`" in asked.messages[0]["content"]]
    assert len(proposals) == 2 * instructions


def test_options_are_passed_on() -> None:
    found = searched(RubricRM(), "copro", 2000, options={"breadth": 3, "depth": 1, "init_temperature": 0.5})
    assert found.runs == 2 * 3 * len(SPLITS.train)
    assert [(asked.n, asked.options["temperature"]) for asked in found.asked] == [(2, 0.5)] * 2


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_contrastive_program_is_optimized_too(name: str) -> None:
    found = search(name, target="contrastive")
    assert isinstance(found.best, Student)
    assert isinstance(found.best.program, ContrastiveRubricRM)
    prompts = found.best.program.bound_predictors()
    old = ContrastiveRubricRM().bound_predictors()
    assert any(p.demos or p.task.instructions != old[path].task.instructions for path, p in prompts.items())
