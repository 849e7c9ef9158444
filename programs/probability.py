"""The probability of a verdict, from the log-probabilities of the token that names the winner."""

import math
from collections.abc import Sequence
from typing import Protocol

from openrubrics.signatures.markers import VERDICT
from openrubrics.signatures.values import OTHER, Label


class Alternative(Protocol):
    """A token and its natural log-probability."""

    token: str
    logprob: float


class Token(Alternative, Protocol):
    """A generated token with the alternatives that the endpoint returned for its place."""

    top_logprobs: Sequence[Alternative]


def verdict_probability(tokens: Sequence[Token], winner: Label) -> float | None:
    """Return P(winner) / (P(winner) + P(other)) at the token that names the winner, in [0, 1].

    Where the other name is not among the returned alternatives, its probability is taken as that of the least likely
    one of them, which it cannot exceed; so the result is then a lower bound.

    Returns:
        None where no token after the last "Winner:" names the winner, or no alternatives were returned.
    """
    text = "".join(token.token for token in tokens)
    verdicts = list(VERDICT.finditer(text))
    if not verdicts:
        return None
    position = 0
    for token in tokens:
        position += len(token.token)
        if position > verdicts[-1].end() and _names(token.token, winner):
            return _share(token, winner)
    return None


def _share(token: Token, winner: Label) -> float | None:
    alternatives = list(token.top_logprobs)
    if not alternatives:
        return None
    mass = {label: sum(math.exp(a.logprob) for a in alternatives if _names(a.token, label)) for label in OTHER}
    chosen = mass[winner] or math.exp(token.logprob)
    other = mass[OTHER[winner]] or min(math.exp(a.logprob) for a in alternatives)
    return chosen / (chosen + other)


def _names(token: str, label: Label) -> bool:
    words = token.replace("_", " ").split()
    return bool(words) and words[-1].strip("*<>[](){}\"'`.:") == label
