"""Preference pairs from files."""

from collections.abc import Iterator
from pathlib import Path

from openrubrics.data.rows import RowReader
from openrubrics.signatures.values import PreferencePair

PROMPT = "text, or a list of {role, content} messages that ends with the user's"

_READER = RowReader(
    PreferencePair,
    {
        "id": "text that is unique in the file",
        "prompt": PROMPT,
        "chosen": "text",
        "rejected": "text",
        "domain": "text",
        "source": "text",
        "meta": "an object, for anything else",
    },
    content=("prompt", "chosen", "rejected"),
)


def read_pairs(path: Path, *, limit: int | None = None) -> Iterator[PreferencePair]:
    """Read preference pairs from a ``.jsonl`` or ``.jsonl.gz`` file, lazily and in order.

    A row is an object with ``prompt`` (text, or a list of ``{role, content}`` messages), ``chosen`` and ``rejected``,
    and optionally ``id``, ``domain``, ``source`` and ``meta``. A row without an id gets one from its content, the same
    in every process.

    Args:
        path: File to read.
        limit: Most rows to read; None for all.

    Raises:
        UsageError: `limit` is below 1.
        DataError: See `openrubrics.data.rows.RowReader.read`.
    """
    return _READER.read(path, limit=limit)
