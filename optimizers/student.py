"""What optimizers see of a program, and what is known of the candidates that they try."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from weakref import WeakKeyDictionary

import dspy

from openrubrics.optimizers.replay import never_a_score
from openrubrics.programs import ContrastiveRubricRM, RubricRM
from openrubrics.programs.predict import BoundPredict
from openrubrics.signatures import Failed

Compilable = RubricRM | ContrastiveRubricRM
"""A program of two stages: one writes a rubric, the other compares two responses under it."""


@dataclass(frozen=True)
class Prompts:
    """What optimizers change in a predictor.

    Attributes:
        instructions: The methodology.
        demos: Demonstrations, each with the fields of the task and nothing else.
    """

    instructions: str
    demos: tuple[dict[str, Any], ...]


def prompts_of(program: Compilable) -> dict[str, Prompts]:
    """Return the prompts of each predictor, without what never reaches a prompt."""
    return {name: _prompts(predictor) for name, predictor in program.bound_predictors().items()}


def with_prompts(base: Compilable, prompts: Mapping[str, Prompts]) -> Compilable:
    """Return a copy of a program with other prompts, and all else as it is."""
    program = base.deepcopy()
    for name, predictor in program.bound_predictors().items():
        predictor.signature = predictor.task.with_instructions(prompts[name].instructions)
        predictor.demos = list(prompts[name].demos)
    return program


def _prompts(predictor: BoundPredict) -> Prompts:
    fields = list(predictor.task.fields)
    whole = ({name: demo[name] for name in fields} for demo in predictor.demos if all(name in demo for name in fields))
    readable = tuple(demo for demo in whole if not isinstance(demo[predictor.output], Failed))
    return Prompts(predictor.task.instructions, readable)


class Student(dspy.Module):
    """Compare two responses to a request: first write a rubric for it, then judge both responses under the rubric."""

    def __init__(self, program: Compilable, candidates: "Candidates") -> None:
        super().__init__()
        self.program = program
        self.candidates = candidates

    def forward(self, **inputs: Any) -> dspy.Prediction:  # noqa: ANN401 - those of the program
        """Return the judgment, and the name of the candidate that made it."""
        with never_a_score():
            candidate = self.candidates.name(self.program)
            self.candidates.attach(self.program)
            judgment = self.program(**inputs)
        replies = [vote.raw for shown in judgment.orders for vote in shown.votes]
        return dspy.Prediction(
            preferred=judgment.preferred or "none",
            rubric=str(judgment.rubric),
            replies="\n\n".join(filter(None, replies)),  # SIMBA shows its reflection LM texts only
            judgment=judgment,
            candidate=candidate,
        )

    def get_lm(self) -> dspy.LM:
        """Return the LM that judges."""
        return self.candidates.lms["judge.predict"]

    def set_lm(self, lm: dspy.LM) -> None:
        """Sample as a copy of `get_lm` does, with each predictor's own LM."""
        sampling = {name: lm.kwargs.get(name) for name in ("rollout_id", "temperature")}
        for name, predictor in self.program.bound_predictors().items():
            predictor.lm = self.candidates.lms[name].copy(**sampling)


@dataclass
class Candidate:
    """Prompts that an optimizer has tried.

    Attributes:
        name: Fingerprint of the program with these prompts.
        prompts: By predictor.
        scores: By split and example, the score of the metric.
        means: By split, the mean of the scores, once all examples have one.
        failed: Examples without a verdict, by split.
    """

    name: str
    prompts: Mapping[str, Prompts]
    scores: dict[str, dict[str, float]] = field(default_factory=lambda: {"train": {}, "val": {}})
    means: dict[str, float] = field(default_factory=dict)
    failed: Counter[str] = field(default_factory=Counter)


class Candidates:
    """All prompts that were tried, in the order in which they came up; shared by all copies of a `Student`.

    Args:
        base: The program as it was.
        lms: LM of each predictor.
        examples: For each split, how often each example is in it.
        on_run: Called after each program run, with the candidate.
    """

    def __init__(
        self,
        base: Compilable,
        lms: Mapping[str, dspy.LM],
        examples: Mapping[str, Counter[str]],
        on_run: Callable[["Candidate"], None],
    ) -> None:
        self.lms = lms
        self.runs = 0
        self._base = base
        self._examples = examples
        self._on_run = on_run
        self._lock = threading.RLock()
        self._known: dict[str, Candidate] = {}
        self._names: WeakKeyDictionary[Compilable, tuple[tuple[object, ...], str]] = WeakKeyDictionary()

    @property
    def all(self) -> Sequence[Candidate]:
        """Every candidate, the base first."""
        return list(self._known.values())

    def name(self, program: Compilable) -> str:
        """Return the name of a program's prompts."""
        mark = tuple(part for p in program.bound_predictors().values() for part in (p.signature, *p.demos))
        with self._lock:
            before, name = self._names.get(program, ((), ""))
            if len(before) == len(mark) and all(a is b for a, b in zip(before, mark, strict=True)):
                return name
        prompts = prompts_of(program)
        name = with_prompts(self._base, prompts).fingerprint
        with self._lock:
            self._names[program] = (mark, name)
            self._known.setdefault(name, Candidate(name, prompts))
        return name

    def attach(self, program: Compilable) -> None:
        """Give each predictor its LM, where an optimizer has taken it away."""
        for name, predictor in program.bound_predictors().items():
            if predictor.lm is None:
                predictor.lm = self.lms[name]

    def note(self, name: str, key: str, score: float, *, failed: bool) -> None:
        """Take the score of one program run."""
        with self._lock:
            self.runs += 1
            candidate = self._known[name]
            for split, keys in self._examples.items():
                if key in keys and key not in candidate.scores[split]:
                    scores = candidate.scores[split]
                    scores[key] = score
                    candidate.failed[split] += keys[key] * failed
                    if len(scores) == len(keys):
                        candidate.means[split] = sum(scores[k] * times for k, times in keys.items()) / keys.total()
        self._on_run(candidate)

    def best(self) -> Candidate | None:
        """Return the candidate with the highest mean on the validation split; of equal ones the first."""
        scored = [candidate for candidate in self.all if "val" in candidate.means]
        return max(scored, key=lambda candidate: candidate.means["val"], default=None)

    def finalists(self, count: int, least: int) -> list[Candidate]:
        """Return those that look best on the training split and are not scored on validation, best first.

        Args:
            count: How many at most.
            least: On how many examples one must have been tried.
        """
        seen = [c for c in self.all if len(c.scores["train"]) >= least and "val" not in c.means]
        return sorted(seen, key=lambda c: -sum(c.scores["train"].values()) / len(c.scores["train"]))[:count]

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self
