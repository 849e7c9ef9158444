"""What `openrubrics data` does."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import click
import orjson
from pydantic import BaseModel
from rich.padding import Padding
from rich.text import Text

from openrubrics.cli.options import refuse_existing
from openrubrics.cli.progress import progress
from openrubrics.cli.show import clean, console
from openrubrics.cli.sources import Source, SourceOptions
from openrubrics.data import Ledger
from openrubrics.data.layouts import LAYOUTS
from openrubrics.data.overlap import Overlap
from openrubrics.data.pairs import Candidates
from openrubrics.data.presets import PRESETS, Preset
from openrubrics.data.sources import as_question
from openrubrics.evaluation.benchmarks import BENCHMARKS, Benchmark
from openrubrics.signatures.files import write_whole

_MOST_SHOWN = 20


def show() -> None:
    """Print presets, layouts and benchmarks."""
    out = console()
    out.print(Text("Named sources, for --pairs", style="bold"))
    for preset in PRESETS.values():
        out.print(Text(preset.name, style="bold cyan"))
        for text in _about(preset):
            out.print(Padding(Text(text), (0, 0, 0, 4)))
    out.print(Text("\nLayouts, for --layout; a preset's name stands for its layout too", style="bold"))
    for layout in LAYOUTS.values():
        out.print(Text(layout.name, style="bold cyan"))
        out.print(Padding(Text(layout.says), (0, 0, 0, 4)))
    out.print(
        Text(
            "\nBenchmarks, for openrubrics evaluate --benchmark; from the hub, or local files with --path", style="bold"
        )
    )
    for benchmark in BENCHMARKS.values():
        out.print(Text(benchmark.name, style="bold cyan"))
        for text in _about_benchmark(benchmark):
            out.print(Padding(Text(text), (0, 0, 0, 4)))


def check(options: SourceOptions, *, as_json: bool) -> int:
    """Read all rows, print what was found, and return the exit code."""
    overlaps: list[Overlap] = []
    source = Source(options, on_overlap=overlaps.append)
    count = sum(1 for _ in source.values()) if source.count is None else source.count
    read = count + source.skipped.total()
    if as_json:
        found = {
            "read": read,
            "rows": count,
            "left_out": dict(source.skipped),
            "overlaps": [one.model_dump() for one in overlaps],
        }
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return 0
    click.echo(f"{count} rows" if read == count else f"{count} rows of {read} that were read")
    _tell_left_out(source.skipped)
    for one in overlaps[:_MOST_SHOWN]:
        how = "the same words" if one.exact else f"{100 * one.share:.0f} % of the n-grams"
        click.echo(clean(f"  {one.id}: {how} as {one.row} in {one.file}"))
    if len(overlaps) > _MOST_SHOWN:
        click.echo(f"  and {len(overlaps) - _MOST_SHOWN} more; --json lists all")
    return 0


def questions(options: SourceOptions, out: Path, *, overwrite: bool) -> int:
    """Write the prompts of a source, and return the exit code."""
    refuse_existing(out, overwrite=overwrite)
    source = Source(options, layouts=("questions", "pairs"))
    written = _write(out, (as_question(value) for value in source.values()), source.count, "reading", "prompts")
    click.echo(f"{written} prompts written to {out}")
    _tell_left_out(source.skipped)
    return 0


def rank(
    options: SourceOptions,
    models: tuple[str, ...],
    out: Path,
    *,
    overwrite: bool,
    rule: Literal["z-score", "rank-sum"],
    device: str | None,
    dtype: str | None,
    batch_size: int,
    max_tokens: int | None,
) -> int:
    """Rank responses by reward models, write the rankings, and return the exit code."""
    from openrubrics.data.ensemble import RewardEnsemble

    unfinished = out.with_name(f"{out.name}.ledger")
    if not unfinished.exists():
        refuse_existing(out, overwrite=overwrite)
    source = Source(options, layouts=("candidates",))
    ensemble = RewardEnsemble(
        models, rule=rule, device=device, dtype=dtype, batch_size=batch_size, max_tokens=max_tokens
    )
    unranked: Counter[str] = Counter()
    candidates = (value for value in source.values() if isinstance(value, Candidates))
    kept = f"scores are kept in {unfinished}; the same command{' without --overwrite' * overwrite} goes on from there"
    with Ledger(unfinished, identity={"command": "rank", **ensemble.identity}, overwrite=overwrite) as ledger:
        ranked = ensemble.rank(candidates, take=options.take, skipped=unranked, replies=ledger)
        written = _write(out, ranked, source.count, "ranking", "prompts", kept=kept)
        ledger.delete()
    click.echo(f"{written} rankings written to {out}")
    _tell_left_out(source.skipped + unranked)
    return 0


def _write(
    out: Path,
    values: Iterator[BaseModel],
    total: int | None,
    what: str,
    items: str,
    kept: str = "nothing was written",
) -> int:
    """Write values as JSON Lines, all or none, and return how many there were."""
    count = 0

    def lines() -> Iterator[bytes]:
        nonlocal count
        for value in values:
            yield value.model_dump_json().encode() + b"\n"
            count += 1
            advance()

    with progress(total, what, items=items, done="done", kept=kept) as advance:
        write_whole(out, lines())
    return count


def _tell_left_out(reasons: Counter[str]) -> None:
    for reason, count in reasons.most_common():
        click.echo(clean(f"{count} left out: {reason}"))


def _about(preset: Preset) -> Iterator[str]:
    where = f"on the hub: {preset.hub}" if preset.hub else "in this package"
    config = f", configuration {preset.config}" if preset.config else ""
    yield f"{where}{config}, splits {', '.join(preset.splits)}; layout {preset.layout}"
    yield f"taken: {preset.taken}"
    if preset.notes:
        yield f"note: {preset.notes}"
    yield f"licence: {preset.licence}"
    yield f"cite: {preset.citation}"


def _about_benchmark(benchmark: Benchmark) -> Iterator[str]:
    count = f", {sum(benchmark.counts.values()):,} cases" if benchmark.counts else ""
    yield f"{benchmark.title}{count}: {benchmark.says}"
    yield f"{benchmark.source.hub} on the hub" if benchmark.source else "with --path"
    for kind, rule in (("judges that compare two", benchmark.pairs), ("scorers", benchmark.scores)):
        if rule:
            yield f"for {kind}: {'the official rule' if rule.official else 'a rule of ours'}"
    if benchmark.responses:
        yield f"needs --responses, rows with {benchmark.responses}"
    yield f"licence: {benchmark.licence}"
    yield f"cite: {benchmark.citation}"
