"""Where rows come from: files, folders of shards, data sets on disk, and the hub. All of them lazily."""

import glob
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import orjson

from openrubrics.data.lines import cause_of
from openrubrics.data.rows import Located, Place, as_object, json_lines
from openrubrics.signatures.errors import DataError, UsageError

if TYPE_CHECKING:
    from datasets import Dataset, IterableDataset

ENDINGS = (".jsonl", ".jsonl.gz", ".json", ".json.gz", ".parquet")
"""How the names of files that can be read end."""

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_BATCH = 64
_BUFFER = 1 << 20
_MARKS = ("dataset_dict.json", "state.json")
"""Files by which a folder is told to be written by ``save_to_disk``."""
_REMOTE = "the hub needs the network, and a login for private data"


@dataclass(frozen=True)
class Address:
    """Which data set to open, and how.

    Attributes:
        source: Path, glob pattern, or name on the hub.
        config: Configuration (subset) of a data set.
        split: Split of a data set; None for ``train``, or the only one there is.
        streaming: Whether a data set of the hub is read over the network row by row, instead of downloaded first.
        revision: Commit or tag of a data set of the hub.
        files: Paths of the files to read within a data set of the hub. They are downloaded and read as files of this
            machine are, whatever else lies beside them; config, split and streaming mean nothing then. Empty for what
            `datasets` makes of the whole.
    """

    source: str
    config: str | None = None
    split: str | None = None
    streaming: bool = False
    revision: str | None = None
    files: tuple[str, ...] = ()


def is_file_name(source: str) -> bool:
    """Tell whether a source can only be meant as files."""
    return source.endswith(ENDINGS) or source.startswith((".", "/", "~")) or any(mark in source for mark in "*?[")


def local_files(source: str) -> list[Path] | None:
    """Return the files that a source names: itself, those that a pattern matches, or those of a folder of shards.

    None where it is a data set's folder, which `datasets` reads, or nothing on this machine.

    Raises:
        DataError: A folder or pattern has no data files.
    """
    path = Path(source)
    if path.is_dir():
        return None if _is_data_set(path) else _shards(path)
    if path.exists():
        return [path]
    if any(mark in source for mark in "*?["):
        found = [Path(name) for name in sorted(glob.glob(source, recursive=True)) if Path(name).is_file()]
        if not found:
            raise DataError(f"no file matches {source}")
        return found
    return None


def is_local(source: str) -> bool:
    """Tell whether a source is on this machine."""
    return Path(source).exists() or bool(local_files(source))


def open_rows(place: Address) -> Iterator[Located]:
    """Yield the rows of a source with their places, lazily.

    Raises:
        DataError: It does not exist, or cannot be read.
        UsageError: A configuration or split is missing or unknown.
    """
    if place.files:
        return _file_rows(_fetched(place))
    files = local_files(place.source)
    if files is not None:
        if place.config or place.split:
            given = "--config" if place.config else "--split"
            raise UsageError(
                f"{place.source} is read as plain files, which have no configuration and no split",
                f"leave {given} out, or name the files",
            )
        return _file_rows(files)
    if Path(place.source).is_dir():
        return _data_set_rows(_from_folder(place), _title(place))
    if is_file_name(place.source) or not _HUB_NAME.fullmatch(place.source):
        raise DataError(f"{place.source} does not exist")
    return _data_set_rows(_from_hub(place), _title(place))


def _shards(folder: Path) -> list[Path]:
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.name.endswith(ENDINGS)
        and path.is_file()
        and not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    )
    if not found:
        raise DataError(f"{folder} holds no data", f"expected files that end in {', '.join(ENDINGS)}, or a data set")
    return found


def _is_data_set(folder: Path) -> bool:
    """Tell whether a folder was written by ``save_to_disk``, or has a card that names its configurations."""
    if any((folder / mark).exists() for mark in _MARKS):
        return True
    card = folder / "README.md"
    if not card.is_file():
        return False
    head, _, _ = card.read_text(encoding="utf-8", errors="replace").removeprefix("---").partition("\n---")
    return re.search(r"^(configs|dataset_info):", head, re.MULTILINE) is not None


def _file_rows(files: list[Path]) -> Iterator[Located]:
    for index, path in enumerate(files):
        if path.name.endswith(".parquet"):
            yield from parquet_rows(path, index)
        elif path.name.endswith((".json", ".json.gz")):
            yield from _json_rows(path, index)
        else:
            yield from json_lines(path, index)


