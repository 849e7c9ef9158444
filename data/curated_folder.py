"""A folder that `datasets.load_dataset` reads: Parquet shards of kept and rejected rows, with a dataset card."""

import shutil
from collections.abc import Iterable
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, get_args

from openrubrics.data.curated import CuratedItem
from openrubrics.data.curated_card import card, unfinished_card
from openrubrics.data.curated_rows import Configuration, Provenance, rows, schema
from openrubrics.data.curation_counts import CurationCounts, CurationSummary
from openrubrics.data.manifest import Manifest
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.files import cannot_write, sha256, write_whole
from openrubrics.signatures.values import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow.parquet

ROWS_IN_GROUP = 256
ROWS_IN_SHARD = 50_000
"""A shard of long texts stays below about 500 MB, as hubs recommend."""

_CONFIGURATIONS: tuple[Configuration, ...] = get_args(Configuration)
_BESIDE = ".export"
_FILES = ("summary.json", "README.md", "manifest.json")


def check_folder(folder: Path, ledger: str, *, overwrite: bool = False) -> None:
    """Make sure that nothing in a folder is replaced which no curation wrote there.

    Args:
        folder: Where to write.
        ledger: Name of the file by which a folder of a curation is known.
        overwrite: Whether what the folder holds may be replaced; but no file of another kind among the rows.

    Raises:
        UsageError: The folder holds such a thing.
    """
    for name in _CONFIGURATIONS:
        for path in sorted((folder / name).glob("*")):
            if path.suffix != ".parquet" and not path.name.startswith("."):
                raise UsageError(f"{folder} holds {path.relative_to(folder)}, which no curation wrote", "move it away")
    if overwrite or (folder / ledger).exists():
        return
    for name in (*_FILES, *_CONFIGURATIONS):
        if (folder / name).exists():
            raise UsageError(
                f"{folder} already holds {name}, and no curation to go on with",
                "name another folder, or replace it with --overwrite",
            )


def export_curated(folder: Path, items: Iterable[CuratedItem], provenance: Provenance) -> CurationCounts:
    """Write the rows of both configurations in place of those that the folder holds, and return what was counted.

    They are written beside the old ones and take their place when they are whole; `describe_curated` completes the
    folder. A run that is killed in between leaves nothing that a later one does not put right.

    Args:
        folder: Where to write.
        items: In the order of the input; may be lazy, a few hundred rows are held.
        provenance: What all rows share.

    Raises:
        UsageError: The folder cannot be written to, or is full.
    """
    beside = folder / _BESIDE
    counts = CurationCounts()
    with _writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _remove(beside)
        try:
            with ExitStack() as stack:
                shards = {name: stack.enter_context(_Shards(beside / name)) for name in _CONFIGURATIONS}
                for item in items:
                    counts.add(item)
                    for row in rows(item, provenance):
                        shards["kept" if row["reason"] == "kept" else "rejected"].add(row)
            (folder / "summary.json").unlink(missing_ok=True)  # from here on nothing looks finished
            (beside / "README.md").write_text(unfinished_card(), encoding="utf-8")
            (beside / "README.md").replace(folder / "README.md")  # without a card, both parts would be read as one
            for name in _CONFIGURATIONS:
                _remove(folder / name)
                (beside / name).replace(folder / name)
        finally:
            _remove(beside)
    return counts


def describe_curated(folder: Path, summary: CurationSummary, manifest: Manifest) -> None:
    """Write dataset card, manifest and summary, the summary last: a folder that has one is complete.

    Raises:
        UsageError: The folder cannot be written to, or is full.
    """
    write_whole(folder / "README.md", card(summary, manifest, _digest(folder)))
    write_whole(folder / "manifest.json", manifest.model_dump_json(indent=2) + "\n")
    write_whole(folder / "summary.json", summary.model_dump_json(indent=2) + "\n")


def _digest(folder: Path) -> str:
    """Return a digest of the rows of both configurations."""
    shards = (path for name in _CONFIGURATIONS for path in sorted((folder / name).glob("*.parquet")))
    return fingerprint([(path.parent.name, sha256(path)) for path in shards])


class _Shards:
    """Parquet files of one configuration; there is at least one, so that no rows have columns too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._schema = schema()
        self._rows: list[dict[str, Any]] = []
        self._written = 0
        self._shard = 0
        self._file: pyarrow.parquet.ParquetWriter | None = None

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True)
        return self

    def add(self, row: dict[str, Any]) -> None:
        """Take one row."""
        self._rows.append(row)
        if len(self._rows) >= ROWS_IN_GROUP:
            self._flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._flush()
        finally:
            self._close()

    def _flush(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._file is None and (self._rows or not self._shard):
            path = self._folder / f"{self._shard:05}.parquet"
            self._file = pq.ParquetWriter(path, self._schema, compression="zstd", write_statistics=False)
            self._shard += 1
            self._written = 0
        if self._file is None or not self._rows:  # `datasets` cannot read a group of no rows, but a file without groups
            return
        self._file.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
        self._written += len(self._rows)
        self._rows = []
        if self._written >= ROWS_IN_SHARD:
            self._close()

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()


@contextmanager
def _writable(folder: Path) -> "Iterator[None]":
    try:
        yield
    except OSError as error:
        refused = cannot_write(folder, error)
        raise UsageError(
            refused.message, f"{refused.hint}, or make space, and start again: nothing that was curated is lost"
        ) from error


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
