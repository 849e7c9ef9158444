"""The sections that hold figures: what each run came to, what failed, how runs differ, how they were made."""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

from openrubrics.evaluation.benchmarks import BenchmarkSummary, Figure, Published
from openrubrics.evaluation.intervals import Interval
from openrubrics.evaluation.metrics import Figures
from openrubrics.evaluation.report.compared import Change
from openrubrics.evaluation.report.markup import Markup, facts, joined, table, tag
from openrubrics.evaluation.report.plots import rows_of
from openrubrics.evaluation.report.runs import Run
from openrubrics.evaluation.summary import Summary

_NONE = "–"
_WORDS = {
    "accuracy": "Right comparisons ÷ all comparisons, over both orders where both were asked; ties and failures "
    "are wrong.",
    "interval": "95 %, from pairs: Wilson's for a single order, a bootstrap over pairs for both.",
    "consistent accuracy": "Pairs that are right in both orders ÷ pairs.",
    "coverage": "1 − failed share.",
    "flips": "Pairs whose two orders prefer different responses ÷ pairs.",
    "position bias": "How much more than half of the verdicts go to the response shown first, with label and seed "
    "balanced out; 0 for a judge that does not care, ±50 points at most.",
    "always the longer": "Accuracy of always taking the response with more characters; equal lengths count half.",
    "reference-assisted": "Pairs whose judge was given the right answer; figures with such pairs do not compare with "
    "those of other judges.",
    "decided by code": "Pairs of which code found that one response alone obeys the rules; no model was asked.",
    "decided by the reference": "Pairs whose responses the right answer told apart, before they were compared.",
    "kappa": "Agreement of repeated runs beyond chance, from −1 to 1.",
}


def overview(runs: Sequence[Run]) -> Markup:
    """Return a card for each run: the headline in a sentence, and the figures."""
    return joined(
        tag("article", _head(run, number), _headline(run), facts(_figures(run)), class_="card", id=f"run-{number}")
        for number, run in enumerate(runs, 1)
    )


def _head(run: Run, number: int) -> Markup:
    summary = run.summary
    title = summary.title if isinstance(summary, BenchmarkSummary) else "labelled pairs"
    name = tag("h3", tag("span", str(number), class_=f"badge run{(number - 1) % 4 + 1}", aria_hidden="true"), run.name)
    assisted = " · reference-assisted" * (run.reference_assisted > 0)
    return joined([name, tag("p", f"{summary.lm} · {summary.method} · {title}{assisted}", class_="made-by")])


def _headline(run: Run) -> Markup:
    summary = run.summary
    if isinstance(summary, Summary):
        big = _big(summary.accuracy, summary.accuracy_ci, "accuracy")
        against = _against(summary.accuracy_ci, summary.length_baseline)
        said = (
            f"The judge agrees with the label in {percent(summary.accuracy)} of {summary.comparisons:,} comparisons of "
            f"{summary.pairs:,} pairs (95\xa0% interval {_spread(summary.accuracy_ci)}\xa0%). {against}"
        )
        return joined([big, tag("p", said)])
    reading, figures = next(iter(summary.readings.items()))
    big = _big(figures.overall.value, figures.overall.interval, f"{reading} reading")
    said = f"{summary.title}, {sum(summary.cases.values()):,} cases."
    if figures.overall.value is None:
        said += " There is no headline, because a part that it needs has no cases."
    reasons = "; ".join(summary.not_official)
    return joined([big, tag("p", said), tag("p", f"Not official: {reasons}.", class_="note") if reasons else ""])


def _big(value: float | None, interval: Interval | None, what: str) -> Markup:
    spread = f", 95\xa0% interval {_spread(interval)}\xa0%" if interval else ""
    return tag("p", tag("strong", percent(value)), " ", tag("span", f"{what}{spread}"), class_="big")


def _against(interval: Interval, longer: float) -> str:
    low, high = interval
    always = f"always taking the longer response scores, {percent(longer)}"
    if low > longer:
        return f"The whole interval lies above what {always}."
    if high < longer:
        return f"The whole interval lies below what {always}."
    return f"The interval holds what {always}: that may be as good."


def _figures(run: Run) -> Mapping[str, object]:
    pairs, summary = run.pairs, run.summary
    found: dict[str, object] = {}
    if pairs and run.reference_assisted:
        found["reference-assisted"] = _count(run.reference_assisted, pairs.pairs)
    if pairs:
        found |= {
            "consistent accuracy": percent(pairs.consistent_accuracy),
            **_without_comparison(run.decided_by, pairs.pairs),
            "always the longer": percent(pairs.length_baseline),
            "ties": _count(pairs.ties, pairs.comparisons),
            "failed": _count(pairs.failed, pairs.comparisons),
            "coverage": percent(pairs.coverage),
            "flips": percent(pairs.flips),
            "position bias": points(pairs.position_bias),
        }
    elif isinstance(summary, BenchmarkSummary):
        judged = summary.judged
        found |= {
            "responses": f"{judged.asked:,}",
            "failed": _count(judged.failed, judged.asked),
            "coverage": percent(judged.coverage),
        }
    if isinstance(summary, Summary):
        found["kappa"] = _NONE if summary.kappa is None else f"{summary.kappa:.3f}"
    cost = summary.cost
    return found | {
        "calls": f"{summary.calls:,}",
        "tokens": f"{summary.tokens:,}",
        "cost": "unknown" if cost is None else f"{cost:,.{4 if 0 < cost < 1 else 2}f}\xa0US\xa0dollars",
        "time": f"{summary.seconds:,.1f} s",
        "program": tag("code", run.manifest.program),
    }


