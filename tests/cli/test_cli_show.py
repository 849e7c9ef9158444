"""What people see at a terminal: nothing in it steers the terminal, and nothing is lost that it can show."""

import io

import pytest
from rich.console import Console

from openrubrics.cli.show import clean, show_summary
from openrubrics.evaluation import Summary

LONG_REASON = "the endpoint refused the request: " + "the prompt is longer than the model can read, " * 4
SUMMARY = Summary(
    pairs=400,
    comparisons=800,
    accuracy=0.8125,
    accuracy_ci=(0.7715, 0.8475),
    consistent_accuracy=0.7525,
    ties=12,
    failed=3,
    coverage=0.99625,
    flips=0.1,
    position_bias=-0.0125,
    length_baseline=0.5125,
    orders="both",
    by_domain={},
    failures={LONG_REASON: 3},
    kappa=0.875,
    method="rubric-rm",
    lm="hosted_vllm/judge",
    calls=800,
    tokens=1_234_567,
    cost=None,
    seconds=123.4,
)


@pytest.mark.parametrize(
    "text",
    [
        "Müller said: 你好!\n\tYes.",
        "👩\N{ZERO WIDTH JOINER}💻 ❤\N{VARIATION SELECTOR-16}",
        "می\N{ZERO WIDTH NON-JOINER}خواهم",
        "10\N{NO-BREAK SPACE}000\N{NARROW NO-BREAK SPACE}€\N{IDEOGRAPHIC SPACE}.",
    ],
)
def test_text_of_any_script_is_shown_as_it_is(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    "character", [*"\x00\x07\b\r\x1b\x7f\x85\x9b\u2028\u2029\ud800", *"\u202a\u202e\u2066\u2069\u200f"]
)
def test_what_could_steer_the_terminal_is_replaced(character: str) -> None:
    assert clean(f"a{character}b") == "a\N{REPLACEMENT CHARACTER}b"


def _summary_lines(width: int = 80) -> list[str]:
    out = io.StringIO()
    show_summary(Console(file=out, width=width, highlight=False), SUMMARY)
    return out.getvalue().splitlines()


def test_a_summary_fits_a_terminal() -> None:
    lines = [line for line in _summary_lines() if not line.startswith("failed")]
    assert lines[-1].startswith("hosted_vllm/judge: 800 calls")
    assert max(map(len, lines)) <= 80


def test_a_failure_is_one_line() -> None:
    assert f"failed 3 times: {LONG_REASON}" in _summary_lines()
