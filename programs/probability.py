"""The probability of a verdict, from the log-probabilities of the token that names the winner."""

import math
import re
from collections.abc import Sequence
from typing import Protocol

from openrubrics.signatures.markers import VERDICT
from openrubrics.signatures.values import OTHER, Label

_LABEL = re.compile(r"(?<![^\W_])[ab](?![^\W_])", re.IGNORECASE)
_LABEL_AT_END = re.compile(r"(?<![^\W_])([ab])[\W_]{0,8}\Z", re.IGNORECASE)


class Alternative(Protocol):
    """A token and its natural log-probability."""

    token: str
    logprob: float


class Token(Alternative, Protocol):
    """A generated token with the alternatives that the endpoint returned for its place."""

    top_logprobs: Sequence[Alternative]


def verdict_probability(tokens: Sequence[Token], winner: Label) -> float | None:
    """Return P(winner) / (P(winner) + P(other)) at the token that names the winner, in [0, 1].

    All spellings of a name count ("A", " a", "**A"). Where the other name is not among the returned tokens, it has at
    most the probability that they leave over, and is taken to have all of it: the result is then a lower bound. With
    the winner as the only returned token, that is the winner's own probability.

    Returns:
        None where the first name after the last "Winner:" is not the winner's, no alternatives were returned, or
        neither name has a probability that a float can hold.
    """
    token = _naming_token(tokens, winner)
    return _share(token, winner) if token is not None and token.top_logprobs else None


def _naming_token(tokens: Sequence[Token], winner: Label) -> Token | None:
    text = "".join(token.token for token in tokens)
    verdicts = list(VERDICT.finditer(text))
    named = _LABEL.search(text, verdicts[-1].end()) if verdicts else None
    if named is None or named[0].upper() != winner:
        return None
    position = 0
    for token in tokens:
        position += len(token.token)
        if position > named.start():
            return token
    return None


def _share(token: Token, winner: Label) -> float | None:
    returned = {token.token: token.logprob} | {other.token: other.logprob for other in token.top_logprobs}
    probability = {text: math.exp(min(logprob, 0.0)) for text, logprob in returned.items()}
    chosen = sum(p for text, p in probability.items() if text == token.token or _names(text, winner))
    others = [p for text, p in probability.items() if _names(text, OTHER[winner])]
    if chosen + sum(others) == 0:
        return None
    other = sum(others) if others else max(0.0, 1.0 - sum(probability.values()))
    return chosen / (chosen + other)


def _names(token: str, label: Label) -> bool:
    found = _LABEL_AT_END.search(token)
    return found is not None and found[1].upper() == label
