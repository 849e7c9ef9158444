"""Preference pairs from files."""

from collections.abc import Iterator
from pathlib import Path

from openrubrics.data.rows import RowReader
from openrubrics.signatures.values import PreferencePair

ID = "text or a whole number that is unique in the file"
PROMPT = "text, or a list of {role, content} messages that ends with the user's"
RESPONSE = "text, or a list of messages that ends with the assistant's and otherwise only repeats the prompt"

_READER = RowReader(
    PreferencePair,
    {
        "id": ID,
        "prompt": PROMPT,
        "chosen": RESPONSE,
        "rejected": RESPONSE,
        "domain": "text",
        "source": "text",
        "meta": "an object, for anything else",
    },
    responses=("chosen", "rejected"),
)


def read_pairs(path: Path, *, limit: int | None = None) -> Iterator[PreferencePair]:
    """Read preference pairs from a ``.jsonl`` or ``.jsonl.gz`` file, lazily and in order.

    A row is an object with ``prompt`` (text, or a list of ``{role, content}`` messages), ``chosen`` and ``rejected``,
    and optionally ``id``, ``domain``, ``source`` and ``meta``; null is as good as absent there. A row without an id
    gets one from its content, the same in every process. A response may be a list of messages, as TRL's files have it:
    the text of the last one, the assistant's, is taken.

    Args:
        path: File to read.
        limit: Most rows to read; None for all.

    Raises:
        UsageError: `limit` is below 1.
        DataError: See `openrubrics.data.rows.RowReader.read`.
    """
    return _READER.read(path, limit=limit)
