"""Rewards of several responses to one prompt: from comparisons, from a scorer, or from a log."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from itertools import combinations
from pathlib import Path
from statistics import pstdev
from typing import Any

import orjson

from openrubrics.data import Candidates, in_bulk
from openrubrics.data.fields import shown
from openrubrics.data.rows import RowError
from openrubrics.data.sources_open import Address, open_rows
from openrubrics.evaluation.comparing import Meeting, Settled, answer_text, compare, score
from openrubrics.evaluation.run import PairJudge, Scorer
from openrubrics.programs import Direct
from openrubrics.programs.ranking import cycles
from openrubrics.signatures import Failed, Grade, Tie, prompt_text
from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.outcomes import Verdict
from openrubrics.signatures.values import Frozen, RankedResponses

SMALLEST_SPREAD = 1e-9
"""Standard deviation below which all rewards of a group are called equal."""

_LONGEST_TITLE = 80
_COMPLETIONS = ("response", "completion")


class Compared(Frozen):
    """What the comparisons within a group came to.

    Attributes:
        asked: Comparisons of two different responses.
        tied: Those without a preference.
        failed: Those without an outcome.
        cycles: Groups of responses that beat each other in a circle, as sorted positions.
    """

    asked: int
    tied: int
    failed: int
    cycles: tuple[tuple[int, ...], ...] = ()


class RewardGroup(Frozen):
    """The rewards of several responses to one prompt.

    Attributes:
        id: Of the prompt, or the group; in a log without ids the beginning of the prompt.
        rewards: One for each response; None where there is none.
        lengths: Characters of each response; empty where they are not known.
        ranked: Whether the responses are in order of preference, best first.
        compared: What their comparisons came to, where rewards come from comparisons.
    """

    id: str
    rewards: tuple[float | None, ...]
    lengths: tuple[int, ...] = ()
    ranked: bool = False
    compared: Compared | None = None

    @property
    def known(self) -> list[float]:
        """The rewards that there are."""
        return [reward for reward in self.rewards if reward is not None]


def spread(rewards: Sequence[float | None]) -> float | None:
    """Return the standard deviation of the rewards of a group; None where fewer than two are known."""
    known = [reward for reward in rewards if reward is not None]
    return pstdev(known) if len(known) > 1 else None


async def reward_by_comparing(
    judge: PairJudge,
    groups: Iterable[Candidates | RankedResponses],
    ask: Direct,
    *,
    seed: int = 0,
    on_result: Callable[[object], object] = lambda _: None,
) -> list[RewardGroup]:
    """Compare every two responses of each group; a reward is the share of its comparisons that a response wins.

    It is the reward of `openrubrics.train.RubricReward` in mode ``pairs``, and the comparisons say where preferences
    run in a circle.

    Args:
        judge: Compares two responses.
        groups: Prompts with their responses.
        ask: Runs the judge, and bounds its requests.
        seed: For the slots in which a judge sees two responses.
        on_result: Called after each comparison.

    Raises:
        LMError: The endpoint cannot answer at all, or a budget is used up.
    """
    given = list(groups)
    texts = [prompt_text(group.prompt) for group in given]
    meetings = (
        Meeting(text, one, other)
        for text, group in zip(texts, given, strict=True)
        for one, other in combinations(group.responses, 2)
    )
    found = await compare(judge, meetings, ask, seed=seed, on_result=on_result)
    return [_compared(group, text, found) for group, text in zip(given, texts, strict=True)]


def comparisons_within(groups: Iterable[Candidates | RankedResponses]) -> int:
    """Return how many comparisons `reward_by_comparing` asks for."""
    return sum(len(set(group.responses)) * (len(set(group.responses)) - 1) // 2 for group in groups)


def _compared(group: Candidates | RankedResponses, text: str, found: Mapping[Meeting, Settled]) -> RewardGroup:
    responses = group.responses
    said = {
        (i, j): found[Meeting(text, one, other)]
        for i, one in enumerate(responses)
        for j, other in enumerate(responses)
        if i != j
    }
    different = [settled.outcome for (i, j), settled in said.items() if i < j and responses[i] != responses[j]]
    beats: dict[int, set[int]] = {i: set() for i in range(len(responses))}
    for (i, j), (outcome, _) in said.items():
        if isinstance(outcome, Verdict) and outcome.preferred == "A":
            beats[i].add(j)
    return RewardGroup(
        id=group.id,
        rewards=tuple(score(said[i, j] for j in beats if j != i).share for i in beats),
        lengths=tuple(map(len, responses)),
        ranked=isinstance(group, RankedResponses),
        compared=Compared(
            asked=len(different),
            tied=sum(isinstance(outcome, Tie) for outcome in different),
            failed=sum(isinstance(outcome, Failed) for outcome in different),
            cycles=cycles(beats),
        ),
    )


async def reward_by_scoring(
    scorer: Scorer,
    groups: Iterable[Candidates | RankedResponses],
    ask: Direct,
    *,
    on_result: Callable[[object], object] = lambda _: None,
) -> list[RewardGroup]:
    """Score every response of each group.

    Args:
        scorer: Scores one response.
        groups: Prompts with their responses.
        ask: Runs the scorer, and bounds its requests.
        on_result: Called after each score.

    Raises:
        LMError: The endpoint cannot answer at all, or a budget is used up.
    """
    given = list(groups)

    async def scored(place: tuple[int, int]) -> tuple[tuple[int, int], Grade]:
        group = given[place[0]]
        return place, await ask(scorer, prompt=group.prompt, response=group.responses[place[1]])

    places = ((i, j) for i, group in enumerate(given) for j in range(len(group.responses)))
    values: dict[tuple[int, int], float | None] = {}
    async with aclosing(in_bulk(scored, places, concurrency=ask.concurrency)) as finished:
        async for place, grade in finished:
            values[place] = grade.value
            on_result(grade)
    return [
        RewardGroup(
            id=group.id,
            rewards=tuple(values[i, j] for j in range(len(group.responses))),
            lengths=tuple(map(len, group.responses)),
            ranked=isinstance(group, RankedResponses),
        )
        for i, group in enumerate(given)
    ]


def read_rewards(source: str | Path, *, column: str = "reward") -> list[RewardGroup]:
    """Read a log of rewards, such as the completions that TRL logs: rows of one response each.

    A row has the reward, a number or null, under `column`, and says to which group it belongs: by ``group``, else by
    ``prompt`` and, where there is one, ``step``. With ``response`` or ``completion`` (text, or messages), or a number
    ``length``, the lengths are known.

    Args:
        source: JSON Lines, JSON or Parquet files, or a data set.
        column: Name of the reward.

    Raises:
        DataError: The source cannot be read, or a row is not what it should be.
    """
    rewards: dict[str, list[float | None]] = {}
    lengths: dict[str, list[int | None]] = {}
    for place, row in open_rows(Address(str(source))):
        if isinstance(row, RowError):
            raise row
        if column not in row:
            raise DataError(f"{place}: field {column!r} is missing", "name the column of the rewards")
        group = _group(row)
        if group is None:
            raise DataError(f"{place}: neither 'group' nor 'prompt' says which rewards belong together")
        reward = row[column]
        if reward is not None and (isinstance(reward, bool) or not isinstance(reward, int | float)):
            raise DataError(f"{place}: field {column!r} is {shown(reward)}; expected a number, or null")
        if reward is not None and math.isinf(reward):
            raise DataError(f"{place}: field {column!r} is infinite")
        rewards.setdefault(group, []).append(None if reward is None or math.isnan(reward) else float(reward))
        lengths.setdefault(group, []).append(_length(row))
    if not rewards:
        raise DataError(f"{source} holds no rewards")
    return [
        RewardGroup(id=_title(group), rewards=tuple(values), lengths=tuple(_all_known(lengths[group])))
        for group, values in rewards.items()
    ]


def _group(row: Mapping[str, Any]) -> str | None:
    if row.get("group") is not None:
        return str(row["group"])
    if row.get("prompt") is None:
        return None
    prompt = row["prompt"] if isinstance(row["prompt"], str) else orjson.dumps(row["prompt"]).decode()
    return prompt if row.get("step") is None else f"step {row['step']}: {prompt}"


def _title(group: str) -> str:
    """Return the beginning of a group's name, which may be a whole prompt, on one line."""
    line = " ".join(group[: 4 * _LONGEST_TITLE].split())
    return line if len(line) <= _LONGEST_TITLE else line[: _LONGEST_TITLE - 3] + "..."


def _length(row: Mapping[str, Any]) -> int | None:
    if isinstance(row.get("length"), int):
        return row["length"]
    written = next((row[name] for name in _COMPLETIONS if row.get(name) is not None), None)
    if written is None:
        return None
    try:
        return len(answer_text(written, remove_thinking=False))
    except UsageError as error:
        raise DataError(error.message, error.hint) from error


def _all_known(lengths: Sequence[int | None]) -> Iterator[int]:
    """Yield the lengths of a group, none where one is missing."""
    if None not in lengths:
        yield from (length for length in lengths if length is not None)
