"""Compile the prompts of a two-stage program against label accuracy: score, search, choose, score again."""

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import dspy
import orjson
from pydantic import JsonValue

from openrubrics.data import Ledger, write_whole
from openrubrics.evaluation import EvaluatedPair
from openrubrics.lms import Budget, budget, usage_meter
from openrubrics.optimizers.card import Card, save_compiled
from openrubrics.optimizers.limits import affordable_runs, left_for_search
from openrubrics.optimizers.metrics import LabelMetric
from openrubrics.optimizers.outcome import Outcome, card
from openrubrics.optimizers.plan import Plan
from openrubrics.optimizers.quiet import said_to
from openrubrics.optimizers.replay import Replay, SearchEnded
from openrubrics.optimizers.session import Progress, Session, Splits
from openrubrics.optimizers.student import Candidates, Compilable
from openrubrics.optimizers.table import OPTIMIZERS
from openrubrics.programs import ContrastiveRubricRM
from openrubrics.signatures import Failed, PreferencePair
from openrubrics.signatures.errors import LMError
from openrubrics.signatures.outcomes import Usage

LEDGER = "optimize.ledger"
LOG = "optimizer.log"
CANDIDATES = "candidates.jsonl"


@dataclass(frozen=True)
class Compiled:
    """What a run came to.

    Attributes:
        program: The program with the winning prompts: a copy of the one that was given, with its LMs and settings.
        card: How it was made, and what it is worth.
    """

    program: Compilable
    card: Card

    def save(self, path: str | Path) -> None:
        """Write the artifact: a JSON file that ``program.load`` and ``--compiled`` read.

        Raises:
            UsageError: The path does not end in .json, or cannot be written.
        """
        save_compiled(self.program, self.card, path)


