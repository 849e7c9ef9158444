"""Ask a judge about the cases of a benchmark: a pairwise judge about pairs, a scorer about single responses."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from functools import partial
from itertools import islice

from pydantic import ValidationError

from openrubrics.data import Cluster, Ledger, calls
from openrubrics.evaluation.benchmarks.case import Case, Compared, Point, Rated
from openrubrics.evaluation.metrics import comparisons
from openrubrics.evaluation.results import Category, EvaluatedPair, line_of
from openrubrics.evaluation.run import PairJudge, Scorer, aevaluate
from openrubrics.lms.metering import record_again
from openrubrics.programs import Direct
from openrubrics.signatures.errors import DataError
from openrubrics.signatures.grades import Grade
from openrubrics.signatures.outcomes import Failed
from openrubrics.signatures.values import Criterion, Frozen, Orders, PreferencePair, Rubric


class GradedResponse(Frozen):
    """What a scorer said about one response of a case; one line of judgments.jsonl.

    Attributes:
        id: The case's id.
        subset: The case's subset.
        response: Place of the response in the case, from 1.
        characters: Length of the response.
        grade: What the scorer said.
    """

    id: str
    subset: str
    response: int
    characters: int
    grade: Grade


async def acompare(
    judge: PairJudge,
    cases: Sequence[Case],
    *,
    source: str,
    orders: Orders,
    seed: int = 0,
    concurrency: int = 16,
    on_result: Callable[[EvaluatedPair], None] | None = None,
    ledger: Ledger | None = None,
    cluster: Cluster | None = None,
    answer_key: str | None = None,
) -> tuple[list[Compared], list[EvaluatedPair]]:
    """Ask a pairwise judge about every pair of every case; see `openrubrics.evaluation.aevaluate`.

    Args:
        judge: Compares two responses; in as many orders as `orders` says.
        cases: Cases with pairs; see `Case.better`.
        source: Name of the benchmark.
        orders: How the judge compares: it is what `judge` was made with, and is not changed here.
        seed: For the slots of the responses.
        concurrency: Most comparisons under way at a time.
        on_result: Called with each judged pair.
        ledger: Where replies and judgments are kept.
        cluster: Where to judge; None for this process.
        answer_key: Field of `Case.meta` with the right answer, for a judge that takes a ``reference``.

    Returns:
        The answers, in the order of the cases, and what was judged for them.

    Raises:
        UsageError: As `aevaluate`.
        DataError: A pair was judged in more orders than `orders`.
    """
    asked = {case.id: case.pairs(source, answer_key) for case in cases}
    results = await aevaluate(
        judge,
        (pair for pairs in asked.values() for pair in pairs if pair),
        seed=seed,
        concurrency=concurrency,
        on_result=on_result,
        slim=True,
        ledger=ledger,
        cluster=cluster,
        answer_key=answer_key,
    )
    by_id = iter(results)
    answers = [Compared(case=case, outcomes=tuple(_outcomes(asked[case.id], by_id, orders))) for case in cases]
    return answers, results


def _outcomes(
    pairs: Sequence[PreferencePair | None], results: Iterator[EvaluatedPair], orders: Orders
) -> Iterator[tuple[Category, ...]]:
    for pair in pairs:
        if pair is None:
            yield ("tie",) * (2 if orders == "both" else 1)
        else:
            result = next(results)
            yield tuple(result.category(outcome) for outcome in comparisons(result, orders))


async def arate(
    scorer: Scorer,
    cases: Sequence[Case],
    *,
    concurrency: int = 16,
    on_result: Callable[[GradedResponse], None] | None = None,
    ledger: Ledger | None = None,
) -> tuple[list[Rated], list[GradedResponse]]:
    """Ask a scorer about every response of every case, under the rubric of the case where it has one.

    Args:
        scorer: Scores one response.
        cases: What to score.
        concurrency: Most responses under way, and most requests to LMs in flight, at a time.
        on_result: Called with each graded response as it is finished.
        ledger: Where replies and grades are kept, so that a run that was stopped goes on.

    Returns:
        The answers, in the order of the cases, and the grades, in the order of cases and responses; these without the
        model's replies.

    Raises:
        UsageError: `concurrency` is below 1, or the ledger cannot be written.
        DataError: The criteria of a case are no rubric, such as one without words; nothing was asked.
    """
    for case in cases:
        _check_criteria(case)
    ask = Direct(concurrency=concurrency, replies=ledger)
    items = [(case, place) for case in cases for place in range(len(case.responses))]
    grading = calls(
        partial(_graded, ask, scorer),
        enumerate(items),
        concurrency=concurrency,
        kept=_Kept(ledger) if ledger else None,
    )
    results: dict[int, GradedResponse] = {}
    async with aclosing(grading) as finished:
        async for index, result in finished:
            results[index] = result.model_copy(update={"grade": result.grade.model_copy(update={"raw": ()})})
            if on_result is not None:
                on_result(result)
    graded = [results[index] for index in range(len(results))]
    left = iter(graded)
    return [_rated(case, list(islice(left, len(case.responses)))) for case in cases], graded


Item = tuple[int, tuple[Case, int]]


async def _graded(ask: Direct, scorer: Scorer, item: Item) -> tuple[int, GradedResponse]:
    index, (case, place) = item
    response = case.responses[place]
    inputs = {"prompt": case.prompt, "response": response}
    if case.rubric:
        inputs["rubric"] = own_rubric(case.rubric)[0]
    grade = await ask(scorer, **inputs)
    return index, GradedResponse(
        id=case.id, subset=case.subset, response=place + 1, characters=len(response), grade=grade
    )


def _check_criteria(case: Case) -> None:
    try:
        if case.rubric:
            own_rubric(case.rubric)
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"]
        raise DataError(f"case {case.id!r} cannot be graded by its criteria: {reason}", "leave its row out") from error


def own_rubric(points: Sequence[Point]) -> tuple[Rubric, tuple[int, ...]]:
    """Return a benchmark's criteria as a rubric, and the 1-based place in it of each criterion.

    The weight is the size of the points; 1 for none. Criteria that say the same share a place: they are asked once.
    """
    made: dict[str, tuple[int, Criterion]] = {}
    places: list[int] = []
    for point in points:
        criterion = Criterion(text=point.text, kind="principle", weight=abs(point.points) or 1.0)
        place, _ = made.setdefault(criterion.text.casefold(), (len(made) + 1, criterion))
        places.append(place)
    return Rubric(criteria=tuple(criterion for _, criterion in made.values())), tuple(places)


def _rated(case: Case, graded: Sequence[GradedResponse]) -> Rated:
    met: tuple[tuple[bool | None, ...], ...] = ()
    if case.rubric:
        _, places = own_rubric(case.rubric)
        found = [{one.criterion: one.met for one in result.grade.met} for result in graded]
        met = tuple(tuple(known.get(place) for place in places) for known in found)
    return Rated(case=case, scores=tuple(result.grade.value for result in graded), met=met)


class _Kept:
    """The grades of a run in a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def known(self, item: Item) -> tuple[int, GradedResponse] | None:
        kept = self._ledger.take(item[0], _key(item))
        if kept is None:
            return None
        result = GradedResponse.model_validate_json(kept)
        record_again(result.grade.usage)
        return item[0], result

    def keep(self, item: Item, result: tuple[int, GradedResponse]) -> None:
        failed = isinstance(result[1].grade.outcome, Failed)
        self._ledger.finish(item[0], _key(item), line_of(result[1]), failed=failed)


def _key(item: Item) -> str:
    """Return a text that is equal for responses whose grades are the same line."""
    case, place = item[1]
    content = case.model_dump(mode="json", include={"id", "subset", "prompt", "rubric"})
    return json.dumps([content, place, case.responses[place]])
