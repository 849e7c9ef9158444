"""Rows become values, one at a time; what is wrong with a row names file, line and field, and can be skipped."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, NamedTuple, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from openrubrics.data.fields import is_nested_deeper, prompt_mistake, response_text, shown
from openrubrics.data.lines import numbered_lines
from openrubrics.data.repeats import FirstPlaces
from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.values import fingerprint

Row = TypeVar("Row", bound=BaseModel)

_LINES = "expected one JSON object a line; an array of objects goes into a file that ends in .json"

MOST_LEVELS = 100
"""How deep lists and objects of ``meta`` may lie in each other; twice as many cannot be read again."""

OnError = Literal["stop", "skip"]
"""What a bad row does: end the reading with an error, or be counted and passed over."""


class Place(NamedTuple):
    """Where a row is.

    Attributes:
        name: File, or data set.
        unit: What is counted there, such as ``line``.
        number: From 1.
        file: Position of the file among those of its source, from 0.
    """

    name: str
    unit: str
    number: int
    file: int = 0

    def __str__(self) -> str:
        return f"{self.name}, {self.unit} {self.number}"


class RowError(DataError):
    """One row is not what it should be; those after it may be.

    Attributes:
        reason: What is wrong without the value, for counting.
    """

    def __init__(self, message: str, hint: str = "", reason: str = "") -> None:
        super().__init__(message, hint)
        self.reason = reason or message


class PassedOver(NamedTuple):
    """A sound row that is left out on purpose.

    Attributes:
        reason: Why, for counting.
    """

    reason: str


Located = tuple[Place, dict[str, object] | RowError]
"""A row as the file holds it, or why it could not be read; and where."""


class Read(NamedTuple, Generic[Row]):
    """A value, and whether its row gave it an id."""

    value: Row
    named: bool


@dataclass(frozen=True)
class RowReader(Generic[Row]):
    """Makes values of one kind from rows. A value has an ``id`` and a ``prompt``.

    Attributes:
        model: The value that a row becomes.
        expected: What each field holds, in words for error messages.
        content: Fields that name a row which has no id, apart from the prompt.
        responses: Those of them that hold one response each.
    """

    model: type[Row]
    expected: Mapping[str, str]
    content: tuple[str, ...]
    responses: tuple[str, ...]

    def read(
        self,
        path: Path,
        *,
        limit: int | None = None,
        on_error: OnError = "stop",
        skipped: Counter[str] | None = None,
    ) -> Iterator[Row]:
        """Read the rows of a ``.jsonl`` or ``.jsonl.gz`` file, lazily and in order.

        Blank lines are skipped. Memory holds one row, and at most 48 bytes a row to find repeated ids.

        Args:
            path: File to read.
            limit: Most values to read; None for all. Rows after the last are not looked at.
            on_error: Whether a bad row ends the reading or is counted in `skipped`.
            skipped: Takes the number of skipped rows by reason.

        Raises:
            UsageError: `limit` is below 1.
            DataError: The file is missing, unreadable or empty, a row is not what it should be, or an id comes twice.
                Apart from a missing file this shows only when the iteration gets there.
        """
        check_limit(limit)
        if not path.exists():
            raise DataError(f"{path} does not exist")
        return values(
            json_lines(path),
            self.value,
            name=str(path),
            limit=limit,
            on_error=on_error,
            skipped=Counter() if skipped is None else skipped,
        )

    def value(self, row: Mapping[str, object], place: Place, names: Mapping[str, str] | None = None) -> Read[Row]:
        """Return the value of a row.

        Args:
            row: Values by field.
            place: Where it is.
            names: Columns that the fields come from, where they have other names.

        Raises:
            RowError: A field is not what it should be.
        """
        names = names or {}
        fields = self._normal(row)
        mistake = prompt_mistake(fields.get("prompt"), names.get("prompt", "prompt"))
        if mistake:
            raise RowError(f"{place}: {mistake}", reason=f"field '{names.get('prompt', 'prompt')}' is not as expected")
        if is_nested_deeper(fields.get("meta"), MOST_LEVELS):
            problem = f"field 'meta' is nested more than {MOST_LEVELS} levels deep"
            raise RowError(f"{place}: {problem}", "keep what is needed of it", problem)
        named = "id" in fields
        try:
            value = self.model.model_validate(fields if named else fields | {"id": ""})
        except ValidationError as error:
            raise self._error(place, error.errors()[0], fields, names) from error
        if named:
            return Read(value, named)
        content = fingerprint({key: fields.get(key) for key in ("prompt", *self.content)})
        return Read(value.model_copy(update={"id": content}), named)

    def _normal(self, row: Mapping[str, object]) -> dict[str, object]:
        """Return the row without empty optional fields, with its id as text and its responses as text."""
        fields = self.model.model_fields
        kept = {
            name: value
            for name, value in row.items()
            if value is not None or (name != "id" and (name not in fields or fields[name].is_required()))
        }
        if type(kept.get("id")) is int:
            kept["id"] = str(kept["id"])
        return kept | {name: response_text(kept[name], kept.get("prompt")) for name in self.responses if name in kept}

    def _error(
        self, place: Place, detail: ErrorDetails, row: Mapping[str, object], names: Mapping[str, str]
    ) -> RowError:
        if not detail["loc"]:
            cause = str(detail.get("ctx", {}).get("error", detail["msg"]))
            return RowError(f"{place}: {cause}", "remove the row or mend it", cause)
        field = str(detail["loc"][0])
        if field not in self.expected:
            hint = "put it under 'meta'" if "meta" in self.expected else "remove it"
            problem = f"field {shown(field)} is unknown"
            return RowError(f"{place}: {problem}; expected {', '.join(self.expected)}", hint, problem)
        name, expected = names.get(field, field), self.expected[field]
        if field not in row:
            problem = f"field '{name}' is missing"
            return RowError(f"{place}: {problem}; expected {expected}", reason=problem)
        return RowError(
            f"{place}: field '{name}' is {shown(row[field])}; expected {expected}",
            reason=f"field '{name}' is not as expected",
        )


def check_limit(limit: int | None) -> None:
    """Refuse a limit below 1."""
    if limit is not None and limit < 1:
        raise UsageError(f"limit is {limit}, but at least one row must be read")


def json_lines(path: Path, file: int = 0) -> Iterator[Located]:
    """Yield the objects of a JSON Lines file."""
    for number, line in numbered_lines(path):
        place = Place(str(path), "line", number, file)
        try:
            row: object = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            message = f"{place}: not valid JSON: {error.msg} (character {error.pos + 1})"
            yield place, RowError(message, _LINES, "not valid JSON")
        else:
            yield place, as_object(row, place)


def as_object(row: object, place: Place) -> dict[str, object] | RowError:
    """Return the row if it is an object, else what is wrong."""
    if isinstance(row, dict):
        return row
    hint = _LINES if isinstance(row, list) else ""
    return RowError(f"{place}: expected a JSON object, found {shown(row)}", hint, "not a JSON object")


def values(
    rows: Iterable[Located],
    convert: Callable[[dict[str, object], Place], Read[Row] | PassedOver],
    *,
    name: str,
    limit: int | None,
    on_error: OnError,
    skipped: Counter[str],
    leave_out: Callable[[Row], str | None] | None = None,
    repeated_ids: bool = False,
) -> Iterator[Row]:
    """Convert rows; stop at bad ones, or count them, as asked; count what is passed over.

    Args:
        rows: What was read.
        convert: Makes a value of a row, or says why it is passed over.
        name: Of the source.
        limit: Most values to yield; None for all.
        on_error: What a bad row does.
        skipped: Takes the numbers by reason.
        leave_out: Says why a value is left out; None where it is not.
        repeated_ids: Whether an id may come twice.

    Raises:
        DataError: A row is bad and `on_error` is ``stop``; or not one row gave a value.
    """
    ids = _Ids()
    taken = count = 0
    first: RowError | None = None
    for place, row in rows:
        count += 1
        try:
            if isinstance(row, RowError):
                raise row
            read = convert(row, place)
            if isinstance(read, PassedOver):
                skipped[read.reason] += 1
                continue
            reason = leave_out(read.value) if leave_out else None
            if reason is not None:
                skipped[reason] += 1
                continue
            if not repeated_ids:
                ids.check(str(getattr(read.value, "id")), place, read.named)  # noqa: B009 - every such model has one
        except RowError as error:
            if on_error == "stop":
                raise
            skipped[error.reason] += 1
            first = first or error
            continue
        yield read.value
        taken += 1
        if taken == limit:
            return
    if not count:
        raise DataError(f"{name} is empty", "expected one JSON object a line" if ".json" in name else "expected rows")
    if not taken:
        cause = f"the first: {first}" if first else ", ".join(f"{why}: {times}" for why, times in skipped.items())
        raise DataError(f"{name}: none of its {count} rows can be used; {cause}")


class _Ids:
    """The ids of a source; each may come once."""

    def __init__(self) -> None:
        self._first = FirstPlaces()
        self._files: dict[int, str] = {}

    def check(self, name: str, place: Place, named: bool) -> None:
        """Refuse an id that came before; an id from the content says that the rows are equal."""
        self._files.setdefault(place.file, place.name)
        before = self._first.note(name, place.file << 40 | place.number)
        if before is None:
            return
        file, number = before >> 40, before & (1 << 40) - 1
        first = f"{place.unit} {number}" if file == place.file else f"{self._files[file]}, {place.unit} {number}"
        if named:
            message = f"{place}: field 'id' is {shown(name)}, which {first} has too"
            raise RowError(message, "ids must be unique", "repeated id")
        raise RowError(f"{place}: repeats {first}", "remove one of them, or give each an id", "repeated row")
