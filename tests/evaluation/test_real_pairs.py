"""Figures on the real pair files, with judges whose figures are known."""

from collections.abc import Callable
from pathlib import Path

import pytest

from openrubrics.data import read_pairs
from openrubrics.evaluation import evaluate, measure
from openrubrics.evaluation.intervals import wilson
from openrubrics.signatures import Judgment, OrderOutcome, Prompt, Tie, Verdict
from openrubrics.signatures.outcomes import Outcome


class LongerWins:
    """Prefers the response with more characters, in both orders."""

    async def acall(self, *, prompt: Prompt, response_a: str, response_b: str) -> Judgment:
        longer = len(response_a) - len(response_b)
        outcome: Outcome = Verdict(preferred="A" if longer > 0 else "B") if longer else Tie(reason="as long")
        orders = (OrderOutcome(order="AB", outcome=outcome), OrderOutcome(order="BA", outcome=outcome))
        return Judgment(outcome=outcome, orders=orders)


# The README beside the files gives the same figure for the whole upstream sets, of which the files are samples.
@pytest.mark.parametrize(
    ("name", "here", "upstream"),
    [
        ("llmbar.jsonl", 0.2468, 0.2721),
        ("llmbar_extra.jsonl", 0.5350, 0.5661),
        ("judgebench.jsonl", 0.4708, 0.4515),
        ("ifeval_verified_pairs.jsonl", 0.4666, 0.4996),
        ("hhh_alignment.jsonl", 0.6262, 0.6335),
        ("pandalm_test.jsonl", 0.6299, 0.6579),
        ("tulu1_human.jsonl", 0.6737, 0.6830),
    ],
)
def test_the_length_baseline(shared_data: Callable[[str], Path], name: str, here: float, upstream: float) -> None:
    results = evaluate(LongerWins(), read_pairs(shared_data(name)))
    figures = measure(results, orders="both")
    assert figures.length_baseline == pytest.approx(here, abs=5e-5)
    low, high = wilson(figures.length_baseline * figures.pairs, figures.pairs)
    assert low < upstream < high
    assert figures.accuracy == pytest.approx(figures.length_baseline - figures.ties / 2 / figures.comparisons)
    assert figures.consistent_accuracy == figures.accuracy
    assert figures.position_bias == 0
    assert figures.flips == 0
