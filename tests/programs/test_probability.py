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


def test_a_name_that_was_not_returned_counts_as_all_that_is_left_over() -> None:
    tokens = _reply("Winner:", _chosen(" A", _A=0.8, _C=0.1, _D=0.05))
    assert verdict_probability(tokens, "A") == pytest.approx(0.8 / 0.85)


def test_a_winner_that_is_the_only_token_returned_has_its_own_probability() -> None:
    tokens = _reply("Winner:", _chosen(" A", _A=0.9))
    assert verdict_probability(tokens, "A") == pytest.approx(0.9)


IMPOSSIBLE = -9999.0


def test_names_without_any_probability_are_not_measured() -> None:
    alternatives = (Token(" A", IMPOSSIBLE), Token(" B", IMPOSSIBLE), Token(" C", math.log(0.9)))
    assert verdict_probability(_reply("Winner:", Token(" A", IMPOSSIBLE, alternatives)), "A") is None
    assert verdict_probability(_reply("Winner:", Token(" A", IMPOSSIBLE, alternatives[::2])), "A") is None


def test_a_score_above_certainty_is_certainty() -> None:
    tokens = _reply("Winner:", Token(" A", 1e6, (Token(" A", 1e6), Token(" B", math.log(0.25)))))
    assert verdict_probability(tokens, "A") == pytest.approx(0.8)


def test_names_are_compared_without_case() -> None:
    tokens = _reply("WINNER:", _chosen(" a", _a=0.3, _A=0.3, _b=0.2, _B=0.2))
    assert verdict_probability(tokens, "A") == pytest.approx(0.6)


@pytest.mark.parametrize(
    "split",
    [("Winner", "：A"), ("Winner:", " Response A"), ("Winner: A",), ("Winner:", " A wins"), ("Winner:", "**A**")],
)
def test_a_token_may_hold_more_than_the_name(split: tuple[str, ...]) -> None:
    named = Token(split[-1], math.log(0.6), (Token(split[-1], math.log(0.6)), Token(" B", math.log(0.2))))
    tokens = _reply(*split[:-1], named)
    assert verdict_probability(tokens, "A") == pytest.approx(0.75)


def test_an_empty_token_before_the_name_is_passed_over() -> None:
    """So vLLM writes where structured outputs force the verdict."""
    tokens = _reply("Winner:", _chosen(" ", **{" ": 0.9, "_A": 0.05}), _chosen("A", A=0.6, B=0.2))
    assert verdict_probability(tokens, "A") == pytest.approx(0.75)


def test_only_the_first_name_is_read() -> None:
    later = _chosen(" A", _A=0.99, _B=0.01)
    tokens = _reply("Winner:", " Response", _chosen(" B", _A=0.4, _B=0.6), " (not Response", later, ")")
    assert verdict_probability(tokens, "B") == pytest.approx(0.6)
    assert verdict_probability(tokens, "A") is None


@pytest.mark.parametrize("words", [(" A", "ssistant"), (" B", "oth"), (" x", "A")])
def test_a_piece_of_a_word_is_no_name(words: tuple[str, str]) -> None:
    tokens = _reply("Winner:", _chosen(words[0], _A=0.9, _B=0.1), words[1], " ", _chosen("A", A=0.6, B=0.2))
    assert verdict_probability(tokens, "A") == pytest.approx(0.75)


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
