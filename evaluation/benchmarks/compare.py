"""Runs over the same cases, compared case by case."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from openrubrics.evaluation.benchmarks.answers import read_run
from openrubrics.evaluation.benchmarks.benchmark import Reading
from openrubrics.evaluation.benchmarks.case import Answer
from openrubrics.evaluation.benchmarks.figures import Change, changes
from openrubrics.evaluation.benchmarks.registry import benchmark
from openrubrics.evaluation.benchmarks.result import BenchmarkSummary
from openrubrics.signatures.errors import DataError
from openrubrics.signatures.values import Frozen

_SAME = "compare runs with the same --path, --responses and --limit"


class Difference(Frozen):
    """How a run over a benchmark differs from the first one.

    Attributes:
        run: Folder of the run.
        method: Program that judged.
        lm: Model that judged.
        answer_key_used: Whether its judge was given reference answers.
        changes: By reading, and in it by part, the headline under the empty name; what only one of the runs has is left
            out, and the strict reading where one judge was asked in one order and the other in both: it is harder then.
    """

    run: str
    method: str
    lm: str
    answer_key_used: bool = False
    changes: Mapping[str, Mapping[str, Change]]


def compare_runs(folders: Sequence[Path], *, seed: int = 0) -> list[Difference]:
    """Return how each later run differs from the first.

    The intervals resample groups of cases, the same for both runs: what is hard for both does not widen them. Where
    several runs or parts are compared, no interval is made wider for that.

    Args:
        folders: Two or more finished runs over the same cases of one benchmark.
        seed: Of the resampling.

    Raises:
        DataError: A folder holds no such run, or the runs are over different cases.
    """
    runs = [(folder, *read_run(folder)) for folder in folders]
    return [_difference(runs[0], run, seed) for run in runs[1:]]


Run = tuple[Path, BenchmarkSummary, list[Answer]]


def _difference(first: Run, other: Run, seed: int) -> Difference:
    (one, before, answers), (two, after, others) = first, other
    if before.benchmark != after.benchmark:
        raise DataError(f"{one} is a run over {before.title}, {two} one over {after.title}", "compare like with like")
    by_id = {answer.case.id: answer for answer in others}
    missing = [answer.case.id for answer in answers if answer.case.id not in by_id]
    if missing or len(by_id) != len(answers):
        count = len(missing) or len(by_id) - len(answers)
        raise DataError(
            f"{one} and {two} are runs over different cases: {count} of them are in one alone",
            _SAME,
        )
    paired = [by_id[answer.case.id] for answer in answers]
    changed = [answer.case.id for answer, same in zip(answers, paired, strict=True) if answer.case != same.case]
    if changed:
        raise DataError(
            f"{one} and {two} are runs over different cases: {len(changed)} differ, such as {changed[0]!r}",
            _SAME,
        )
    readings, others_readings = _readings(before), _readings(after)
    if {before.orders, after.orders} == {"single", "both"}:
        others_readings.pop("strict", None)
    return Difference(
        run=str(two),
        method=after.method,
        lm=after.lm,
        answer_key_used=after.answer_key_used,
        changes={
            name: changes((reading, answers), (others_readings[name], paired), seed=seed)
            for name, reading in readings.items()
            if name in others_readings
        },
    )


def _readings(summary: BenchmarkSummary) -> dict[str, Reading[Any]]:
    rule = benchmark(summary.benchmark).rule(summary.kind)
    return dict(rule.readings) if rule else {}