def compile(  # noqa: A001, PLR0913 - DSPy's word for it
    program: Compilable,
    train: Sequence[PreferencePair],
    val: Sequence[PreferencePair],
    *,
    limit: Budget,
    test: Sequence[PreferencePair] = (),
    optimizer: str = "gepa",
    reflection_lm: dspy.LM | None = None,
    folder: str | Path | None = None,
    overwrite: bool = False,
    length_penalty: float = 0.0,
    position_penalty: float = 0.0,
    demos: bool = True,
    seed: int = 0,
    concurrency: int = 16,
    options: Mapping[str, JsonValue] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Compiled:
    """Search for prompts under which a program agrees more often with labelled pairs.

    The program as it is is scored on validation, and on test where there is one; a DSPy optimizer then tries other
    instructions and demonstrations, on the training pairs and steered by `LabelMetric`; of all that were scored on the
    whole validation split the one with the best mean of that metric wins, the given program among them; the winner is
    scored on test, once.

    The output contracts never change. `program` stays as it is. On an event loop, as in a notebook, it works but holds
    the loop up; ``await asyncio.to_thread(compile, ...)`` does not.

    ```python
    with dspy.context(lm=lm("hosted_vllm/Qwen/Qwen3-8B", api_base=URL)):
        compiled = compile(RubricRM(), train, val, reflection_lm=lm("openai/gpt-5"), limit=Budget(max_calls=5000))
    compiled.save("judge.json")
    ```

    Args:
        program: A `RubricRM`, or a `ContrastiveRubricRM` to compile the writer of contrastive rubrics. Its LMs, or that
            of `dspy.context`, come from `openrubrics.lms`. With ``orders="both"`` both orders are judged, and the score
            of a pair is the share that is right.
        train: What the optimizer learns from.
        val: What candidates are chosen by.
        limit: On all that is asked, by program and reflection LM and by all starts of the run together; only what an
            earlier start asked off the way of this one is not counted, where a request failed then and not now, or the
            limit is another one. Scoring is paid first, and what scoring after the search takes is kept back. A limit
            that is reached ends the search, and the best prompts so far are taken.
        test: Scored once before and once after; nothing is chosen by it.
        optimizer: A name of `openrubrics.optimizers.OPTIMIZERS`.
        reflection_lm: Writes instructions; from `openrubrics.lms`.
        folder: Where replies are kept: a run that was stopped goes on when it is started again with the same arguments,
            whatever the limit. An interrupt waits for the requests in flight, whose replies are kept too. None for a
            run that cannot go on.
        overwrite: Whether to forget what the folder holds.
        length_penalty: See `LabelMetric`; from 0 to 1.
        position_penalty: See `LabelMetric`; from 0 to 1, and only with both orders.
        demos: Whether the result may hold demonstrations, which are texts of training pairs.
        seed: For the slots of the responses, the optimizer, and intervals.
        concurrency: Program runs at a time, each on a thread.
        options: Arguments of the optimizer itself, by their names in DSPy.
        on_progress: Called after each program run, from its thread.

    Raises:
        UsageError: Something is missing or too small (nothing was asked), or the folder holds another run.
        DataError: A split is empty or repeats an id, or two share a prompt.
        MissingExtraError: The optimizer needs a package that is not installed.
        LMError: No request can succeed, no judgment of the program as it is can be read, or a limit is reached before
            the search began.
    """
    plan = Plan(
        program=program,
        splits=Splits(train, val, test),
        optimizer=optimizer,
        limit=limit,
        reflection_lm=reflection_lm,
        metric=LabelMetric(length_penalty, position_penalty, general_only=isinstance(program, ContrastiveRubricRM)),
        demos=demos,
        seed=seed,
        concurrency=concurrency,
        options=options or {},
    )
    return carry_out(
        plan, folder=None if folder is None else Path(folder), overwrite=overwrite, on_progress=on_progress
    )


def carry_out(
    plan: Plan, *, folder: Path | None, overwrite: bool, on_progress: Callable[[Progress], None] | None
) -> Compiled:
    """Do what `compile` does, from a plan."""
    plan.check()
    start = time.perf_counter()
    with (
        place_of(folder) as place,
        Ledger(place / LEDGER, identity=plan.identity(), overwrite=overwrite) as ledger,
        said_to(place / LOG) as aloud,
        dspy.context(disable_history=True, trace=None),
    ):

        def tell(progress: Progress) -> None:
            listener = on_progress
            if listener is not None:
                with aloud():
                    listener(progress)

        try:
            outcome = _run(plan, Replay(ledger), tell, place)
        finally:
            on_progress = None  # DSPy leaves threads behind, which may yet finish a program run
    return Compiled(outcome.program, card(plan, outcome, seconds=time.perf_counter() - start))


def _run(plan: Plan, replay: Replay, on_progress: Callable[[Progress], None], place: Path) -> Outcome:
    splits = plan.splits
    with budget(plan.limit), usage_meter() as meter:
        session = Session(
            plan.program,
            plan.lms,
            splits,
            metric=plan.metric,
            seed=plan.seed,
            concurrency=plan.concurrency,
            replay=replay,
            meter=meter,
            on_progress=on_progress,
        )
        try:
            val = session.score(plan.program, splits.val, "validation before")
            check_readable(val)
            on_val = meter.usage
            with usage_meter() as on_test:
                test = session.score(plan.program, splits.test, "test before")
            stopped = _search(plan, session, on_val, on_test.usage, meter.usage)
            best = session.choose(plan.finalists, splits.val)
            val_after = session.score(best, splits.val, "validation after")
            test_after = session.affordable(best, splits.test, "test after")
        except SearchEnded as end:
            raise end.error from end
        finally:
            _write_candidates(place / CANDIDATES, session.candidates)
        tested = (test, test_after) if test and test_after else None
        return Outcome(best, stopped, (val, val_after), tested, session.candidates, meter.usage)


def check_readable(judged: Sequence[EvaluatedPair]) -> None:
    """Refuse to search where not one judgment can be read: no candidate could be told from another.

    Raises:
        LMError: That is so; the message has the most frequent reason.
    """
    reasons = Counter(one.judgment.outcome.reason for one in judged if isinstance(one.judgment.outcome, Failed))
    if reasons.total() == len(judged):
        reason = reasons.most_common(1)[0][0]
        raise LMError(
            f"no judgment could be read on any of the {len(judged)} validation pairs: {reason}",
            "make sure that the program works with this model first, with openrubrics judge",
        )


def _search(plan: Plan, session: Session, on_val: Usage, on_test: Usage, spent: Usage) -> str:
    limit = left_for_search(plan.limit, spent, plan.calls_after, [*plan.finalists * [on_val], on_test])
    if 0 in (limit.max_calls, limit.max_cost, limit.max_total_tokens):
        return "scoring before and after leaves nothing of the limit for the search"
    affordable = affordable_runs(limit, on_val, len(plan.splits.val))
    optimize = partial(
        OPTIMIZERS[plan.optimizer].run,
        train=session.train,
        val=session.val,
        metric=session,
        reflection_lm=plan.reflection_lm,
        runs=max(affordable, plan.smallest_search),  # what tokens and cost allow may be less; then the limit ends it
        demos=plan.demos,
        seed=plan.seed,
        threads=plan.concurrency,
        options=plan.options,
    )
    return session.search(optimize, limit)


@contextmanager
def place_of(folder: Path | None) -> Iterator[Path]:
    """Yield the folder of a run, a temporary one where none is named."""
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def _write_candidates(path: Path, candidates: Candidates) -> None:
    """Write what was tried as JSON Lines, in the order in which it came up."""
    lines = (
        {
            "candidate": candidate.name,
            "means": candidate.means,
            "tried": {split: len(scores) for split, scores in candidate.scores.items()},
            "failed": candidate.failed,
            "instructions": {name: prompts.instructions for name, prompts in candidate.prompts.items()},
            "demos": {name: len(prompts.demos) for name, prompts in candidate.prompts.items()},
        }
        for candidate in candidates.all
    )
    write_whole(path, (orjson.dumps(line) + b"\n" for line in lines))
