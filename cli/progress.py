"""How far a run is, on the error output: a bar on a terminal, now and then a line elsewhere.

Where a run stops half-way, the error says what was done before that.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from openrubrics.cli.show import console
from openrubrics.signatures import Usage

SECONDS_BETWEEN_LINES = 30.0
"""How often a line is written where there is no terminal."""

_SECONDS_BETWEEN_FIGURES = 0.2
_THOUSAND = 1000
_WIDE = 100
"""Columns of a terminal that has room for a bar beside the figures."""


@contextmanager
def progress(
    total: int | None,
    what: str,
    *,
    items: str,
    done: str = "judged",
    kept: str,
    figures: Callable[[], str] = str,
    every: float = SECONDS_BETWEEN_LINES,
) -> Iterator[Callable[[], None]]:
    """Yield a function to call once for each finished item.

    An exception that passes through gets a note with how much was done, which the command line prints below it.

    Args:
        total: Number of items; None where it is not known.
        what: Label of the bar.
        items: What they are, such as "pairs".
        done: What becomes of an item.
        kept: Where the finished ones are.
        figures: Returns what else is to be seen, in a few words; called a few times a second.
        every: Seconds between two lines where there is no terminal.
    """
    err = console(stderr=True)
    count = 0
    pace = _Pace(total, every)
    columns = _columns(err.width)
    with Progress(*columns, console=err, disable=not err.is_terminal, transient=True, expand=True) as bar:
        task = bar.add_task(what, total=total, figures="")
        shown = time.monotonic()

        def advance() -> None:
            nonlocal count, shown
            count += 1
            now = time.monotonic()
            if err.is_terminal:
                if now - shown >= _SECONDS_BETWEEN_FIGURES or count == total:
                    shown = now
                    bar.update(task, completed=count, figures=figures())
            elif left := pace.line(count, now):
                so_far = f"{count} of {total} {items}" if total is not None else f"{count} {items}"
                click.echo(", ".join(filter(None, (f"{what}: {so_far}", figures(), left))), err=True)

        try:
            yield advance
        except BaseException as error:
            of = f" of {total}" if total is not None else ""
            error.add_note(f"{count}{of} {items} were {done} before that; {kept}" if count else f"nothing was {done}")
            raise


def _columns(width: int) -> tuple[ProgressColumn, ...]:
    """Return what fits into one line: counts and time left first, then figures, which are cut short where they must."""
    label, count, left = TextColumn("{task.description}"), MofNCompleteColumn(), TimeRemainingColumn()
    figures = TextColumn(
        "{task.fields[figures]}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")
    )
    if width < _WIDE:
        return label, count, left, figures
    return label, BarColumn(bar_width=20), count, TimeElapsedColumn(), left, figures


class _Pace:
    """When the next line is due, and how long the rest takes at the pace since the last one."""

    def __init__(self, total: int | None, every: float) -> None:
        self._total = total
        self._every = every
        self._count = 0
        self._time = time.monotonic()

    def line(self, count: int, now: float) -> str:
        """Return the time left in words where a line is due, else nothing."""
        if now - self._time < self._every:
            return ""
        seconds = (now - self._time) / (count - self._count)
        self._count, self._time = count, now
        if self._total is None:
            return f"{1 / seconds:.1f} a second" if seconds else "going on"
        return f"about {duration(seconds * (self._total - count))} left"


def duration(seconds: float) -> str:
    """Return a time in words, such as ``3 min``."""
    if seconds < 99:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 99 else f"{minutes / 60:.1f} h"


def spent(usage: Usage) -> str:
    """Return tokens and cost in a few words, such as ``1.2M tokens, $0.31``."""
    cost = "" if not usage.cost else f", ${usage.cost:.2f}" if usage.cost >= 1 else f", ${usage.cost:.4f}"
    return f"{_short(usage.tokens)} tokens{cost}"


def _short(number: int) -> str:
    value = float(number)
    for unit in ("", "k", "M"):
        if value < _THOUSAND:
            return f"{value:.0f}{unit}" if not unit or value >= 100 else f"{value:.1f}{unit}"
        value /= _THOUSAND
    return f"{value:.1f}G"
