"""The card of a refined meta-rubric: how it came to be, and what it is worth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, JsonValue, ValidationError

from openrubrics.optimizers.card import SplitScores
from openrubrics.optimizers.refinement.candidates import COST_UNIT, Fate, Step
from openrubrics.optimizers.refinement.proposals import Effect, Proposal
from openrubrics.signatures.errors import DataError
from openrubrics.signatures.outcomes import Usage
from openrubrics.signatures.values import Frozen


class Tried(Frozen):
    """A candidate, and what became of it; one line of candidates.jsonl.

    Attributes:
        candidate: Its fingerprint, with the version of the meta-rubric of before.
        generation: In which it was made; 0 for the one of before.
        parent: Fingerprint of the one it was made from; empty for the one of before.
        other: Fingerprint of the one whose edits it took besides; None where it is no crossover.
        proposals: Its edits against the parent.
        fate: What became of it; None where the limit was reached before, and for the one of before.
        effect: What it did to the pairs it was tried on, against its parent.
        train: Accuracy on the training pairs; None where it was not judged on all of them.
        domains: The same by domain.
        val: Accuracy on the validation pairs; None where it was not judged on them.
        cost: In `COST_UNIT`.
    """

    candidate: str
    generation: int
    parent: str
    other: str | None
    proposals: tuple[Proposal, ...]
    fate: Fate | None
    effect: Effect | None
    train: float | None
    domains: Mapping[str, float]
    val: float | None
    cost: int


class InDomain(Frozen):
    """Accuracy on the pairs of one domain.

    Attributes:
        pairs: How many there are.
        before: Share of right comparisons by the document of before, in [0, 1].
        after: The same by the result.
    """

    pairs: int
    before: float
    after: float


class RefinementCard(Frozen):
    """How a meta-rubric was refined, with everything that is needed to judge it and to do it again.

    Attributes:
        name: Of the meta-rubric.
        base: Fingerprint of the one of before.
        refined: Fingerprint of the result; equal to `base` where nothing better was found.
        version: Version of the result.
        seed: Of the search.
        search: How large it was.
        orders: In how many orders pairs were judged.
        judge: Settings of the judge.
        lms: Model by role; ``author`` proposes edits.
        sampling: Sampling settings by role.
        data: SHA-256 of the content of each split's pairs, by the name of the split.
        sizes: Number of pairs of each split.
        limit: What the run might spend.
        train: Accuracy on the training pairs before and after; the search went by it, so it is biased upwards.
        cost: In `cost_unit`, before and after.
        cost_unit: What the cost of a meta-rubric is counted in.
        val: Scores on the validation pairs, by which the result was chosen: they are biased upwards.
        test: Scores on the test pairs, which nothing was chosen by; None where there were none.
        domains: Accuracy on the test pairs by the domain of the pairs; empty where there were none.
        verdict: What is to be said of the change, in words.
        stopped: Why the search ended.
        generations: Generations that were finished.
        candidates: Meta-rubrics that were made, with the one of before.
        accepted: How many were accepted.
        asked: Requests for edits.
        unreadable: Requests that brought no edit that can be read, by reason.
        refused: Edits that did not fit, by reason.
        repeated: Edits that led to what had been tried before.
        unjudged: Training pairs without a judgment before; nothing was learnt from them.
        judgments: Judgments in all.
        lineage: How the result came from the one of before, edit by edit; empty where nothing better was found.
        usage: What was spent by all starts of the run.
        seconds: Wall time of the last start.
        versions: Versions of this package, DSPy and whatever else matters.
    """

    name: str
    base: str
    refined: str
    version: int
    seed: int
    search: Mapping[str, int | None]
    orders: str
    judge: Mapping[str, JsonValue]
    lms: Mapping[str, str]
    sampling: Mapping[str, JsonValue]
    data: Mapping[str, str]
    sizes: Mapping[str, int]
    limit: Mapping[str, int | float | None]
    train: tuple[float, float]
    cost: tuple[int, int]
    cost_unit: str = COST_UNIT
    val: SplitScores
    test: SplitScores | None
    domains: Mapping[str, InDomain]
    verdict: str
    stopped: str
    generations: int
    candidates: int
    accepted: int
    asked: int
    unreadable: Mapping[str, int]
    refused: Mapping[str, int]
    repeated: int
    unjudged: int
    judgments: int
    lineage: tuple[Step, ...]
    usage: Usage
    seconds: float = Field(ge=0, allow_inf_nan=False)
    versions: Mapping[str, str]

    def text(self) -> str:
        """Return the card as JSON; half a surrogate pair, which an id can hold and no UTF-8 file can, becomes "?"."""
        content = json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False)
        return content.encode("utf-8", "replace").decode() + "\n"


def read_refinement(path: Path) -> RefinementCard:
    """Read the card that a refinement has written.

    Raises:
        DataError: The file cannot be read, or holds no such card.
    """
    try:
        return RefinementCard.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "content"
        raise DataError(f"{path} is no card of a refinement: {where}: {first['msg']}") from error
