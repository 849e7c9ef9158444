"""What `openrubrics rubric` does."""

from pathlib import Path

import click

from openrubrics.cli.build import contrastive_generator, read_text, rubric_generator, spending, text_of
from openrubrics.cli.options import LMOptions
from openrubrics.cli.show import clean, console, show_rubric
from openrubrics.programs import ContrastiveRubricGenerator
from openrubrics.signatures import Failed, Rubric
from openrubrics.signatures.errors import UsageError


def run(
    prompt: tuple[str | None, Path | None],
    answers: tuple[Path, ...],
    template: Path | None,
    compiled: Path | None,
    lms: LMOptions,
    *,
    as_json: bool,
    dry_run: bool,
) -> int:
    """Write the rubric, print it, and return the exit code."""
    request = text_of("--prompt", *prompt)
    responses = [read_text(path) for path in answers]
    if responses and len(set(responses)) < 2:
        hint = "give --answer once for each answer, best first"
        raise UsageError(f"{len(responses)} --answer given, but a contrast takes at least two different ones", hint)
    build = contrastive_generator if responses else rubric_generator
    generator = build(template, compiled, lms)
    if dry_run:
        click.echo("1 request, without repeats after failures; nothing was asked")
        return 0
    with spending(lms):
        if isinstance(generator, ContrastiveRubricGenerator):
            result = generator(prompt=request, responses=responses)
        else:
            result = generator(prompt=request)
    return _show(result, as_json)


def _show(result: Rubric | Failed, as_json: bool) -> int:
    if as_json:
        click.echo(result.model_dump_json(indent=2))
    elif isinstance(result, Rubric):
        show_rubric(console(), result)
    if isinstance(result, Failed):
        click.echo(f"error: no rubric: {clean(result.reason)}", err=True)
        return 1
    return 0
