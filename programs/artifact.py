"""What is in the file of a saved program: its prompts, what it says about itself, and nothing that could be run.

A file may come from anywhere. What is read here is plain data of known shape: DSPy's own loading would set every key
of a predictor's state as an attribute, and take an LM and the descriptions of fields from it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from pydantic_core import from_json

from openrubrics.signatures import JUDGMENT, JudgeForm
from openrubrics.signatures.errors import DataError

FORMAT = 1

_MOST_SHOWN = 200

_WRITTEN_BY = "expected a file that openrubrics optimize, or save of a program, has written"

Value = TypeVar("Value")

_Empty = Annotated[list[JsonValue], Field(max_length=0)]


class _Plain(BaseModel):
    """JSON content without infinity or NaN, which JSON does not have, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class SavedTask(_Plain):
    """The Signature of a predictor, as DSPy saves it.

    Attributes:
        instructions: The methodology, which optimizers rewrite.
        fields: DSPy's prefix and description of each field. No prompt of ours shows them, so they are never loaded.
    """

    instructions: str
    fields: list[dict[Literal["prefix", "description"], JsonValue]] = []


class SavedPredictor(_Plain):
    """What optimizers change of a predictor.

    Attributes:
        signature: The task.
        demos: Demonstrations: the fields of the task, and DSPy's mark ``augmented``.
        traces: Of DSPy; always empty.
        train: Of DSPy; always empty.
        lm: Of DSPy; an artifact holds no LM.
    """

    signature: SavedTask
    demos: list[dict[str, JsonValue]]
    traces: _Empty = []
    train: _Empty = []
    lm: None = None


class Artifact(_Plain):
    """A saved program.

    Attributes:
        manifest: What it says about itself (`Program.manifest`).
        state: Its predictors by attribute path.
        card: How it was compiled, where it was (`openrubrics.optimizers.Card`).
    """

    manifest: dict[str, JsonValue]
    state: dict[str, SavedPredictor]
    card: JsonValue = None


def read_artifact(path: Path) -> Artifact:
    """Read the file of a saved program; which program it belongs to, and whether it was changed, is not checked here.

    Raises:
        DataError: There is no such file, it is not JSON, or not of this shape; the message says where.
    """
    try:
        content = from_json(path.read_bytes())
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a JSON file: {error}", _WRITTEN_BY) from error
    if not isinstance(content, dict) or not isinstance(content.get("manifest"), dict) or "state" not in content:
        raise DataError(f"{path}: not a saved program: it lacks the keys manifest and state", _WRITTEN_BY)
    if content["manifest"].get("format") != FORMAT:
        found = content["manifest"].get("format")
        message = f"{path}: format is {shown(found)}, but this version reads format {FORMAT}"
        raise DataError(message, "compile again with this version, or use the version that wrote it")
    try:
        return Artifact.model_validate(content)
    except ValidationError as error:
        raise DataError(f"{path}: the content cannot be read: {_first(error)}", _WRITTEN_BY) from error


def part_of(path: Path, artifact: Artifact, name: str) -> Artifact:
    """Return what a file holds of one part of its program, as if that part alone had been saved.

    Raises:
        DataError: The file tells of no such part.
    """
    parts = artifact.manifest.get("parts")
    told = parts.get(name) if isinstance(parts, dict) else None
    if not isinstance(told, dict):
        raise DataError(f"{path}: it tells of no part {name!r} of its program", "save the program again")
    inner: dict[str, JsonValue] = {
        key: _inside(found, name)
        for key in ("fields", "contracts")
        if isinstance(found := artifact.manifest.get(key), dict)
    }
    named = artifact.card.get("lms") if isinstance(artifact.card, dict) else None
    return Artifact(
        manifest={"format": FORMAT, **told, **inner},
        state=_inside(artifact.state, name),
        card={"lms": _inside(named, name)} if isinstance(named, dict) else None,
    )


def _inside(values: Mapping[str, Value], part: str) -> dict[str, Value]:
    """Return what belongs to the predictors of a part, by their paths inside it."""
    return {path.removeprefix(f"{part}."): value for path, value in values.items() if path.startswith(f"{part}.")}


def judge_form(manifest: Mapping[str, JsonValue]) -> JudgeForm | None:
    """Return the form of the judge's replies that a manifest tells; None where it tells none."""
    contracts = manifest.get("contracts")
    names = list(contracts.values()) if isinstance(contracts, dict) else []
    forms: tuple[JudgeForm, ...] = get_args(JudgeForm)
    return next((form for form in forms if JUDGMENT[form].name in names), None)


def shown(value: object) -> str:
    """Return what a file holds as a message shows it, whatever its length."""
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 3] + "..."


def _first(error: ValidationError) -> str:
    first: Any = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
