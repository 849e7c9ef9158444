"""Labelled pairs whose better response shows one quality, while the worse one of some pairs is longer or fancier."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from openrubrics.signatures import Criterion, PreferencePair


@dataclass(frozen=True)
class Quality:
    """What makes a response better.

    Attributes:
        criterion: How a rubric says it.
        marks: Sentences, one of which stands in every response that has the quality, and in no other.
        remark: What a judge notes where no criterion asks for it.
    """

    criterion: str
    marks: tuple[str, ...]
    remark: str

    def is_in(self, response: str) -> bool:
        return any(mark in response for mark in self.marks)

    def as_criterion(self) -> Criterion:
        return Criterion(text=self.criterion, kind="principle")


QUALITIES = {
    "relevance": Quality(
        "The response keeps to the question that was asked.",
        ("That is what you asked, so to that.", "On your very question, then.", "Your point deserves a plain reply."),
        "it keeps to the question",
    ),
    "evidence": Quality(
        "The response supports what it claims with evidence.",
        ("The records of the city say so.", "A survey of last year found this.", "There is a published trial on it."),
        "it names where its claims come from",
    ),
    "candour": Quality(
        "The response admits what is not known.",
        ("Nobody has measured that so far.", "Part of this is an open question.", "Those who study it do not agree."),
        "it says what it is unsure of",
    ),
    "directness": Quality(
        "The response answers first and explains afterwards.",
        (
            "Yes, and here is the reason for it.",
            "In a word: it depends upon you.",
            "No, and the reason is a simple one.",
        ),
        "it gives the answer in its first words",
    ),
}
"""Relevance is what the writer of rubrics asks for unprompted; the others have to be planted."""

CLEAR = Criterion(text="The response is clear.", kind="principle")
"""A criterion that separates nothing."""

LURES = ("length", "polish")
"""What the judge falls for: a response that is twice as long, or one with a heading and bold type."""

_CELLS: dict[tuple[str, str], int] = {
    ("relevance", ""): 10,
    ("relevance", "length"): 2,
    ("relevance", "polish"): 2,
    ("evidence", ""): 3,
    ("evidence", "length"): 1,
    ("candour", ""): 2,
    ("candour", "polish"): 1,
    ("directness", ""): 2,
    ("directness", "length"): 1,
}
BLOCK = sum(_CELLS.values())
"""A split holds a multiple of so many pairs, so that its accuracies are known exactly."""

_ACTIVITIES = (
    "learning the violin", "keeping bees", "baking bread", "growing tomatoes", "repairing bicycles", "swimming",
    "painting walls", "writing letters", "sailing", "chess", "knitting", "collecting rainwater",
)  # fmt: skip
_PEOPLE = (
    "a beginner", "a family of five", "someone of seventy", "a shift worker", "a student", "a busy parent",
    "two flatmates", "a small club", "a village school", "someone in a flat", "a retired couple", "a night owl",
)  # fmt: skip
_OPENERS = (
    "Many people think about this.",
    "There is more to it than that.",
    "Much has been said about it.",
)
_FILLERS = (
    "It takes some patience, and most of it is practice.",
    "A quiet place helps, and so does a fixed hour.",
    "The first weeks are the hardest, then it becomes a habit.",
    "Good tools cost more, yet they last longer.",
    "Many towns have a group that meets once a week.",
    "Start with little and add to it when it goes well.",
    "Some people keep a notebook of what they have tried.",
    "It is easy to do too much on the first day.",
    "A friend who joins in makes it easier to go on.",
)


class Splits(NamedTuple):
    """Pairs for the search and for the report."""

    train: list[PreferencePair]
    val: list[PreferencePair]
    test: list[PreferencePair]


def splits(train: int = BLOCK, val: int = BLOCK, test: int = 2 * BLOCK, seed: int = 0) -> Splits:
    """Return three sets of pairs with different prompts, in which `BLOCK` pairs are always mixed alike."""
    draw = random.Random(seed)
    prompts = list(product(_ACTIVITIES, _PEOPLE))
    draw.shuffle(prompts)
    ids = iter(range(len(prompts)))
    return Splits(*([*_pairs(size, prompts, ids, draw)] for size in (train, val, test)))


def _pairs(
    size: int, prompts: Sequence[tuple[str, str]], ids: Iterator[int], draw: random.Random
) -> Iterator[PreferencePair]:
    assert size % BLOCK == 0, f"{size} is no multiple of {BLOCK}"
    for _ in range(size // BLOCK):
        cells = [cell for cell, count in _CELLS.items() for _ in range(count)]
        draw.shuffle(cells)
        for quality, lure in cells:
            number = next(ids)
            activity, person = prompts[number]
            chosen, rejected = _responses(QUALITIES[quality], lure, draw)
            yield PreferencePair(
                id=f"planted-{number}",
                prompt=f"Is {activity} worth it for {person}?",
                chosen=chosen,
                rejected=rejected,
                domain="planted",
                meta={"quality": quality, "lure": lure},
            )


def _responses(quality: Quality, lure: str, draw: random.Random) -> tuple[str, str]:
    opener = draw.choice(_OPENERS)
    one, two, three, *more = draw.sample(_FILLERS, len(_FILLERS))
    chosen = f"{draw.choice(quality.marks)} {one} {two}"
    if lure == "length":
        return chosen, " ".join([opener, two, three, *more])
    if lure == "polish":
        return chosen, f"## Worth it?\n**{opener[:-1]}**\n{two} {three}"
    return chosen, f"{opener} {two} {three}"


def is_longer(one: str, other: str) -> bool:
    return len(one) > 2 * len(other)


def is_fancier(one: str, other: str) -> bool:
    return "**" in one and "**" not in other
