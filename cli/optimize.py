"""`openrubrics optimize`: search for prompts under which the judge agrees with labelled pairs."""

from pathlib import Path
from typing import Literal

import click

from openrubrics.cli.options import (
    FILE,
    LMOptions,
    Number,
    ReflectionOptions,
    concurrency_option,
    dry_run_option,
    json_option,
    lm_options,
    max_failed_option,
    reflection_options,
    seed_option,
)
from openrubrics.cli.sources import SplitOptions, split_options


@click.command()
@split_options
@click.option(
    "--val-share",
    type=Number(0, 1, min_open=True, max_open=True),
    help="Share of the training prompts that is kept for --val where none is given; 0.4 by default.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the program and what is to be said about it; one that holds the same run is gone on with.",
)
@click.option("--overwrite", is_flag=True, help="Forget what the folder holds, and begin anew.")
@click.option(
    "--method",
    type=click.Choice(["rubric-rm"]),
    default="rubric-rm",
    show_default=True,
    help="Program; the principles of openrs are searched by openrubrics refine.",
)
@click.option(
    "--target",
    type=click.Choice(["rubric-rm", "contrastive"]),
    default="rubric-rm",
    show_default=True,
    help="Optimize the prompts that judge new responses, or those that curate: a rubric by contrast, and its judge.",
)
@click.option(
    "--optimizer",
    type=click.Choice(["gepa", "miprov2", "simba", "bootstrap-rs", "copro"]),
    default="gepa",
    show_default=True,
    help="How to search; miprov2 needs the extra optimize, bootstrap-rs only adds demonstrations.",
)
@click.option(
    "--set",
    "options",
    multiple=True,
    metavar="KEY=JSON",
    help="An option of DSPy's optimizer, such as --set reflection_minibatch_size=5. Can be repeated.",
)
@click.option("--no-demos", is_flag=True, help="Search for instructions only, without demonstrations.")
@click.option(
    "--orders",
    type=click.Choice(["single", "both"]),
    default="single",
    show_default=True,
    help="Show the responses of a pair once, in a drawn order, or a second time swapped.",
)
@click.option(
    "--length-penalty",
    type=Number(0, 1),
    default=0.0,
    show_default=True,
    help="What a right verdict for the longer response is worth less, in the search and where prompts are chosen.",
)
@click.option(
    "--position-penalty",
    type=Number(0, 1),
    default=0.0,
    show_default=True,
    help="What a pair whose two orders disagree is worth less, in the same places; for --orders both.",
)
@click.option("--compiled", type=FILE, help="Optimized program to start from.")
@click.option(
    "--rubric-template",
    type=FILE,
    help="Text that replaces the rubric prompt; slots {instructions} {prompt}, and {responses} for contrastive.",
)
@click.option(
    "--judge-template",
    type=FILE,
    help="Text that replaces the judge prompt; slots {instructions} {prompt} {rubric} {response_a} {response_b}.",
)
@click.option("--form", type=click.Choice(["seed", "v3"]), default="seed", show_default=True, help="Form of judgments.")
@seed_option
@concurrency_option
@max_failed_option
@json_option
@dry_run_option
@click.option(
    "--max-total-tokens",
    type=click.IntRange(min=1),
    help="Stop before a request when so many tokens were read and written.",
)
@reflection_options
@lm_options
def optimize(
    splits: SplitOptions,
    val_share: float | None,
    out: Path,
    overwrite: bool,
    method: Literal["rubric-rm"],
    target: Literal["rubric-rm", "contrastive"],
    optimizer: str,
    options: tuple[str, ...],
    no_demos: bool,
    orders: Literal["single", "both"],
    length_penalty: float,
    position_penalty: float,
    compiled: Path | None,
    rubric_template: Path | None,
    judge_template: Path | None,
    form: Literal["seed", "v3"],
    seed: int,
    concurrency: int,
    max_failed: float,
    as_json: bool,
    dry_run: bool,
    max_total_tokens: int | None,
    reflection: ReflectionOptions,
    lms: LMOptions,
) -> int:
    """Search for instructions and demonstrations under which the judge agrees with the labels of --train and --val.

    The prompts that do best on --val are kept. --test is judged once before the search and once after it, and says
    whether there is a reliable gain; on --val, by which prompts are chosen, a gain comes easily.

    At least one of --max-calls, --max-total-tokens and --max-cost has to be given: it limits the whole run, with all
    models, over all its starts. When it is reached, the best so far is kept. A run that was stopped, by whatever, goes
    on with the same command, and nothing is asked twice.

    A reflection LM reads responses of the training pairs: read what it wrote (openrubrics diff) before you use it.

    \b
    Example:
      openrubrics optimize --lm hosted_vllm/Qwen/Qwen3-8B --api-base http://127.0.0.1:8000/v1 \\
        --train train.jsonl --val val.jsonl --test test.jsonl --max-calls 5000 --out runs/optimized
    """
    from openrubrics.cli.options import ProgramOptions
    from openrubrics.cli.run_optimize import Settings, foretell, run
    from openrubrics.cli.show_optimize import report

    settings = Settings(
        out=out,
        overwrite=overwrite,
        target=target,
        optimizer=optimizer,
        options=options,
        demos=not no_demos,
        val_share=val_share,
        length_penalty=length_penalty,
        position_penalty=position_penalty,
        max_total_tokens=max_total_tokens,
        seed=seed,
        concurrency=concurrency,
    )
    program = ProgramOptions(
        method=method,
        compiled=compiled,
        rubric=None,
        rubric_template=rubric_template,
        judge_template=judge_template,
        form=form,
        votes=1,
        orders=orders,
        enforce_checks=False,
        probabilities=False,
    )
    if dry_run:
        click.echo(foretell(settings, program, splits, lms, reflection))
        return 0
    return report(run(settings, program, splits, lms, reflection), settings.artifact, as_json, max_failed)
