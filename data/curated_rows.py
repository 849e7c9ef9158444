"""Rows of a curated data set: the columns of the public OpenRubrics set, and where each row comes from."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from openrubrics.data.curated import CuratedItem, CuratedPair, Reason
from openrubrics.data.specificity import TopicFinding
from openrubrics.signatures.errors import DataError
from openrubrics.signatures.outcomes import Failed, Judgment, Verdict
from openrubrics.signatures.values import Frozen, Label, Message, Prompt, Rubric, prompt_text

if TYPE_CHECKING:
    import pyarrow

Configuration = Literal["kept", "rejected"]
"""The two parts of the data set."""

COLUMNS: Mapping[str, str] = {
    "instruction": "the request as text; a conversation is a transcript",
    "rubric": "numbered criteria, each a hard rule or a principle; null where none could be written",
    "source": "where the pair comes from, as the input says",
    "judge": "what the judge wrote, word for word, with the rubric and the responses in this order; null where it was "
    "not asked",
    "response_a": "the response that the judge saw first",
    "response_b": "the response that the judge saw second",
    "winner": "the label: `Response A` or `Response B`, whichever the input prefers",
    "id": "of the pair; pair 1>3 of ranking `x` is `x#1>3`",
    "group": "id of the ranking; split by it or by `instruction`, never by row",
    "domain": "subset, as the input says",
    "reason": "why the row is kept or rejected",
    "detail": "what went wrong where rubric or judgment failed, else empty",
    "accuracy": "share of the group's pairs that the judge got right; null where it was not asked",
    "attempt": "which rubric of the group this is, from 1",
    "attempts": "how many rubrics were written for the group",
    "topic_specific": "whether code found a name, number or response index in a principle",
    "topic_findings_json": "what it found: criterion, kind, text",
    "rubric_json": "the rubric without loss",
    "judgment_json": "the judgment without loss: outcomes, votes, findings, usage",
    "prompt_json": "the messages of a conversation; null where the request is text",
    "meta_json": "whatever else the input says about the group",
    "rubric_lm": "model that wrote the rubric",
    "judge_lm": "model that judged",
    "program": "fingerprint of the prompts",
}
"""Every column with what it holds."""

TYPES: Mapping[str, str] = {"accuracy": "float64", "attempt": "int32", "attempts": "int32", "topic_specific": "bool"}
"""Columns that are not text."""

_MESSAGES = TypeAdapter(tuple[Message, ...])
_FINDINGS = TypeAdapter(tuple[TopicFinding, ...])


class Provenance(Frozen):
    """What is the same for all rows of a run.

    Attributes:
        rubric_lm: Model that wrote the rubrics.
        judge_lm: Model that judged.
        program: Fingerprint of the prompts.
    """

    rubric_lm: str
    judge_lm: str
    program: str


class CuratedRow(Frozen):
    """One row, as `read_curated` gives it back.

    Attributes:
        id: Of the pair.
        group: Of the ranking it comes from.
        prompt: The request.
        rubric: None where none could be written.
        judge: What the judge wrote; None where it was not asked.
        response_a: What the judge saw first.
        response_b: What the judge saw second.
        winner: The label.
        judgment: The whole judgment, with its rubric; None where the judge was not asked.
        domain: Subset.
        source: Where the pair comes from.
        reason: Why it is kept or not.
        accuracy: Share of the group's pairs judged right; None where the judge was not asked.
        topic_findings: What in the principles is bound to the topic.
    """

    id: str
    group: str
    prompt: Prompt
    rubric: Rubric | None
    judge: str | None
    response_a: str
    response_b: str
    winner: Label
    judgment: Judgment | None
    domain: str
    source: str
    reason: Reason
    accuracy: float | None = Field(ge=0, le=1)
    topic_findings: tuple[TopicFinding, ...]

    @property
    def kept(self) -> bool:
        """Whether the pair passed the filter."""
        return self.reason == "kept"


def schema() -> "pyarrow.Schema":
    """Return the Arrow schema of both configurations."""
    import pyarrow as pa

    return pa.schema([(name, pa.type_for_alias(TYPES.get(name, "string"))) for name in COLUMNS])


def rows(item: CuratedItem, provenance: Provenance) -> Iterator[dict[str, Any]]:
    """Yield a row for each pair of an item; text that UTF-8 cannot hold becomes "?"."""
    for pair in item.pairs():
        yield {name: _utf8(value) for name, value in _row(pair, provenance).items()}


def _row(curated: CuratedPair, provenance: Provenance) -> dict[str, Any]:
    pair, slot, judgment = curated.pair, curated.chosen_slot, curated.judgment
    rubric = None if isinstance(curated.rubric, Failed) else curated.rubric
    return {
        "instruction": prompt_text(pair.prompt),
        "rubric": rubric and str(rubric),
        "source": pair.source,
        "judge": judgment and _trace(judgment),
        "response_a": pair.chosen if slot == "A" else pair.rejected,
        "response_b": pair.rejected if slot == "A" else pair.chosen,
        "winner": f"Response {slot}",
        "id": pair.id,
        "group": curated.group,
        "domain": pair.domain,
        "reason": curated.reason,
        "detail": _detail(curated),
        "accuracy": curated.accuracy,
        "attempt": curated.attempt,
        "attempts": curated.attempts,
        "topic_specific": bool(curated.topic_specific),
        "topic_findings_json": _json([finding.model_dump() for finding in curated.topic_specific]),
        "rubric_json": rubric and _json(rubric.model_dump(mode="json")),
        "judgment_json": judgment and _json(judgment.model_dump(mode="json", exclude={"rubric"})),
        "prompt_json": None if isinstance(pair.prompt, str) else _json([m.model_dump() for m in pair.prompt]),
        "meta_json": _json(pair.meta),
        **provenance.model_dump(),
    }


def _trace(judgment: Judgment) -> str:
    """Return the reply that decided the first order: the first vote for its outcome, else the first vote."""
    if not judgment.orders:
        return ""
    first = judgment.orders[0]
    decided = [vote.raw for vote in first.votes if _answer(vote.outcome) == _answer(first.outcome)]
    return (decided or [vote.raw for vote in first.votes] or [""])[0]


def _answer(outcome: object) -> object:
    return outcome.preferred if isinstance(outcome, Verdict) else type(outcome)


def _detail(curated: CuratedPair) -> str:
    if isinstance(curated.rubric, Failed):
        return curated.rubric.reason
    outcome = curated.judgment.outcome if curated.judgment else None
    return outcome.reason if isinstance(outcome, Failed) else ""


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False)


def _utf8(value: object) -> object:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def read_curated(folder: str | Path, configuration: Configuration = "kept") -> Iterator[CuratedRow]:
    """Read the rows of a folder that curation wrote, in the order of its input and a few at a time.

    Args:
        folder: The folder given with ``--out``.
        configuration: Which part.

    Raises:
        DataError: There is no such data set, or a row is not what curation writes.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = sorted((Path(folder) / configuration).glob("*.parquet"))
    if not files:
        raise DataError(f"{folder} holds no curated data set", "write one with: openrubrics curate --out DIR")
    for path in files:
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=256):
                    yield from (_read_row(path, row) for row in batch.to_pylist())
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"{path} cannot be read: {error}", "curate again into the same folder") from error


def _read_row(path: Path, row: Mapping[str, Any]) -> CuratedRow:
    try:
        rubric = row["rubric_json"] and Rubric.model_validate_json(row["rubric_json"])
        judgment = row["judgment_json"] and Judgment.model_validate_json(row["judgment_json"])
        same = ("id", "group", "judge", "response_a", "response_b", "domain", "source", "reason", "accuracy")
        return CuratedRow(
            prompt=_MESSAGES.validate_json(row["prompt_json"]) if row["prompt_json"] else row["instruction"],
            rubric=rubric,
            winner=row["winner"].removeprefix("Response "),
            judgment=judgment and judgment.model_copy(update={"rubric": rubric}),
            topic_findings=_FINDINGS.validate_json(row["topic_findings_json"]),
            **{name: row[name] for name in same},
        )
    except (KeyError, AttributeError, TypeError, ValidationError) as error:
        raise DataError(f"{path}: row {row.get('id')!r} is not one that curation writes: {error}") from error
