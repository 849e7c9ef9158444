"""What `openrubrics diff` does."""

from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from openrubrics.cli.show import clean, console
from openrubrics.evaluation import Figures
from openrubrics.optimizers.diff import diff
from openrubrics.optimizers.difference import Demonstrations, Difference, PredictorDifference, Scores
from openrubrics.optimizers.meta_rubric_diff import meta_rubric_difference
from openrubrics.optimizers.text_diff import Change
from openrubrics.signatures import default_meta_rubric, read_meta_rubric
from openrubrics.signatures.errors import UsageError

_MOST_SHOWN = 10
_MOST_IDS = 50
_MARKS = {"removed": "- ", "added": "+ ", "same": "  "}
_STYLES = {"removed": "red", "added": "green", "same": "dim"}
_STYLE_OF = {"- ": "red", "+ ": "green", "~ ": "yellow"}


def run(a: Path, b: Path | None, *, as_json: bool) -> int:
    """Compare, print what differs, and return the exit code."""
    documents = [_is_document(path) for path in (a, b) if path is not None]
    if all(documents):
        return _run_documents(a, b, as_json=as_json)
    if any(documents):
        raise UsageError("one of the files is a meta-rubric, and the other a saved program", "compare two of a kind")
    difference = diff(a, b)
    if as_json:
        click.echo(difference.model_dump_json(indent=2))
    else:
        _show(console(), difference)
    return 0


def _is_document(path: Path) -> bool:
    """Whether a file is named or begins as a meta-rubric; a saved program is JSON."""
    if path.suffix.lower() in (".md", ".markdown"):
        return True
    with path.open("rb") as file:
        return file.read(200).removeprefix(BOM_UTF8).lstrip().startswith(b"#")


def _run_documents(a: Path, b: Path | None, *, as_json: bool) -> int:
    first = read_meta_rubric(a)
    before, after = (default_meta_rubric(), first) if b is None else (first, read_meta_rubric(b))
    difference = meta_rubric_difference(before, after)
    if as_json:
        click.echo(difference.model_dump_json(indent=2))
        return 0
    out = console()
    for line in str(difference).splitlines():
        mark = line[:2] if line[:2] in _STYLE_OF else ""
        _wrapped(out, mark, line[len(mark) :], _STYLE_OF.get(mark, "bold"))
    return 0


def _show(out: Console, difference: Difference) -> None:
    _wrapped(out, "- ", difference.before, "red")
    _wrapped(out, "+ ", difference.after, "green")
    for note in difference.notes:
        _wrapped(out, "note: ", note, "yellow", again="      ")
    if difference.scores:
        _show_scores(out, difference.scores)
    if difference.same:
        out.print("\nThe instructions and demonstrations are the same.")
    else:
        for predictor in difference.predictors:
            out.print(Text(f"\n{clean(predictor.name)}", style="bold"))
            _show_predictor(out, predictor)
    for kind, names in (("removed", difference.only_before), ("added", difference.only_after)):
        for name in names:
            out.print(Text(f"\n{clean(name)}", style="bold"))
            _wrapped(out, _MARKS[kind], "a predictor that only this program has", _STYLES[kind])
    if difference.facts:
        out.print(Text("\nother differences", style="bold"))
    for fact in difference.facts:
        for kind, value in (("removed", fact.before), ("added", fact.after)):
            if value:
                _wrapped(out, _MARKS[kind], f"{fact.name}: {value}", _STYLES[kind])


def _show_predictor(out: Console, predictor: PredictorDifference) -> None:
    demos = predictor.demos
    counts = {kind: sum(change.kind == kind for change in predictor.changes) for kind in _MARKS}
    if not predictor.instructions_differ:
        out.print("instructions: the same")
    elif counts["same"] == len(predictor.changes):
        out.print("instructions: the same words, in other lines")
    else:
        out.print(f"instructions, by sentence: {_counted(counts['removed'], counts['added'], counts['same'])}")
        _show_changes(out, predictor.changes)
    if demos.added or demos.removed or demos.kept:
        out.print(f"demonstrations: {_counted(len(demos.removed), len(demos.added), demos.kept)}")
        _show_demonstrations(out, demos)


