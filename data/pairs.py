"""Read preference pairs from JSON Lines, one row at a time, with errors that name file, line and field."""

import gzip
import zlib
from collections.abc import Iterator
from hashlib import blake2b
from io import BufferedIOBase
from pathlib import Path

import orjson
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.values import PreferencePair, fingerprint

_EXPECTED = {
    "id": "text that is unique in the file",
    "prompt": "text, or a list of {role, content} messages that ends with the user's",
    "chosen": "text",
    "rejected": "text",
    "domain": "text",
    "source": "text",
    "meta": "an object",
}

_Row = dict[str, object]


def read_pairs(path: Path, *, limit: int | None = None) -> Iterator[PreferencePair]:
    """Read the pairs of a ``.jsonl`` or ``.jsonl.gz`` file, lazily and in order.

    A row is an object with ``prompt`` (text, or a list of ``{role, content}`` messages), ``chosen`` and ``rejected``,
    and optionally ``id``, ``domain``, ``source`` and ``meta``. A row without an id gets one from its content, the same
    in every process. Blank lines are skipped. Memory holds one row, and about 0.2 KB a row to find repeated ids.

    Args:
        path: File to read.
        limit: Most rows to read; None for all. Rows after it are not looked at.

    Raises:
        UsageError: `limit` is below 1.
        DataError: The file is missing, unreadable or empty, a row is not a pair, or an id comes twice. Apart from a
            missing file this shows only when the iteration gets there.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"limit is {limit}, but at least one row must be read")
    if not path.exists():
        raise DataError(f"{path} does not exist")
    return _pairs(path, limit)


def _pairs(path: Path, limit: int | None) -> Iterator[PreferencePair]:
    lines_by_id: dict[bytes, int] = {}
    for number, line in _lines(path):
        place = f"{path}, line {number}"
        pair = _pair(line, place)
        key = blake2b(pair.id.encode(), digest_size=16).digest()
        first = lines_by_id.setdefault(key, number)
        if first != number:
            raise DataError(
                f"{place}: field 'id' is {_shown(pair.id)}, which line {first} has too",
                "ids must be unique; rows without an id are named by their content",
            )
        yield pair
        if len(lines_by_id) == limit:
            return
    if not lines_by_id:
        raise DataError(f"{path} is empty", "expected one JSON object a line")


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


def _pair(line: bytes, place: str) -> PreferencePair:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise DataError(f"{place}: not valid JSON: {error.msg} (character {error.pos + 1})") from error
    if not isinstance(row, dict):
        raise DataError(f"{place}: expected a JSON object, found {_shown(row)}")
    if "id" not in row:
        row["id"] = fingerprint({key: row.get(key) for key in ("prompt", "chosen", "rejected")})
    try:
        pair = PreferencePair.model_validate(row)
    except ValidationError as error:
        # A prompt that fits neither of its two forms gives errors for both; the deepest says most.
        deepest = max(error.errors(), key=lambda detail: len(detail["loc"]))
        raise DataError(f"{place}: {_explained(deepest, row)}") from error
    if not isinstance(pair.prompt, str) and (not pair.prompt or pair.prompt[-1].role != "user"):
        raise DataError(f"{place}: {_unexpected('prompt', row['prompt'])}")
    return pair


def _explained(detail: ErrorDetails, row: _Row) -> str:
    if not detail["loc"]:
        return str(detail.get("ctx", {}).get("error", detail["msg"]))
    field = str(detail["loc"][0])
    if field not in _EXPECTED:
        return f"field {_shown(field)} is unknown; expected {', '.join(_EXPECTED)} (put anything else under meta)"
    if field not in row:
        return f"field '{field}' is missing; expected {_EXPECTED[field]}"
    return _unexpected(field, row[field])


def _unexpected(field: str, found: object) -> str:
    return f"field '{field}' is {_shown(found)}; expected {_EXPECTED[field]}"


def _shown(value: object) -> str:
    """Return a value in one short line."""
    text = repr(value) if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= 60 else f"{text[:60]}..."
