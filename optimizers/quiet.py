"""DSPy's optimizers print, log and draw bars; a run keeps what they say in a file instead."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TextIO

from openrubrics.signatures.files import cannot_write


class _WithoutBars(io.TextIOBase):
    """Passes text on, but not what redraws a line."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        if "\r" not in text:
            self._file.write(text)
            self._file.flush()
        return len(text)


@contextmanager
def said_to(path: Path) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Write to a file what this process writes to its outputs meanwhile, in whatever thread.

    What the file held is gone: a run that goes on goes the whole way again.

    Yields:
        A context in which the outputs are what they were before.

    Raises:
        UsageError: The file cannot be written.
    """
    out, err = sys.stdout, sys.stderr

    @contextmanager
    def aloud() -> Iterator[None]:
        with redirect_stdout(out), redirect_stderr(err):
            yield

    try:
        file = path.open("w", encoding="utf-8", errors="replace")
    except OSError as error:
        raise cannot_write(path, error) from error
    with file, redirect_stdout(_WithoutBars(file)), redirect_stderr(_WithoutBars(file)):
        yield aloud
