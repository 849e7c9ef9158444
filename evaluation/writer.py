"""The folder of a run: judgments as they come, summary and manifest at the end."""

import json
from io import BufferedWriter
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic_core import PydanticSerializationError

from openrubrics.data import Manifest, cannot_write, write_whole
from openrubrics.evaluation.results import EvaluatedPair
from openrubrics.evaluation.summary import Summary
from openrubrics.signatures.errors import UsageError

_NAMES = ("judgments.jsonl", "summary.json", "manifest.json")


class RunWriter:
    """Writes ``judgments.jsonl``, ``summary.json`` and ``manifest.json`` of one run into one folder.

    ```python
    with RunWriter(folder) as run:
        results = await aevaluate(judge, pairs, on_result=run.write)
        run.finish(summary, manifest)
    ```

    Each judgment has reached the operating system when `write` returns, so a run that dies leaves what it finished. A
    folder with a summary holds the whole run.
    """

    def __init__(self, folder: Path, *, overwrite: bool = False) -> None:
        """Prepare to write into `folder`, which is made on entering.

        Args:
            folder: Where to write.
            overwrite: Whether to replace the run that the folder holds, if any.
        """
        self.folder = folder
        self._overwrite = overwrite
        self._written = 0
        self._judgments, self._summary, self._manifest = (folder / name for name in _NAMES)
        self._file: BufferedWriter

    def __enter__(self) -> Self:
        """Make the folder, and remove the run that it holds if it is to be replaced.

        Raises:
            UsageError: The folder holds a run already, or cannot be written to.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for path in (self._summary, self._manifest, self._judgments):
                if self._overwrite:
                    path.unlink(missing_ok=True)
                elif path.exists():
                    hint = "name another folder, or ask to overwrite it"
                    raise UsageError(f"{self.folder} already holds {path.name}", hint)
            self._file = self._judgments.open("xb")
        except OSError as error:
            raise cannot_write(self.folder, error) from error
        return self

    def write(self, result: EvaluatedPair) -> None:
        """Append one line to judgments.jsonl.

        Raises:
            UsageError: The folder cannot be written to any more, or is full.
        """
        try:
            self._file.write(_line(result))
            self._file.flush()
        except OSError as error:
            raise cannot_write(self._judgments, error) from error
        self._written += 1

    def finish(self, summary: Summary, manifest: Manifest) -> None:
        """Write manifest.json and summary.json, each whole or not at all, the summary last.

        Raises:
            UsageError: The folder cannot be written to any more, or is full.
        """
        write_whole(self._manifest, manifest.model_dump_json(indent=2) + "\n")
        write_whole(self._summary, summary.model_dump_json(indent=2) + "\n")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; a run that ended before its first judgment leaves no judgments.jsonl, so it can be started again."""
        try:
            self._file.close()
        except OSError as failure:
            if kind is None:
                raise cannot_write(self._judgments, failure) from failure
        if kind is not None and not self._written:
            self._judgments.unlink(missing_ok=True)


def _line(result: EvaluatedPair) -> bytes:
    try:
        return result.model_dump_json().encode() + b"\n"
    except PydanticSerializationError:
        # A model's text can hold half a surrogate pair, which no UTF-8 file can; it becomes "?".
        return json.dumps(result.model_dump(mode="json"), ensure_ascii=False).encode("utf-8", "replace") + b"\n"
