"""Judge labelled pairs, many at a time."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing
from typing import Protocol

from openrubrics.data import in_bulk, shown_responses
from openrubrics.evaluation.results import EvaluatedPair
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.values import Judgment, PreferencePair, Prompt


class PairJudge(Protocol):
    """Anything that compares two responses to a prompt, such as `RubricRM`."""

    async def acall(self, *, prompt: Prompt, response_a: str, response_b: str) -> Judgment:
        """Return the judgment; what went wrong with this comparison alone is a `Failed` outcome in it."""
        ...


async def aevaluate(
    judge: PairJudge,
    pairs: Iterable[PreferencePair],
    *,
    seed: int = 0,
    concurrency: int = 16,
    on_result: Callable[[EvaluatedPair], None] | None = None,
    slim: bool = False,
) -> list[EvaluatedPair]:
    """Judge every pair, with the chosen response in a slot drawn from the pair's id and `seed`.

    Nothing but the prompt and the two responses reaches the judge. An exception, from the judge (such as `LMError`),
    from `pairs` or from `on_result`, ends the run: what is under way is cancelled, and the exception is raised.

    Args:
        judge: Compares two responses.
        pairs: May be lazy; at most `concurrency` are held.
        seed: For the slots.
        concurrency: Most pairs under way at a time.
        on_result: Called with each result as it is finished, so not in the order of `pairs`.
        slim: Return each result without its texts (`EvaluatedPair.slim`), so that memory does not grow with them.

    Returns:
        The results, in the order of `pairs`.

    Raises:
        UsageError: `concurrency` is below 1.
    """

    async def judged(place: tuple[int, PreferencePair]) -> tuple[int, EvaluatedPair]:
        index, pair = place
        a, b = shown_responses(pair, seed)
        judgment = await judge.acall(prompt=pair.prompt, response_a=a, response_b=b)
        return index, EvaluatedPair.of(pair, judgment, seed=seed)

    results: dict[int, EvaluatedPair] = {}
    async with aclosing(in_bulk(judged, enumerate(pairs), concurrency=concurrency)) as finished:
        async for index, result in finished:
            results[index] = result.slim() if slim else result
            if on_result is not None:
                on_result(result)
    return [results[index] for index in range(len(results))]


def evaluate(
    judge: PairJudge,
    pairs: Iterable[PreferencePair],
    *,
    seed: int = 0,
    concurrency: int = 16,
    on_result: Callable[[EvaluatedPair], None] | None = None,
    slim: bool = False,
) -> list[EvaluatedPair]:
    """Do what `aevaluate` does, from code that is not asynchronous.

    Raises:
        UsageError: An event loop is already running here, as in a notebook, or `concurrency` is below 1.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(aevaluate(judge, pairs, seed=seed, concurrency=concurrency, on_result=on_result, slim=slim))
    raise UsageError("evaluate() cannot run inside an event loop", "write: await aevaluate(...)")
