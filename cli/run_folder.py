"""What runs that end in a folder share: their time, what may lie there before, and what becomes of stopped ones."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click
from pydantic import JsonValue

from openrubrics.data import Ledger
from openrubrics.evaluation import RunWriter
from openrubrics.signatures.errors import UsageError


class Clock:
    """The seconds of a run, with those before it was stopped; what it knows of them is at most a second old.

    Args:
        writer: Folder of the run; None where nothing is kept.
    """

    def __init__(self, writer: RunWriter | None) -> None:
        self._writer = writer
        self._before = writer.seconds if writer else 0.0
        self._start = time.perf_counter()
        self._noted = self._before

    @property
    def seconds(self) -> float:
        """Seconds until now."""
        return self._before + time.perf_counter() - self._start

    def tick(self) -> None:
        """Note the time in the folder, once a second."""
        if self._writer and self.seconds - self._noted > 1:
            self._noted = self._writer.seconds = self.seconds


@contextmanager
def opened(writer: RunWriter | None) -> Iterator[RunWriter | None]:
    """Open the folder of a run, if there is one, and say so where it holds an unfinished run."""
    if writer is None:
        yield None
        return
    with writer:
        if not writer.ledger.is_empty:
            click.echo(f"going on with the unfinished run in {writer.folder}", err=True)
        yield writer


def taking(writer: RunWriter | None, clock: Clock, advance: Callable[[], None]) -> Callable[[object], None]:
    """Return what is called with each result: the run that is replaced goes, time is noted, progress shown."""

    def take(_: object) -> None:
        if writer:
            writer.replace()
        clock.tick()
        advance()

    return take


def what_is_kept(out: Path | None, *, overwrite: bool) -> str:
    """Return what becomes of the results so far where a run is stopped, for the progress line."""
    if out is None:
        return "they are lost: no folder was named with --out"
    without = " without --overwrite" if overwrite else ""
    return f"they are kept in {out}; the same command{without} goes on from there"


def refuse_foreign(ledger: Path, written: Iterable[Path], *, overwrite: bool) -> None:
    """Make sure that a search replaces no file which no run of its command wrote.

    Args:
        ledger: Of the run, in its folder; where it is, what lies beside it is the run's.
        written: Files that the run writes at its end.
        overwrite: Whether they may be replaced, whoever wrote them.

    Raises:
        UsageError: One of them is there.
    """
    if overwrite or ledger.exists():
        return
    for path in written:
        if path.exists():
            raise UsageError(
                f"{ledger.parent} already holds {path.name}, and no run to go on with",
                "name another folder, or replace it with --overwrite",
            )


def holds_replies(ledger: Path, identity: Mapping[str, JsonValue], *, overwrite: bool) -> bool:
    """Whether there are replies of the same run to go on with.

    Raises:
        UsageError: They are of another run.
    """
    if overwrite or not ledger.exists():
        return False
    with Ledger(ledger, identity=identity) as replies:
        return not replies.is_empty
