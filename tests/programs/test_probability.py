"""The probability of a verdict is read at the token that names the winner."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from openrubrics.programs.probability import Alternative, verdict_probability


@dataclass
class Token:
    token: str
    logprob: float = 0.0
    top_logprobs: Sequence[Alternative] = ()


def _chosen(text: str, **alternatives: float) -> Token:
    tops = tuple(Token(name.replace("_", " "), math.log(p)) for name, p in alternatives.items())
    return Token(text, math.log(0.5), tops)


def _reply(*tokens: str | Token) -> list[Token]:
    return [token if isinstance(token, Token) else Token(token) for token in tokens]


def test_it_is_the_share_of_both_names() -> None:
    tokens = _reply("Winner:", " Response", _chosen(" A", _A=0.6, _B=0.2, _C=0.2))
    assert verdict_probability(tokens, "A") == pytest.approx(0.75)


@pytest.mark.parametrize("split", [("Win", "ner", ":"), ("Winner", ":"), ("...\nWinner: Response",), ("Winner：",)])
def test_tokens_may_split_anywhere(split: tuple[str, ...]) -> None:
    assert verdict_probability(_reply(*split, _chosen(" B", _A=0.1, _B=0.9)), "B") == pytest.approx(0.9)


def test_spellings_of_a_name_add_up() -> None:
    tokens = _reply("Winner:", _chosen(" A", **{"A": 0.3, "_A": 0.3, "**A**": 0.1, "_B": 0.3}))
    assert verdict_probability(tokens, "A") == pytest.approx(0.7)


def test_a_name_that_was_not_returned_counts_as_the_least_likely_one() -> None:
    tokens = _reply("Winner:", _chosen(" A", _A=0.8, _C=0.15, _D=0.05))
    assert verdict_probability(tokens, "A") == pytest.approx(0.8 / 0.85)


def test_a_winner_that_is_not_among_the_alternatives_has_its_own_score() -> None:
    tokens = _reply("Winner:", _chosen(" A", _B=0.25))
    assert verdict_probability(tokens, "A") == pytest.approx(0.5 / 0.75)


def test_only_the_last_verdict_counts() -> None:
    quoted = _chosen(" A", _A=0.99, _B=0.01)
    tokens = _reply("Winner:", quoted, "\nWinner:", " Response", _chosen(" A", _A=0.6, _B=0.4))
    assert verdict_probability(tokens, "A") == pytest.approx(0.6)


def test_names_before_the_verdict_do_not_count() -> None:
    tokens = _reply("Response", _chosen(" A", _A=0.99, _B=0.01), " is good. Winner:", _chosen(" A", _A=0.6, _B=0.4))
    assert verdict_probability(tokens, "A") == pytest.approx(0.6)


@pytest.mark.parametrize(
    "tokens",
    [
        [],
        _reply("Response", _chosen(" A", _A=0.9)),
        _reply("Winner:", " Response", " A"),
        _reply("Winner:", " Response", _chosen(" B", _B=0.9)),
    ],
    ids=["nothing", "no verdict", "no alternatives", "another name"],
)
def test_what_was_not_measured_is_none(tokens: list[Token]) -> None:
    assert verdict_probability(tokens, "A") is None