def parquet_rows(path: Path, file: int = 0) -> Iterator[Located]:
    """Yield the rows of a Parquet file, a few at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        # Without these two settings a whole row group is held, and some files have but one.
        with pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as table:
            for batch in table.iter_batches(batch_size=_BATCH):
                for row in batch.to_pylist():
                    number += 1
                    yield Place(str(path), "row", number, file), row
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}, row {number + 1}: cannot be read as Parquet: {cause_of(error)}") from error


def _json_rows(path: Path, file: int) -> Iterator[Located]:
    """Yield the items of one JSON array, which is read whole; or the lines of a file that is none."""
    from openrubrics.data.lines import opened

    try:
        with opened(path) as stream:
            start = stream.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
            if start[:1] != b"[":
                listed: object = None
            else:
                stream.seek(0)
                listed = orjson.loads(stream.read().removeprefix(b"\xef\xbb\xbf"))
    except (OSError, EOFError) as error:
        raise DataError(f"{path}: cannot be read: {cause_of(error)}") from error
    except orjson.JSONDecodeError as error:
        raise DataError(f"{path}: not valid JSON: {error.msg} (character {error.pos + 1})") from error
    if not isinstance(listed, list):
        yield from json_lines(path, file)
        return
    for number, item in enumerate(listed, 1):
        place = Place(str(path), "item", number, file)
        yield place, as_object(item, place)


def _title(place: Address) -> str:
    return ", ".join(filter(None, (place.source, place.config, place.split)))


def _from_folder(place: Address) -> "Dataset | IterableDataset":
    import datasets

    folder = Path(place.source)
    if any((folder / mark).exists() for mark in _MARKS):
        try:
            loaded = datasets.load_from_disk(str(folder))
        except (OSError, ValueError) as error:
            raise DataError(f"{folder}: the data set cannot be read: {cause_of(error)}") from error
        return _one_split(loaded, place)
    return _loaded(place, streaming=True)  # row by row from its own files: nothing is copied into a cache


def _from_hub(place: Address) -> "Dataset | IterableDataset":
    """Load a data set of the hub.

    Tried with the real client against a stand-in of the hub on this machine, never against the hub itself.
    """
    return _loaded(place, streaming=place.streaming)


def _fetched(place: Address) -> list[Path]:
    """Download files of a data set of the hub; those of a commit that were fetched before need no network."""
    from httpx import HTTPError
    from huggingface_hub import hf_hub_download

    found: list[Path] = []
    for name in place.files:
        try:
            path = hf_hub_download(place.source, name, repo_type="dataset", revision=place.revision)
        except (OSError, ValueError, RuntimeError, HTTPError) as error:  # RuntimeError: of hf_xet
            message = f"{place.source}: {name} cannot be fetched: {_short(error)}"
            raise DataError(message, f"{_REMOTE}; a copy on this machine is read by its path") from error
        found.append(Path(path))
    return found


def _loaded(place: Address, *, streaming: bool) -> "Dataset | IterableDataset":
    import datasets
    from datasets.exceptions import DatasetsError
    from yaml import YAMLError

    try:
        loaded = datasets.load_dataset(
            place.source,
            place.config,
            revision=place.revision,
            streaming=streaming,
            split=None if streaming else place.split,
        )
    except (OSError, ValueError, DatasetsError, YAMLError) as error:
        hint = "" if Path(place.source).is_dir() else f"it is no file or folder here; {_REMOTE}"
        raise DataError(f"{place.source}: the data set cannot be loaded: {_short(error)}", hint) from error
    return _one_split(loaded, place)


def _one_split(loaded: object, place: Address) -> "Dataset | IterableDataset":
    if not isinstance(loaded, Mapping):
        if place.split and str(getattr(loaded, "split", None)) not in {"None", place.split}:
            raise UsageError(f"{place.source} has no split {place.split!r}", f"it has {getattr(loaded, 'split', None)}")
        return cast("Dataset", loaded)
    splits = cast("Mapping[str, Dataset]", loaded)
    wanted = place.split or ("train" if "train" in splits or len(splits) != 1 else next(iter(splits)))
    if wanted not in splits:
        what = f"no split {place.split!r}" if place.split else "several splits, and none is named train"
        raise UsageError(f"{place.source} has {what}", f"give --split with one of {', '.join(map(str, splits))}")
    return splits[wanted]


def _data_set_rows(rows: Any, name: str) -> Iterator[Located]:  # noqa: ANN401 - Dataset or IterableDataset
    number = 0
    try:
        for table in rows.with_format("arrow").iter(_BATCH):  # so that no image or sound is decoded
            for row in table.to_pylist():
                number += 1
                yield Place(name, "row", number), row
    except (OSError, ValueError) as error:
        raise DataError(f"{name}, after row {number}: cannot be read: {_short(error)}") from error


def _short(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else f"{text[:300]}..."
