"""Preference pairs from a judge: the best and the worst of several samples, as rows for DPO."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from itertools import permutations
from typing import Any, Literal, TypedDict, TypeVar

from pydantic import JsonValue

from openrubrics.data import Candidates, Ledger, in_bulk
from openrubrics.evaluation import PairJudge
from openrubrics.evaluation.comparing import Meeting, answer_text, compare, score
from openrubrics.programs import Direct
from openrubrics.signatures import Failed, Message, PreferencePair, Prompt, Verdict, prompt_text
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.values import Frozen

T = TypeVar("T")

NoPair = Literal["tied", "failed"]
"""Why samples gave no pair: nothing separates best and worst, or it is not known whether something does."""


class PreferenceRow(TypedDict):
    """One row for `trl.DPOTrainer`, conversational.

    Attributes:
        prompt: Chat messages.
        chosen: One assistant message.
        rejected: One assistant message.
        chat_template_kwargs: Arguments of the chat template.
    """

    prompt: list[dict[str, str]]
    chosen: list[dict[str, str]]
    rejected: list[dict[str, str]]
    chat_template_kwargs: dict[str, bool]


class JudgedSamples(Frozen):
    """Pairs that a judge made of samples.

    Attributes:
        pairs: In the order of the samples. ``meta["judged"]`` holds the share of comparisons that chosen and rejected
            won, in [0, 1], and the number of responses.
        dropped: Number of prompts without a pair, by reason: ``tied`` or ``failed``.
        comparisons: Comparisons of different responses.
        failed: How many of them failed.
    """

    pairs: tuple[PreferencePair, ...]
    dropped: Mapping[NoPair, int]
    comparisons: int
    failed: int


class _Found(Frozen):
    place: int
    pair: PreferencePair | NoPair
    comparisons: int
    failed: int


async def ajudge_samples(
    judge: PairJudge,
    samples: Iterable[Candidates],
    *,
    seed: int = 0,
    concurrency: int = 16,
    remove_thinking: bool = True,
    on_pair: Callable[[PreferencePair], None] | None = None,
    ledger: Ledger | None = None,
) -> JudgedSamples:
    """Pair the best with the worst response to each prompt.

    All n (n - 1) / 2 pairs of different responses are compared under the one rubric of their prompt. The best response
    has won the largest share of its comparisons (ties count half, failed ones are left out), the worst the smallest;
    where several have, the first. The two are a pair if the judge also prefers the best in their own comparison, in
    both orders where it asks for both: Rubric-ARM labels a pair for DPO only then. How OpenRubrics picks pairs from its
    four samples is not published.

    Args:
        judge: Compares two responses, such as `openrubrics.RubricRM`.
        samples: Prompts with two responses or more; may be lazy.
        seed: For the slots in which a judge with ``orders="single"`` sees the responses.
        concurrency: Most prompts under way, and most requests to LMs in flight, at a time.
        remove_thinking: Whether the judge sees responses without their thoughts; pairs hold the whole texts.
        on_pair: Called with each pair when it is found, so not in the order of `samples`.
        ledger: Where every reply is kept when it comes, so that a run that goes on with the ledger of one that was
            stopped asks for nothing that was answered; begun with the judge's fingerprint and what else replies depend
            on. Without one, such a run begins again.

    Raises:
        UsageError: `concurrency` is below 1, or the judge has no LM.
        LMError: The endpoint cannot answer at all, or a budget is used up.
    """
    ask = Direct(concurrency=concurrency, replies=ledger)
    search = partial(_search, judge, ask, seed, remove_thinking)
    results: list[_Found] = []
    async with aclosing(in_bulk(search, enumerate(samples), concurrency=concurrency)) as finished:
        async for found in finished:
            results.append(found)
            if on_pair is not None and isinstance(found.pair, PreferencePair):
                on_pair(found.pair)
    results.sort(key=lambda found: found.place)
    return JudgedSamples(
        pairs=tuple(found.pair for found in results if isinstance(found.pair, PreferencePair)),
        dropped=Counter(found.pair for found in results if not isinstance(found.pair, PreferencePair)),
        comparisons=sum(found.comparisons for found in results),
        failed=sum(found.failed for found in results),
    )


async def _search(
    judge: PairJudge, ask: Direct, seed: int, remove_thinking: bool, item: tuple[int, Candidates]
) -> _Found:
    place, sample = item
    request = prompt_text(sample.prompt)
    answers = [answer_text(response, remove_thinking=remove_thinking) for response in sample.responses]
    places = range(len(answers))
    meetings = {(i, j): Meeting(request, answers[i], answers[j]) for i, j in permutations(places, 2)}
    found = await compare(judge, meetings.values(), ask, seed=seed)
    judged = [settled.outcome for meeting, settled in found.items() if meeting.one < meeting.other]
    shares = [score(found[meetings[i, j]] for j in places if j != i).share for i in places]
    return _Found(
        place=place,
        pair=_pair(sample, shares, lambda best, worst: found[meetings[best, worst]].outcome),
        comparisons=len(judged),
        failed=sum(isinstance(outcome, Failed) for outcome in judged),
    )


def _pair(
    sample: Candidates, shares: Sequence[float | None], outcome: Callable[[int, int], object]
) -> PreferencePair | NoPair:
    known = {place: share for place, share in enumerate(shares) if share is not None}
    if len(known) < 2:
        return "failed"
    best, worst = max(known, key=known.__getitem__), min(known, key=known.__getitem__)
    if best == worst:
        return "tied"
    between = outcome(best, worst)
    if isinstance(between, Failed):
        return "failed"
    if not isinstance(between, Verdict) or between.preferred != "A":
        return "tied"
    judged: JsonValue = {"chosen": known[best], "rejected": known[worst], "responses": len(shares)}
    return PreferencePair(
        id=sample.id,
        prompt=sample.prompt,
        chosen=sample.responses[best],
        rejected=sample.responses[worst],
        domain=sample.domain,
        source=sample.source,
        meta={**sample.meta, "judged": judged},
    )


def judge_samples(
    judge: PairJudge,
    samples: Iterable[Candidates],
    *,
    seed: int = 0,
    concurrency: int = 16,
    remove_thinking: bool = True,
    on_pair: Callable[[PreferencePair], None] | None = None,
    ledger: Ledger | None = None,
) -> JudgedSamples:
    """Do what `ajudge_samples` does, from code that is not asynchronous.

    Raises:
        UsageError: An event loop is already running here, as in a notebook, or as for `ajudge_samples`.
    """
    work = ajudge_samples(
        judge,
        samples,
        seed=seed,
        concurrency=concurrency,
        remove_thinking=remove_thinking,
        on_pair=on_pair,
        ledger=ledger,
    )
    return _run(work, "ajudge_samples")


async def abest_and_worst(
    judge: PairJudge, prompt: Prompt, responses: Sequence[str], *, seed: int = 0, concurrency: int = 16
) -> PreferencePair | None:
    """Return the best of several responses as chosen and the worst as rejected, by the rule of `ajudge_samples`.

    Returns:
        None where nothing separates them, or their comparison failed.

    Raises:
        UsageError: There are fewer than two responses, or as for `ajudge_samples`.
        LMError: The endpoint cannot answer at all, or a budget is used up.
    """
    if len(responses) < 2:
        raise UsageError(f"{len(responses)} response(s) given, but a pair takes at least two")
    sample = Candidates(id="1", prompt=prompt, responses=tuple(responses))
    judged = await ajudge_samples(judge, [sample], seed=seed, concurrency=concurrency)
    return judged.pairs[0] if judged.pairs else None


def best_and_worst(
    judge: PairJudge, prompt: Prompt, responses: Sequence[str], *, seed: int = 0, concurrency: int = 16
) -> PreferencePair | None:
    """Do what `abest_and_worst` does, from code that is not asynchronous.

    Raises:
        UsageError: An event loop is already running here, as in a notebook, or as for `abest_and_worst`.
    """
    return _run(abest_and_worst(judge, prompt, responses, seed=seed, concurrency=concurrency), "abest_and_worst")


def _run(work: Coroutine[Any, Any, T], instead: str) -> T:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    work.close()
    raise UsageError(f"{instead[1:]}() cannot run inside an event loop", f"write: await {instead}(...)")


def preference_rows(pairs: Iterable[PreferencePair], *, thinking: bool = False) -> list[PreferenceRow]:
    """Return pairs, from a judge or from anywhere, as rows for `trl.DPOTrainer`.

    Args:
        pairs: The pairs.
        thinking: What ``enable_thinking`` of the chat template is; with False, Qwen3's puts an empty block of thoughts
            into the prompt, in training as in serving, so that no loss falls on it.
    """
    return [
        PreferenceRow(
            prompt=_messages(pair.prompt),
            chosen=[{"role": "assistant", "content": pair.chosen}],
            rejected=[{"role": "assistant", "content": pair.rejected}],
            chat_template_kwargs={"enable_thinking": thinking},
        )
        for pair in pairs
    ]


def _messages(prompt: Prompt) -> list[dict[str, str]]:
    turns = (Message(role="user", content=prompt),) if isinstance(prompt, str) else prompt
    return [{"role": turn.role, "content": turn.content} for turn in turns]
