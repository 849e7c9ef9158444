"""The rows of a file that is read more than once, or of a pipe that can be read only once."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

Row = TypeVar("Row")


class Rows(Generic[Row]):
    """Rows that can be iterated again and again, and have all been looked at once, so that a bad one shows early.

    A file is read again each time. A pipe, such as /dev/stdin, is read into memory.

    Args:
        path: Where the rows are.
        read: Starts to read them.
    """

    def __init__(self, path: Path, read: Callable[[], Iterator[Row]]) -> None:
        self._read = read
        self._kept = None if path.is_file() else list(read())
        self._count = sum(1 for _ in self)

    def __iter__(self) -> Iterator[Row]:
        return self._read() if self._kept is None else iter(self._kept)

    def __len__(self) -> int:
        return self._count
