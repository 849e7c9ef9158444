"""Splits by prompt: all pairs of one prompt are in one split, and no two splits share a prompt.

Two prompts are the same where their texts are (of a conversation, its transcript), after Unicode normalisation (NFKC),
case folding and with any white space as one space. Prompts that say the same in other words are different ones;
`openrubrics.data.EvaluationPrompts` finds those that share long passages.
"""

import hashlib
import math
from bisect import bisect
from collections.abc import Iterable, Mapping
from itertools import accumulate, combinations

from openrubrics.data.overlap import normalised
from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.model_text import excerpt
from openrubrics.signatures.values import PreferencePair, Prompt, prompt_text


def split_by_prompt(
    pairs: Iterable[PreferencePair], shares: Mapping[str, float], seed: int = 0
) -> dict[str, list[PreferencePair]]:
    """Divide pairs into splits; which one a pair goes to depends on its prompt, the shares and the seed alone.

    So a pair stays in its split when others are added, removed or reordered. Each prompt is drawn by itself, so the
    sizes come near the shares only where there are many prompts; with few, a split can be empty.

    Args:
        pairs: Any pairs; they keep their order.
        shares: Share of the prompts for each split by its name, in the order of the splits; they add up to 1.
        seed: Another seed is another division.

    Raises:
        UsageError: A share is not above 0, or they do not add up to 1.
    """
    _check(shares)
    splits: dict[str, list[PreferencePair]] = {name: [] for name in shares}
    for pair in pairs:
        splits[_drawn(_same(pair.prompt), shares, seed)].append(pair)
    return splits


def split_of(prompt: Prompt, shares: Mapping[str, float], seed: int = 0) -> str:
    """Return the split to which `split_by_prompt` gives all that has this prompt.

    Raises:
        UsageError: As there.
    """
    _check(shares)
    return _drawn(_same(prompt), shares, seed)


def check_disjoint(splits: Mapping[str, Iterable[PreferencePair]]) -> None:
    """Refuse splits of which two share a prompt.

    Args:
        splits: Pairs by the name of their split.

    Raises:
        DataError: The message says how many prompts are shared, and names the first.
    """
    prompts: dict[str, dict[str, PreferencePair]] = {name: {} for name in splits}
    for name, pairs in splits.items():
        for pair in pairs:
            prompts[name].setdefault(_same(pair.prompt), pair)
    for one, other in combinations(prompts, 2):
        shared = [prompt for prompt in prompts[one] if prompt in prompts[other]]
        if shared:
            here, there = prompts[one][shared[0]], prompts[other][shared[0]]
            raise DataError(
                f"{one} and {other} share {len(shared)} prompt{'s' * (len(shared) > 1)}; the first is that of pair "
                f"{here.id!r} of {one} and {there.id!r} of {other}: {excerpt(prompt_text(here.prompt))}",
                f"leave the rows of these prompts out of {one} or {other}, or divide all pairs anew with "
                "openrubrics.data.split_by_prompt",
            )


def _check(shares: Mapping[str, float]) -> None:
    if not all(share > 0 for share in shares.values()) or not math.isclose(sum(shares.values()), 1):
        given = ", ".join(f"{name} {share}" for name, share in shares.items())
        raise UsageError(f"the shares of the splits are {given or 'missing'}", "give shares above 0 that add up to 1")


def _same(prompt: Prompt) -> str:
    """Return what is equal for prompts that are the same."""
    return normalised(prompt_text(prompt))


def _drawn(prompt: str, shares: Mapping[str, float], seed: int) -> str:
    """Return the split of a prompt: its hash is a place between 0 and 1, where the shares lie side by side."""
    digest = hashlib.blake2b(f"{seed} {prompt}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    place = int.from_bytes(digest) / 2**64
    ends = list(accumulate(shares.values()))[:-1]  # the last share has what is left
    return list(shares)[bisect(ends, place)]