def _counted(removed: int, added: int, kept: int) -> str:
    return f"{removed} removed, {added} added, {kept} kept"


def _show_changes(out: Console, changes: Sequence[Change]) -> None:
    """Print what was removed and added, with the sentence before and after it."""
    runs = [(kind, list(run)) for kind, run in groupby(changes, key=lambda change: change.kind)]
    for position, (kind, run) in enumerate(runs):
        shown = run
        if kind == "same":
            first, last = position > 0, position < len(runs) - 1
            if len(run) > first + last:
                head, tail = run[: int(first)], run[len(run) - int(last) :]
                for change in head:
                    _wrapped(out, _MARKS[kind], change.text, _STYLES[kind])
                left = len(run) - len(head) - len(tail)
                _wrapped(out, "  ", f"[... {left} kept]", "dim")
                shown = tail
        for change in shown:
            _wrapped(out, _MARKS[kind], change.text, _STYLES[kind])


def _show_demonstrations(out: Console, demos: Demonstrations) -> None:
    for kind, prompts, pairs in (
        ("removed", demos.removed, demos.pairs_before),
        ("added", demos.added, demos.pairs_after),
    ):
        for prompt in prompts[:_MOST_SHOWN]:
            _wrapped(out, _MARKS[kind], f"prompt: {prompt}", _STYLES[kind])
        if len(prompts) > _MOST_SHOWN:
            _wrapped(out, _MARKS[kind], f"and {len(prompts) - _MOST_SHOWN} more; --json lists all", _STYLES[kind])
        if pairs and demos.pairs_before != demos.pairs_after:
            more = f" and {len(pairs) - _MOST_IDS} more" if len(pairs) > _MOST_IDS else ""
            ids = f"from the training pairs {', '.join(pairs[:_MOST_IDS])}{more}"
            _wrapped(out, _MARKS[kind], ids, _STYLES[kind])


def _show_scores(out: Console, scores: Sequence[Scores]) -> None:
    table = Table("accuracy (95 %)", box=SIMPLE, pad_edge=False)
    for heading in ("- before", "+ after"):
        table.add_column(heading, justify="right", no_wrap=True)
    for split in scores:
        table.add_row(split.split, _accuracy(split.before), _accuracy(split.after))
    out.print(table)
    for line in _said(scores):
        _wrapped(out, "", line, "")


def _accuracy(figures: Figures | None) -> str:
    if figures is None:
        return "-"
    low, high = figures.accuracy_ci
    return f"{figures.accuracy:.3f} ({low:.3f}-{high:.3f})"


def _said(scores: Sequence[Scores]) -> Iterator[str]:
    for split in scores:
        if split.change:
            low, high = split.change.difference_ci
            biased = "it chose the prompts, so this is biased upwards"
            yield (
                f"{split.split}: {split.change.difference:+.3f} (95 %: {low:+.3f} to {high:+.3f}) on "
                f"{split.change.pairs} pairs, McNemar's p {_p(split.change.mcnemar_p)}: "
                f"{biased if split.split == 'validation' else split.change.verdict}"
            )
        elif split.before and split.after and not split.comparable:
            yield (
                f"{split.split}: measured on other pairs, in other orders, with other models or at another task, so "
                "these scores do not compare the prompts"
            )


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _wrapped(out: Console, mark: str, text: str, style: str, again: str | None = None) -> None:
    """Print a text within the width of the terminal, each line with its mark."""
    rest = mark if again is None else again
    for number, line in enumerate(Text(clean(text)).wrap(out, max(20, out.width - len(mark)))):
        out.print(Text(rest if number else mark, style=style) + Text(line.plain.rstrip(), style=style), soft_wrap=True)
