"""What an optimizer of the table is given, and what each of them has to say about its size."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import dspy
from pydantic import ConfigDict

from openrubrics.signatures.values import Frozen


class Metric(Protocol):
    """Scores a prediction of the student, in the ways in which DSPy's optimizers ask for it."""

    def __call__(
        self,
        gold: dspy.Example,
        pred: Any,  # noqa: ANN401 - a judgment, or a prediction that holds one
        trace: Any = None,  # noqa: ANN401 - DSPy's
        pred_name: str | None = None,
        pred_trace: Any = None,  # noqa: ANN401 - DSPy's
    ) -> Any:  # noqa: ANN401 - a number; a bool with a trace; score and feedback with `pred_trace`
        """Return the score."""
        ...

    def explained(self, gold: dspy.Example, pred: Any) -> dspy.Prediction:  # noqa: ANN401
        """Return score and feedback."""
        ...


@dataclass(frozen=True)
class Sizes:
    """How much an optimizer has to work on.

    Attributes:
        train: Training examples.
        val: Validation examples.
        predictors: Predictors of the program.
        demos: Whether demonstrations are wanted.
    """

    train: int
    val: int
    predictors: int
    demos: bool = True


@dataclass(frozen=True)
class Task:
    """One search.

    Attributes:
        student: The program; a call returns a prediction with the field ``judgment``.
        train: Examples to learn from.
        val: Examples to compare candidates on.
        metric: What is maximized.
        reflection_lm: Writes instructions; None where none is needed.
        runs: Program runs that the budget allows.
        demos: Whether demonstrations are wanted.
        seed: At least 0.
        threads: Program runs at most at the same time.
    """

    student: dspy.Module
    train: list[dspy.Example]
    val: list[dspy.Example]
    metric: Metric
    reflection_lm: dspy.LM | None
    runs: int
    demos: bool
    seed: int
    threads: int

    @property
    def sizes(self) -> Sizes:
        """How much there is to work on."""
        return Sizes(len(self.train), len(self.val), len(self.student.predictors()), self.demos)


class Search(Frozen, ABC):
    """The options of one optimizer by DSPy's names, and how to run it under them.

    A size that is None follows from the program runs that the budget allows.
    """

    model_config = ConfigDict(strict=True)

    @abstractmethod
    def smallest(self, sizes: Sizes) -> int:
        """Return the program runs that the smallest useful search takes."""

    @abstractmethod
    def run(self, task: Task) -> dspy.Module:
        """Search, and return what the optimizer thinks is the best program.

        `Task.runs` is at least `smallest`.
        """


def first_calls(metric: Metric) -> Callable[..., Any]:
    """Return the metric for optimizers that collect demonstrations, which get the first call of each predictor only.

    Where both orders are judged, DSPy would draw one of the two calls by a hash that differs between processes, and a
    run that is started again would go another way.
    """

    def scored(gold: dspy.Example, pred: Any, trace: list[Any] | None = None) -> Any:  # noqa: ANN401 - see `Metric`
        if trace is not None:
            firsts = {id(step[0]): step for step in reversed(trace)}
            trace[:] = [step for step in trace if firsts[id(step[0])] is step]
        return metric(gold, pred, trace)

    return scored


def tries(demos: int, train: int) -> int:
    """Return the program runs it takes to collect demonstrations where every second judgment is right."""
    return min(2 * demos, train)
