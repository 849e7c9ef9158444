"""Loading what `openrubrics optimize` has written."""

import warnings
from pathlib import Path

import click

from openrubrics.cli.show import clean
from openrubrics.programs import ContrastiveRubricRM, RubricRM
from openrubrics.programs.artifact import read_artifact
from openrubrics.signatures import JUDGMENT, JudgeForm
from openrubrics.signatures.errors import DataError
from openrubrics.signatures.model_text import excerpt

_TAKEN_BY = {
    "RubricRM": "judge, evaluate, and rubric without --answer take",
    "ContrastiveRubricRM": "curate, and rubric with --answer, take",
}
_MADE_BY = {
    "RubricRM": "openrubrics optimize --target rubric-rm",
    "ContrastiveRubricRM": "openrubrics optimize --target contrastive",
}


def load_compiled(program: RubricRM | ContrastiveRubricRM, path: Path) -> None:
    """Load a compiled program; what there is to warn of becomes lines on standard error, each once in a command.

    Args:
        program: As it is to run, with its LMs attached: loading warns where the file was compiled for others.
        path: The file.

    Raises:
        DataError: The file is no such program, was changed, or belongs to another program, form or template.
    """
    found, wanted = str(read_artifact(path).manifest.get("program")), type(program).__name__
    if found != wanted:
        taken = f"{_TAKEN_BY[found]} this file; " if found in _TAKEN_BY else ""
        raise DataError(
            f"{path}: program is {excerpt(found)}, but this command takes {wanted!r}",
            f"{taken}one for this command is made by {_MADE_BY[wanted]}",
        )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        program.load(path)
    told: set[str] = click.get_current_context().meta.setdefault(__name__, set())
    for warning in caught:
        text = " ".join(str(warning.message).split())
        if issubclass(warning.category, UserWarning) and text not in told:
            told.add(text)
            click.echo(f"warning: {clean(text)}", err=True)


def compiled_form(path: Path) -> JudgeForm:
    """Return the form of judgments that a compiled program was built for; the default where the file does not tell.

    Raises:
        DataError: The file is not a saved program.
    """
    contracts = read_artifact(path).manifest.get("contracts")
    told = contracts.get("judge.predict") if isinstance(contracts, dict) else None
    for form, contract in JUDGMENT.items():
        if contract.name == told:
            return form
    return "seed"
