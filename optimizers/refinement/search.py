"""The evolutionary search for principles: edits from failures, crossover, selection, generation after generation."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, zip_longest
from random import Random

from openrubrics.lms import Budget, budget
from openrubrics.optimizers.limits import affordable_runs
from openrubrics.optimizers.refinement.bench import Ask, Bench
from openrubrics.optimizers.refinement.candidates import Candidate, Origin, Step, check_useful, cross, said, select
from openrubrics.optimizers.refinement.failures import Cluster, clusters, failures, is_right
from openrubrics.optimizers.refinement.plan import RefinePlan
from openrubrics.optimizers.refinement.proposals import Proposal, effect
from openrubrics.optimizers.replay import SearchEnded
from openrubrics.signatures import Failed, PreferencePair
from openrubrics.signatures.edits import apply_edit
from openrubrics.signatures.errors import BudgetError, UsageError
from openrubrics.signatures.meta_rubric import MetaRubric
from openrubrics.signatures.outcomes import Usage

_MOST_TRIED = 12
"""Edits that were tried before of which the author is told at most."""


@dataclass
class Asked:
    """What became of the requests for edits.

    Attributes:
        asked: Requests for edits.
        unreadable: Why there were no edits that could be read, with how often.
        refused: Why edits did not fit the meta-rubric, with how often.
        repeated: Edits that led to what had been tried before.
        generations: Those that were finished.
    """

    asked: int = 0
    unreadable: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    generations: int = 0


class Search:
    """One search.

    Args:
        plan: The run.
        bench: Where candidates are judged; the one of before is on it, judged on the training pairs.
        on_train: What judging these pairs once has cost.

    Attributes:
        said: What became of the requests for edits.
    """

    def __init__(self, plan: RefinePlan, bench: Bench, on_train: Usage) -> None:
        self.said = Asked()
        self._plan = plan
        self._bench = bench
        self._on_train = on_train
        self._beam = list(bench.candidates)
        self._seen = {said(one.meta_rubric) for one in bench.candidates}
        self._clusters: dict[str, tuple[Cluster, ...]] = {}

    def run(self, limit: Budget) -> str:
        """Search until a limit is reached, nothing is left to gain or all generations are done; return which.

        A generation begins only where the limit pays for what it makes, so that where it ends does not depend on which
        of the requests under way comes first. Where repeats after failures use the limit up before, the generation
        under way does not count.

        Raises:
            SearchEnded: No request can succeed.
        """
        try:
            with budget(limit) as spent:
                for generation in range(1, self._plan.sizes.generations + 1):
                    if not self._failing(self._beam[0]):
                        return "the training pairs leave nothing to gain"
                    room = self._room(limit, spent.usage)
                    if room < 1:
                        return "its part of the limit does not last for another candidate"
                    self._generation(generation, min(room, self._plan.sizes.population))
                    self.said.generations += 1
        except SearchEnded as end:
            if not isinstance(end.error, BudgetError):
                raise
            return f"the search used up its part of the limit: {end.error.message}"
        return "all generations were done"

    def _room(self, limit: Budget, spent: Usage) -> int:
        """Return how many candidates the limit still pays for, with a request for edits for each.

        Of tokens and cost that is an estimate: half as much again as for the document of before, since those with more
        principles are longer, and so are requests with failures in them.
        """
        left = Budget(
            max_cost=None if limit.max_cost is None else max(0.0, limit.max_cost - (spent.cost or 0.0)),
            max_total_tokens=None if limit.max_total_tokens is None else max(0, limit.max_total_tokens - spent.tokens),
        )
        size = len(self._plan.splits.train)
        room = int(affordable_runs(left, self._on_train, size) / (1.5 * size))
        if limit.max_calls is not None:
            room = min(room, (limit.max_calls - spent.calls) // (1 + self._plan.calls_of_candidate))
        return room

    def _generation(self, number: int, size: int) -> None:
        crossed = list(self._crossed(number, size // 4))
        children = [*self._mutated(number, size - len(crossed)), *crossed]
        self._bench.candidates.extend(children)
        parents = {one.name: one for one in self._bench.candidates}
        hopeful = self._better_on_batch(children, parents)
        results = self._bench.judge(((child, self._plan.splits.train) for child in hopeful), "search")
        for child, result in zip(hopeful, results, strict=True):
            child.score(result, self._plan.judging.orders)
            self._settle(child, parents[child.origin.parent])
        accepted = [child for child in hopeful if child.fate == "accepted"]
        self._beam = select([*self._beam, *accepted], self._plan.sizes.beam)
        for one in self._bench.candidates:
            if one not in self._beam:
                one.train = ()  # whole judgments, which are large, are read of parents only

    def _settle(self, child: Candidate, parent: Candidate) -> None:
        """Accept a candidate that fixes more than it breaks, or as much where it is cheaper, and is no less accurate.

        With both orders a pair counts as broken only where it was right in both, so accuracy can say more.
        """
        origin = child.origin
        child.effect = effect(parent.train, child.train, orders=self._plan.judging.orders)
        less_accurate = child.accuracy["train"] < parent.accuracy["train"]
        if less_accurate or child.effect.gain < 0 or (child.effect.gain == 0 and child.cost >= parent.cost):
            child.fate, child.train = "no better on train", ()
            return
        alone = origin.other is None
        step = Step(
            generation=origin.generation,
            parent=origin.parent,
            other=origin.other,
            proposals=tuple(
                one.model_copy(update={"effect": child.effect}) if alone else one for one in origin.proposals
            ),
            effect=child.effect,
            train_before=parent.accuracy["train"],
            train_after=child.accuracy["train"],
        )
        child.fate, child.steps = "accepted", (*parent.steps, step)

    def _better_on_batch(self, children: Sequence[Candidate], parents: dict[str, Candidate]) -> list[Candidate]:
        """Return those that do better than their parents on a few pairs, before they are judged on all."""
        batch = self._plan.sizes.batch
        if batch is None or batch >= len(self._plan.splits.train):
            return list(children)
        tasks = [(child, self._batch(child.origin, parents, batch)) for child in children]
        for (child, pairs), result in zip(tasks, self._bench.judge(tasks, "search"), strict=True):
            parent, ids = parents[child.origin.parent], {pair.id for pair in pairs}
            before = [one for one in parent.train if one.id in ids]
            child.effect = effect(before, result, orders=self._plan.judging.orders)
            if child.effect.gain < 0 or (child.effect.gain == 0 and child.cost >= parent.cost):
                child.fate = "no better on the batch"
        return [child for child in children if child.fate is None]

    def _batch(self, origin: Origin, parents: dict[str, Candidate], size: int) -> list[PreferencePair]:
        """Draw training pairs, half of them those on which the parent fails, as far as there are as many."""
        draw = Random(f"{self._plan.seed} batch {origin.generation} {origin.parent}")
        train, orders = self._plan.splits.train, self._plan.judging.orders
        right = {one.id for one in parents[origin.parent].train if is_right(one, orders)}
        wrong_ones, right_ones = ([pair.id for pair in train if (pair.id in right) is kind] for kind in (False, True))
        wrong = min(len(wrong_ones), max(math.ceil(size / 2), size - len(right_ones)))
        ids = {*draw.sample(wrong_ones, wrong), *draw.sample(right_ones, size - wrong)}
        return [pair for pair in train if pair.id in ids]

    def _mutated(self, number: int, size: int) -> list[Candidate]:
        """Return new candidates, each with one proposed edit; the first edits of all replies come first."""
        asks = list(self._asks(number, size))
        replies = self._bench.propose(asks)
        self.said.asked += len(asks)
        self.said.unreadable.update(reply.reason for reply in replies if isinstance(reply, Failed))
        drafted: list[list[tuple[Ask, Proposal]]] = []
        for ask, reply in zip(asks, replies, strict=True):
            if not isinstance(reply, Failed):
                self.said.refused.update(reply.refused)
                ids = tuple(failure.id for failure in ask.shown)
                drafted.append(
                    [
                        (ask, Proposal(edit=one.edit, reason=one.reason, cluster=ask.cluster, failures=ids))
                        for one in reply.drafts
                    ]
                )
        found: list[Candidate] = []
        for ask, proposal in (item for row in zip_longest(*drafted) for item in row if item):
            if len(found) == size:
                break
            try:
                check_useful(proposal.edit, ask.parent.meta_rubric)
            except UsageError as error:
                self.said.refused[error.message] += 1
                continue
            made = apply_edit(ask.parent.meta_rubric, proposal.edit)
            if not self._is_new(made):
                self.said.repeated += 1
            else:
                found.append(Candidate(made, Origin(generation=number, parent=ask.parent.name, proposals=(proposal,))))
        return found

    def _asks(self, number: int, count: int) -> Iterator[Ask]:
        """Draw for each parent in turn a group of its failures, big ones more often, and some of them to show."""
        draw = Random(f"{self._plan.seed} generation {number}")
        used: set[tuple[str, str]] = set()
        for place in range(count):
            parent = self._beam[place % len(self._beam)]
            groups = self._failing(parent)
            if not groups:
                continue
            fresh = [group for group in groups if (parent.name, group.title) not in used] or list(groups)
            (group,) = draw.choices(fresh, weights=[len(one.failures) for one in fresh])
            used.add((parent.name, group.title))
            places = sorted(draw.sample(range(len(group.failures)), min(self._plan.sizes.cases, len(group.failures))))
            yield Ask(parent, group.title, [group.failures[at] for at in places], self._tried(parent))

    def _tried(self, parent: Candidate) -> list[str]:
        """Say which edits were tried on a candidate, or rejected on one that it comes from, the latest ones last.

        So the author does not propose them again, and is not asked the same in the same words where a candidate stays a
        parent and fails on the same pairs.
        """
        ancestors = {step.parent for step in parent.steps}
        lines = [
            f"{proposal.edit} (of the comparisons on which it was tried, it set {len(child.effect.fixes)} right and "
            f"{len(child.effect.breaks)} wrong)"
            for child in self._bench.candidates
            if child.effect is not None and child.origin.other is None
            if child.origin.parent == parent.name or (child.origin.parent in ancestors and child.fate != "accepted")
            for proposal in child.origin.proposals
        ]
        return lines[-_MOST_TRIED:]

    def _failing(self, parent: Candidate) -> tuple[Cluster, ...]:
        """Group what a candidate gets wrong."""
        if parent.name not in self._clusters:
            found = failures(parent.train, self._plan.splits.train, orders=self._plan.judging.orders).failures
            self._clusters[parent.name] = clusters(found)
        return self._clusters[parent.name]

    def _crossed(self, number: int, count: int) -> Iterator[Candidate]:
        """Yield at most so many candidates that join the edits of two parents, the best parents first."""
        made = 0
        for first, second in combinations(self._beam, 2):
            joined = cross(first, second)
            if made == count:
                return
            if joined and self._is_new(joined[0]):
                better, other = sorted((first, second), key=lambda one: one.rank)
                origin = Origin(generation=number, parent=better.name, other=other.name, proposals=joined[1])
                made += 1
                yield Candidate(joined[0], origin)

    def _is_new(self, meta_rubric: MetaRubric) -> bool:
        """Whether no candidate has the same principles, in whatever order; from now on one has."""
        principles = said(meta_rubric)
        is_new = principles not in self._seen
        self._seen.add(principles)
        return is_new
