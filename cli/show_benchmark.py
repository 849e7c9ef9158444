"""The result of a benchmark, and differences of several, for a person at a terminal."""

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from openrubrics.cli.show import clean, without_comparison
from openrubrics.evaluation.benchmarks import BenchmarkSummary, Difference, Figure, ReadingFigures

_MOST_REASONS = 5
_WIDE = 100
"""Columns from which a table has room for the intervals of three readings."""


def show_benchmark(out: Console, summary: BenchmarkSummary) -> None:
    """Print figures by part, what was asked and what failed, the rule, and published figures."""
    title = f"{summary.title}, {sum(summary.cases.values()):,} cases: {_made_by(summary)}"
    out.print(Text(clean(title), style="bold"), soft_wrap=True)
    if summary.not_official:
        reasons = "; ".join(summary.not_official)
        out.print(Text(f"not official: {clean(reasons)}", style="yellow"), soft_wrap=True)
    out.print(_figures(summary, out.width))
    if summary.longer:
        out.print(Text("longer: always taking the longer response"), soft_wrap=True)
    for line in _asked(summary):
        out.print(Text(clean(line)), soft_wrap=True)
    for line in _failed(summary):
        out.print(Text(clean(line), style="red"), soft_wrap=True)
    for reason, count in summary.left_out.items():
        out.print(Text(f"{count} rows left out: {clean(reason)}"), soft_wrap=True)
    out.print(Text(f"Rule: {summary.rule}", style="dim"), soft_wrap=True)
    for quirk in summary.quirks:
        out.print(Text(f"  quirk: {quirk}", style="dim"), soft_wrap=True)
    if summary.published:
        _show_published(out, summary)


def _figures(summary: BenchmarkSummary, width: int) -> Table:
    """Return a line for each part that has a figure, with cases and failures where it is a subset.

    In a narrow terminal only the first of three readings has its intervals.
    """
    names = list(summary.readings)
    wide = len(names) < 3 or width >= _WIDE
    table = _table()
    headings = ["n", *(f"{name} (95 %)" if wide or name == names[0] else name for name in names)]
    headings += ["longer"] * bool(summary.longer) + ["failed"] * bool(summary.judged.failed)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    counts = {"": sum(summary.cases.values()), **summary.cases}
    failed = {"": summary.judged.failed, **{name: one.failed for name, one in summary.judged.subsets.items()}}
    longer = summary.longer and _by_part(summary.longer)
    readings = [_by_part(reading) for reading in summary.readings.values()]
    for part in readings[0]:
        found = [reading.get(part) for reading in readings]
        if part and not any(figure and figure.value is not None for figure in found):
            continue
        cells = [_count(counts.get(part))]
        cells += [(_with_interval if wide or not place else _value)(figure) for place, figure in enumerate(found)]
        cells += [_value(longer.get(part))] if longer else []
        cells += [_count(failed.get(part))] * bool(summary.judged.failed)
        table.add_row(Text(clean(part) or "all"), *cells, style="" if part else "bold")
    return table


def _by_part(reading: ReadingFigures) -> dict[str, Figure]:
    """Return the figures of a reading, the headline under the empty name."""
    return {"": reading.overall, **reading.parts}


def _table() -> Table:
    """Return a table whose first column takes what room the others leave."""
    return Table(Column("", overflow="fold"), box=SIMPLE, pad_edge=False)


def _asked(summary: BenchmarkSummary) -> Iterator[str]:
    """Yield what was asked, of whom, and what it cost."""
    judged = summary.judged
    said = [f"{judged.asked:,} responses, coverage {judged.coverage:.1%}"]
    if judged.pairs:
        orders = "both orders" if summary.orders == "both" else "one order"
        said = [f"{judged.asked:,} comparisons in {orders}, coverage {judged.coverage:.1%}"]
        said.append(f"{judged.pairs.ties:,} ties")
        if judged.pairs.position_bias is not None:
            said.append(f"position bias {judged.pairs.position_bias:+.3f}")
        if judged.pairs.flips is not None:
            said.append(f"{judged.pairs.flips:.1%} of pairs flip with the order")
    if judged.criteria:
        said.append(f"{judged.criteria.asked - judged.criteria.failed:,} of {judged.criteria.asked:,} criteria decided")
    yield "; ".join(said)
    yield from without_comparison(summary.decided_by)
    cost = "unknown cost" if summary.cost is None else f"{summary.cost:.2f} US dollars"
    yield f"{summary.calls:,} calls, {summary.tokens:,} tokens, {cost}, {summary.seconds:.0f} s"
    key = f"used for {summary.reference_assisted} pairs" if summary.answer_key_used else "not used"
    yield f"{summary.lm}; program {summary.program}; answer key {key}"


