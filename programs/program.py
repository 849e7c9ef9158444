"""What all programs share: identity, and saving as plain JSON.

DSPy's own state matches Signature fields by position and drops the server's address on loading; so an artifact of ours
carries a manifest, is matched by name, holds no LM, and is never a pickle.
"""

import functools
import json
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import dspy
from pydantic import JsonValue

from openrubrics.programs.artifact import (
    FORMAT,
    Artifact,
    SavedPredictor,
    judge_form,
    part_of,
    read_artifact,
    shown,
)
from openrubrics.programs.predict import BoundPredict
from openrubrics.programs.steps import Steps
from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.files import write_whole
from openrubrics.signatures.model_text import excerpt
from openrubrics.signatures.values import fingerprint


class Program(dspy.Module):
    """An ordinary DSPy module whose predictors are `BoundPredict`s and whose result is a value of ours."""

    metered: ClassVar[bool] = False
    """Whether results have a field ``usage``, which says what they cost."""

    # DSPy's own does nothing but warn of direct calls of `forward`, and takes a twentieth of a judgment's time.
    __getattribute__ = object.__getattribute__  # pyright: ignore[reportAssignmentType] - a slot of C

    if TYPE_CHECKING:  # DSPy declares that every module returns a Prediction; each program declares its own result.

        def __call__(self, *args: Any, **inputs: Any) -> Any:  # noqa: ANN401
            """As `forward`, through DSPy."""

        def acall(self, *args: Any, **inputs: Any) -> Any:  # noqa: ANN401
            """As `aforward`, through DSPy."""

    def steps(self, *args: Any, **inputs: Any) -> Steps[Any]:  # noqa: ANN401 - each program declares its own inputs
        """Return the algorithm: what `forward`, `aforward` and `openrubrics.programs.Direct` drive."""
        raise NotImplementedError(f"{type(self).__name__} does not state its algorithm as steps")

    def bound_predictors(self) -> dict[str, BoundPredict]:
        """Return the predictors by their attribute path, with those of compiled parts, which DSPy passes over."""
        found: dict[str, BoundPredict] = {}
        for name, part in vars(self).items():
            if isinstance(part, BoundPredict):
                found[name] = part
            elif isinstance(part, Program):
                found |= {f"{name}.{path}": predictor for path, predictor in part.bound_predictors().items()}
        return found

    @property
    def fingerprint(self) -> str:
        """Identity of the compiled prompts: instructions, fields, contracts, templates and demonstrations.

        It does not depend on the LM, the number of votes or anything else that is set where the program runs.
        """
        return fingerprint({name: _identity(predictor) for name, predictor in self.bound_predictors().items()})

    @property
    def settings(self) -> dict[str, JsonValue]:
        """What is set where the program runs: votes, orders and the like, with those of its parts.

        An artifact records them for its reader; they are no part of the fingerprint and are never loaded.
        """
        return {name: part.settings for name, part in vars(self).items() if isinstance(part, Program) and part.settings}

    def manifest(self) -> dict[str, Any]:
        """Return what an artifact says about itself."""
        return {
            "format": FORMAT,
            "program": type(self).__name__,
            "fingerprint": self.fingerprint,
            "fields": {name: list(p.task.fields) for name, p in self.bound_predictors().items()},
            "contracts": {name: p.adapter.contract.name for name, p in self.bound_predictors().items()},
            "parts": {
                name: {"program": type(part).__name__, "fingerprint": part.fingerprint}
                for name, part in vars(self).items()
                if isinstance(part, Program)
            },
            "settings": self.settings,
            "dspy": dspy.__version__,
        }

    def save(
        self,
        path: str | Path,
        save_program: bool = False,
        modules_to_serialize: list[Any] | None = None,
        *,
        card: Mapping[str, JsonValue] | None = None,
    ) -> None:
        """Write instructions and demonstrations to a JSON file, atomically: what optimizers change, and only that.

        LMs are not saved. Neither are votes, orders, a fixed rubric and whatever else is given when a program is
        built: `load` keeps those of the program it is called on. The manifest lists them under ``settings``, for the
        reader. Templates are not saved either, but `load` refuses a program with another one.

        Args:
            path: File to write, ending in .json.
            save_program: Of DSPy; refused, as is the next one.
            modules_to_serialize: Of DSPy.
            card: How the program was compiled (`openrubrics.optimizers.save_compiled`), to be kept beside it.

        Raises:
            UsageError: The path does not end in .json, its folder cannot be written to, or a pickle is asked
                for.
        """
        path = Path(path)
        if save_program or modules_to_serialize or path.suffix != ".json":
            raise UsageError(f"cannot save to {str(path)!r}", "programs are saved as .json files only")
        state = {name: predictor.dump_state() for name, predictor in self.bound_predictors().items()}
        artifact = {"manifest": self.manifest()} | ({"card": card} if card else {}) | {"state": state}
        write_whole(path, json.dumps(artifact, indent=2, ensure_ascii=False, allow_nan=False))

    def load(
        self, path: str | Path, allow_pickle: bool = False, allow_unsafe_lm_state: bool = False, *, part: str = ""
    ) -> None:
        """Take instructions and demonstrations from a file written by `save`; nothing else in it has an effect.

        LMs and settings (votes, orders, a fixed rubric) are those of this program, not those of the saved one. A
        `UserWarning` says so where the program was compiled for other LMs than those that are attached.

        Args:
            path: The file.
            allow_pickle: Of DSPy; refused, as is the next one.
            allow_unsafe_lm_state: Of DSPy.
            part: Name of a part of the saved program, such as ``generate``, where this program is that part alone. The
                other parts, their templates and the form of their replies then do not matter.

        Raises:
            DataError: The file is not such an artifact, was changed, or belongs to another program, form or template;
                the message says how it differs. The program is then as it was.
            UsageError: A pickle or an LM state is asked for.
        """
        if allow_pickle or allow_unsafe_lm_state:
            raise UsageError("pickles and LM states are never loaded", "leave both options out")
        path = Path(path)
        artifact = read_artifact(path)
        if part:
            artifact = part_of(path, artifact, part)
        self._check_manifest(path, artifact.manifest)
        trial = self.deepcopy()  # so that a broken file changes nothing
        try:
            _restore(trial, artifact.state)
        except ValueError as error:
            raise DataError(f"{path}: the state of the predictors cannot be read: {error}") from error
        saved, restored = artifact.manifest.get("fingerprint"), trial.fingerprint
        if saved != restored:
            raise DataError(
                f"{path}: the fingerprint is {shown(saved)}, but the prompts read from it have {restored!r}",
                "the file was changed, or was saved under another template or version of the reply's form",
            )
        _restore(self, artifact.state)
        for name, message in self._other_lms(artifact):
            warnings.warn(f"{path}: {f'{part}.' * bool(part)}{name} {message}", UserWarning, stacklevel=2)

    def _check_manifest(self, path: Path, found: Mapping[str, JsonValue]) -> None:
        mine = self.manifest()
        for key in ("program", "fields", "contracts"):
            if found.get(key) != mine[key]:
                message = f"{path}: {key} is {shown(found.get(key))}, but this program has {mine[key]!r}"
                form = judge_form(found) if key == "contracts" else None
                raise DataError(message, f"build the judge with form={form!r}" if form else "")

    def _other_lms(self, artifact: Artifact) -> Iterator[tuple[str, str]]:
        """Say of which predictors the attached LMs are others than those that an artifact was compiled for."""
        named = artifact.card.get("lms") if isinstance(artifact.card, dict) else None
        for name, predictor in self.bound_predictors().items():
            compiled_for = named.get(name) if isinstance(named, dict) else None
            if predictor.lm and compiled_for and predictor.lm.model != compiled_for:
                yield name, f"was compiled for {shown(compiled_for)}, and {predictor.lm.model!r} is attached to it"


