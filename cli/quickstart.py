"""`openrubrics quickstart`: curation and evaluation in small, on pairs that come with the package."""

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
    help="Folder for what is written: curated/ and judged/.",
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
    """Curate rubrics from the training pairs of the starter set, and judge its test pairs in both orders.

    The set comes with the package. Without --lm the embedded reader does it, which is not a language model: it checks
    what code can check, and compares a few measurable qualities. It needs no network and no weights. OPENRUBRICS_LM is
    not read here, so that nothing but --lm changes that.

    A run that was stopped goes on with the same command, without --overwrite.

    \b
    Example:
      openrubrics quickstart
    """
    from openrubrics.cli.run_quickstart import Quickstart, foretell, run

    start = Quickstart(out, overwrite, seed, concurrency, lms)
    if dry_run:
        click.echo(foretell(start))
        return 0
    return run(start, as_json=as_json)
