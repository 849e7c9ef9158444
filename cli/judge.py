"""`openrubrics judge`: compare two answers, or many pairs of answers."""

from pathlib import Path
from typing import Literal

import click

from openrubrics.cli.options import (
    FILE,
    EngineOptions,
    LMOptions,
    ProgramOptions,
    concurrency_option,
    dry_run_option,
    engine_options,
    json_option,
    limit_option,
    lm_options,
    max_failed_option,
    program_options,
)
from openrubrics.cli.sources import on_error_option


@click.command()
@click.option("--prompt", help="The request.")
@click.option("--prompt-file", type=FILE, help="File with the request.")
@click.option("--a", help="Response A.")
@click.option("--a-file", type=FILE, help="File with response A.")
@click.option("--b", help="Response B.")
@click.option("--b-file", type=FILE, help="File with response B.")
@click.option("--reference", help="The right answer, for openrs to check both responses against first.")
@click.option("--reference-file", type=FILE, help="File with the right answer.")
@click.option("--pairs", type=FILE, help="Many comparisons, JSON Lines: prompt, response_a, response_b.")
@max_failed_option
@on_error_option
@limit_option
@concurrency_option
@json_option
@dry_run_option
@engine_options
@program_options
@lm_options
def judge(
    prompt: str | None,
    prompt_file: Path | None,
    a: str | None,
    a_file: Path | None,
    b: str | None,
    b_file: Path | None,
    reference: str | None,
    reference_file: Path | None,
    pairs: Path | None,
    max_failed: float,
    on_error: Literal["stop", "skip"],
    limit: int | None,
    concurrency: int,
    as_json: bool,
    dry_run: bool,
    engine: EngineOptions,
    program: ProgramOptions,
    lms: LMOptions,
) -> int:
    """Compare response A and response B under a rubric, and say why one is better; with --method in other ways.

    With --pairs every judgment is one JSON line, with or without --json: id, judgment. --limit, --on-error,
    --concurrency, --max-failed and --engine ray are for --pairs.

    \b
    Example:
      openrubrics judge --lm embedded --orders both --prompt "Name a prime. Do not use commas." --a "Seven." --b "3, 5"
    """
    from openrubrics.cli.run_judge import Asked, Settings, run

    known = (reference, reference_file)
    asked = Asked((prompt, prompt_file), (a, a_file), (b, b_file), pairs, limit, on_error, reference=known)
    settings = Settings(concurrency, max_failed, as_json, dry_run)
    return run(asked, settings, program, lms, engine)
