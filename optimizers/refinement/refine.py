"""Refine a meta-rubric against label accuracy: score, search, choose, score again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import dspy

from openrubrics.data import Ledger, versions, write_whole
from openrubrics.evaluation import EvaluatedPair, compare, measure
from openrubrics.evaluation.results import line_of
from openrubrics.lms import Budget, budget, usage_meter
from openrubrics.lms.identity import sampling
from openrubrics.optimizers.card import SplitScores
from openrubrics.optimizers.compile import check_readable, place_of
from openrubrics.optimizers.limits import left_for_search
from openrubrics.optimizers.plan import data_hashes
from openrubrics.optimizers.refinement.bench import Bench
from openrubrics.optimizers.refinement.candidates import Candidate, Step, accuracy, in_domains
from openrubrics.optimizers.refinement.card import InDomain, RefinementCard, Tried
from openrubrics.optimizers.refinement.failures import failures
from openrubrics.optimizers.refinement.plan import Judging, RefinePlan, Sizes
from openrubrics.optimizers.refinement.search import Asked, Search
from openrubrics.optimizers.replay import Replay, SearchEnded
from openrubrics.optimizers.session import Phase, Progress, Splits
from openrubrics.programs.program import flat_settings
from openrubrics.signatures import PreferencePair
from openrubrics.signatures.errors import BudgetError
from openrubrics.signatures.meta_rubric import MetaRubric
from openrubrics.signatures.outcomes import Usage

LEDGER = "refine.ledger"
CANDIDATES = "candidates.jsonl"
DOCUMENT = "meta_rubric.md"
CARD = "refinement.json"

Judged = Sequence[EvaluatedPair]


@dataclass(frozen=True)
class Refined:
    """What a run came to.

    Attributes:
        meta_rubric: The refined document, its version one higher; the one that was given, where nothing did better.
        history: Every candidate that was made, in the order in which they came up.
        card: How it was made, and what it is worth.
    """

    meta_rubric: MetaRubric
    history: tuple[Tried, ...]
    card: RefinementCard

    def save(self, folder: str | Path) -> None:
        """Write meta_rubric.md, refinement.json and candidates.jsonl into a folder.

        Raises:
            UsageError: It cannot be written to.
        """
        folder = Path(folder)
        write_whole(folder / DOCUMENT, str(self.meta_rubric))
        write_whole(folder / CARD, self.card.text())
        _write_history(folder, self.history)


def refine(  # noqa: PLR0913 - as `openrubrics.optimizers.compile`
    meta_rubric: MetaRubric,
    train: Sequence[PreferencePair],
    val: Sequence[PreferencePair],
    *,
    judging: Judging,
    author_lm: dspy.LM,
    limit: Budget,
    test: Sequence[PreferencePair] = (),
    sizes: Sizes | None = None,
    folder: str | Path | None = None,
    overwrite: bool = False,
    seed: int = 0,
    concurrency: int = 16,
    on_progress: Callable[[Progress], None] | None = None,
) -> Refined:
    """Search for general principles under which a judge agrees more often with labelled pairs.

    After OpenRS (arXiv 2602.14069): an evolutionary search with a beam, whose changes add, delete or modify a
    principle. Its policy that proposes edits is trained and not published; here any language model does that, from
    failures that have something in common. Population, beam, generations, crossover, fitness and the choice at the end
    are not published either; these are ours (`Sizes`, `openrubrics.optimizers.refinement.candidates`).

    The document as it is is judged by on all three splits; a change is accepted where it fixes more training pairs than
    it breaks, or as many where it makes the document shorter; the best of these on the training pairs, and the document
    as it was, are judged by on validation, and the most accurate there wins, of equal ones the shorter; that one is
    judged by on test, once. Neither validation nor test pairs are ever shown to who proposes edits.

    Args:
        meta_rubric: What to start from; it stays as it is.
        train: What edits are proposed from and tried on.
        val: What the result is chosen by.
        judging: Makes judges.
        author_lm: Proposes edits; from `openrubrics.lms`. It reads training pairs.
        limit: On all that is asked, by judges and author and by all starts of the run together, as in
            `openrubrics.optimizers.compile`. Scoring is paid first, and what scoring after the search takes is kept
            back.
        test: Judged once before and once after; nothing is chosen by it.
        sizes: How large the search is.
        folder: Where replies are kept: a run that was stopped goes on when it is started again with the same arguments,
            whatever the limit. None for a run that cannot go on.
        overwrite: Whether to forget what the folder holds.
        seed: For the slots of the responses, for what is drawn in the search, and intervals.
        concurrency: Requests at a time, each on a thread.
        on_progress: Called after each judgment, from its thread.

    Raises:
        UsageError: Something is missing or too small (nothing was asked), or the folder holds another run.
        DataError: A split is empty or repeats an id, or two share a prompt.
        LMError: No request can succeed, no judgment by the document as it is can be read, or a limit is reached before
            the search began.
    """
    plan = RefinePlan(
        meta_rubric=meta_rubric,
        judging=judging,
        author_lm=author_lm,
        splits=Splits(train, val, test),
        limit=limit,
        sizes=sizes or Sizes(),
        seed=seed,
        concurrency=concurrency,
    )
    return carry_out(plan, folder=None if folder is None else Path(folder), overwrite=overwrite, tell=on_progress)


def carry_out(
    plan: RefinePlan, *, folder: Path | None, overwrite: bool, tell: Callable[[Progress], None] | None
) -> Refined:
    """Do what `refine` does, from a plan."""
    plan.check()
    start = time.perf_counter()
    with (
        place_of(folder) as place,
        Ledger(place / LEDGER, identity=plan.identity(), overwrite=overwrite) as ledger,
        dspy.context(disable_history=True, trace=None),
        budget(plan.limit),
        usage_meter() as meter,
    ):
        replay = Replay(ledger)
        run = _Run(plan, Bench(plan, replay, meter, tell or (lambda _: None)))
        try:
            run.go(lambda: meter.usage)
        except SearchEnded as end:
            raise end.error from end
        finally:
            _write_history(place, run.history())
        return run.result(meter.usage, time.perf_counter() - start)


class _Run:
    """One start of a run.

    Attributes:
        base: The document as it is.
        best: The one that was chosen.
        stopped: Why the search ended.
        said: What became of the requests for edits.
        unjudged: Training pairs without a judgment by the document as it is.
        val: Judgments of the validation pairs by candidate.
        test: Those of the test pairs before and after; the second is None where the limit did not last for it.
    """

    def __init__(self, plan: RefinePlan, bench: Bench) -> None:
        self.plan = plan
        self.bench = bench
        self.base = Candidate(plan.meta_rubric)
        self.best = self.base
        self.stopped = ""
        self.said = Asked()
        self.unjudged = 0
        self.val: dict[str, Judged] = {}
        self.test: tuple[Judged, Judged | None] = ((), None)

    def go(self, spent: Callable[[], Usage]) -> None:
        """Score, search, choose and score again.

        Raises:
            SearchEnded: No request can succeed, or a limit is reached before the search begins.
        """
        splits, bench = self.plan.splits, self.bench
        bench.candidates.append(self.base)
        val = self._judged(self.base, splits.val, "validation before")
        check_readable(val)
        self._scored(self.base, val)
        on_val = spent()
        with usage_meter() as on_test:
            before = self._judged(self.base, splits.test, "test before")
        with usage_meter() as on_train:
            train = self._judged(self.base, splits.train, "training before")
        self.base.score(train, self.plan.judging.orders)
        self.unjudged = len(failures(train, splits.train, orders=self.plan.judging.orders).unjudged)
        search = Search(self.plan, bench, on_train.usage)
        self.said = search.said
        again = [*self.plan.sizes.finalists * [on_val], on_test.usage]
        self.stopped = search.run(left_for_search(self.plan.limit, spent(), self.plan.calls_after, again))
        for finalist in self._finalists():
            if found := self._affordable(finalist, splits.val, "validation after"):
                self._scored(finalist, found)
        chosen = [one for one in bench.candidates if one.name in self.val]
        self.best = min(chosen, key=lambda one: (-one.accuracy["val"], one.cost))
        self.test = before, self._affordable(self.best, splits.test, "test after")

    def history(self) -> tuple[Tried, ...]:
        """Return what was tried."""
        return tuple(
            Tried(
                candidate=one.name,
                **dict(one.origin),
                fate=one.fate,
                effect=one.effect,
                train=one.accuracy.get("train"),
                domains=one.domains,
                val=one.accuracy.get("val"),
                cost=one.cost,
            )
            for one in self.bench.candidates
        )

    def result(self, usage: Usage, seconds: float) -> Refined:
        """Return what the run came to."""
        given = self.plan.meta_rubric
        made = self.best.meta_rubric
        if self.best is not self.base:
            made = made.model_copy(update={"version": given.version + 1})
        return Refined(made, self.history(), self._card(made, usage, seconds))

    def _card(self, made: MetaRubric, usage: Usage, seconds: float) -> RefinementCard:
        plan, said, models = self.plan, self.said, self.plan.models
        splits = {"train": plan.splits.train, "val": plan.splits.val, "test": plan.splits.test}
        before, after = self.test
        test = self._scores(before, after) if before and after else None
        tried = self.bench.candidates
        return RefinementCard(
            name=made.name,
            base=plan.meta_rubric.fingerprint,
            refined=made.fingerprint,
            version=made.version,
            seed=plan.seed,
            search=asdict(plan.sizes),
            orders=plan.judging.orders,
            judge=flat_settings(plan.judging.make(plan.meta_rubric).settings),
            lms={role: model.model for role, model in models.items()},
            sampling={role: sampling(model) for role, model in models.items()},
            data=data_hashes(plan.splits),
            sizes={name: len(pairs) for name, pairs in splits.items()},
            limit=asdict(plan.limit),
            train=(self.base.accuracy["train"], self.best.accuracy["train"]),
            cost=(self.base.cost, self.best.cost),
            val=self._scores(self.val[self.base.name], self.val[self.best.name]),
            test=test,
            domains=self._in_domains(before, after) if before and after else {},
            verdict=test.change.verdict if test else "not tested",
            stopped=self.stopped,
            generations=said.generations,
            candidates=len(tried),
            accepted=sum(one.fate == "accepted" for one in tried),
            asked=said.asked,
            unreadable=dict(said.unreadable),
            refused=dict(said.refused),
            repeated=said.repeated,
            unjudged=self.unjudged,
            judgments=self.bench.runs,
            lineage=self._lineage(),
            usage=usage,
            seconds=seconds,
            versions=versions(),
        )

    def _in_domains(self, before: Judged, after: Judged) -> dict[str, InDomain]:
        orders, then = self.plan.judging.orders, in_domains(after)
        return {
            domain: InDomain(pairs=len(results), before=accuracy(results, orders), after=accuracy(then[domain], orders))
            for domain, results in in_domains(before).items()
        }

    def _lineage(self) -> tuple[Step, ...]:
        """Return the steps to the result, with the accuracies on validation that are known."""
        known = {one.name: one.accuracy.get("val") for one in self.bench.candidates}
        reached = [*(step.parent for step in self.best.steps), self.best.name][1:]
        return tuple(
            step.model_copy(update={"val_before": known[step.parent], "val_after": known[name]})
            for step, name in zip(self.best.steps, reached, strict=True)
        )

    def _finalists(self) -> list[Candidate]:
        accepted = [one for one in self.bench.candidates if one.fate == "accepted"]
        return sorted(accepted, key=lambda one: one.rank)[: self.plan.sizes.finalists]

    def _judged(self, candidate: Candidate, pairs: Sequence[PreferencePair], phase: Phase) -> Judged:
        (found,) = self.bench.judge([(candidate, pairs)], phase)
        return found

    def _affordable(self, candidate: Candidate, pairs: Sequence[PreferencePair], phase: Phase) -> Judged | None:
        """Judge, or return None where a limit is reached."""
        try:
            return self._judged(candidate, pairs, phase)
        except SearchEnded as end:
            if not isinstance(end.error, BudgetError):
                raise
            return None

    def _scored(self, candidate: Candidate, val: Judged) -> None:
        self.val[candidate.name] = val
        candidate.accuracy["val"] = accuracy(val, self.plan.judging.orders)

    def _scores(self, before: Judged, after: Judged) -> SplitScores:
        orders, seed = self.plan.judging.orders, self.plan.seed
        return SplitScores(
            pairs=len(before),
            before=measure(before, orders=orders, seed=seed),
            after=measure(after, orders=orders, seed=seed),
            change=compare(before, after, orders=orders, seed=seed),
        )


def _write_history(folder: Path, history: Sequence[Tried]) -> None:
    """Write what was tried as JSON Lines."""
    write_whole(folder / CANDIDATES, (line_of(one) + b"\n" for one in history))
