"""Proposed edits with their evidence: the failures they come from, and the pairs that they fix and break."""

from __future__ import annotations

from collections.abc import Sequence

from openrubrics.evaluation import EvaluatedPair
from openrubrics.evaluation.agreement import by_id
from openrubrics.optimizers.refinement.failures import is_right
from openrubrics.signatures.edits import Edit
from openrubrics.signatures.outcomes import Failed
from openrubrics.signatures.values import Frozen, Orders


class Effect(Frozen):
    """What a change of the meta-rubric does to pairs, by their ids.

    Attributes:
        fixes: Judged, and wrong before; right after.
        breaks: Right before, and not after, be it that there is no judgment after.
        failed: Those without a judgment after that had one before; a failure is never a gain.
        recovered: Right after, without a judgment before: they count neither way.
    """

    fixes: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    recovered: tuple[str, ...] = ()

    @property
    def gain(self) -> int:
        """Pairs fixed less pairs broken."""
        return len(self.fixes) - len(self.breaks)


class Proposal(Frozen):
    """A proposed edit, with where it comes from and what it does.

    Attributes:
        edit: The change.
        reason: Why, in the words of whoever proposed it.
        cluster: Title of the failures that were shown.
        failures: Ids of those that were shown.
        effect: What it does to the pairs it was tried on; None before it was tried.
    """

    edit: Edit
    reason: str
    cluster: str
    failures: tuple[str, ...]
    effect: Effect | None = None


def effect(before: Sequence[EvaluatedPair], after: Sequence[EvaluatedPair], *, orders: Orders = "single") -> Effect:
    """Return what changed between two runs over the same pairs, in the order of the first.

    Args:
        before: Judged by the meta-rubric as it was.
        after: The same pairs, judged by the changed one.
        orders: What both runs asked for.

    Raises:
        DataError: A run is empty or repeats an id, or the two have other ids.
    """
    first, second = by_id([before, after])
    fixes, breaks, failed, recovered = [], [], [], []
    for name, old in first.items():
        new = second[name]
        lost = isinstance(new.judgment.outcome, Failed)
        unjudged = isinstance(old.judgment.outcome, Failed)
        was, now = is_right(old, orders), is_right(new, orders)
        if now and not was:
            (recovered if unjudged else fixes).append(name)
        if was and not now:
            breaks.append(name)
        if lost and not unjudged:
            failed.append(name)
    return Effect(fixes=tuple(fixes), breaks=tuple(breaks), failed=tuple(failed), recovered=tuple(recovered))
