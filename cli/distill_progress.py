"""How far training is, on the error output: one line that changes on a terminal, lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from openrubrics.cli.progress import SECONDS_BETWEEN_LINES, duration
from openrubrics.train.summary import TrainProgress


@contextmanager
def train_progress(
    out: Path, *, shown: bool, every: float = SECONDS_BETWEEN_LINES
) -> Iterator[Callable[[TrainProgress], None]]:
    """Yield a function to call with how far training is.

    Where there is no terminal, a line is written at the first step, when the loss on records that are not learned was
    measured, and now and then. An exception that passes through gets a note, which the command line prints below it.

    Args:
        out: Folder of the run.
        shown: Whether anything is; not in other processes than the first.
        every: Seconds between two lines where nothing happens.
    """
    err = Console(file=sys.stderr, highlight=False)
    bar = Progress(
        TextColumn("training"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}", markup=False),
        console=err,
        disable=not (shown and err.is_terminal),
        transient=True,
        redirect_stdout=False,
    )
    last: TrainProgress | None = None
    told = 0.0

    def take(progress: TrainProgress) -> None:
        nonlocal last, told
        before, last = last, progress
        if not shown:
            return
        if err.is_terminal:
            bar.update(task, completed=progress.step, total=progress.steps, figures=figures(progress))
            return
        measured = before is None or progress.eval_loss != before.eval_loss
        if measured or time.monotonic() - told >= every or progress.step == 1:
            told = time.monotonic()
            click.echo(f"step {progress.step} of {progress.steps}: {figures(progress)}", err=True)

    with bar:
        task = bar.add_task("", total=None, figures="")
        try:
            yield take
        except BaseException as error:
            if last is not None:
                error.add_note(
                    f"stopped after step {last.step} of {last.steps}; the same command, without --overwrite, goes on "
                    f"from the last checkpoint in {out}"
                )
            raise


def figures(progress: TrainProgress) -> str:
    """Return losses, pace and time left in one line."""
    parts = []
    if progress.loss is not None:
        parts.append(f"loss {progress.loss:.3f}")
    if progress.eval_loss is not None:
        parts.append(f"{progress.eval_loss:.3f} on records that are not learned")
    if progress.tokens_per_second is not None:
        parts.append(f"{progress.tokens_per_second:,.0f} tokens/s")
    if progress.seconds_left:
        parts.append(f"about {duration(progress.seconds_left)} left")
    return ", ".join(parts)
