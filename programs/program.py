"""What all programs share: identity, and saving as plain JSON.

DSPy's own state matches Signature fields by position and drops the server's address on loading; so an artifact of ours
carries a manifest, is matched by name, holds no LM, and is never a pickle.
"""

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import dspy
from pydantic import JsonValue

from openrubrics.programs.predict import BoundPredict
from openrubrics.programs.steps import Steps
from openrubrics.signatures import JUDGMENT
from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.files import write_whole
from openrubrics.signatures.values import fingerprint

FORMAT = 1


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
            "settings": self.settings,
            "dspy": dspy.__version__,
        }

    def save(self, path: str | Path, save_program: bool = False, modules_to_serialize: list[Any] | None = None) -> None:
        """Write instructions and demonstrations to a JSON file, atomically: what optimizers change, and only that.

        LMs are not saved. Neither are votes, orders, a fixed rubric and whatever else is given when a program is
        built: `load` keeps those of the program it is called on. The manifest lists them under ``settings``, for the
        reader. Templates are not saved either, but `load` refuses a program with another one.

        Raises:
            UsageError: The path does not end in .json, its folder cannot be written to, or a pickle is asked
                for.
        """
        path = Path(path)
        if save_program or modules_to_serialize or path.suffix != ".json":
            raise UsageError(f"cannot save to {str(path)!r}", "programs are saved as .json files only")
        state = {name: predictor.dump_state() for name, predictor in self.bound_predictors().items()}
        write_whole(path, json.dumps({"manifest": self.manifest(), "state": state}, indent=2, ensure_ascii=False))

    def load(self, path: str | Path, allow_pickle: bool = False, allow_unsafe_lm_state: bool = False) -> None:
        """Take instructions and demonstrations from a file written by `save`; all else stays as it is.

        LMs and settings (votes, orders, a fixed rubric) are those of this program, not those of the saved one.

        Raises:
            DataError: The file is not such an artifact, was changed, or belongs to another program, form or template;
                the message says how it differs. The program is then as it was.
            UsageError: A pickle or an LM state is asked for.
        """
        if allow_pickle or allow_unsafe_lm_state:
            raise UsageError("pickles and LM states are never loaded", "leave both options out")
        artifact = _read(Path(path))
        found, mine = artifact["manifest"], self.manifest()
        for key in ("format", "program", "fields", "contracts"):
            if found.get(key) != mine[key]:
                message = f"{path}: {key} is {found.get(key)!r}, but this program has {mine[key]!r}"
                raise DataError(message, _which_form(found) if key == "contracts" else "")
        trial = self.deepcopy()  # so that a broken file changes nothing
        try:
            _restore(trial, artifact["state"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DataError(f"{path}: the state of the predictors cannot be read: {error!r}") from error
        saved, restored = found.get("fingerprint"), trial.fingerprint
        if saved != restored:
            raise DataError(
                f"{path}: the fingerprint is {saved!r}, but the prompts read from it have {restored!r}",
                "the file was changed, or was saved under another template or version of the reply's form",
            )
        _restore(self, artifact["state"])


def _which_form(manifest: Mapping[str, Any]) -> str:
    """Say how to build the judge that a file belongs to, where it tells."""
    contracts = manifest.get("contracts")
    names = list(contracts.values()) if isinstance(contracts, dict) else []
    forms = [form for form, contract in JUDGMENT.items() if contract.name in names]
    return f"build the judge with form={forms[0]!r}" if forms else ""


def _restore(program: Program, state: dict[str, Any]) -> None:
    for name, predictor in program.bound_predictors().items():
        predictor.load_state(state[name])


def _identity(predictor: BoundPredict) -> dict[str, Any]:
    state = predictor.dump_state()
    return {
        "instructions": predictor.task.instructions,
        "fields": list(predictor.task.fields),
        "contract": predictor.adapter.contract.instructions,
        "template": predictor.adapter.template,
        "demos": state["demos"],
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        artifact = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a JSON file: {error}") from error
    if not isinstance(artifact, dict) or not isinstance(artifact.get("manifest"), dict) or "state" not in artifact:
        raise DataError(f"{path}: not a saved program", "expected the keys manifest and state")
    return artifact


@functools.cache
def states_its_algorithm(kind: type[Program]) -> bool:
    """Whether the steps of a class are what its calls do: nothing below them overrides `forward` or `aforward`."""
    for base in kind.__mro__:
        if "steps" in vars(base):
            return base is not Program
        if {"forward", "aforward", "acall", "__call__"} & vars(base).keys():
            return False
    return False
