"""Edits of one domain part, proposed from pairs on which judge and people disagree, and tried before they are shown.

OpenRS refines domain parts so: a small set of pairs of the domain is judged, failures are clustered, edits are
proposed, and experts audit them before they are merged. How failures are clustered, how many edits there are and what
the experts see is not published; here it is `openrubrics.optimizers.refinement.failures`, and every edit is tried by
itself on all pairs, so that a person sees what it fixes and breaks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from openrubrics.data import Ledger
from openrubrics.evaluation import EvaluatedPair, aevaluate
from openrubrics.evaluation.agreement import by_id
from openrubrics.optimizers.compile import check_readable
from openrubrics.optimizers.plan import check_ids, counted, data_hashes, models_identity
from openrubrics.optimizers.refinement.evidence import ChangedPair, Proposals, ProposedEdit
from openrubrics.optimizers.refinement.failures import Cluster, clusters, failures, is_right
from openrubrics.optimizers.refinement.plan import Judging
from openrubrics.optimizers.refinement.proposals import effect
from openrubrics.optimizers.session import Splits
from openrubrics.programs import Direct
from openrubrics.programs.edit_proposer import EditProposer
from openrubrics.programs.program import flat_settings
from openrubrics.signatures import Failed, PreferencePair
from openrubrics.signatures.edits import apply_edit
from openrubrics.signatures.edits_text import Draft
from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.meta_rubric import GENERAL, MetaRubric
from openrubrics.signatures.model_text import well_formed

if TYPE_CHECKING:
    import dspy
    from pydantic import JsonValue

_CASES = 4
"""Failures that are shown for one proposal at most, as in the search for general principles."""


@dataclass(frozen=True)
class DomainPlan:
    """What is to be proposed.

    Attributes:
        meta_rubric: The document that the edits start from.
        domain: The part that they change.
        judging: How pairs are judged, on that part.
        author_lm: Proposes edits.
        pairs: Labelled pairs of the domain.
        most: Most edits that are tried and shown.
        seed: Of the slots that responses are shown in.
        concurrency: Most requests in flight at a time.
    """

    meta_rubric: MetaRubric
    domain: str
    judging: Judging
    author_lm: dspy.LM
    pairs: Sequence[PreferencePair]
    most: int = 6
    seed: int = 0
    concurrency: int = 16

    def check(self) -> None:
        """Refuse what cannot work.

        Raises:
            UsageError: The document has no such domain.
            DataError: There are no pairs, or two have one id.
        """
        check_domain(self.meta_rubric, self.domain)
        if not self.pairs:
            raise DataError("there are no pairs to judge")
        check_ids("review", self.pairs)

    @property
    def author(self) -> EditProposer:
        """What proposes edits, with its LM."""
        author = EditProposer()
        author.set_lm(self.author_lm)
        return author

    @property
    def calls(self) -> int:
        """Requests at most, without repeats after failures."""
        return (1 + self.most) * self.judging.again(self.pairs) + self.most

    def identity(self) -> dict[str, JsonValue]:
        """Return what must be equal for a run to go on."""
        judge = self.judging.make(self.meta_rubric)
        models = {f"judge {name}": lm for name, lm in _models(self).items()} | {"author": self.author_lm}
        return {
            "command": "refine domain",
            "meta-rubric": self.meta_rubric.fingerprint,
            "domain": self.domain,
            "prompts": judge.fingerprint,
            "author prompts": self.author.fingerprint,
            **{f"judge {name}": value for name, value in flat_settings(judge.settings).items()},
            "most": self.most,
            "seed": self.seed,
            "pairs": pairs_identity(self.pairs),
            **models_identity(models),
        }


def check_domain(meta_rubric: MetaRubric, domain: str) -> None:
    """Make sure that a document has a domain.

    Raises:
        UsageError: It has not; the hint lists those that it has.
    """
    names = [name for name in meta_rubric.parts if name != GENERAL]
    if domain not in names:
        raise UsageError(
            f"{meta_rubric.name} has no domain {domain!r}",
            f"its domains are {', '.join(names) or 'none so far'}; write a new one into the document",
        )


def pairs_identity(pairs: Sequence[PreferencePair]) -> str:
    """Return 16 hex digits that are equal for equal pairs in the same order, of which there is one at least."""
    return data_hashes(Splits(train=pairs, val=(), test=()))["train"][:16]


async def apropose_for_domain(
    plan: DomainPlan, ledger: Ledger, *, on_judged: Callable[[], None] = lambda: None
) -> Proposals:
    """Judge, ask for edits, and judge again under each of them.

    All replies are kept in the ledger, so a run that was stopped asks for nothing twice.

    Args:
        plan: What is to be proposed.
        ledger: Open, and begun with `DomainPlan.identity`.
        on_judged: Called once for each judgment.

    Raises:
        UsageError: The document has no such domain.
        DataError: There are no pairs.
        LMError: No request can succeed, or a limit is reached; or no pair could be judged.
    """
    plan.check()
    before = await _judged(plan, ledger, plan.meta_rubric, 0, on_judged)
    check_readable(before)
    orders = plan.judging.orders
    failing = failures(before, plan.pairs, orders=orders)
    drafts = await _drafts(plan, ledger, clusters(failing.failures))
    shown = [
        await _tried(plan, ledger, draft, about, before, number, on_judged)
        for number, (about, draft) in enumerate(drafts, 1)
    ]
    return Proposals(
        meta_rubric=plan.meta_rubric,
        domain=plan.domain,
        data=pairs_identity(plan.pairs),
        lm=well_formed(_names(plan)),
        pairs=len(before),
        right=sum(is_right(result, orders) for result in before),
        failed=sum(isinstance(result.judgment.outcome, Failed) for result in before),
        proposals=tuple(sorted(shown, key=lambda one: len(one.breaks) - len(one.fixes))),
    )


async def _judged(
    plan: DomainPlan, ledger: Ledger, meta_rubric: MetaRubric, number: int, on_judged: Callable[[], None]
) -> list[EvaluatedPair]:
    return await aevaluate(
        plan.judging.make(meta_rubric),
        plan.pairs,
        seed=plan.seed,
        concurrency=plan.concurrency,
        on_result=lambda _: on_judged(),
        ledger=ledger,
        repeat=number,
    )


async def _drafts(plan: DomainPlan, ledger: Ledger, groups: Sequence[Cluster]) -> list[tuple[str, Draft]]:
    """Ask about one group of failures after the other, big ones first; return different edits with their groups.

    The first edits of all groups come before the second ones.
    """
    ask = Direct(concurrency=plan.concurrency, replies=ledger)
    found: list[list[tuple[str, Draft]]] = []
    for group in groups[: plan.most]:
        cases = [failure.case for failure in group.failures[:_CASES]]
        reply = await ask(plan.author, meta_rubric=plan.meta_rubric, cases=cases, part=plan.domain)
        if not isinstance(reply, Failed):
            found.append([(group.title, draft) for draft in reply.drafts])
    different: dict[str, tuple[str, Draft]] = {}
    for title, draft in (item for row in zip_longest(*found) for item in row if item):
        different.setdefault(str(draft.edit), (title, draft))
    return list(different.values())[: plan.most]


async def _tried(
    plan: DomainPlan,
    ledger: Ledger,
    draft: Draft,
    about: str,
    before: Sequence[EvaluatedPair],
    number: int,
    on_judged: Callable[[], None],
) -> ProposedEdit:
    after = await _judged(plan, ledger, apply_edit(plan.meta_rubric, draft.edit), number, on_judged)
    changes = effect(before, after, orders=plan.judging.orders)
    first, second = by_id([before, after])
    known = {pair.id: pair for pair in plan.pairs}

    def changed(names: Sequence[str]) -> Iterator[ChangedPair]:
        for name in names:
            yield ChangedPair.of(known[name], first[name], second[name])

    return ProposedEdit(
        edit=draft.edit,
        why=well_formed(draft.reason),
        cluster=well_formed(about),
        fixes=tuple(changed(changes.fixes)),
        breaks=tuple(changed(changes.breaks)),
        failed=len(changes.failed),
    )


def _models(plan: DomainPlan) -> dict[str, dspy.LM]:
    predictors = plan.judging.make(plan.meta_rubric).bound_predictors()
    return {name: counted(name, predictor.current_lm()) for name, predictor in predictors.items()}


def _names(plan: DomainPlan) -> str:
    return ", ".join(dict.fromkeys(model.model for model in _models(plan).values()))
