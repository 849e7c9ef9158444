"""A file of decisions that is open for more: each line is on the disk before it counts as saved."""

from __future__ import annotations

import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from openrubrics.optimizers.refinement.decisions import (
    START,
    Decision,
    Decisions,
    Header,
    Signature,
    checked,
    line_of,
)
from openrubrics.signatures.errors import OpenRubricsError, UsageError
from openrubrics.signatures.files import cannot_write


class DecisionFile:
    """Appends decisions and signatures; one process at a time can have a file open, and the lock goes with it.

    Attributes:
        path: The file, made on entering where it is missing.
        held: What it holds, kept up to date.
    """

    held: Decisions

    def __init__(self, path: Path, start: Header) -> None:
        """Prepare a file, which is opened on entering.

        Args:
            path: Where it is.
            start: What the review starts from; the file has to start from the same.
        """
        self.path = path
        self._start = start
        self._file = -1

    def __enter__(self) -> Self:
        """Open the file and check every line of it; a last line that was cut off is taken away.

        Raises:
            UsageError: Another process has it open, it is of another review, or it cannot be written.
            DataError: A line was changed, removed, added or moved.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise cannot_write(self.path, error) from error
        try:
            self._lock()
            self._begin()
        except OSError as error:
            self._close()
            raise cannot_write(self.path, error) from error
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def append(self, record: Decision | Signature) -> None:
        """Write one more line with the time of now; when this returns, it is on the disk.

        Raises:
            UsageError: It cannot be written; the file is as it was.
        """
        stamped = record.model_copy(update={"at": _now()})
        number = len(self.held.records) + 2
        line, head = line_of(stamped, number, self.held.head)
        self._write(line)
        records = (*self.held.records, stamped)
        self.held = Decisions(self.held.header, records, head, self.held.size + len(line), 0)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"another review is writing {self.path}", "end it first, or name another file with --decisions"
            ) from None

    def _begin(self) -> None:
        content = _content(self._file)
        if b"\n" not in content:  # nothing, or a first line that was cut off
            if content and not content.startswith(b'{"hash":'[: len(content)]):
                raise UsageError(f"{self.path} holds something else", "name another file with --decisions")
            os.ftruncate(self._file, 0)
            start = self._start.model_copy(update={"at": _now()})
            line, head = line_of(start, 1, START)
            self.held = Decisions(start, (), head, 0, 0)
            self._write(line)
            self.held = Decisions(start, (), head, len(line), 0)
            _flush_folder(self.path.parent)
            return
        self.held = checked(content, self.path)
        self._compare(self.held.header)
        if self.held.cut:
            os.ftruncate(self._file, self.held.size)
            os.fsync(self._file)

    def _compare(self, found: Header) -> None:
        """Make sure that the file is of this review."""
        names = {
            "meta_rubric": "document",
            "domain": "domain",
            "data": "pairs",
            "proposals": "proposals",
        }
        others = [said for name, said in names.items() if getattr(found, name) != getattr(self._start, name)]
        if others:
            raise UsageError(
                f"{self.path} holds decisions about another review: {', '.join(others)} differ",
                "name another file with --decisions, or take what that review was of",
            )

    def _write(self, line: bytes) -> None:
        """Write and flush; where that fails, take away what was written of it."""
        try:
            written = os.write(self._file, line)
            while written < len(line):
                written += os.write(self._file, line[written:])
            os.fsync(self._file)
        except OSError as error:
            try:
                os.ftruncate(self._file, self.held.size)
            except OSError as second:
                error.add_note(f"and it could not be shortened again: {second}")
            raise _again(cannot_write(self.path, error)) from error

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _content(file: int) -> bytes:
    with os.fdopen(os.dup(file), "rb") as copy:
        copy.seek(0)
        return copy.read()


def _flush_folder(folder: Path) -> None:
    """Flush the folder's entry for a new file, so that it is found after a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _again(error: OpenRubricsError) -> UsageError:
    return UsageError(error.message, "nothing was saved of this decision; what was saved before stays")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
