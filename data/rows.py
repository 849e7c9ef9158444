"""Read the rows of JSON Lines files into values, one at a time, with errors that name file, line and field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Generic, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from openrubrics.data.fields import prompt_mistake, response_text, shown
from openrubrics.data.lines import numbered_lines
from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.values import fingerprint

Row = TypeVar("Row", bound=BaseModel)


@dataclass(frozen=True)
class RowReader(Generic[Row]):
    """Reads files of one kind of row. A row has an ``id`` and a ``prompt``.

    Attributes:
        model: The value that a row becomes.
        expected: What each field holds, in words for error messages.
        responses: Fields that hold a response; with the prompt they name a row which has no id.
    """

    model: type[Row]
    expected: Mapping[str, str]
    responses: tuple[str, ...]

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
        for number, line in numbered_lines(path):
            place = f"{path}, line {number}"
            row = self._normal(_object(line, place))
            named = "id" in row
            value = self._value(row, place)
            name = str(row["id"])
            first = lines_by_id.setdefault(blake2b(name.encode(), digest_size=16).digest(), number)
            if first != number:
                raise _repeated(place, first, name if named else None)
            yield value
            if len(lines_by_id) == limit:
                return
        if not lines_by_id:
            raise DataError(f"{path} is empty", "expected one JSON object a line")

    def _normal(self, row: dict[str, object]) -> dict[str, object]:
        """Return the row without empty optional fields, with its id as text and its responses as text."""
        fields = self.model.model_fields
        row = {
            name: value
            for name, value in row.items()
            if value is not None or (name != "id" and (name not in fields or fields[name].is_required()))
        }
        if type(row.get("id")) is int:
            row["id"] = str(row["id"])
        return row | {name: response_text(row[name], row.get("prompt")) for name in self.responses if name in row}

    def _value(self, row: dict[str, object], place: str) -> Row:
        mistake = prompt_mistake(row.get("prompt"))
        if mistake:
            raise DataError(f"{place}: {mistake}")
        if "id" not in row:
            row["id"] = fingerprint({key: row.get(key) for key in ("prompt", *self.responses)})
        try:
            return self.model.model_validate(row)
        except ValidationError as error:
            raise self._error(place, error.errors()[0], row) from error

    def _error(self, place: str, detail: ErrorDetails, row: Mapping[str, object]) -> DataError:
        if not detail["loc"]:
            return DataError(
                f"{place}: {detail.get('ctx', {}).get('error', detail['msg'])}", "remove the row or mend it"
            )
        field = str(detail["loc"][0])
        if field not in self.expected:
            hint = "put it under 'meta'" if "meta" in self.expected else "remove it"
            return DataError(f"{place}: field {shown(field)} is unknown; expected {', '.join(self.expected)}", hint)
        if field not in row:
            return DataError(f"{place}: field '{field}' is missing; expected {self.expected[field]}")
        return DataError(f"{place}: field '{field}' is {shown(row[field])}; expected {self.expected[field]}")


def _repeated(place: str, first: int, name: str | None) -> DataError:
    if name is None:
        return DataError(f"{place}: repeats line {first}", "remove one of them, or give each an id")
    return DataError(f"{place}: field 'id' is {shown(name)}, which line {first} has too", "ids must be unique")


def _object(line: bytes, place: str) -> dict[str, object]:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise DataError(f"{place}: not valid JSON: {error.msg} (character {error.pos + 1})") from error
    if not isinstance(row, dict):
        raise DataError(f"{place}: expected a JSON object, found {shown(row)}")
    return row