def _restore(program: Program, state: Mapping[str, SavedPredictor]) -> None:
    """Set the prompts of a program.

    Raises:
        ValueError: The predictors are others, or a demonstration cannot be shown or has a field that its task has not.
    """
    predictors = program.bound_predictors()
    if state.keys() != predictors.keys():
        raise ValueError(f"it has {excerpt(', '.join(state))}, and this program has {', '.join(predictors)}")
    for name, predictor in predictors.items():
        predictor.restore(state[name].signature.instructions, state[name].demos)


def _identity(predictor: BoundPredict) -> dict[str, Any]:
    state = predictor.dump_state()
    return {
        "instructions": predictor.task.instructions,
        "fields": list(predictor.task.fields),
        "contract": predictor.adapter.contract.instructions,
        "template": predictor.adapter.template,
        "demos": state["demos"],
    }


@functools.cache
def states_its_algorithm(kind: type[Program]) -> bool:
    """Whether the steps of a class are what its calls do: nothing below them overrides `forward` or `aforward`."""
    for base in kind.__mro__:
        if "steps" in vars(base):
            return base is not Program
        if {"forward", "aforward", "acall", "__call__"} & vars(base).keys():
            return False
    return False


def flat_settings(settings: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the settings of a program and its parts on one level, under names for their reader."""
    flat: dict[str, JsonValue] = {}
    for name, value in settings.items():
        parts = {f"{name} {key}": v for key, v in flat_settings(value).items()} if isinstance(value, dict) else {}
        flat |= parts if isinstance(value, dict) else {name: value}
    return flat
