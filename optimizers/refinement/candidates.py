"""Meta-rubrics under trial: where each comes from, what it is worth, and which go on.

OpenRS searches like a genetic algorithm with a beam, by edits that add, delete or modify a principle; crossover,
fitness and selection are not published. What is here is ours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from openrubrics.evaluation import EvaluatedPair
from openrubrics.evaluation.metrics import comparisons
from openrubrics.optimizers.refinement.proposals import Effect, Proposal
from openrubrics.signatures.edits import Add, Delete, Edit, apply_edit
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.meta_rubric import MetaRubric
from openrubrics.signatures.meta_rubric_shown import shown
from openrubrics.signatures.values import Frozen, Orders

COST_UNIT = "characters of the general part as a judge is shown it"

Fate = Literal["accepted", "no better on the batch", "no better on train"]


class Step(Frozen):
    """How one meta-rubric came from another, with the evidence.

    Attributes:
        generation: From 1.
        parent: Fingerprint of the one it was made from.
        other: Fingerprint of the one whose edits it took besides; None where it is no crossover.
        proposals: The edits, each with the evidence of when it was tried by itself.
        effect: What they did together to the training pairs, against the parent.
        train_before: Accuracy of the parent on the training pairs, in [0, 1].
        train_after: Accuracy on them with the edits.
        val_before: Accuracy of the parent on the validation pairs; None where it was not judged on them.
        val_after: The same with the edits.
    """

    generation: int
    parent: str
    other: str | None
    proposals: tuple[Proposal, ...]
    effect: Effect
    train_before: float
    train_after: float
    val_before: float | None = None
    val_after: float | None = None


class Origin(Frozen):
    """What a candidate was made from, before it is tried.

    Attributes:
        generation: From 1; 0 for the one of before.
        parent: Fingerprint of the one it was made from.
        other: Of the one whose edits it took besides; None where it is no crossover.
        proposals: The edits.
    """

    generation: int = 0
    parent: str = ""
    other: str | None = None
    proposals: tuple[Proposal, ...] = ()


@dataclass(eq=False)
class Candidate:
    """A meta-rubric under trial.

    Attributes:
        meta_rubric: The document, with the version of the one of before.
        origin: What it was made from.
        steps: How it came from the one of before.
        train: Its judgments of the training pairs.
        accuracy: Share of right comparisons by split.
        domains: The same on the training pairs by domain.
        fate: What became of it; None before it was tried.
        effect: What it did to the pairs that it was tried on, against its parent.
    """

    meta_rubric: MetaRubric
    origin: Origin = field(default_factory=Origin)
    steps: tuple[Step, ...] = ()
    train: Sequence[EvaluatedPair] = ()
    accuracy: dict[str, float] = field(default_factory=dict)
    domains: dict[str, float] = field(default_factory=dict)
    fate: Fate | None = None
    effect: Effect | None = None

    @property
    def name(self) -> str:
        """Fingerprint of the document."""
        return self.meta_rubric.fingerprint

    @property
    def cost(self) -> int:
        """Length of what a judge is shown of it, in `COST_UNIT`: what every judgment pays for."""
        return len(shown(self.meta_rubric))

    @property
    def edits(self) -> frozenset[str]:
        """The edits that lead to it from the one of before."""
        return frozenset(str(proposal.edit) for step in self.steps for proposal in step.proposals)

    @property
    def rank(self) -> tuple[float, int]:
        """Smaller is better: accuracy on the training pairs, then the cost."""
        return -self.accuracy["train"], self.cost

    def score(self, train: Sequence[EvaluatedPair], orders: Orders) -> None:
        """Take its judgments of all training pairs."""
        self.train = train
        self.accuracy["train"] = accuracy(train, orders)
        self.domains = {domain: accuracy(results, orders) for domain, results in in_domains(train).items()}


def in_domains(results: Sequence[EvaluatedPair]) -> dict[str, list[EvaluatedPair]]:
    """Return results by the domain of their pairs, in the order of the alphabet."""
    by_domain: defaultdict[str, list[EvaluatedPair]] = defaultdict(list)
    for result in results:
        by_domain[result.domain].append(result)
    return dict(sorted(by_domain.items()))


def accuracy(results: Sequence[EvaluatedPair], orders: Orders) -> float:
    """Return right comparisons / comparisons, as `openrubrics.evaluation.Figures` has it."""
    said = [result.category(outcome) for result in results for outcome in comparisons(result, orders)]
    return said.count("chosen") / len(said)


def select(pool: Sequence[Candidate], width: int) -> list[Candidate]:
    """Return the parents of the next generation.

    Candidates that no other one dominates come first, then those that only these dominate, and so on; within such a
    front the more accurate come first, of equally accurate ones the cheaper, then the earlier. One dominates another
    where it is as accurate in every domain and as cheap, and better in one of these.

    Last come those all of whose edits one before them has too. They are its ancestors, as a rule, which are shorter and
    so seldom dominated; they have nothing to give to a crossover, and edits of them were tried already.
    """
    left, ordered = list(pool), []
    while left:
        front = [one for one in left if not any(dominates(other, one) for other in left)]
        ordered += sorted(front, key=lambda one: one.rank)
        left = [one for one in left if one not in front]
    own: list[Candidate] = []
    for one in ordered:
        if not any(one.edits <= other.edits for other in own):
            own.append(one)
    return [*own, *(one for one in ordered if one not in own)][:width]


def dominates(one: Candidate, other: Candidate) -> bool:
    """Whether one is nowhere worse than another, by accuracy in each domain and by cost, and somewhere better."""
    pairs = [(one.domains[domain], other.domains[domain]) for domain in one.domains]
    pairs.append((-one.cost, -other.cost))
    return all(mine >= its for mine, its in pairs) and any(mine > its for mine, its in pairs)


def cross(first: Candidate, second: Candidate) -> tuple[MetaRubric, tuple[Proposal, ...]] | None:
    """Return the better of two candidates with the edits of the other, and these edits.

    The rule is ours: edits of the other one are taken in their order. Where both have changed a principle of the same
    name, that of the better one stays, and so it does where an edit no longer fits or is not useful (`check_useful`).

    Returns:
        None where nothing can be taken.
    """
    better, other = sorted((first, second), key=lambda one: one.rank)
    touched = {changed(proposal.edit) for step in better.steps for proposal in step.proposals}
    made, taken = better.meta_rubric, []
    for proposal in (proposal for step in other.steps for proposal in step.proposals):
        if changed(proposal.edit) not in touched:
            try:
                check_useful(proposal.edit, made)
                made = apply_edit(made, proposal.edit)
            except UsageError:
                continue
            taken.append(proposal)
    return (made, tuple(taken)) if taken else None


def said(meta_rubric: MetaRubric) -> frozenset[tuple[str, str]]:
    """Return types and texts of the general principles, which are the same whatever their names and order."""
    return frozenset((one.type, one.text.casefold()) for one in meta_rubric.general.principles)


def check_useful(edit: Edit, meta_rubric: MetaRubric) -> None:
    """Refuse an edit that fits and is not worth trying, so that documents do not grow without bound.

    The bound is ours: twice as many principles as a judge may write criteria, since it leaves out what does not apply.

    Raises:
        UsageError: Another principle of the part says the same in the same words, or there are enough.
    """
    if isinstance(edit, Delete):
        return
    mine, principles = edit.principle, meta_rubric.part(edit.part).principles
    if any(one.text.casefold() == mine.text.casefold() for one in principles if one.name != mine.name):
        raise UsageError(f"cannot {edit}: another principle says the same")
    if isinstance(edit, Add) and len(principles) >= 2 * meta_rubric.most:
        raise UsageError(
            f"cannot {edit}: there are {len(principles)} {edit.part} principles already, for {meta_rubric.most} "
            f"criteria at most"
        )


def changed(edit: Edit) -> tuple[str, str]:
    """Return part and name of the principle that an edit is about."""
    return edit.part, edit.name if isinstance(edit, Delete) else edit.principle.name
