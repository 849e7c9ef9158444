"""Judge labelled pairs, many at a time."""

import asyncio
import inspect
import json
from collections.abc import Callable, Iterable
from contextlib import aclosing
from functools import partial
from typing import Protocol

from openrubrics.data import Cluster, Ledger, calls, shown_responses
from openrubrics.evaluation.results import EvaluatedPair
from openrubrics.lms.metering import record_again
from openrubrics.programs import Direct, Program
from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.grades import Grade
from openrubrics.signatures.model_text import excerpt
from openrubrics.signatures.outcomes import Failed, Judgment
from openrubrics.signatures.values import PreferencePair, Prompt, Rubric

_REPEAT_BITS = 40
"""Places of one run in a ledger; those of the next come after them."""


class PairJudge(Protocol):
    """Anything that compares two responses to a prompt, such as `RubricRM`."""

    async def acall(self, *, prompt: Prompt, response_a: str, response_b: str) -> Judgment:
        """Return the judgment; what went wrong with this comparison alone is a `Failed` outcome in it."""
        ...


class Scorer(Protocol):
    """Anything that scores one response to a prompt, such as `RubricScorer`."""

    async def acall(self, *, prompt: Prompt, response: str, rubric: Rubric | None = None) -> Grade:
        """Return the grade; what went wrong with this response alone is a `Failed` outcome in it.

        Args:
            prompt: The request.
            response: The answer.
            rubric: The rubric to grade by; None where the scorer has or writes its own, or needs none.
        """
        ...


async def aevaluate(  # noqa: PLR0913 - all but two have defaults
    judge: PairJudge,
    pairs: Iterable[PreferencePair],
    *,
    seed: int = 0,
    concurrency: int = 16,
    on_result: Callable[[EvaluatedPair], None] | None = None,
    slim: bool = False,
    ledger: Ledger | None = None,
    repeat: int = 0,
    start: int = 0,
    cluster: Cluster | None = None,
    answer_key: str | None = None,
) -> list[EvaluatedPair]:
    """Judge every pair, with the chosen response in a slot drawn from the pair's id and `seed`.

    Nothing but the prompt and the two responses reaches the judge, and with an answer key the right answer. An
    exception, from the judge (such as `LMError`), from `pairs` or from `on_result`, ends the run: what is under way is
    cancelled, and the exception is raised.

    With a ledger every reply of an LM is kept when it comes, and every judgment as its line of judgments.jsonl. A run
    that goes on with the ledger of one that was stopped asks for nothing that was answered, whatever became of the
    order of `pairs`, and judges only what was not judged, by id, domain, source, prompt and responses;
    `Ledger.records` then gives the lines in the order of `pairs`. Meters (`openrubrics.lms.usage_meter`) count what was
    paid before once more; budgets do not. Workers of a cluster cannot reach the ledger: what is kept there are
    judgments alone, when they come back.

    Args:
        judge: Compares two responses.
        pairs: May be lazy; at most `concurrency` are held, for a cluster see `openrubrics.data.in_cluster`.
        seed: For the slots.
        concurrency: Most pairs under way, and most requests to LMs in flight, at a time, here or in each worker.
        on_result: Called with each result as it is finished, so not in the order of `pairs`; also with those that the
            ledger holds.
        slim: Return each result without its texts (`EvaluatedPair.slim`), so that memory does not grow with them.
        ledger: Where replies and judgments are kept; begun with all that the judgments depend on.
        repeat: Number of the run, from 0, where runs on the same pairs share a ledger; each has replies of its own.
        start: Place of the first pair in the ledger, where one run judges its pairs in several parts.
        cluster: Where to judge; None for this process.
        answer_key: Field of `PreferencePair.meta` that holds the right answer, for a judge that takes a ``reference``;
            a pair without it is judged without.

    Returns:
        The results, in the order of `pairs`.

    Raises:
        UsageError: `concurrency` is below 1, the ledger cannot be written, or the judge takes no right answer.
        DataError: What a pair has in the field is no text and no number.
    """
    if answer_key is not None and not _takes_reference(judge):
        raise UsageError(
            f"answer_key is {answer_key!r}, but {type(judge).__name__} takes no right answer",
            "AdaptiveRubricJudge does, and any judge whose acall has a parameter reference",
        )
    salt = f"repeat {repeat}" if repeat else ""
    ask = Direct(concurrency=concurrency, replies=None if cluster else ledger, salt=salt)
    judging = calls(
        partial(_judged, ask, judge, seed, answer_key),
        enumerate(pairs),
        concurrency=concurrency,
        kept=_Kept(ledger, (repeat << _REPEAT_BITS) + start, salt, answer_key) if ledger else None,
        cluster=cluster,
    )
    results: dict[int, EvaluatedPair] = {}
    async with aclosing(judging) as finished:
        async for index, result in finished:
            results[index] = result.slim() if slim else result
            if on_result is not None:
                on_result(result)
    return [results[index] for index in range(len(results))]


