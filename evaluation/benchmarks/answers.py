"""answers.jsonl: what a judge said about each case, without texts, so that rules can be applied again."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from openrubrics.evaluation.benchmarks.case import Answer
from openrubrics.evaluation.benchmarks.result import BenchmarkSummary
from openrubrics.evaluation.writer import ANSWERS
from openrubrics.signatures.errors import DataError

_ANSWER = TypeAdapter[Answer](Answer)
_HINT = (
    "name the folder of a finished run over a benchmark: evaluate --benchmark NAME --out FOLDER writes one; runs over "
    "--pairs are shown side by side by openrubrics report"
)


def answer_lines(answers: Iterable[Answer]) -> Iterator[bytes]:
    """Yield the lines of answers.jsonl, without their ends."""
    for answer in answers:
        yield answer.model_copy(update={"case": answer.case.slim()}).model_dump_json().encode()


def read_run(folder: Path) -> tuple[BenchmarkSummary, list[Answer]]:
    """Return the summary and the answers of a finished run over a benchmark.

    Raises:
        DataError: The folder holds no such run, or it cannot be read.
    """
    name = "summary.json"
    try:
        summary = BenchmarkSummary.model_validate_json((folder / name).read_text(encoding="utf-8"))
        name = ANSWERS
        with (folder / name).open("rb") as lines:
            return summary, [_ANSWER.validate_json(line) for line in lines]
    except FileNotFoundError as error:
        raise DataError(f"{folder} holds no {name}", _HINT) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{folder / name}: cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        what = f"{where}: {first['msg']}" if where else first["msg"]
        raise DataError(f"{folder / name}: not what a run over a benchmark writes: {what}", _HINT) from error
