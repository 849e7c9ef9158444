"""Pairs of responses without a label, to be judged."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from openrubrics.data.pairs import ID, PROMPT, RESPONSE
from openrubrics.data.rows import OnError, RowReader
from openrubrics.signatures.values import Frozen, Prompt


class Comparison(Frozen):
    """Two responses to one prompt.

    Attributes:
        id: Unique within its file.
    """

    id: str
    prompt: Prompt
    response_a: str
    response_b: str


_READER = RowReader(
    Comparison,
    {"id": ID, "prompt": PROMPT, "response_a": RESPONSE, "response_b": RESPONSE},
    content=("response_a", "response_b"),
    responses=("response_a", "response_b"),
)


def read_comparisons(
    path: Path, *, limit: int | None = None, on_error: OnError = "stop", skipped: Counter[str] | None = None
) -> Iterator[Comparison]:
    """Read comparisons from a ``.jsonl`` or ``.jsonl.gz`` file, lazily and in order.

    A row is an object with ``prompt``, ``response_a`` and ``response_b``, and optionally ``id``, as in `read_pairs`.

    Args:
        path: File to read.
        limit: Most rows to read; None for all.
        on_error: Whether a bad row ends the reading, or is counted and passed over.
        skipped: Takes the number of bad rows by reason.

    Raises:
        UsageError: `limit` is below 1.
        DataError: See `openrubrics.data.rows.RowReader.read`.
    """
    return _READER.read(path, limit=limit, on_error=on_error, skipped=skipped)
