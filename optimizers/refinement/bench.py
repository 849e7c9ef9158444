"""Where candidates are judged and edits are proposed: on threads, behind the gate of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import NamedTuple

from openrubrics.data import shown_responses
from openrubrics.evaluation import EvaluatedPair
from openrubrics.lms import Meter
from openrubrics.optimizers.refinement.candidates import Candidate
from openrubrics.optimizers.refinement.failures import Failure
from openrubrics.optimizers.refinement.plan import RefinePlan
from openrubrics.optimizers.replay import Replay
from openrubrics.optimizers.session import Phase, Progress
from openrubrics.programs.program import Program
from openrubrics.signatures import Failed, PreferencePair
from openrubrics.signatures.edits_text import Drafts


class Ask(NamedTuple):
    """What the author of edits is asked.

    Attributes:
        parent: What is to be changed.
        cluster: Title of what the failures have in common.
        shown: The failures.
        tried: Changes that were tried already, and what they did, each in a line.
    """

    parent: Candidate
    cluster: str
    shown: Sequence[Failure]
    tried: Sequence[str] = ()


class Bench:
    """Judges and asks, counts, and tells how far the run is.

    Args:
        plan: The run.
        replay: Gate of all calls.
        meter: Measures what is spent.
        on_progress: Called after each judgment, from whichever thread made it, one at a time.

    Attributes:
        runs: Judgments so far, with those of an earlier start.
        candidates: Every candidate, the one of before first.
    """

    def __init__(self, plan: RefinePlan, replay: Replay, meter: Meter, on_progress: Callable[[Progress], None]) -> None:
        self.runs = 0
        self.candidates: list[Candidate] = []
        self._plan = plan
        self._replay = replay
        self._meter = meter
        self._on_progress = on_progress
        self._telling = Lock()

    def judge(
        self, tasks: Iterable[tuple[Candidate, Sequence[PreferencePair]]], phase: Phase
    ) -> list[list[EvaluatedPair]]:
        """Judge pairs by each of several candidates; return the results of each, in the order of its pairs.

        Raises:
            SearchEnded: A limit is reached, or no request can succeed.
        """
        tasks = list(tasks)
        judges = [self._plan.judging.make(candidate.meta_rubric) for candidate, _ in tasks]
        items = [(place, pair) for place, (_, pairs) in enumerate(tasks) for pair in pairs]

        def judged(item: tuple[int, PreferencePair]) -> EvaluatedPair:
            place, pair = item
            result = self._judged(judges[place], pair)
            self._tell(tasks[place][0], phase)
            return result

        results = iter(self._replay.spread(judged, items, self._plan.concurrency))
        return [[next(results) for _ in pairs] for _, pairs in tasks]

    def propose(self, asks: Sequence[Ask]) -> list[Drafts | Failed]:
        """Ask for edits.

        Raises:
            SearchEnded: A limit is reached, or no request can succeed.
        """
        author = self._plan.author
        return self._replay.spread(
            lambda ask: author(ask.parent.meta_rubric, [failure.case for failure in ask.shown], tried=ask.tried),
            asks,
            self._plan.concurrency,
        )

    def _judged(self, judge: Program, pair: PreferencePair) -> EvaluatedPair:
        a, b = shown_responses(pair, self._plan.seed)
        judgment = judge(prompt=pair.prompt, response_a=a, response_b=b)
        return EvaluatedPair.of(pair, judgment, seed=self._plan.seed)

    def _tell(self, candidate: Candidate, phase: Phase) -> None:
        with self._telling:
            self.runs += 1
            scored = [one.accuracy["train"] for one in self.candidates if "train" in one.accuracy]
            self._on_progress(
                Progress(
                    phase=phase,
                    runs=self.runs,
                    candidates=max(1, len(self.candidates)),
                    candidate=candidate.name[:8],
                    best=max(scored, default=None),
                    base=scored[0] if scored else None,
                    usage=self._meter.usage,
                    replayed=self._replay.replayed,
                )
            )