def _without_comparison(decided: Mapping[str, int], pairs: int) -> dict[str, object]:
    names = {"checks": "decided by code", "reference": "decided by the reference"}
    return {name: _count(decided[who], pairs) for who, name in names.items() if decided[who]}


def figure_tables(runs: Sequence[Run]) -> Markup:
    """Return the tables of figures: by domain, by part of a benchmark with what was published, and failures."""
    return joined(part for run in runs for part in _tables(run))


def _tables(run: Run) -> Iterator[Markup]:
    summary = run.summary
    if isinstance(summary, Summary):
        yield _by_domain(run, summary)
    else:
        yield _by_part(run, summary)
        if summary.published:
            yield _published(summary.published, summary.title)
    if run.failures:
        rows = [(reason, f"{count:,}") for reason, count in run.failures.items()]
        yield table(f"{run.name}: what failed, and why", ("reason", "times"), rows)


def _by_domain(run: Run, summary: Summary) -> Markup:
    header = ("domain", "pairs", "accuracy", "95 % interval", "consistent", "ties", "failed", "flips", "longer")
    rows = [(name or "all", *_row(figures)) for name, figures in rows_of(summary).items()]
    return table(f"{run.name}: figures by domain", header, rows)


def _row(figures: Figures) -> tuple[str, ...]:
    return (
        f"{figures.pairs:,}",
        percent(figures.accuracy),
        _spread(figures.accuracy_ci),
        percent(figures.consistent_accuracy),
        f"{figures.ties:,}",
        f"{figures.failed:,}",
        percent(figures.flips),
        percent(figures.length_baseline),
    )


def _by_part(run: Run, summary: BenchmarkSummary) -> Markup:
    readings = summary.readings
    header = ["part", *(name for reading in readings for name in (reading, "95 % interval")), "longer"]
    parts = ["", *next(iter(readings.values())).parts]
    rows: list[list[str]] = []
    for part in parts:
        found = [figures.parts.get(part) if part else figures.overall for figures in readings.values()]
        cells = [cell for figure in found for cell in _cells(figure)]
        longer = summary.longer and (summary.longer.parts.get(part) if part else summary.longer.overall)
        rows.append([part or "all", *cells, _cells(longer)[0]])
    notes = tag("ul", *(tag("li", note) for note in (summary.rule, *summary.quirks, *summary.notes)), class_="note")
    return joined([table(f"{run.name}: {summary.title} by part", header, rows), notes])


def _cells(figure: Figure | None) -> tuple[str, str]:
    return (percent(figure.value), _spread(figure.interval)) if figure else (_NONE, _NONE)


def _published(found: Sequence[Published], title: str) -> Markup:
    rows = [(one.system, one.part or "all", one.source, percent(one.value)) for one in found]
    caption = f"Published on {title}: for comparison only, other protocols, nothing of it was run here"
    return table(caption, ("system", "part", "source", "score"), rows, texts=3)


def change_table(changes: Sequence[Change], problems: Sequence[str]) -> Markup:
    """Return how later runs differ from the first, and why some cannot be compared."""
    header = ("run", "compared with", "what", "says", "first", "this", "difference", "95 % interval")
    rows = [
        (
            change.run.name,
            change.first.name,
            change.what,
            change.says,
            percent(change.before),
            percent(change.after),
            points(change.difference),
            f"{points(change.interval[0])} to {points(change.interval[1])}" if change.interval else _NONE,
        )
        for change in changes
    ]
    found = table("Runs over the same data, compared pair by pair, in points of 100", header, rows, texts=4)
    return joined([found if rows else "", *(tag("p", problem, class_="note") for problem in problems)])


def made(runs: Sequence[Run]) -> Markup:
    """Return how each run was made: its manifest; and what the words mean."""
    words = tag("div", tag("h3", "What the words mean"), facts(_WORDS, "words"))
    return joined([*(_manifest(run) for run in runs), words])


def _manifest(run: Run) -> Markup:
    rows = list(_flat("", run.manifest.model_dump(mode="json")))
    return table(f"{run.name}: manifest", ("setting", "value"), rows, texts=2)


def _flat(name: str, value: JsonValue) -> Iterator[tuple[str, str]]:
    """Yield the leaves of a JSON value with where they are; what is null or empty is left out."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{name} › {key}" if name else key, inner)
    elif isinstance(value, list):
        if value:
            yield name, ", ".join(map(str, value))
    elif value is not None:
        yield name, str(value)


def percent(value: float | None) -> str:
    """Return a share in percent; a dash where there is none."""
    return _NONE if value is None else f"{100 * value:.1f}\xa0%"


def points(value: float | None) -> str:
    """Return a difference in points of 100, with its sign; a dash where there is none."""
    return _NONE if value is None else f"{100 * value:+.1f}".replace("-", "−")


def _spread(interval: Interval | None) -> str:
    return f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f}" if interval else _NONE


def _count(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,}"
