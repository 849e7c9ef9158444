"""How far a search for prompts is, on the error output: one line that changes on a terminal, lines elsewhere.

DSPy's own output is led into a file while it searches; so the error output of before is held.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import Progress as Line
from rich.progress import TextColumn, TimeElapsedColumn
from rich.table import Column

from openrubrics.cli.progress import SECONDS_BETWEEN_LINES, duration, spent
from openrubrics.lms import Budget
from openrubrics.optimizers import Progress

_SECONDS_BETWEEN_FIGURES = 0.2


@contextmanager
def search_progress(
    limit: Budget, *, kept: str, split: str = "validation", every: float = SECONDS_BETWEEN_LINES
) -> Iterator[Callable[[Progress], None]]:
    """Yield a function to call with how far the search is, from any thread.

    Where there is no terminal, a line is written when a phase begins, when a better candidate is found, and now and
    then. An exception that passes through gets a note with how much was done, which the command line prints below it.

    Args:
        limit: What the run may spend.
        kept: Where the replies are, and how to go on.
        split: The pairs that the best score is on.
        every: Seconds between two lines where nothing happens.
    """
    err = Console(file=sys.stderr, highlight=False)
    shown = _OnTerminal(err, limit) if err.is_terminal else _Lines(err, limit, every)
    lock, last = threading.Lock(), None

    def take(progress: Progress) -> None:
        nonlocal last
        with lock:
            last = progress
            shown.take(progress)

    with shown.line:
        try:
            yield take
        except BaseException as error:
            error.add_note(_note(last, kept, split))
            raise


def _note(last: Progress | None, kept: str, split: str) -> str:
    if last is None:
        return "no program run was done"
    best = "" if last.best is None else f", best score on {split} {last.best:.3f}"
    return f"{last.runs} program runs, {last.usage.calls} calls{best}; {kept}"


class _OnTerminal:
    """One line that changes."""

    def __init__(self, err: Console, limit: Budget) -> None:
        self._limit = limit
        self._time = 0.0
        figures = TextColumn(
            "{task.fields[figures]}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")
        )
        self.line = Line(
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            figures,
            console=err,
            transient=True,
            expand=True,
            redirect_stdout=False,  # DSPy's output goes into a file while this line is shown
            redirect_stderr=False,
        )
        self._task = self.line.add_task("starting", total=None, figures="")

    def take(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._time >= _SECONDS_BETWEEN_FIGURES:
            self._time = now
            self.line.update(self._task, description=progress.phase, figures=figures(progress, self._limit))


class _Lines:
    """A line for what is worth one."""

    def __init__(self, err: Console, limit: Budget, every: float) -> None:
        self._stream = err.file
        self._limit = limit
        self._every = every
        self._start = self._time = time.monotonic()
        self._phase = ""
        self._best: float | None = None
        self.line = Line(disable=True)

    def take(self, progress: Progress) -> None:
        now = time.monotonic()
        before = progress.base if self._best is None else self._best
        better = progress.best is not None and before is not None and progress.best > before
        if not better and progress.phase == self._phase and now - self._time < self._every:
            return
        self._time, self._phase = now, progress.phase
        self._best = progress.best if better else self._best
        what = f"{progress.phase}: better candidate found" if better else progress.phase
        click.echo(f"{what}: {figures(progress, self._limit)}, {duration(now - self._start)}", file=self._stream)


def figures(progress: Progress, limit: Budget) -> str:
    """Return scores, what was spent, candidate and runs in one line, what matters most first."""
    parts: list[str] = []
    if progress.best is not None:
        parts.append(
            f"best {progress.best:.3f}" + (f" (base {progress.base:.3f})" if progress.base is not None else "")
        )
    of = f" of {limit.max_calls}" if limit.max_calls is not None else ""
    again = f" ({progress.replayed} from the folder)" if progress.replayed else ""
    return ", ".join(
        (
            *parts,
            f"{progress.usage.calls}{of} calls{again}",
            spent(progress.usage),
            f"candidate {progress.candidate} of {progress.candidates}",
            f"{progress.runs} runs",
        )
    )
