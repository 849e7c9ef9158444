"""Which criteria of a rubric decide, which of them are right, and which say the same?

A judge says one thing under a whole rubric. What each criterion does in it shows when the judge is asked again: without
the criterion (does the verdict change?) and with nothing but it (does the criterion alone agree with the label?). A
judge that is sampled also changes its mind by itself, so every pair is asked once more under the whole rubric too, and
changes are told from those.

A run with one rubric for all pairs gives figures for each criterion; one with a rubric for each prompt gives them for
hard rules and principles, and by position in the rubric.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

from openrubrics.data import JudgesByRubric, Ledger, in_bulk
from openrubrics.evaluation.audits.attribution_figures import Attribution, Heard, Variant, attribution
from openrubrics.evaluation.audits.run import Watch, unwatched
from openrubrics.evaluation.judges import in_orders
from openrubrics.evaluation.results import EvaluatedPair
from openrubrics.programs import Direct
from openrubrics.programs.orders import check_orders
from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.outcomes import Failed, Judgment
from openrubrics.signatures.values import Orders, PreferencePair, Rubric


@dataclass(frozen=True)
class AttributionPlan:
    """What will be asked.

    Attributes:
        pairs: The pairs that are asked again, each with what the judge said under its whole rubric.
        of: How many could have been.
        variants: What is asked of them, one judgment each.
        left_out: Why other judged pairs are of no use, with their number.
        one_rubric: Whether all pairs that could have been asked share one rubric.
    """

    pairs: Sequence[tuple[PreferencePair, EvaluatedPair]]
    of: int
    variants: Sequence[Variant]
    left_out: Mapping[str, int]
    one_rubric: bool


def plan_attribution(
    pairs: Iterable[PreferencePair], judged: Iterable[EvaluatedPair], *, most: int = 1000, seed: int = 0
) -> AttributionPlan:
    """Return what to ask: 2 n + 1 judgments for a pair whose rubric has n criteria.

    Args:
        pairs: With their texts; those that were not judged are passed over.
        judged: What the judge said of them, with its rubrics (so not slim).
        most: Most judgments; pairs are drawn by `seed` and their ids until the next one would be too many.
        seed: For the draw.

    Raises:
        UsageError: `most` is too small for one pair.
        DataError: No pair was judged by a model under two criteria or more.
    """
    texts = {pair.id: pair for pair in pairs}
    left_out: Counter[str] = Counter()
    fitting: list[tuple[PreferencePair, EvaluatedPair]] = []
    for result in judged:
        why = _unfit(result, texts)
        if why:
            left_out[why] += 1
        else:
            fitting.append((texts[result.id], result))
    if not fitting:
        reasons = "; ".join(f"{count}: {why}" for why, count in left_out.items()) or "nothing was judged"
        raise DataError(f"there is no judged pair to go by ({reasons})", "give a run with rubrics, and its pairs")
    chosen: list[int] = []
    left = most
    for index in sorted(range(len(fitting)), key=lambda place: _draw(seed, fitting[place][0].id)):
        cost = 2 * len(_rubric(fitting[index][1]).criteria) + 1
        if cost > left and not chosen:
            raise UsageError(f"{most} judgments are too few: the first pair takes {cost}", f"allow {cost} or more")
        left -= cost
        if left < 0:
            break
        chosen.append(index)
    asked = [fitting[index] for index in sorted(chosen)]
    variants = [variant for place, (_, result) in enumerate(asked) for variant in _variants(place, _rubric(result))]
    one_rubric = len({_rubric(result).fingerprint for _, result in fitting}) == 1
    return AttributionPlan(asked, len(fitting), variants, dict(left_out), one_rubric)


def _unfit(result: EvaluatedPair, texts: Mapping[str, PreferencePair]) -> str:
    """Return why a judged pair is of no use; empty where it is of use."""
    judgment = result.judgment
    if result.id not in texts:
        return "not among the pairs that were given"
    if isinstance(judgment.outcome, Failed):
        return "the judgment failed"
    if judgment.decided_by == "checks":
        return "decided by code, without asking a judge"
    if judgment.rubric is None:
        return "judged without a rubric"
    return "" if len(judgment.rubric.criteria) > 1 else "judged by one criterion"


def _rubric(result: EvaluatedPair) -> Rubric:
    if result.judgment.rubric is None:
        raise DataError(f"pair {result.id!r} was judged without a rubric")
    return result.judgment.rubric


def _draw(seed: int, name: str) -> bytes:
    return sha256(f"{seed}\n{name}".encode("utf-8", "surrogatepass")).digest()


def _variants(place: int, rubric: Rubric) -> Iterator[Variant]:
    criteria = rubric.criteria
    yield Variant(place, "again", 0, rubric)
    for index, criterion in enumerate(criteria):
        yield Variant(place, "without", index + 1, Rubric(criteria=criteria[:index] + criteria[index + 1 :]))
        yield Variant(place, "alone", index + 1, Rubric(criteria=(criterion,)))


async def aattribute(
    judge: JudgesByRubric,
    planned: AttributionPlan,
    *,
    orders: Orders = "single",
    seed: int = 0,
    concurrency: int = 16,
    ledger: Ledger | None = None,
    watch: Watch = unwatched,
) -> Attribution:
    """Ask a judge about each criterion, and return what was found.

    Args:
        judge: The one that judged; another one would answer another question.
        planned: What to ask.
        orders: In which the pairs were judged; the first order is that of the run.
        seed: For the intervals.
        concurrency: Most requests to LMs in flight at a time.
        ledger: Keeps replies, so that a run that was stopped asks for nothing twice.
        watch: Looks on.

    Raises:
        UsageError: `concurrency` is below 1, or `orders` is unknown.
        LMError: The endpoint cannot answer at all, or a budget is used up.
    """
    check_orders(orders)
    ask = Direct(concurrency=concurrency, replies=ledger)
    call = partial(_heard, ask, judge, orders, planned)
    heard: list[Heard] = []
    with watch("attributing", len(planned.variants)) as advance:
        async with aclosing(in_bulk(call, planned.variants, concurrency=concurrency)) as finished:
            async for one in finished:
                heard.append(one)
                advance(one)
    whole = [result for _, result in planned.pairs]
    return attribution(whole, heard, of=planned.of, left_out=planned.left_out, fixed=planned.one_rubric, seed=seed)


async def _heard(
    ask: Direct, judge: JudgesByRubric, orders: Orders, planned: AttributionPlan, variant: Variant
) -> Heard:
    pair, result = planned.pairs[variant.place]
    shown = (pair.chosen, pair.rejected) if result.chosen_slot == "A" else (pair.rejected, pair.chosen)

    async def compare(a: str, b: str) -> Judgment:
        return await ask(judge, prompt=pair.prompt, rubric=variant.rubric, response_a=a, response_b=b)

    judgment = await in_orders(compare, orders, *shown)
    return Heard(variant, result.model_copy(update={"judgment": judgment}).slim())


def attribute(
    judge: JudgesByRubric,
    planned: AttributionPlan,
    *,
    orders: Orders = "single",
    seed: int = 0,
    concurrency: int = 16,
    ledger: Ledger | None = None,
    watch: Watch = unwatched,
) -> Attribution:
    """Do what `aattribute` does, from code that is not asynchronous.

    Raises:
        UsageError: An event loop is already running here, as in a notebook, or as for `aattribute`.
        LMError: As for `aattribute`.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        work = aattribute(judge, planned, orders=orders, seed=seed, concurrency=concurrency, ledger=ledger, watch=watch)
        return asyncio.run(work)
    raise UsageError("attribute() cannot run inside an event loop", "write: await aattribute(...)")