async def _judged(
    ask: Direct, judge: PairJudge, seed: int, answer_key: str | None, item: tuple[int, PreferencePair]
) -> tuple[int, EvaluatedPair]:
    place, pair = item
    a, b = shown_responses(pair, seed)
    reference = reference_of(pair, answer_key)
    known = {} if reference is None else {"reference": reference}
    judgment = await ask(judge, prompt=pair.prompt, response_a=a, response_b=b, **known)
    return place, EvaluatedPair.of(pair, judgment, seed=seed)


def _takes_reference(judge: PairJudge) -> bool:
    parameters = inspect.signature(judge.steps if isinstance(judge, Program) else judge.acall).parameters
    return any(one.name == "reference" or one.kind is one.VAR_KEYWORD for one in parameters.values())


def reference_of(pair: PreferencePair, answer_key: str | None) -> str | None:
    """Return the right answer that a pair holds in a field of its meta; None where it holds none there.

    Raises:
        DataError: What it holds there is no text and no number.
    """
    found = None if answer_key is None else pair.meta.get(answer_key)
    if isinstance(found, int | float) and not isinstance(found, bool):
        return str(found)
    if found is None or (isinstance(found, str) and not found.strip()):
        return None
    if isinstance(found, str):
        return found
    raise DataError(
        f"pair {pair.id!r}: meta.{answer_key} is {excerpt(repr(found))}", "an answer key is text or a number"
    )


class _Kept:
    """The judgments of one run in a ledger."""

    def __init__(self, ledger: Ledger, first: int, salt: str, answer_key: str | None) -> None:
        self._ledger = ledger
        self._first = first
        self._salt = salt
        self._answer_key = answer_key

    def known(self, item: tuple[int, PreferencePair]) -> tuple[int, EvaluatedPair] | None:
        place, pair = item
        kept = self._ledger.take(self._first + place, self._key(pair))
        if kept is None:
            return None
        result = EvaluatedPair.model_validate_json(kept)
        record_again(result.judgment.usage)
        return place, result

    def keep(self, item: tuple[int, PreferencePair], result: tuple[int, EvaluatedPair]) -> None:
        place, pair = item
        failed = isinstance(result[1].judgment.outcome, Failed)
        self._ledger.finish(self._first + place, self._key(pair), result[1].line(), failed=failed)

    def _key(self, pair: PreferencePair) -> str:
        """Return a text that is equal for pairs whose judgments are the same line."""
        prompt = pair.prompt if isinstance(pair.prompt, str) else [turn.model_dump() for turn in pair.prompt]
        content = [self._salt, pair.id, pair.domain, pair.source, prompt, pair.chosen, pair.rejected]
        reference = reference_of(pair, self._answer_key)
        return json.dumps(content if reference is None else [*content, reference])


def evaluate(
    judge: PairJudge,
    pairs: Iterable[PreferencePair],
    *,
    seed: int = 0,
    concurrency: int = 16,
    on_result: Callable[[EvaluatedPair], None] | None = None,
    slim: bool = False,
    ledger: Ledger | None = None,
    repeat: int = 0,
    cluster: Cluster | None = None,
    answer_key: str | None = None,
) -> list[EvaluatedPair]:
    """Do what `aevaluate` does, from code that is not asynchronous.

    Raises:
        UsageError: An event loop is already running here, as in a notebook, or as for `aevaluate`.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(
            aevaluate(
                judge,
                pairs,
                seed=seed,
                concurrency=concurrency,
                on_result=on_result,
                slim=slim,
                ledger=ledger,
                repeat=repeat,
                cluster=cluster,
                answer_key=answer_key,
            )
        )
    raise UsageError("evaluate() cannot run inside an event loop", "write: await aevaluate(...)")
