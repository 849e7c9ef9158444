"""HealthBench (Arora et al.): answers to health questions, scored by criteria that physicians wrote.

Rule as in ``healthbench_eval.py`` of openai/simple-evals (`calculate_score`, `grade_sample`, `_compute_clipped_stats`).

The data set on the hub keeps files of different layouts side by side, and does not open as one; the full set is the
file that is named here (files listed at commit 40ee196).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import isfinite
from statistics import fmean
from typing import cast

from pydantic import JsonValue

from openrubrics.data.rows import Located, PassedOver
from openrubrics.evaluation.benchmarks.benchmark import Benchmark, Rule, Source
from openrubrics.evaluation.benchmarks.case import Case, Point, Rated, Scores
from openrubrics.evaluation.benchmarks.upstream import Responses, Row, group_of, several

_THEMES = {
    "global_health": 1097,
    "hedging": 1071,
    "communication": 919,
    "context_seeking": 594,
    "emergency_referrals": 482,
    "health_data_tasks": 477,
    "complex_responses": 360,
}
_AXES = (
    "axis/accuracy",
    "axis/completeness",
    "axis/context_awareness",
    "axis/communication_quality",
    "axis/instruction_following",
)


def _cases(rows: Iterable[Located], responses: Iterable[Located]) -> Iterator[Case | PassedOver]:
    given = Responses(responses, "prompt_id")
    yield from several(rows, lambda row: _examples(row, given.take(row.name("prompt_id"))))
    yield from given.left()


def _examples(row: Row, given: Sequence[Row]) -> Iterator[Case | PassedOver]:
    """Yield a case for each response to a prompt: the row's own, where it has one, and those that were given."""
    answers = ([row] if isinstance(row.values.get("response"), str) else []) + list(given)
    if not answers:
        yield PassedOver("a prompt without a response")
    name, prompt, criteria = row.name("prompt_id"), row.prompt("prompt"), _criteria(row)
    for number, answer in enumerate(answers, start=1):
        yield Case(
            id=name if number == 1 else f"{name}#{number}",
            subset=_theme(row),
            group=group_of(prompt, row.values.get("meta")),
            prompt=prompt,
            responses=(answer.text("response"),),
            rubric=tuple(Point(text=one.text("criterion"), points=_points(one)) for one in criteria),
            meta={"axes": _axes(criteria)},
        )


def _criteria(row: Row) -> list[Row]:
    value = row.values.get("rubrics")
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        raise row.bad("rubrics", "a list of at least one object with criterion, points and tags")
    return [Row(item, row.place, f"rubrics.{number}.") for number, item in enumerate(value, start=1)]


def _points(criterion: Row) -> float:
    value = criterion.values.get("points")
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise criterion.bad("points", "a number, below 0 for a fault")
    return float(value)


def _theme(row: Row) -> str:
    themes = [tag.removeprefix("theme:") for tag in row.texts("example_tags") if tag.startswith("theme:")]
    if len(themes) != 1 or themes[0] not in _THEMES:
        raise row.bad("example_tags", f"one of {', '.join(f'theme:{name}' for name in _THEMES)}")
    return themes[0]


def _axes(criteria: Sequence[Row]) -> dict[str, JsonValue]:
    """Return the places of the criteria on each axis."""
    found: dict[str, list[JsonValue]] = {}
    for place, criterion in enumerate(criteria):
        for tag in criterion.texts("tags", least=0):
            if tag.startswith("axis:"):
                axis = tag.replace(":", "/")
                if axis not in _AXES:
                    raise criterion.bad("tags", f"no axis but {', '.join(name.replace('/', ':') for name in _AXES)}")
                found.setdefault(axis, []).append(place)
    return {**found}


def _reading(failed: float | None) -> Callable[[Sequence[Rated]], Scores]:
    """Return a reading.

    Args:
        failed: Score of an example of which a criterion has no finding; None to leave it out everywhere.
    """

    def reading(answers: Sequence[Rated]) -> Scores:
        found: dict[str, list[float]] = {name: [] for name in ("", *_THEMES, *_AXES)}
        for answer in answers:
            case = answer.case
            met = answer.met[0] if answer.met else (None,)
            known = None not in met
            if not known and failed is None:
                continue
            points = [point.points for point in case.rubric]
            possible = [max(value, 0.0) for value in points]
            achieved = [value if is_met else 0.0 for value, is_met in zip(points, met, strict=True)] if known else []
            total = sum(possible)
            if total:
                value = sum(achieved) / total if known else failed or 0.0
                found[""].append(value)
                found[case.subset].append(value)
            for name, places in _axes_of(case):
                total = sum(map(possible.__getitem__, places))
                if total:
                    found[name].append(sum(map(achieved.__getitem__, places)) / total if known else failed or 0.0)
        parts = {name: _clipped(values) for name, values in found.items()}
        return Scores(overall=parts.pop(""), parts=parts)

    return reading


def _axes_of(case: Case) -> Iterable[tuple[str, list[int]]]:
    """Return the axes of an example, with the places of their criteria, as `_axes` made them."""
    return cast("dict[str, list[int]]", case.meta["axes"]).items()


def _clipped(values: Sequence[float]) -> float | None:
    return min(max(fmean(values), 0.0), 1.0) if values else None


HEALTHBENCH = Benchmark(
    name="healthbench",
    title="HealthBench",
    says="How good answers to health questions are by the criteria of physicians, as a scorer grades them.",
    licence="MIT (openai/simple-evals, and the data card); never training data: every row carries a canary",
    citation="Arora et al., HealthBench: Evaluating Large Language Models Towards Improved Human Health, 2025, "
    "arXiv:2505.08775, https://github.com/openai/simple-evals",
    source=Source(
        "openai/healthbench",
        files=("2025-05-07-06-14-12_oss_eval.jsonl",),
        revision="40ee1968852fc57f625934251ac22be47077a8fb",
    ),
    cases=_cases,
    counts=_THEMES,
    scores=Rule(
        says="The score of an example is the sum of the points of all criteria that are met / the sum of the points "
        "above 0; the headline is the mean over examples, clipped to [0, 1], and so is each part. An example without "
        "points above 0 is left out. Official: an example of which a criterion has no finding is left out everywhere. "
        "Strict: it counts 0, which is not the worst there is.",
        official=True,
        readings={"official": _reading(None), "strict": _reading(0.0)},
        quirks=(
            "means alone are clipped: the score of an example may be below 0",
            "on an axis, examples count that have a criterion with points above 0 there",
        ),
    ),
    responses="prompt_id, response",
    answer_key=True,
    notes=(
        "the official grader asks again until its reply is valid, so that it has no failures; what becomes of them "
        "here is ours",
        "the grader's prompt is ours, and so may be its model (official: GPT-4.1): figures are not comparable with "
        "published ones",
        "never training data: every row carries a canary string, which has to stay with it",
        "numbers are of the full set of 5,000 (table 2 of the paper), which is what is read from the hub; the hard set "
        "has 1,000 examples and the consensus set 3,671, which are read with --path, and runs over them are marked as "
        "not official",
        "it measures what wrote the responses as much as the scorer",
        "several responses to a prompt are examples of one group; official repeats average them in the same way",
    ),
)
