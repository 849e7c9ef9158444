"""`openrubrics quickstart`: the whole loop in small, on pairs that come with the package."""

from pathlib import Path

import click

from openrubrics.cli.options import (
    LMOptions,
    concurrency_option,
    dry_run_option,
    json_option,
    offline_lm_options,
    seed_option,
)


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs/quickstart"),
    show_default=True,
    help="Folder for what is written.",
)
@click.option("--overwrite", is_flag=True, help="Replace the run that the folder holds.")
@seed_option
@concurrency_option
@json_option
@dry_run_option
@offline_lm_options
def quickstart(
    out: Path, overwrite: bool, seed: int, concurrency: int, as_json: bool, dry_run: bool, lms: LMOptions
) -> int:
    """Write rubrics from built-in preference pairs, keep those that reproduce the label, judge held-out pairs.

    Without --lm this uses the embedded reader, which is not a language model: it checks what code can check, and
    compares a few measurable qualities. It needs no network and no weights. OPENRUBRICS_LM is not read here, so that
    nothing but --lm changes that.

    \b
    Example:
      openrubrics quickstart
    """
    from openrubrics.cli.run_quickstart import forecast, run

    if dry_run:
        click.echo(forecast(out, overwrite, seed, lms))
        return 0
    return run(out, overwrite, seed, concurrency, lms, as_json)
