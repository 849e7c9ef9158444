"""The runs that a report is about, read from their folders."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from openrubrics.data import Manifest
from openrubrics.evaluation.benchmarks import Answer, BenchmarkSummary, GradedResponse, read_run
from openrubrics.evaluation.metrics import Figures, decided_by
from openrubrics.evaluation.results import EvaluatedPair
from openrubrics.evaluation.summary import Summary
from openrubrics.evaluation.writer import LEDGER
from openrubrics.signatures.errors import DataError
from openrubrics.signatures.values import Orders

_JUDGMENTS = "judgments.jsonl"

ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True)
class Run:
    """A finished run of `openrubrics evaluate`.

    Attributes:
        folder: Where it lies.
        summary: Its figures; of a run over labelled pairs, or over a benchmark.
        manifest: How it came to be.
        slim: What was judged, without texts, in the order of the input; empty where single responses were scored.
        answers: Of a run over a benchmark, what was said about each case, without texts; else empty.
    """

    folder: Path
    summary: Summary | BenchmarkSummary
    manifest: Manifest
    slim: Sequence[EvaluatedPair] = ()
    answers: Sequence[Answer] = ()

    @property
    def name(self) -> str:
        """How the run is called: its folder, as it was given."""
        return str(self.folder)

    @property
    def pairs(self) -> Figures | None:
        """Figures over all of its pairs; None where single responses were scored."""
        return self.summary.judged.pairs if isinstance(self.summary, BenchmarkSummary) else self.summary

    @property
    def orders(self) -> Orders | None:
        """Orders that were asked; None where single responses were scored."""
        return self.summary.orders

    @property
    def failures(self) -> Mapping[str, int]:
        """Failed comparisons or responses by reason, most frequent first."""
        found = self.summary.judged if isinstance(self.summary, BenchmarkSummary) else self.summary
        return dict(sorted(found.failures.items(), key=lambda item: -item[1]))

    @property
    def reference_assisted(self) -> int:
        """Number of pairs whose judge was given the right answer."""
        return sum(pair.judgment.reference_assisted for pair in self.slim)

    @property
    def decided_by(self) -> Mapping[str, int]:
        """Number of pairs by what decided, as in `Summary.decided_by`."""
        return decided_by(self.slim)

    @property
    def scores(self) -> bool:
        """Whether single responses were scored instead of pairs compared."""
        return isinstance(self.summary, BenchmarkSummary) and self.summary.kind == "scores"

    def judged(self) -> Iterator[EvaluatedPair]:
        """Yield the judged pairs with all their texts, one at a time.

        Raises:
            DataError: judgments.jsonl cannot be read, or a line of it is not a judged pair.
        """
        return _lines(self.folder / _JUDGMENTS, EvaluatedPair)

    def graded(self) -> Iterator[GradedResponse]:
        """Yield the graded responses with all their texts, one at a time.

        Raises:
            DataError: judgments.jsonl cannot be read, or a line of it is not a graded response.
        """
        return _lines(self.folder / _JUDGMENTS, GradedResponse)


def read_folder(folder: Path) -> Run:
    """Read a finished run over labelled pairs or over a benchmark.

    Raises:
        DataError: The folder holds no such run, or a file of it is not what it should be.
    """
    summary: Summary | BenchmarkSummary
    answers: Sequence[Answer] = ()
    if "benchmark" in _object(folder, "summary.json"):
        summary, answers = read_run(folder)
    else:
        summary = _whole(folder / "summary.json", Summary)
    run = Run(folder, summary, _whole(folder / "manifest.json", Manifest), answers=answers)
    if not run.scores:
        run = Run(folder, summary, run.manifest, tuple(pair.slim() for pair in run.judged()), answers)
    _check_whole(run)
    return run


def _check_whole(run: Run) -> None:
    """Refuse a run whose judgments are not as many as its summary counts."""
    summary = run.summary
    if run.pairs:
        held, counted, what = len(run.slim), run.pairs.pairs, "pairs"
    elif isinstance(summary, BenchmarkSummary):
        held, counted, what = sum(1 for _ in run.graded()), summary.judged.asked, "responses"
    else:
        return
    if held != counted:
        raise DataError(
            f"{run.folder / _JUDGMENTS} holds {held} judgments, but summary.json counts {counted} {what}",
            "copy the folder as a whole, or run it again with --overwrite",
        )


def _object(folder: Path, name: str) -> dict[str, Any]:
    hint = "name the folder of a finished run of openrubrics evaluate"
    if (folder / LEDGER).exists() and not (folder / name).exists():
        raise DataError(f"the run in {folder} is not finished", "start it again with the same command: it goes on")
    try:
        found = orjson.loads(_bytes(folder / name, hint))
    except orjson.JSONDecodeError as error:
        raise DataError(f"{folder / name}: not JSON: {error}", hint) from error
    if not isinstance(found, dict):
        raise DataError(f"{folder / name}: not a summary", hint)
    return found


def _bytes(path: Path, hint: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{path.parent} holds no {path.name}", hint) from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}", hint) from error


def _whole(path: Path, model: type[ModelT]) -> ModelT:
    hint = "name the folder of a finished run of openrubrics evaluate"
    try:
        return model.model_validate_json(_bytes(path, hint))
    except ValidationError as error:
        raise DataError(f"{path}: not what openrubrics evaluate writes: {_first(error)}", hint) from error


def _lines(path: Path, model: type[ModelT]) -> Iterator[ModelT]:
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield model.model_validate_json(line)
                except ValidationError as error:
                    raise DataError(f"{path}, line {number}: not a judgment: {_first(error)}") from error
    except FileNotFoundError as error:
        raise DataError(f"{path.parent} holds no {path.name}", "copy the folder as a whole") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")
