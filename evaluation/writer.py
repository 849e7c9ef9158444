"""The folder of a run: judgments as they come, summary and manifest at the end."""

import json
import secrets
from io import BufferedWriter
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic_core import PydanticSerializationError

from openrubrics.data import Manifest, cannot_write, write_whole
from openrubrics.evaluation.results import EvaluatedPair
from openrubrics.evaluation.summary import Summary
from openrubrics.signatures.errors import UsageError

_NAMES = ("summary.json", "manifest.json", "judgments.jsonl")
_REPEATS = "judgments-[0-9]*.jsonl"


class RunWriter:
    """Writes ``judgments.jsonl``, ``summary.json`` and ``manifest.json`` of one run into one folder.

    ```python
    with RunWriter(folder) as run:
        results = await aevaluate(judge, pairs, on_result=run.write)
        run.finish(summary, manifest)
    ```

    Each judgment has reached the operating system when `write` returns, so a run that dies leaves what it finished. A
    folder with a summary holds the whole run. Where the run is repeated on the same pairs, `repeat` goes on to
    ``judgments-2.jsonl``, ``judgments-3.jsonl`` and so on.

    Attributes:
        folder: Where it writes.
        path: File that `write` appends to.
        written: Judgments in that file.
    """

    def __init__(self, folder: Path, *, overwrite: bool = False) -> None:
        """Prepare to write into `folder`, which is made on entering.

        Args:
            folder: Where to write.
            overwrite: Whether to replace the run that the folder holds, if any. It stays until the first judgment.
        """
        self.folder = folder
        self.path = folder / "judgments.jsonl"
        self.written = 0
        self._overwrite = overwrite
        self._runs = 1
        self._beside: Path | None = None
        self._file: BufferedWriter

    def check(self) -> None:
        """Make sure that no run is replaced unasked.

        Raises:
            UsageError: The folder holds a run already.
        """
        for name in _NAMES:
            if not self._overwrite and (self.folder / name).exists():
                hint = "name another folder, or replace it with --overwrite (in Python overwrite=True)"
                raise UsageError(f"{self.folder} already holds {name}", hint)

    def __enter__(self) -> Self:
        """Make the folder and the file for the judgments.

        Raises:
            UsageError: The folder holds a run already, or cannot be written to.
        """
        self.check()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if self._overwrite:
                self._beside = self.folder / f".{self.path.name}.{secrets.token_hex(4)}"
            self._file = (self._beside or self.path).open("xb")
        except OSError as error:
            raise cannot_write(self.folder, error) from error
        return self

    def write(self, result: EvaluatedPair) -> None:
        """Append one line; the first one replaces the old run if it is to be overwritten.

        Raises:
            UsageError: The folder cannot be written to any more, or is full.
        """
        try:
            self._file.write(_line(result))
            self._file.flush()
            self._replace()
        except OSError as error:
            raise cannot_write(self.path, error) from error
        self.written += 1

    def repeat(self) -> None:
        """Go on to the judgments of another run on the same pairs.

        Raises:
            UsageError: The folder cannot be written to any more.
        """
        self._runs += 1
        self.path = self.folder / f"judgments-{self._runs}.jsonl"
        self.written = 0
        try:
            self._file.close()
            self._file = self.path.open("wb")
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def finish(self, summary: Summary, manifest: Manifest) -> None:
        """Write manifest.json and summary.json, each whole or not at all, the summary last.

        Raises:
            UsageError: The folder cannot be written to any more, or is full.
        """
        try:
            self._replace()
        except OSError as error:
            raise cannot_write(self.path, error) from error
        write_whole(self.folder / "manifest.json", manifest.model_dump_json(indent=2) + "\n")
        write_whole(self.folder / "summary.json", summary.model_dump_json(indent=2) + "\n")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; a run that ended before its first judgment leaves no file, so it can be started again."""
        try:
            self._file.close()
        except OSError as failure:
            if kind is None:
                raise cannot_write(self.path, failure) from failure
        if self._beside is not None:
            self._beside.unlink(missing_ok=True)
        elif kind is not None and not self.written:
            self.path.unlink(missing_ok=True)

    def _replace(self) -> None:
        """Remove the old run, if it is still there, and give the judgments their name."""
        if self._beside is None:
            return
        for path in (*(self.folder / name for name in _NAMES), *self.folder.glob(_REPEATS)):
            path.unlink(missing_ok=True)
        self._beside.replace(self.path)
        self._beside = None


def _line(result: EvaluatedPair) -> bytes:
    try:
        return result.model_dump_json().encode() + b"\n"
    except PydanticSerializationError:
        # A model's text can hold half a surrogate pair, which no UTF-8 file can; it becomes "?".
        return json.dumps(result.model_dump(mode="json"), ensure_ascii=False).encode("utf-8", "replace") + b"\n"
