"""Write a rubric for ranked responses by contrast, and keep it where a judge who reads it agrees with the ranking.

This is the preference-label consistency filter of OpenRubrics (v3, section 3, Eq. 1-5). For an item with M responses
the judge compares all M (M - 1) / 2 induced pairs under the item's one rubric; with the share of pairs that it gets
right as the accuracy, a pair is kept when the accuracy is at least tau and the judge is right on this pair itself. A
tie or a failure is never right, and both stay in the denominator. The paper does not say how the responses are ordered
for the judge; here the order of each pair is drawn from its id and the seed, and can be asked both ways.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, Protocol

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from openrubrics.data.cluster import calls
from openrubrics.data.cluster_join import Cluster
from openrubrics.data.curated import Attempt, CuratedItem, CurationSettings, reason_of
from openrubrics.data.curation_counts import CurationCounts
from openrubrics.data.ledger import Ledger
from openrubrics.data.slots import shown_responses, slot_of_chosen
from openrubrics.data.specificity import topic_findings
from openrubrics.lms import usage_meter
from openrubrics.programs import Direct
from openrubrics.programs.orders import combine
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.outcomes import Failed, Judgment, OrderOutcome
from openrubrics.signatures.values import (
    Label,
    Order,
    Orders,
    PreferencePair,
    Prompt,
    RankedResponses,
    Rubric,
    fingerprint,
)


class ContrastsResponses(Protocol):
    """Anything that writes a rubric by comparing responses, such as `ContrastiveRubricGenerator`."""

    async def acall(self, *, prompt: Prompt, responses: Sequence[str], attempt: int = 0) -> Rubric | Failed:
        """Return the rubric that tells the responses, given best first, apart; or why there is none.

        Attempts above 0 are to be sampled, so that each is another rubric.
        """
        ...


class JudgesByRubric(Protocol):
    """Anything that compares two responses by a given rubric, such as `GatekeeperJudge`."""

    async def acall(self, *, prompt: Prompt, rubric: Rubric, response_a: str, response_b: str) -> Judgment:
        """Return the judgment; what went wrong with this comparison alone is a `Failed` outcome in it."""
        ...


class Asks(Protocol):
    """Whatever calls a program with its inputs, such as `openrubrics.programs.Direct`."""

    async def __call__(self, program: Any, /, **inputs: Any) -> Any:  # noqa: ANN401 - what the program takes and returns
        """Return what ``await program.acall(**inputs)`` returns."""
        ...


async def curate_one(
    item: RankedResponses, contrast: ContrastsResponses, judge: JudgesByRubric, settings: CurationSettings, ask: Asks
) -> CuratedItem:
    """Write and check rubrics for one item; failures are values in it.

    Args:
        item: Ranked responses.
        contrast: Writes the rubric from all responses.
        judge: Applies it to each pair.
        settings: How the filter decides.
        ask: Calls the two.

    Raises:
        LMError: The endpoint cannot answer at all.
    """
    attempts: list[Attempt] = []
    with usage_meter() as meter:
        while len(attempts) < settings.attempts and not any(attempt.kept for attempt in attempts):
            attempts.append(await _attempt(attempts, item, contrast, judge, settings, ask))
    return CuratedItem(item=item, seed=settings.seed, attempts=tuple(attempts), usage=meter.usage)


async def _attempt(
    before: Sequence[Attempt],
    item: RankedResponses,
    contrast: ContrastsResponses,
    judge: JudgesByRubric,
    settings: CurationSettings,
    ask: Asks,
) -> Attempt:
    pairs = item.pairs()
    again = {"attempt": len(before)} if before else {}
    rubric = await ask(contrast, prompt=item.prompt, responses=item.responses, **again)
    if isinstance(rubric, Failed):
        return Attempt(rubric=rubric, reasons=("no rubric",) * len(pairs))
    for attempt in before:
        if attempt.rubric == rubric and not attempt.failures:
            return attempt  # the same rubric once more: what the judge says of it is known
    found = topic_findings(item.prompt, rubric, item.responses)
    if found and settings.general_only:
        return Attempt(rubric=rubric, topic_specific=found, reasons=("topic-specific principle",) * len(pairs))
    judgments: list[Judgment] = await _all(_judged(pair, rubric, judge, settings, ask) for pair in pairs)
    slots: list[Label] = [slot_of_chosen(pair.id, settings.seed) for pair in pairs]
    right = sum(judgment.preferred == slot for judgment, slot in zip(judgments, slots, strict=True))
    accuracy = right / len(pairs)
    return Attempt(
        rubric=rubric,
        topic_specific=found,
        judgments=tuple(judgment.model_copy(update={"rubric": None}) for judgment in judgments),
        reasons=tuple(
            reason_of(judgment, slot, accuracy, settings.tau) for judgment, slot in zip(judgments, slots, strict=True)
        ),
        accuracy=accuracy,
    )


async def _judged(
    pair: PreferencePair, rubric: Rubric, judge: JudgesByRubric, settings: CurationSettings, ask: Asks
) -> Judgment:
    a, b = shown_responses(pair, settings.seed)
    inputs = {"prompt": pair.prompt, "rubric": rubric}
    if settings.orders == "single":
        return await ask(judge, **inputs, response_a=a, response_b=b)
    first, second = await _all(
        ask(judge, **inputs, response_a=one, response_b=other) for one, other in ((a, b), (b, a))
    )
    shown = (_shown(first, "AB"), _shown(second, "BA"))
    return Judgment(outcome=combine(*shown), rubric=rubric, orders=shown, usage=first.usage + second.usage)


def _shown(judgment: Judgment, order: Order) -> OrderOutcome:
    """Return what the judge said in one order, with A and B as they are named in the first one."""
    votes = judgment.orders[0].votes if judgment.orders else ()
    if order == "AB":
        return OrderOutcome(order=order, outcome=judgment.outcome, votes=votes)
    votes = tuple(vote.model_copy(update={"outcome": vote.outcome.swapped()}) for vote in votes)
    return OrderOutcome(order=order, outcome=judgment.outcome.swapped(), votes=votes)


async def _all(calls: Iterable[Any]) -> list[Any]:
    """Await calls at the same time; the first exception cancels the others and is raised as it is."""
    pending = list(calls)
    if len(pending) == 1:
        return [await pending[0]]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in pending]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    return [task.result() for task in tasks]


async def acurate(  # noqa: PLR0913 - all but three have defaults
    items: Iterable[RankedResponses | PreferencePair],
    contrast: ContrastsResponses,
    judge: JudgesByRubric,
    *,
    tau: float = 0.5,
    attempts: int = 1,
    orders: Orders = "single",
    general_only: bool = False,
    seed: int = 0,
    concurrency: int = 16,
    ledger: Ledger | None = None,
    cluster: Cluster | None = None,
) -> AsyncGenerator[CuratedItem, None]:
    """Yield every item with its rubrics and what is kept, as each is finished; what is not kept says why.

    Memory does not grow with `items`. An exception from a program ends the run: failures of one item are values.

    Args:
        items: Rankings, or pairs, which are rankings of two; may be lazy, at most `concurrency` are held.
        contrast: Writes the rubric from all responses of an item.
        judge: Applies it to each pair of responses.
        tau: See `CurationSettings`; so for the next four.
        attempts: Rubrics for an item at most.
        orders: Whether each pair is judged once, or a second time swapped.
        general_only: Whether rubrics with topic-specific principles are rejected.
        seed: For the order in which the judge sees the responses.
        concurrency: Most requests to LMs, and most items, under way at a time; in each worker of a cluster.
        ledger: An open ledger: what it holds is not asked again, and each finished item is in it before it is yielded.
            Under other settings its items are decided anew, with the replies that it holds. Its identity is to hold all
            that shapes replies: the programs and their LMs.
        cluster: Where to work; None for this process. Replies of unfinished items do not come back from a cluster.

    Raises:
        UsageError: An argument is out of its range.
        LMError: The endpoint cannot answer at all, or a budget is used up; with a ledger, a later run goes on.
    """
    settings = curation_settings(tau=tau, attempts=attempts, orders=orders, general_only=general_only, seed=seed)
    ask = Direct(concurrency=concurrency, replies=None if cluster else ledger)
    call = partial(_curate_placed, contrast, judge, settings, ask)
    kept = _Kept(ledger, settings) if ledger else None
    async with aclosing(calls(call, _placed(items), concurrency=concurrency, kept=kept, cluster=cluster)) as results:
        async for result in results:
            yield result


Placed = tuple[int, RankedResponses]
"""An item after its place in the input."""


def _placed(items: Iterable[RankedResponses | PreferencePair]) -> Iterator[Placed]:
    for place, item in enumerate(items):
        yield place, RankedResponses.of(item) if isinstance(item, PreferencePair) else item


async def _curate_placed(
    contrast: ContrastsResponses, judge: JudgesByRubric, settings: CurationSettings, ask: Asks, placed: Placed
) -> CuratedItem:
    return await curate_one(placed[1], contrast, judge, settings, ask)


class _Kept:
    """The items that a ledger holds, each for the settings under which it was decided."""

    def __init__(self, ledger: Ledger, settings: CurationSettings) -> None:
        self._ledger = ledger
        self._settings = fingerprint(settings)

    def known(self, placed: Placed) -> CuratedItem | None:
        place, item = placed
        record = self._ledger.take(place, self._key(item))
        return None if record is None else read_record(record)

    def keep(self, placed: Placed, result: CuratedItem) -> None:
        place, item = placed
        self._ledger.finish(place, self._key(item), as_record(result), failed=result.failed)

    def _key(self, item: RankedResponses) -> str:
        return f"{self._settings} {fingerprint(item)}"


def curate(
    items: Iterable[RankedResponses | PreferencePair],
    contrast: ContrastsResponses,
    judge: JudgesByRubric,
    *,
    on_item: Callable[[CuratedItem], None] | None = None,
    **options: Any,  # noqa: ANN401 - those of `acurate`
) -> CurationCounts:
    """Do what `acurate` does, from code that is not asynchronous, and return what was counted.

    Args:
        items: Rankings or pairs; may be lazy.
        contrast: Writes the rubric.
        judge: Applies it.
        on_item: Called with each item as it is finished, so not in the order of `items`.
        options: Those of `acurate`.

    Raises:
        UsageError: An event loop is already running here, as in a notebook, or an option is out of its range.
        LMError: The endpoint cannot answer at all.
    """

    async def run() -> CurationCounts:
        counts = CurationCounts()
        async with aclosing(acurate(items, contrast, judge, **options)) as results:
            async for result in results:
                counts.add(result)
                if on_item is not None:
                    on_item(result)
        return counts

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(run())
    raise UsageError("curate() cannot run inside an event loop", "write: async for item in acurate(...)")


def curation_settings(**values: object) -> CurationSettings:
    """Return settings, once they are found to be in range.

    Raises:
        UsageError: One is not; the message names it.
    """
    try:
        return CurationSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise UsageError(f"{name} is {first['input']!r}: {first['msg']}") from error


def as_record(item: CuratedItem) -> bytes:
    """Return an item as JSON for a ledger."""
    try:
        return item.model_dump_json().encode()
    except PydanticSerializationError:  # half a surrogate pair, which no UTF-8 text can hold, becomes "?"
        return json.dumps(item.model_dump(mode="json"), ensure_ascii=False).encode("utf-8", "replace")


def read_record(record: bytes) -> CuratedItem:
    """Return the item that a ledger holds as JSON."""
    return CuratedItem.model_validate_json(record)
