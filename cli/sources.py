"""The options that say which preference data to read, and the rows that they name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from openrubrics.cli.options import FILE, collected

if TYPE_CHECKING:
    from openrubrics.data.layouts import Value
    from openrubrics.data.overlap import Overlap
    from openrubrics.data.sources import Reading
    from openrubrics.signatures.values import PreferencePair, RankedResponses

_ENDINGS = (".jsonl", ".json", ".parquet", ".gz")


class SourceName(click.ParamType):
    """A file, folder or pattern, a preset, or a data set of the hub; a file that is missing is refused."""

    name = "source"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401
        """Return the name as it is."""
        missing = not Path(value).exists() and not any(mark in value for mark in "*?[")
        if missing and (value.endswith(_ENDINGS) or value.startswith((".", "/", "~"))):
            self.fail(f"File {value!r} does not exist.", param, ctx)
        return value


@dataclass(frozen=True)
class SourceOptions:
    """Which preference data to read, and what to leave out."""

    pairs: str
    config: str | None
    split: str | None
    streaming: bool
    layout: str | None
    columns: tuple[str, ...]
    take: Literal["extremes", "all"]
    on_error: Literal["stop", "skip"]
    dedup: bool
    exclude: tuple[Path, ...]
    limit: int | None


@dataclass(frozen=True)
class SplitOptions:
    """Preference data in splits, all of which are read in the same way."""

    train: str
    train_split: str | None
    val: str | None
    val_split: str | None
    test: str | None
    test_split: str | None
    config: str | None
    streaming: bool
    layout: str | None
    columns: tuple[str, ...]
    take: Literal["extremes", "all"]
    on_error: Literal["stop", "skip"]
    dedup: bool
    exclude: tuple[Path, ...]
    limit: int | None

    def named(self) -> dict[str, SourceOptions]:
        """Return how each split is to be read, by its name; only those that were named.

        Raises:
            UsageError: A part of a data set is asked for, but not the data set.
        """
        from openrubrics.signatures.errors import UsageError

        names = {field.name for field in fields(SourceOptions)} & vars(self).keys()
        shared = {name: getattr(self, name) for name in names}
        found: dict[str, SourceOptions] = {}
        for name in ("train", "val", "test"):
            pairs, split = getattr(self, name), getattr(self, f"{name}_split")
            if pairs is not None:
                found[name] = SourceOptions(pairs=pairs, split=split, **shared)
            elif split is not None:
                raise UsageError(f"--{name}-split is given, but no --{name}", f"add --{name} {self.train}")
        return found


on_error_option = click.option(
    "--on-error",
    type=click.Choice(["stop", "skip"]),
    default="stop",
    show_default=True,
    help="Stop at a bad row, or skip and count it.",
)

_KINDS = (
    "a .jsonl, .json or .parquet file, a folder or quoted pattern of such files, a data set's folder, a preset such as "
    "starter or ultrafeedback, or ORGANISATION/NAME on the hub; `openrubrics data` lists presets and layouts"
)

_CONFIG = click.option("--config", help="Configuration (subset) of a data set.")
_SHARED = (
    click.option("--streaming", is_flag=True, help="Read a data set of the hub row by row instead of downloading it."),
    click.option("--layout", help="Layout of the rows, by name; told by the columns by default."),
    click.option(
        "--map",
        "columns",
        multiple=True,
        metavar="FIELD=COLUMN",
        help="Column of a field that has another name; dots lead into nested columns. Can be repeated.",
    ),
    click.option(
        "--take",
        type=click.Choice(["extremes", "all"]),
        default="extremes",
        show_default=True,
        help="Of scored responses, take the best and the worst, or one of every score.",
    ),
    on_error_option,
    click.option("--dedup", is_flag=True, help="Leave out rows whose prompt and responses came before."),
    click.option(
        "--exclude",
        type=FILE,
        multiple=True,
        metavar="FILE",
        help="Leave out rows whose prompt is in this evaluation file, as a whole or by n-grams. Can be repeated.",
    ),
    click.option("--limit", type=click.IntRange(min=1), help="Read only so many rows."),
)

_HOW = (
    _CONFIG,
    click.option("--split", help="Split of a data set; train, or the only one, by default."),
    *_SHARED,
)
_SOURCE = (click.option("--pairs", required=True, type=SourceName(), help=f"Preference data: {_KINDS}."), *_HOW)
_ONE_SOURCE = (click.option("--pairs", default="", type=SourceName(), help=f"Preference data: {_KINDS}."), *_HOW)

_SPLITS = (
    click.option("--train", required=True, type=SourceName(), help=f"Pairs to search with: {_KINDS}."),
    click.option(
        "--val",
        type=SourceName(),
        help="Pairs by which the result is chosen; by default a share of the training prompts.",
    ),
    click.option("--test", type=SourceName(), help="Pairs that are judged once before the search and once after it."),
    *(
        click.option(f"--{name}-split", help=f"Split of the data set of --{name}; train, or the only one, by default.")
        for name in ("train", "val", "test")
    ),
    _CONFIG,
    *_SHARED,
)

source_options = collected(SourceOptions, "source", _SOURCE)
"""Adds the options of `SourceOptions`; the command receives them as ``source``."""

one_source_options = collected(SourceOptions, "source", _ONE_SOURCE)
"""The same for a command that can read other things instead; ``source.pairs`` is empty then."""

split_options = collected(SplitOptions, "splits", _SPLITS)
"""Adds the options of `SplitOptions`; the command receives them as ``splits``."""


class Source:
    """Preference data that can be iterated again and again.

    Data on this machine has all been looked at once when this returns, so that a bad row shows before anything is
    asked; data of the hub has not. A file is read again each time; a pipe, such as /dev/stdin, is read into memory.

    Args:
        options: What was asked for.
        layouts: Names of the layouts that the rows may have; those that hold a preference by default.
        on_overlap: Called in each pass with each row that an evaluation file has too.

    Attributes:
        options: What was asked for.
        count: How many rows there are after all that is left out; None for data of the hub.
        skipped: Rows left out in the last pass, by reason: bad ones, ties, repeats, those in evaluation files.
        files: The files that are read, where they are on this machine.

    Raises:
        UsageError: Options do not fit together or to the source.
        DataError: A file, or a row of data on this machine, is not what it should be.
    """

    def __init__(
        self,
        options: SourceOptions,
        *,
        layouts: tuple[str, ...] | None = None,
        on_overlap: Callable[[Overlap], object] | None = None,
    ) -> None:
        from openrubrics.data.layouts import PREFERENCES
        from openrubrics.data.overlap import EvaluationPrompts
        from openrubrics.data.sources import source_files

        self.options = options
        self.count: int | None = None
        self.skipped: Counter[str] = Counter()
        self._columns = _columns(options.columns)
        self._layouts = layouts or PREFERENCES
        self._on_overlap = on_overlap
        self._evaluation: EvaluationPrompts | None = (
            EvaluationPrompts.read(options.exclude) if options.exclude else None
        )
        self._kept: list[Value] | None = None
        found = source_files(options.pairs, options.split)
        self.files: tuple[Path, ...] = tuple(file for path in found or () for file in _files(path))
        if any(not path.is_file() and not path.is_dir() for path in found or () if path.exists()):
            self._kept = list(self._read())  # a pipe gives its rows once
        if found is not None:
            self.count = sum(1 for _ in self.values())

    def ranked(self) -> Iterator[RankedResponses]:
        """Yield responses in order of preference."""
        from openrubrics.data.sources import as_ranking

        return map(as_ranking, self.values())

    def pairs(self) -> Iterator[PreferencePair]:
        """Yield pairs; of a longer ranking the best and the worst response."""
        from openrubrics.data.sources import best_and_worst

        return map(best_and_worst, self.values())

    def facts(self) -> dict[str, Any]:
        """Return what was asked for as JSON, for manifests and for telling whether two runs read the same."""
        return {name: _plain(value) for name, value in asdict(self.options).items()}

    def values(self) -> Iterator[Value]:
        """Yield what the rows hold, in whatever form."""
        return self._read() if self._kept is None else iter(self._kept)

    def _read(self) -> Iterator[Value]:
        from openrubrics.data.overlap import LeaveOut
        from openrubrics.data.sources import read

        self.skipped = Counter()
        reading = self._reading()
        if self.options.dedup or self._evaluation:
            reading["leave_out"] = LeaveOut(
                repeats=self.options.dedup, evaluation=self._evaluation, on_overlap=self._on_overlap
            )
        return read(self.options.pairs, self._layouts, **reading)

    def _reading(self) -> Reading:
        options = self.options
        return {
            "config": options.config,
            "split": options.split,
            "streaming": options.streaming,
            "layout": options.layout,
            "columns": self._columns,
            "take": options.take,
            "on_error": options.on_error,
            "limit": options.limit,
            "skipped": self.skipped,
        }


def _files(path: Path) -> list[Path]:
    """Return a file, or the files of a data set's folder."""
    if not path.is_dir():
        return [path] if path.is_file() else []
    return sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))


def _columns(given: tuple[str, ...]) -> dict[str, str]:
    """Return the columns by field."""
    from openrubrics.signatures.errors import UsageError

    columns: dict[str, str] = {}
    for text in given:
        field, equals, column = text.partition("=")
        if not (field and equals and column) or field in columns:
            raise UsageError(f"--map {text} cannot be used", "give each field once, as --map FIELD=COLUMN")
        columns[field] = column
    return columns


def _plain(value: object) -> object:
    return [str(item) for item in value] if isinstance(value, tuple) else value
