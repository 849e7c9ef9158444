"""One run of an optimizer: scoring, the search under its limits, and what is known while it goes on."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from threading import Lock
from typing import Literal

import dspy

from openrubrics.data import slot_of_chosen
from openrubrics.evaluation import EvaluatedPair
from openrubrics.lms import Budget, Meter, budget, lm_error
from openrubrics.optimizers.metrics import LabelMetric, TraceStep, as_example
from openrubrics.optimizers.replay import Replay, SearchEnded, never_a_score
from openrubrics.optimizers.student import Candidate, Candidates, Compilable, Student, with_prompts
from openrubrics.programs import ContrastiveRubricRM
from openrubrics.signatures import Failed, PreferencePair
from openrubrics.signatures.adapter import UnreadableByDSPyError
from openrubrics.signatures.errors import BudgetError
from openrubrics.signatures.outcomes import Usage
from openrubrics.signatures.values import Frozen

Phase = Literal["validation before", "test before", "training before", "search", "validation after", "test after"]

_LEAST_SEEN = 8
"""Training examples on which prompts must have been tried for a place among the finalists."""


_ROUNDS_WITHOUT_NEWS = 5
"""How often a search may go over as many runs as there are examples without asking anything new."""


class _NothingLeftError(Exception):
    """Going on cannot lead to better prompts."""


class Progress(Frozen):
    """How far a run is.

    Attributes:
        phase: What it is doing.
        runs: Program runs so far; each judges one pair.
        candidates: Different prompts tried so far, the base among them.
        candidate: First characters of the fingerprint of those that ran last.
        best: Highest mean score of prompts that were scored on all of the split that a search goes by, which is the
            validation split, but the training split where a meta-rubric is refined; None before there is one.
        base: Mean score of the base on it.
        usage: What was spent, by earlier starts of the run too.
        replayed: Requests that an earlier start had sent and were not sent again.
    """

    phase: Phase
    runs: int
    candidates: int
    candidate: str
    best: float | None
    base: float | None
    usage: Usage
    replayed: int


@dataclass(frozen=True)
class Splits:
    """The pairs of a run; no two splits share a prompt."""

    train: Sequence[PreferencePair]
    val: Sequence[PreferencePair]
    test: Sequence[PreferencePair]


class Session:
    """What scoring and search share.

    Args:
        base: The program as it is, which stays so.
        lms: LM of each predictor.
        splits: The pairs.
        metric: What the search is steered by.
        seed: For the slots of the responses.
        concurrency: Program runs at a time.
        replay: Gate of all calls.
        meter: Measures what is spent.
        on_progress: Called after each program run, from whichever thread made it, one at a time.
    """

    def __init__(
        self,
        base: Compilable,
        lms: Mapping[str, dspy.LM],
        splits: Splits,
        *,
        metric: LabelMetric,
        seed: int,
        concurrency: int,
        replay: Replay,
        meter: Meter,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._base = base
        self._metric = metric
        self._seed = seed
        self._concurrency = concurrency
        self._replay = replay
        self._meter = meter
        self._on_progress = on_progress
        self._telling = Lock()
        self._news = 0, 0  # program runs and different calls when something was asked that is new
        self._phase: Phase = "validation before"
        self._contrastive = isinstance(base, ContrastiveRubricRM)
        self.train = [self._example(pair) for pair in splits.train]
        self.val = [self._example(pair) for pair in splits.val]
        keys = {"train": Counter(map(_key, self.train)), "val": Counter(map(_key, self.val))}
        self.candidates = Candidates(base, lms, keys, self._tell)

    def student(self) -> Student:
        """Return the program as optimizers are to see it."""
        return Student(self._base.deepcopy(), self.candidates)

    def score(self, program: Compilable, pairs: Sequence[PreferencePair], phase: Phase) -> list[EvaluatedPair]:
        """Judge pairs, in their order.

        Raises:
            SearchEnded: A limit is reached, no request can succeed, or a program has a fault.
        """
        self._phase = phase
        student = Student(program.deepcopy(), self.candidates)

        def judged(pair: PreferencePair) -> EvaluatedPair:
            example = self._example(pair)
            prediction = student(**example.inputs())
            self(example, prediction)
            return EvaluatedPair.of(pair, prediction.judgment, seed=self._seed)

        return self._replay.spread(judged, pairs, self._concurrency)

    def affordable(
        self, program: Compilable, pairs: Sequence[PreferencePair], phase: Phase
    ) -> list[EvaluatedPair] | None:
        """Do what `score` does; return None where a limit is reached."""
        try:
            return self.score(program, pairs, phase)
        except SearchEnded as end:
            if not isinstance(end.error, BudgetError):
                raise
            return None

    def search(self, optimize: Callable[[Student], object], limit: Budget) -> str:
        """Let an optimizer try candidates until it is done, none can be better or a limit is reached; return which.

        Raises:
            SearchEnded: No request can succeed, or a program has a fault.
        """
        self._phase = "search"
        try:
            # On a thread of its own: an interrupt is to shut the gate, and DSPy would wait for all that it has begun.
            with ThreadPoolExecutor(1) as pool, budget(limit), self._replay.gate():
                pool.submit(copy_context().run, optimize, self.student()).result()
        except SearchEnded as end:
            if isinstance(end.error, _NothingLeftError):
                return str(end.error)
            if not isinstance(end.error, BudgetError):
                raise
            return f"the search used up its part of the limit: {end.error.message}"
        except UnreadableByDSPyError as error:
            return f"the optimizer could not read a reply of the reflection LM: {str(error).splitlines()[0]}"
        except Exception as error:
            ours = lm_error(error)
            if ours is None:
                raise
            return f"the optimizer could not do without a request that failed: {ours.message}"
        return "the optimizer was done"

    def choose(self, finalists: int, pairs: Sequence[PreferencePair]) -> Compilable:
        """Return the program with the prompts that score best on validation; of equal ones the first that came up.

        Args:
            finalists: How many of those that the optimizer tried on the training split only are scored on validation
                before that.
            pairs: The validation split.

        Raises:
            SearchEnded: No request can succeed. Where a limit is reached, the best so far is taken.
        """
        for candidate in self.candidates.finalists(finalists, least=min(_LEAST_SEEN, len(self.train))):
            self.affordable(with_prompts(self._base, candidate.prompts), pairs, "validation after")
        best = self.candidates.best()
        return with_prompts(self._base, best.prompts) if best else self._base.deepcopy()

    def __call__(
        self,
        gold: dspy.Example,
        pred: dspy.Prediction,
        trace: object = None,
        pred_name: str | None = None,
        pred_trace: Sequence[TraceStep] | None = None,
    ) -> float | bool | dspy.Prediction:
        """Score as the metric does, and note the score; what explains a score that was given before is not noted."""
        with never_a_score():
            if pred_trace is None:
                self._note(gold, pred)
            return self._metric(gold, pred, trace, pred_name, pred_trace)

    def explained(self, gold: dspy.Example, pred: dspy.Prediction) -> dspy.Prediction:
        """Score, note and explain in one, as SIMBA asks for."""
        with never_a_score():
            self._note(gold, pred)
            return self._metric.explained(gold, pred)

    def _note(self, gold: dspy.Example, pred: dspy.Prediction) -> None:
        judgment = pred.judgment
        failed = isinstance(judgment.outcome, Failed)
        self.candidates.note(pred.candidate, _key(gold), self._metric.score(gold, judgment), failed=failed)
        if self._phase == "search":
            self._end_in_vain()

    def _end_in_vain(self) -> None:
        """End a search that can find nothing better, or goes over and over what it has tried."""
        best = self.candidates.best()
        if best is not None and best.means["val"] >= 1:
            raise _NothingLeftError("the validation split leaves nothing to gain")
        runs, calls = self.candidates.runs, self._replay.different
        if calls != self._news[1]:
            self._news = runs, calls
        elif runs - self._news[0] > _ROUNDS_WITHOUT_NEWS * (len(self.train) + len(self.val)):
            raise _NothingLeftError("the optimizer only repeated what it had tried")

    def _example(self, pair: PreferencePair) -> dspy.Example:
        return as_example(pair, slot_of_chosen(pair.id, self._seed), contrastive=self._contrastive)

    def _tell(self, candidate: Candidate) -> None:
        with self._telling:
            tried = self.candidates.all
            best = self.candidates.best()
            self._on_progress(
                Progress(
                    phase=self._phase,
                    runs=self.candidates.runs,
                    candidates=len(tried),
                    candidate=candidate.name[:8],
                    best=best and best.means.get("val"),
                    base=tried[0].means.get("val"),
                    usage=self._meter.usage,
                    replayed=self._replay.replayed,
                )
            )


def _key(example: dspy.Example) -> str:
    """Return what tells examples apart: the label too, since the labels of equal texts may contradict each other."""
    return "\0".join((example.label, example.prompt, example.response_a, example.response_b))
