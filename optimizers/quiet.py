"""DSPy's optimizers print, log and draw bars; a run keeps what they say in a file instead."""

import io
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO, cast

from openrubrics.signatures.files import cannot_write


class _Log(io.TextIOBase):
    """Passes text on, but not what redraws a line; a log that cannot be written ends no run."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        if "\r" not in text:
            with suppress(OSError):
                self._file.write(text)
                self._file.flush()
        return len(text)


class _Outlet:
    """A log for all threads but those that are aloud; the stream itself again once the run is over.

    Libraries that are first loaded during a run hold it for as long as the process lives.
    """

    def __init__(self, stream: TextIO, log: TextIO, aloud: threading.local) -> None:
        self._stream = stream
        self._log: TextIO | None = log
        self._aloud = aloud

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a stream has
        log = None if getattr(self._aloud, "on", False) else self._log
        return getattr(log or self._stream, name)

    def end(self) -> TextIO:
        """Be the stream again from now on, and return it."""
        self._log = None
        below = self._stream
        return below.end() if isinstance(below, _Outlet) and below._log is None else below


@contextmanager
def said_to(path: Path) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Write to a file what this process writes to its outputs meanwhile, in whatever thread.

    What the file held is gone: a run that goes on goes the whole way again.

    Yields:
        A context in which the outputs are what they were before, for its thread.

    Raises:
        UsageError: The file cannot be written.
    """
    here = threading.local()

    @contextmanager
    def aloud() -> Iterator[None]:
        here.on = True
        try:
            yield
        finally:
            here.on = False

    try:
        file = path.open("w", encoding="utf-8", errors="replace")
    except OSError as error:
        raise cannot_write(path, error) from error
    log = cast("TextIO", _Log(file))
    outlets = {name: _Outlet(getattr(sys, name), log, here) for name in ("stdout", "stderr")}
    for name, outlet in outlets.items():
        setattr(sys, name, outlet)
    try:
        yield aloud
    finally:
        for name, outlet in outlets.items():
            stream = outlet.end()
            if getattr(sys, name) is outlet:  # another run that is still under way may have put its own there
                setattr(sys, name, stream)
        with suppress(OSError):
            file.close()
