"""Read the rows of JSON Lines files into values, one at a time, with errors that name file, line and field."""

import gzip
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from io import BufferedIOBase
from pathlib import Path
from typing import Generic, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.values import Message, fingerprint

Row = TypeVar("Row", bound=BaseModel)


@dataclass(frozen=True)
class RowReader(Generic[Row]):
    """Reads files of one kind of row. A row has an ``id`` and a ``prompt``.

    Attributes:
        model: The value that a row becomes.
        expected: What each field holds, in words for error messages.
        content: Fields that name a row which has no id.
    """

    model: type[Row]
    expected: Mapping[str, str]
    content: tuple[str, ...]

    def read(self, path: Path, *, limit: int | None = None) -> Iterator[Row]:
        """Read the rows of a ``.jsonl`` or ``.jsonl.gz`` file, lazily and in order.

        Blank lines are skipped. Memory holds one row, and about 0.2 KB a row to find repeated ids.

        Args:
            path: File to read.
            limit: Most rows to read; None for all. Rows after it are not looked at.

        Raises:
            UsageError: `limit` is below 1.
            DataError: The file is missing, unreadable or empty, a row is not what it should be, or an id comes twice.
                Apart from a missing file this shows only when the iteration gets there.
        """
        if limit is not None and limit < 1:
            raise UsageError(f"limit is {limit}, but at least one row must be read")
        if not path.exists():
            raise DataError(f"{path} does not exist")
        return self._rows(path, limit)

    def _rows(self, path: Path, limit: int | None) -> Iterator[Row]:
        lines_by_id: dict[bytes, int] = {}
        for number, line in _lines(path):
            place = f"{path}, line {number}"
            row = _object(line, place)
            value = self._value(row, place)
            name = str(row["id"])
            first = lines_by_id.setdefault(blake2b(name.encode(), digest_size=16).digest(), number)
            if first != number:
                raise DataError(
                    f"{place}: field 'id' is {_shown(name)}, which line {first} has too",
                    "ids must be unique; rows without an id are named by their content",
                )
            yield value
            if len(lines_by_id) == limit:
                return
        if not lines_by_id:
            raise DataError(f"{path} is empty", "expected one JSON object a line")

    def _value(self, row: dict[str, object], place: str) -> Row:
        if "id" not in row:
            row["id"] = fingerprint({key: row.get(key) for key in self.content})
        try:
            value = self.model.model_validate(row)
        except ValidationError as error:
            raise DataError(f"{place}: {self._explained(error.errors()[0], row)}") from error
        if not _ends_with_user(row["prompt"]):
            raise DataError(f"{place}: {self._unexpected('prompt', row['prompt'])}")
        return value

    def _explained(self, detail: ErrorDetails, row: Mapping[str, object]) -> str:
        if not detail["loc"]:
            return str(detail.get("ctx", {}).get("error", detail["msg"]))
        field = str(detail["loc"][0])
        if field not in self.expected:
            return f"field {_shown(field)} is unknown; expected {', '.join(self.expected)}"
        if field not in row:
            return f"field '{field}' is missing; expected {self.expected[field]}"
        return self._unexpected(field, row[field])

    def _unexpected(self, field: str, found: object) -> str:
        return f"field '{field}' is {_shown(found)}; expected {self.expected[field]}"


def _ends_with_user(prompt: object) -> bool:
    if not isinstance(prompt, list):
        return True
    return bool(prompt) and Message.model_validate(prompt[-1]).role == "user"


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank, with 1-based numbers."""
    number = 0
    try:
        with _open(path) as file:
            for number, line in enumerate(file, start=1):
                text = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
                if text:
                    yield number, text
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}, line {number + 1}: cannot be read: {_cause(error)}") from error


def _open(path: Path) -> BufferedIOBase:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _cause(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def _object(line: bytes, place: str) -> dict[str, object]:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise DataError(f"{place}: not valid JSON: {error.msg} (character {error.pos + 1})") from error
    if not isinstance(row, dict):
        raise DataError(f"{place}: expected a JSON object, found {_shown(row)}")
    return row


def _shown(value: object) -> str:
    """Return a value in one short line."""
    text = repr(value) if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= 60 else f"{text[:60]}..."
