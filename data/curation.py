"""Write a rubric for each pair by contrast, and keep it if a judge who reads it prefers the chosen response.

This is the preference-label consistency filter of OpenRubrics (v3, Eq. 1-5). There a rubric is kept for a pair when
the judge is right on at least half of all pairs of its prompt, and on this pair itself. With two responses the prompt
has one pair, so both conditions are the same: the judge must be right on it.
"""

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from typing import Protocol

from openrubrics.data.bulk import in_bulk
from openrubrics.data.slots import shown_responses, slot_of_chosen
from openrubrics.signatures.values import (
    Failed,
    Frozen,
    Judgment,
    Label,
    PreferencePair,
    Prompt,
    Rubric,
    Tie,
)


class ContrastsResponses(Protocol):
    """Anything that writes a rubric by comparing responses, such as `ContrastiveRubricGenerator`."""

    async def acall(self, *, prompt: Prompt, responses: Sequence[str]) -> Rubric | Failed:
        """Return the rubric that tells the responses, given best first, apart; or why there is none."""
        ...


class JudgesByRubric(Protocol):
    """Anything that compares two responses by a given rubric, such as `GatekeeperJudge`."""

    async def acall(self, *, prompt: Prompt, rubric: Rubric, response_a: str, response_b: str) -> Judgment:
        """Return the judgment; what went wrong with this comparison alone is a `Failed` outcome in it."""
        ...


class CuratedPair(Frozen):
    """A pair with its rubric, and whether that rubric reproduces the human label.

    Attributes:
        pair: The pair as it was read.
        rubric: The rubric, or why none could be written.
        chosen_slot: Where the judge saw the chosen response.
        judgment: What the judge said with the rubric; None where there was no rubric.
        kept: Whether the judge preferred the chosen response.
        reason: Why it was kept or not, in one line.
    """

    pair: PreferencePair
    rubric: Rubric | Failed
    chosen_slot: Label
    judgment: Judgment | None
    kept: bool
    reason: str


async def acurate(
    pairs: Iterable[PreferencePair],
    contrast: ContrastsResponses,
    judge: JudgesByRubric,
    *,
    seed: int = 0,
    concurrency: int = 16,
) -> AsyncGenerator[CuratedPair, None]:
    """Yield every pair with its rubric and whether it is kept, as each is finished; pairs that are not kept say why.

    The judge sees the responses in an order drawn from the pair's id and `seed`. Memory does not grow with `pairs`. An
    exception from a program ends the run: failures of one pair are values.

    Args:
        pairs: May be lazy; at most `concurrency` are held.
        contrast: Writes the rubric from the two responses.
        judge: Applies it.
        seed: For the order in which the judge sees the responses.
        concurrency: Most pairs under way at a time.
    """

    async def curated(pair: PreferencePair) -> CuratedPair:
        return await _curated(pair, contrast, judge, seed)

    async with aclosing(in_bulk(curated, pairs, concurrency=concurrency)) as results:
        async for result in results:
            yield result


async def _curated(pair: PreferencePair, contrast: ContrastsResponses, judge: JudgesByRubric, seed: int) -> CuratedPair:
    slot = slot_of_chosen(pair.id, seed)
    rubric = await contrast.acall(prompt=pair.prompt, responses=[pair.chosen, pair.rejected])
    if isinstance(rubric, Failed):
        reason = f"no rubric: {rubric.reason}"
        return CuratedPair(pair=pair, rubric=rubric, chosen_slot=slot, judgment=None, kept=False, reason=reason)
    a, b = shown_responses(pair, seed)
    judgment = await judge.acall(prompt=pair.prompt, rubric=rubric, response_a=a, response_b=b)
    return CuratedPair(
        pair=pair,
        rubric=rubric,
        chosen_slot=slot,
        judgment=judgment,
        kept=judgment.preferred == slot,
        reason=_reason(judgment, slot),
    )


def _reason(judgment: Judgment, slot: Label) -> str:
    outcome = judgment.outcome
    if isinstance(outcome, Failed):
        return f"no judgment: {outcome.reason}"
    if isinstance(outcome, Tie):
        return f"tie: {outcome.reason}"
    return f"with the rubric, the judge prefers the {'chosen' if outcome.preferred == slot else 'rejected'} response"
