"""`openrubrics evaluate`: a judge against labelled pairs."""

from pathlib import Path

import click

from openrubrics.cli.options import (
    FILE,
    LMOptions,
    ProgramOptions,
    concurrency_option,
    dry_run_option,
    json_option,
    limit_option,
    lm_options,
    max_failed_option,
    program_options,
    seed_option,
)


@click.command()
@click.option("--pairs", required=True, type=FILE, help="Labelled pairs, JSON Lines: prompt, chosen, rejected.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for judgments, summary, manifest."
)
@click.option("--overwrite", is_flag=True, help="Replace the run that the folder holds.")
@click.option(
    "--repeats",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Runs, each with rubrics of its own, in judgments-2.jsonl and so on; kappa says how far they agree. Calls, "
    "tokens and seconds are of all runs.",
)
@max_failed_option
@limit_option
@seed_option
@concurrency_option
@json_option
@dry_run_option
@program_options
@lm_options
def evaluate(
    pairs: Path,
    out: Path | None,
    overwrite: bool,
    repeats: int,
    max_failed: float,
    limit: int | None,
    seed: int,
    concurrency: int,
    as_json: bool,
    dry_run: bool,
    program: ProgramOptions,
    lms: LMOptions,
) -> int:
    """Measure how often the judge agrees with the labels of FILE.

    Accuracy counts ties and failures as wrong; the chosen response is shown first or second by the toss of a seeded
    coin, and with --orders both, in both places.

    \b
    Example:
      openrubrics evaluate --lm embedded --pairs pairs.jsonl --orders both --out runs/first
    """
    from openrubrics.cli.failed import exit_code
    from openrubrics.cli.run_evaluate import Settings, foretell, report, run

    settings = Settings(pairs, limit, seed, concurrency, repeats, out, overwrite)
    if dry_run:
        click.echo(foretell(settings, program, lms))
        return 0
    summary = run(settings, program, lms)
    report(summary, out, as_json)
    return exit_code(summary.failed, summary.comparisons, max_failed)
