"""`openrubrics rubric`: the rubric for one request."""

from pathlib import Path

import click

from openrubrics.cli.options import FILE, LMOptions, dry_run_option, json_option, lm_options


@click.command()
@click.option("--prompt", help="The request.")
@click.option("--prompt-file", type=FILE, help="File with the request.")
@click.option("--answer", "answers", multiple=True, type=FILE, help="File with an answer; twice or more, best first.")
@click.option("--template", type=FILE, help="Text that replaces the prompt; slots {prompt}, with answers {responses}.")
@click.option(
    "--compiled",
    type=FILE,
    help="Optimized program whose rubric prompt is used; with --answer, of openrubrics optimize --target contrastive.",
)
@json_option
@dry_run_option
@lm_options
def rubric(
    prompt: str | None,
    prompt_file: Path | None,
    answers: tuple[Path, ...],
    template: Path | None,
    compiled: Path | None,
    as_json: bool,
    dry_run: bool,
    lms: LMOptions,
) -> int:
    """Write the rubric for a request, from the request alone or by contrasting ranked answers.

    \b
    Example:
      openrubrics rubric --lm embedded --prompt "Explain rain. Use at most 50 words."
      openrubrics rubric --lm embedded --prompt-file request.txt --answer good.txt --answer bad.txt
    """
    from openrubrics.cli.run_rubric import run

    return run((prompt, prompt_file), answers, template, compiled, lms, as_json=as_json, dry_run=dry_run)
