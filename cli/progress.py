"""A progress bar on the error output, where that is a terminal, and what was done where a run stops half-way."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from openrubrics.cli.show import console


@contextmanager
def progress(total: int, what: str, *, items: str, done: str = "judged", kept: str) -> Iterator[Callable[[], None]]:
    """Yield a function to call once for each finished item.

    An exception that passes through gets a note with how much was done, which the command line prints below it.

    Args:
        total: Number of items.
        what: Label of the bar.
        items: What they are, such as "pairs".
        done: What becomes of an item.
        kept: Where the finished ones are.
    """
    err = console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    count = 0
    with Progress(*columns, console=err, disable=not err.is_terminal, transient=True) as bar:
        task = bar.add_task(what, total=total)

        def advance() -> None:
            nonlocal count
            count += 1
            bar.advance(task)

        try:
            yield advance
        except BaseException as error:
            error.add_note(
                f"{count} of {total} {items} were {done} before that; {kept}" if count else f"nothing was {done}"
            )
            raise
