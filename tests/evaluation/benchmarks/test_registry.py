"""What every benchmark declares, and what was published on it."""

from typing import Any

import pytest

from openrubrics.evaluation.benchmarks import BENCHMARKS, Benchmark, Rule, benchmark, published
from openrubrics.signatures import UsageError

RULES = [
    pytest.param(one, rule, id=f"{one.name} {kind}")
    for one in BENCHMARKS.values()
    for kind, rule in (("pairwise", one.pairs), ("scores", one.scores))
    if rule is not None
]


@pytest.mark.parametrize("one", BENCHMARKS.values(), ids=lambda one: one.name)
def test_a_benchmark_says_where_it_is_from(one: Benchmark) -> None:
    assert one.licence
    assert "arxiv" in one.citation.casefold() or "https://" in one.citation
    assert one.pairs or one.scores
    assert one.source
    assert benchmark(one.name) is one


@pytest.mark.parametrize(("one", "rule"), RULES)
def test_a_rule_names_its_readings_and_makes_nothing_of_nothing(one: Benchmark, rule: Rule[Any]) -> None:
    assert list(rule.readings) in (
        [["official", "strict"]] if rule.official else [["ours", "strict", "lenient"], ["ours", "strict"]]
    )
    for reading in rule.readings.values():
        found = reading([])
        assert found.overall is None
        assert set(found.parts.values()) <= {None}


def test_published_figures_belong_to_parts_that_the_rules_have() -> None:
    seen = 0
    for name, one in BENCHMARKS.items():
        headlines = [next(iter(rule.readings.values())) for rule in (one.pairs, one.scores) if rule]
        parts = {""}.union(*(headline([]).parts for headline in headlines))
        for figure in published(name, "pairwise"):
            assert figure.part in parts, (name, figure)
            assert 0 < figure.value < 1
            assert "arXiv" in figure.source
            seen += 1
    assert seen == 9 * 10 + 4 * 5 + 8 + 5 + 6


def test_the_published_rows_have_the_published_averages() -> None:
    """OpenRubrics v3, table 1, gives 70.1 and 73.0 as the means of the ten columns."""
    for system, average in (("Rubric-RM-8B", 70.1), ("Rubric-RM-8B, vote@5", 73.0), ("Rubric-RM-4B", 68.4)):
        values = [one.value for name in BENCHMARKS for one in published(name, "pairwise") if one.system == system]
        assert len(values) == 10
        assert 100 * sum(values) / 10 == pytest.approx(average, abs=0.05)


def test_what_was_published_about_comparisons_does_not_stand_beside_a_figure_of_another_kind() -> None:
    assert published("infobench", "pairwise")
    assert published("infobench", "scores") == ()
    assert published("rm-bench", "scores") == published("rm-bench", "pairwise")


def test_an_unknown_benchmark_is_refused_with_the_names() -> None:
    with pytest.raises(UsageError, match="no benchmark 'rewardbench3'") as error:
        benchmark("rewardbench3")
    assert "rewardbench2" in error.value.hint
    assert published("rewardbench3", "pairwise") == ()