def _failed(summary: BenchmarkSummary) -> Iterator[str]:
    """Yield the most frequent reasons of failures, and how many have others."""
    found = sorted(summary.judged.failures.items(), key=lambda item: -item[1])
    for reason, count in found[:_MOST_REASONS]:
        yield f"failed {count} times: {reason}"
    rest = [count for _, count in found[_MOST_REASONS:]]
    if rest:
        yield f"failed {sum(rest)} times for {len(rest)} other reasons; summary.json and --json have all"


def _show_published(out: Console, summary: BenchmarkSummary) -> None:
    """Print what papers say beside this run: a line for each system, a column for each part that has a figure."""
    sources = {
        one.source: number for number, one in enumerate({one.source: one for one in summary.published}.values(), 1)
    }
    systems: dict[tuple[str, str], dict[str, float]] = {}
    for one in summary.published:
        systems.setdefault((one.system, one.source), {})[one.part] = one.value
    reading = next(iter(summary.readings))
    ours = _by_part(summary.readings[reading])
    known = {one.part for one in summary.published}
    parts = [part for part in ours if part in known]
    out.print(Text("\nPublished, for comparison only: other protocols, and nothing here was run by us"), soft_wrap=True)
    table = _table()
    for part in parts:
        table.add_column(clean(part) or "all", justify="right", no_wrap=True)
    table.add_row(f"this run, {reading}", *(_value(ours[part]) for part in parts), style="bold")
    for (system, source), values in systems.items():
        name = Text(f"{system} [{sources[source]}]")
        table.add_row(name, *(_value(Figure(value=values.get(part))) for part in parts), style="dim")
    out.print(table)
    for source, number in sources.items():
        out.print(Text(f"[{number}] {source}", style="dim"), soft_wrap=True)


def _made_by(one: BenchmarkSummary | Difference) -> str:
    return f"{one.method}, {one.lm}{' (reference-assisted)' * one.answer_key_used}"


def show_differences(out: Console, first: BenchmarkSummary, found: Sequence[Difference]) -> None:
    """Print how later runs differ from the first: the headline reading by part, the others as a whole."""
    out.print(Text(clean(f"{first.title}: {_made_by(first)}"), style="bold"), soft_wrap=True)
    for one in found:
        out.print(Text(clean(f"against {one.run}: {_made_by(one)}")), soft_wrap=True)
        table = _table()
        for heading in ("first", "this", "difference (95 %)", ""):
            table.add_column(heading, justify="right", no_wrap=True)
        for number, (reading, parts) in enumerate(one.changes.items()):
            for part, change in parts.items():
                if change.difference.value is not None and not (part and number):
                    values = (_value(Figure(value=value)) for value in (change.before, change.after))
                    mark = "reliable" if change.is_reliable else ""
                    table.add_row(Text(clean(part or f"all, {reading}")), *values, _signed(change.difference), mark)
        out.print(table)
    out.print(
        Text("reliable: the interval leaves out 0; it is not widened for the number of comparisons"), soft_wrap=True
    )


def _signed(figure: Figure) -> str:
    interval = f" ({figure.interval[0]:+.3f} to {figure.interval[1]:+.3f})" if figure.interval else ""
    return f"{figure.value:+.3f}{interval}"


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _value(figure: Figure | None) -> str:
    return "-" if figure is None or figure.value is None else f"{figure.value:.3f}"


def _with_interval(figure: Figure | None) -> str:
    known = figure is not None and figure.interval is not None
    return f"{_value(figure)} ({_interval(figure)})" if known else _value(figure)


def _interval(figure: Figure | None) -> str:
    return f"{figure.interval[0]:.3f}-{figure.interval[1]:.3f}" if figure and figure.interval else "-"
