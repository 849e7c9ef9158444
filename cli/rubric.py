"""`openrubrics rubric`: the rubric for one request."""

from pathlib import Path

import click
import dspy

from openrubrics.cli.build import model, spending, text_of
from openrubrics.cli.options import FILE, LMOptions, json_option, lm_options
from openrubrics.cli.show import console, show_rubric
from openrubrics.programs import ContrastiveRubricGenerator, RubricGenerator
from openrubrics.signatures import Failed, Rubric


@click.command()
@click.option("--prompt", help="The request.")
@click.option("--prompt-file", type=FILE, help="File with the request.")
@click.option("--answer", "answers", multiple=True, type=FILE, help="File with an answer; twice or more, best first.")
@click.option("--template", type=FILE, help="Text that replaces the prompt; slots {prompt}, with answers {responses}.")
@json_option
@lm_options
def rubric(
    prompt: str | None,
    prompt_file: Path | None,
    answers: tuple[Path, ...],
    template: Path | None,
    as_json: bool,
    lms: LMOptions,
) -> int:
    """Write the rubric for a request, from the request alone or by contrasting ranked answers.

    \b
    Example:
      openrubrics rubric --lm embedded --prompt "Explain rain. Use at most 50 words."
      openrubrics rubric --lm embedded --prompt-file request.txt --answer good.txt --answer bad.txt
    """
    request = text_of("--prompt", prompt, prompt_file)
    responses = [text_of("--answer", None, path) for path in answers]
    text = template.read_text(encoding="utf-8") if template else None
    with spending(lms), dspy.context(lm=model(lms, "rubric")):
        if responses:
            result = ContrastiveRubricGenerator(text)(prompt=request, responses=responses)
        else:
            result = RubricGenerator(text)(prompt=request)
    return _show(result, as_json)


def _show(result: Rubric | Failed, as_json: bool) -> int:
    if as_json:
        click.echo(result.model_dump_json(indent=2))
    elif isinstance(result, Rubric):
        show_rubric(console(), result)
    if isinstance(result, Failed):
        click.echo(f"error: no rubric: {result.reason}", err=True)
        return 1
    return 0
