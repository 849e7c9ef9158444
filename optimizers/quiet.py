"""DSPy's optimizers print, log and draw bars; a run keeps what they say in a file instead."""

import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TextIO

from openrubrics.signatures.files import cannot_write


class _WithoutBars(io.TextIOBase):
    """Passes text on, but not what redraws a line."""

    def __init__(self, file: TextIO | None) -> None:
        self._file = file

    def write(self, text: str) -> int:
        if self._file is not None and "\r" not in text:
            self._file.write(text)
            self._file.flush()
        return len(text)


@contextmanager
def said_to(path: Path | None) -> Iterator[None]:
    """Append to a file what this process writes to its outputs meanwhile, in whatever thread; None drops it.

    Raises:
        UsageError: The file cannot be written.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("a", encoding="utf-8", errors="replace")) if path else None
        except OSError as error:
            raise cannot_write(path or Path(), error) from error
        stack.enter_context(redirect_stdout(_WithoutBars(file)))
        stack.enter_context(redirect_stderr(_WithoutBars(file)))
        yield
