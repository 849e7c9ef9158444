"""summary.json: the agreed keys, and figures by domain."""

import json
from collections.abc import Callable

import pytest

from openrubrics.evaluation import EvaluatedPair, Summary, measure, summarize
from openrubrics.signatures import DataError, Usage

Judged = Callable[..., EvaluatedPair]

AGREED = {
    *("pairs", "accuracy", "accuracy_ci", "consistent_accuracy", "ties", "failed", "length_baseline"),
    *("position_bias", "calls", "tokens", "cost", "seconds", "lm", "method"),
}


@pytest.fixture
def results(judged: Judged) -> list[EvaluatedPair]:
    return [
        judged("AA", domain="chat", longer="A"),
        judged("BB", domain="chat", longer="A"),
        judged("Af", domain="code", longer="B"),
    ]


def summary(results: list[EvaluatedPair], kappa: float | None = None) -> Summary:
    usage = Usage(calls=4, prompt_tokens=100, completion_tokens=10, cost=0.5)
    return summarize(results, orders="both", lm="qwen", method="rubric-rm", usage=usage, seconds=2.5, kappa=kappa)


def test_the_summary_has_the_agreed_keys_and_survives_json(results: list[EvaluatedPair]) -> None:
    made = summary(results, kappa=0.4)
    content = json.loads(made.model_dump_json())
    assert content.keys() >= AGREED
    assert Summary.model_validate_json(made.model_dump_json()) == made
    assert (made.calls, made.tokens, made.cost, made.seconds) == (4, 110, 0.5, 2.5)
    assert (made.lm, made.method, made.orders, made.kappa) == ("qwen", "rubric-rm", "both", 0.4)
    assert made.failures == {"no Winner line": 1}
    assert summary(results).kappa is None


def test_figures_by_domain_are_those_of_its_pairs(results: list[EvaluatedPair]) -> None:
    made = summary(results)
    assert made.accuracy == pytest.approx(3 / 6)
    assert made.by_domain == {
        "chat": measure(results[:2], orders="both"),
        "code": measure(results[2:], orders="both"),
    }
    assert (made.by_domain["chat"].accuracy, made.by_domain["code"].failed) == (0.5, 1)
    assert made.length_baseline == pytest.approx(2 / 3)


def test_an_empty_run_has_no_summary() -> None:
    with pytest.raises(DataError, match="no judged pairs"):
        summary([])
