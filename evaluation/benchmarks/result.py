"""The result of a benchmark: summary.json of its run."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from pydantic import Field

from openrubrics.evaluation.benchmarks.benchmark import Benchmark, Kind, Rule
from openrubrics.evaluation.benchmarks.case import Compared, Rated
from openrubrics.evaluation.benchmarks.figures import ReadingFigures, figures, longer_compared, longer_rated
from openrubrics.evaluation.benchmarks.load import Loaded
from openrubrics.evaluation.benchmarks.published import Published, published
from openrubrics.evaluation.benchmarks.run import GradedResponse
from openrubrics.evaluation.metrics import Figures, comparisons, decided_by, failures, measure
from openrubrics.evaluation.results import EvaluatedPair
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.outcomes import Failed, Usage
from openrubrics.signatures.values import Frozen, Orders


class Asked(Frozen):
    """How often there was no answer.

    Attributes:
        asked: What was asked.
        failed: What has no answer.
        coverage: 1 - failed / asked.
    """

    asked: int
    failed: int
    coverage: float

    @classmethod
    def of(cls, asked: int, failed: int) -> Self:
        """Return the counts with their coverage; 1 where nothing was asked."""
        return cls(asked=asked, failed=failed, coverage=1 - failed / asked if asked else 1.0)


class Judged(Frozen):
    """What was asked about a benchmark, and how often there was no answer.

    Attributes:
        asked: Comparisons (one order of one pair) or responses that were judged.
        failed: Those without an outcome.
        coverage: 1 - failed / asked.
        subsets: The same by subset, in the order of the data.
        criteria: The same for the criteria of the benchmark's own rubrics, each of which can have a finding where the
            response as a whole has no score; None where there are none, or a judge compared.
        failures: Failed ones by reason, most frequent first.
        pairs: Figures over all pairs together, with position bias and flips; None for a scorer.
    """

    asked: int
    failed: int
    coverage: float
    subsets: Mapping[str, Asked]
    criteria: Asked | None
    failures: Mapping[str, int]
    pairs: Figures | None


class BenchmarkSummary(Frozen):
    """The figures of a run over a benchmark, with all that one needs to trust them.

    Attributes:
        benchmark: Its name.
        title: Its name in print.
        official: Whether the rule is the benchmark's own for this kind of judge and all of its cases were judged.
        not_official: Why not.
        kind: What the judge does: compares two responses, or scores one.
        orders: Orders that were asked; None for a scorer.
        rule: How answers were scored, in words.
        quirks: What is odd about the rule.
        notes: What else has to be known about the benchmark.
        licence: Of its data.
        citation: Of its paper.
        readings: Figures by reading of the rule, the headline first.
        longer: The headline for a judge that always takes the longer response; None where it does not apply.
        cases: Cases by subset.
        left_out: Rows that are no cases, by reason.
        judged: What was asked.
        answer_key_used: Whether the judge was given reference answers; figures with them do not compare with others.
        reference_assisted: Pairs that came with one.
        decided_by: Pairs by what decided, as in `openrubrics.evaluation.Summary`; empty for a scorer.
        method: Program that judged.
        lm: Model that judged.
        program: Fingerprint of the program, or another identity of the judge.
        published: Figures that papers published, for comparison only.
        calls: Requests sent.
        tokens: Prompt and completion tokens together.
        cost: US dollars; None where a price is unknown.
        seconds: Wall time.
    """

    benchmark: str
    title: str
    official: bool
    not_official: tuple[str, ...]
    kind: Kind
    orders: Orders | None
    rule: str
    quirks: tuple[str, ...]
    notes: tuple[str, ...]
    licence: str
    citation: str
    readings: Mapping[str, ReadingFigures]
    longer: ReadingFigures | None
    cases: Mapping[str, int]
    left_out: Mapping[str, int]
    judged: Judged
    answer_key_used: bool = False
    reference_assisted: int = 0
    decided_by: Mapping[str, int] = Field(default_factory=dict)
    method: str
    lm: str
    program: str
    published: tuple[Published, ...]
    calls: int
    tokens: int
    cost: float | None
    seconds: float = Field(ge=0, allow_inf_nan=False)


def rule_for(benchmark: Benchmark, kind: Kind, orders: Orders | None = None) -> Rule[Any]:
    """Return the rule that scores this kind of judge.

    Args:
        benchmark: The benchmark.
        kind: Of the judge.
        orders: What a pairwise judge asks.

    Raises:
        UsageError: There is none, or the rule asks for other orders.
    """
    rule = benchmark.rule(kind)
    if rule is None:
        other = (
            "a scorer, such as --method rubric-scorer" if kind == "pairwise" else "a judge that compares two responses"
        )
        raise UsageError(f"{benchmark.title} has no rule for {_WHAT[kind]}", f"take {other}")
    if rule.orders and orders and rule.orders != orders:
        raise UsageError(f"{benchmark.title} asks for --orders {rule.orders}, not {orders}", "leave --orders out")
    return rule


_WHAT = {"pairwise": "judges that compare two responses", "scores": "judges that score one response"}


def pairwise_result(
    loaded: Loaded,
    answers: Sequence[Compared],
    results: Sequence[EvaluatedPair],
    *,
    orders: Orders,
    method: str,
    lm: str,
    program: str,
    usage: Usage,
    seconds: float,
    seed: int = 0,
) -> BenchmarkSummary:
    """Return the result of a judge that compares two responses.

    Args:
        loaded: The benchmark.
        answers: To all of its cases, from `acompare`.
        results: The judged pairs behind them.
        orders: What was asked.
        method: Program that judged.
        lm: Model that judged.
        program: Fingerprint of the program.
        usage: What it cost.
        seconds: Wall time.
        seed: For the intervals.
    """
    rule = rule_for(loaded.benchmark, "pairwise", orders)
    pairs = measure(results, orders=orders, seed=seed)
    judged = Judged(
        asked=pairs.comparisons,
        failed=pairs.failed,
        coverage=pairs.coverage,
        subsets=_by_subset((result.domain, _fails(result, orders)) for result in results),
        criteria=None,
        failures=failures(results, orders),
        pairs=pairs,
    )
    longer = longer_compared(loaded.cases, orders)
    assisted = sum(result.judgment.reference_assisted for result in results)
    made_by = {"orders": orders, "method": method, "lm": lm, "program": program}
    made_by |= {"answer_key_used": assisted > 0, "reference_assisted": assisted, "decided_by": decided_by(results)}
    return _summary(loaded, rule, "pairwise", answers, longer, judged, made_by, usage, seconds, seed)


def scores_result(
    loaded: Loaded,
    answers: Sequence[Rated],
    results: Sequence[GradedResponse],
    *,
    method: str,
    lm: str,
    program: str,
    usage: Usage,
    seconds: float,
    seed: int = 0,
) -> BenchmarkSummary:
    """Return the result of a judge that scores one response; the arguments are those of `pairwise_result`."""
    rule = rule_for(loaded.benchmark, "scores")
    reasons = Counter(one.grade.outcome.reason for one in results if isinstance(one.grade.outcome, Failed))
    failed = reasons.total()
    findings = [met for answer in answers for response in answer.met for met in response]
    judged = Judged(
        asked=len(results),
        failed=failed,
        coverage=1 - failed / len(results),
        subsets=_by_subset((one.subset, [isinstance(one.grade.outcome, Failed)]) for one in results),
        criteria=Asked.of(len(findings), findings.count(None)) if findings else None,
        failures=dict(reasons.most_common()),
        pairs=None,
    )
    longer = None if any(case.rubric for case in loaded.cases) else longer_rated(loaded.cases)
    made_by = {"orders": None, "method": method, "lm": lm, "program": program}
    return _summary(loaded, rule, "scores", answers, longer, judged, made_by, usage, seconds, seed)


def _fails(result: EvaluatedPair, orders: Orders) -> list[bool]:
    return [isinstance(outcome, Failed) for outcome in comparisons(result, orders)]


def _by_subset(found: Iterable[tuple[str, Sequence[bool]]]) -> dict[str, Asked]:
    """Count what was asked in each subset, of whether each thing failed."""
    subsets: dict[str, list[bool]] = {}
    for subset, fails in found:
        subsets.setdefault(subset, []).extend(fails)
    return {subset: Asked.of(len(fails), sum(fails)) for subset, fails in subsets.items()}


def _summary(
    loaded: Loaded,
    rule: Rule[Any],
    kind: Kind,
    answers: Sequence[Any],
    longer: Sequence[Any] | None,
    judged: Judged,
    made_by: Mapping[str, Any],
    usage: Usage,
    seconds: float,
    seed: int,
) -> BenchmarkSummary:
    benchmark = loaded.benchmark
    headline = next(iter(rule.readings.values()))
    why_not = (
        *(() if rule.official else (f"no official rule for {_WHAT[kind]}: this one is ours",)),
        *loaded.differences,
        *(("the judge was given reference answers",) if made_by.get("answer_key_used") else ()),
    )
    return BenchmarkSummary(
        benchmark=benchmark.name,
        title=benchmark.title,
        official=not why_not,
        not_official=why_not,
        kind=kind,
        rule=rule.says,
        quirks=rule.quirks,
        notes=benchmark.notes,
        licence=benchmark.licence,
        citation=benchmark.citation,
        readings={name: figures(reading, answers, seed=seed) for name, reading in rule.readings.items()},
        longer=None if longer is None else figures(headline, longer, seed=seed),
        cases=loaded.counts,
        left_out=loaded.left_out,
        judged=judged,
        published=tuple(published(benchmark.name, kind)),
        calls=usage.calls,
        tokens=usage.tokens,
        cost=usage.cost,
        seconds=seconds,
        **made_by,
    )
