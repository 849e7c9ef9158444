"""Answers to one request compared two by two, and the share of its comparisons that each of them wins."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from statistics import fmean
from typing import Any, NamedTuple

from openrubrics.data import in_bulk
from openrubrics.evaluation.run import PairJudge
from openrubrics.programs import Direct
from openrubrics.signatures import Failed, Outcome, Tie, Verdict
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.model_text import excerpt, without_thinking
from openrubrics.signatures.outcomes import Judgment
from openrubrics.signatures.values import Frozen

_END_OF_THOUGHTS = "</think>"

Completion = str | Sequence[Mapping[str, Any]]
"""What a policy wrote: text, or messages such as ``{"role": "assistant", "content": ...}``."""


class Meeting(NamedTuple):
    """Two answers to compare.

    Attributes:
        prompt: The text of the request.
        one: An answer; outcomes call it A.
        other: Another one.
    """

    prompt: str
    one: str
    other: str


class Settled(NamedTuple):
    """What a meeting came to.

    Attributes:
        outcome: Which answer is better.
        margin: Mean of the judge's own scores over the orders that were shown, above 0 where A is better; None where
            the judge gives none, or code decided.
    """

    outcome: Outcome
    margin: float | None = None

    def swapped(self) -> "Settled":
        """Return the same with the names A and B exchanged."""
        return Settled(self.outcome.swapped(), None if self.margin is None else 0.0 - self.margin)


class Score(Frozen):
    """What the comparisons of one answer came to.

    Attributes:
        won: Comparisons in which it was preferred.
        tied: Comparisons in which neither was.
        lost: Comparisons in which the other one was.
        failed: Comparisons without an outcome.
        reason: Why the first of these failed.
    """

    won: int = 0
    tied: int = 0
    lost: int = 0
    failed: int = 0
    reason: str = ""

    @property
    def readable(self) -> int:
        """Comparisons with an outcome."""
        return self.won + self.tied + self.lost

    @property
    def share(self) -> float | None:
        """(won + tied / 2) / (won + tied + lost), in [0, 1]; None where no comparison has an outcome."""
        return (self.won + self.tied / 2) / self.readable if self.readable else None

    def __str__(self) -> str:
        failed = f", {self.failed} failed ({self.reason})" if self.failed else ""
        return f"{self.won} won, {self.tied} tied, {self.lost} lost{failed}"


def answer_text(completion: Completion, *, remove_thinking: bool) -> str:
    """Return the answer that a judge is to read.

    Args:
        completion: Of messages the last one of the assistant counts; one without text, as beside tool calls, is empty.
        remove_thinking: Take off all up to the end of the thoughts, also where the prompt opened them; thoughts that
            were cut before their end leave the empty answer.

    Raises:
        UsageError: It is neither text nor messages with one of the assistant.
    """
    text = completion if isinstance(completion, str) else _last_turn(completion)
    if not remove_thinking:
        return text
    answer = without_thinking(text)
    if answer is None:  # the end of the thoughts is in the middle of a line, or nowhere
        answer = text.partition(_END_OF_THOUGHTS)[2]
    return answer if answer == text else answer.lstrip()


def _last_turn(messages: Sequence[Mapping[str, Any]]) -> str:
    try:
        content = [message["content"] for message in messages if message["role"] == "assistant"][-1]
        if content is None or isinstance(content, str):
            return content or ""
    except (TypeError, KeyError, IndexError):
        pass
    raise UsageError(
        f"an answer cannot be read from {excerpt(repr(messages))}",
        'give a text, or messages with {"role": "assistant", "content": "..."}',
    )


async def compare(
    judge: PairJudge,
    meetings: Iterable[Meeting],
    ask: Direct,
    *,
    seed: int,
    on_result: Callable[[Outcome], object] = lambda _: None,
) -> dict[Meeting, Settled]:
    """Return what each meeting came to, and each with the answers exchanged.

    Two answers to a request are judged once, however often they meet, in slots drawn from their texts and `seed`, so
    that the order in which they come has no effect. Equal answers tie, and nobody is asked.

    Args:
        judge: Compares two responses.
        meetings: In any order, with repeats.
        ask: Runs the judge, and bounds its requests.
        seed: For the slots.
        on_result: Called with each outcome that was asked for.

    Raises:
        LMError: The endpoint cannot answer at all, or a budget is used up.
        UsageError: The judge has no LM, or cannot take the prompt.
    """
    found: dict[Meeting, Settled] = {}
    to_judge: dict[Meeting, None] = {}
    for meeting in meetings:
        if meeting.one == meeting.other:
            found[meeting] = Settled(Tie(reason="the responses are the same text"))
        else:
            to_judge[_as_shown(meeting, seed)] = None
    judging = in_bulk(partial(_judged, ask, judge), to_judge, concurrency=ask.concurrency)
    async with aclosing(judging) as judged:
        async for meeting, settled in judged:
            found[meeting] = settled
            found[_exchanged(meeting)] = settled.swapped()
            on_result(settled.outcome)
    return found


async def _judged(ask: Direct, judge: PairJudge, meeting: Meeting) -> tuple[Meeting, Settled]:
    judgment: Judgment = await ask(judge, prompt=meeting.prompt, response_a=meeting.one, response_b=meeting.other)
    scores = [shown.score for shown in judgment.orders]
    known = [each for each in scores if each is not None]
    return meeting, Settled(judgment.outcome, fmean(known) if known and len(known) == len(scores) else None)


def _exchanged(meeting: Meeting) -> Meeting:
    return Meeting(meeting.prompt, meeting.other, meeting.one)


def _as_shown(meeting: Meeting, seed: int) -> Meeting:
    """Return the meeting as the judge sees it, whichever way round it is given."""
    first, second = sorted((meeting.one, meeting.other))
    shown = Meeting(meeting.prompt, first, second)
    return _exchanged(shown) if draw(seed, *shown) & 1 else shown


def draw(seed: int, *texts: str) -> int:
    """Return 64 bits that look random, and are the same for the same seed and texts."""
    digest = hashlib.blake2b(str(seed).encode(), digest_size=8)
    for text in texts:
        content = text.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(content))
        digest.update(content)
    return int.from_bytes(digest.digest())


def score(found: Iterable[Settled]) -> Score:
    """Count outcomes for the answer that they call A."""
    won = tied = lost = failed = 0
    reason = ""
    for outcome, _ in found:
        match outcome:
            case Verdict(preferred="A"):
                won += 1
            case Verdict():
                lost += 1
            case Tie():
                tied += 1
            case Failed():
                failed += 1
                reason = reason or outcome.reason
    return Score(won=won, tied=tied, lost=lost, failed=failed, reason=reason)
