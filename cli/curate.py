"""`openrubrics curate`: rubrics from ranked responses, filtered by whether they reproduce the ranking."""

from pathlib import Path
from typing import Literal

import click

from openrubrics.cli.options import (
    FILE,
    EngineOptions,
    LMOptions,
    Number,
    concurrency_option,
    dry_run_option,
    engine_options,
    json_option,
    lm_options,
    max_failed_option,
    seed_option,
)
from openrubrics.cli.sources import SourceOptions, source_options


@click.command()
@source_options
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the data set; one that holds the same curation is gone on with.",
)
@click.option("--overwrite", is_flag=True, help="Forget what the folder holds, and begin anew.")
@click.option(
    "--retry-failed",
    is_flag=True,
    help="Go again over items that failed in an earlier run: requests without an answer are repeated; answers that "
    "could not be read stay as they are.",
)
@click.option(
    "--tau",
    type=Number(0, 1),
    default=0.5,
    show_default=True,
    help="Least share of an item's pairs that the judge must get right.",
)
@click.option(
    "--attempts",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Rubrics at most for an item: another is sampled, at temperature 0.7 or higher, while no pair is kept.",
)
@click.option(
    "--orders",
    type=click.Choice(["single", "both"]),
    default="single",
    show_default=True,
    help="Show the responses of a pair once, in a drawn order, or a second time swapped; then both must be right.",
)
@click.option(
    "--general-only", is_flag=True, help="Reject rubrics whose principles name names, numbers or responses of the item."
)
@click.option("--compiled", type=FILE, help="Optimized program to load, of openrubrics optimize --target contrastive.")
@click.option(
    "--rubric-template", type=FILE, help="Text that replaces the rubric prompt; slots {prompt} {responses}, best first."
)
@click.option(
    "--judge-template",
    type=FILE,
    help="Text that replaces the judge prompt; slots {prompt} {rubric} {response_a} {response_b}.",
)
@click.option("--form", type=click.Choice(["seed", "v3"]), default="seed", show_default=True, help="Form of judgments.")
@click.option("--votes", type=click.IntRange(min=1), default=1, show_default=True, help="Judge replies at most.")
@max_failed_option
@seed_option
@concurrency_option
@json_option
@dry_run_option
@engine_options
@lm_options
def curate(
    out: Path,
    overwrite: bool,
    retry_failed: bool,
    tau: float,
    attempts: int,
    orders: Literal["single", "both"],
    general_only: bool,
    compiled: Path | None,
    rubric_template: Path | None,
    judge_template: Path | None,
    form: Literal["seed", "v3"],
    votes: int,
    max_failed: float,
    seed: int,
    concurrency: int,
    as_json: bool,
    dry_run: bool,
    engine: EngineOptions,
    lms: LMOptions,
    source: SourceOptions,
) -> int:
    """Write a rubric for each item of --pairs by contrasting its responses, and keep the pairs that a judge gets right.

    The folder becomes a data set: datasets.load_dataset("DIR") gives the kept rows, load_dataset("DIR", "rejected") the
    others with their reasons. A run that was stopped, by whatever, goes on with the same command. Only what was not
    answered yet is asked for after rows were added to the input, or with another --tau, --attempts, --orders or
    --general-only.

    \b
    Example:
      openrubrics curate --lm embedded --pairs pairs.jsonl --out curated
    """
    from openrubrics.cli.engine import cluster
    from openrubrics.cli.failed import exit_code
    from openrubrics.cli.run_curate import Settings, foretell, run
    from openrubrics.cli.show_curation import report
    from openrubrics.data import CurationSettings

    settings = Settings(
        out=out,
        overwrite=overwrite,
        retry_failed=retry_failed,
        concurrency=concurrency,
        cluster=cluster(engine, lms),
        filter=CurationSettings(tau=tau, attempts=attempts, orders=orders, general_only=general_only, seed=seed),
        compiled=compiled,
        rubric_template=rubric_template,
        judge_template=judge_template,
        form=form,
        votes=votes,
    )
    if dry_run:
        click.echo(foretell(settings, source, lms))
        return 0
    summary = run(settings, source, lms)
    report(summary, out, as_json)
    return exit_code(summary.failed, summary.pairs, max_failed, what="pairs")
