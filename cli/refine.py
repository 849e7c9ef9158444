"""`openrubrics refine`: search for principles of a meta-rubric under which a judge agrees with labelled pairs."""

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
from openrubrics.cli.refine_domain import refine_domain
from openrubrics.cli.sources import SplitOptions, split_options

_ANY = "--domain, --decisions or --replay"


class TwoWays(click.Command):
    """The search, or the review of one domain where its options are given; each has options of its own."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        """Return the context of the command that is meant."""
        of_review = ("--domain", "--decisions", "--replay")
        named = [arg.partition("=")[0] for arg in args]
        meant = next((name for name in of_review if name in named and not {"-h", "--help"} & set(args)), None)
        try:
            if meant:
                return refine_domain.make_context(info_name, args, parent, **extra)
            return super().make_context(info_name, args, parent, **extra)
        except click.NoSuchOption as error:
            other = self if meant else refine_domain
            if not any(error.option_name in param.opts for param in other.params):
                raise
            why = f"for the search, and {meant} asks for a review" if meant else f"for a review, which {_ANY} ask for"
            raise click.UsageError(f"{error.option_name} is {why}", error.ctx) from None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the options of both; those that they share once."""
        super().format_options(ctx, formatter)
        mine = {param.name for param in self.params}
        records = [param.get_help_record(ctx) for param in refine_domain.params if param.name not in mine - {"out"}]
        with formatter.section("Options with --domain"):
            formatter.write_dl([record for record in records if record])


@click.command(cls=TwoWays)
@split_options
@click.option(
    "--val-share",
    type=Number(0, 1, min_open=True, max_open=True),
    help="Share of the training prompts that is kept for --val where none is given; 0.4 by default.",
)
@click.option("--meta-rubric", "document", type=FILE, help="Document to start from; the one that is shipped if none.")
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the refined document and its evidence; one that holds the same run is gone on with.",
)
@click.option("--overwrite", is_flag=True, help="Forget what the folder holds, and begin anew.")
@click.option(
    "--generations", type=click.IntRange(min=1), default=4, show_default=True, help="Rounds of new documents."
)
@click.option("--population", type=click.IntRange(min=1), default=8, show_default=True, help="New documents a round.")
@click.option("--beam", type=click.IntRange(min=1), default=3, show_default=True, help="Parents of the next round.")
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    help="Judge a new document on so many training pairs first, and on all where it does better there.",
)
@click.option(
    "--orders",
    type=click.Choice(["single", "both"]),
    default="single",
    show_default=True,
    help="Show the responses of a pair once, in a drawn order, or a second time swapped.",
)
@click.option("--two-calls", is_flag=True, help="Let the judge write its criteria in a request of their own.")
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
def refine(
    splits: SplitOptions,
    val_share: float | None,
    document: Path | None,
    out: Path,
    overwrite: bool,
    generations: int,
    population: int,
    beam: int,
    batch: int | None,
    orders: Literal["single", "both"],
    two_calls: bool,
    seed: int,
    concurrency: int,
    max_failed: float,
    as_json: bool,
    dry_run: bool,
    max_total_tokens: int | None,
    reflection: ReflectionOptions,
    lms: LMOptions,
) -> int:
    """Search for general principles under which the adaptive judge agrees with the labels of --train and --val.

    Edits (add, delete or modify a principle) are proposed by the reflection LM from failures on --train that have
    something in common, and tried there; the best are judged on --val, and the best of these is kept. --test is judged
    once before the search and once after it, and says whether there is a reliable gain.

    At least one of --max-calls, --max-total-tokens and --max-cost has to be given: it limits the whole run, with all
    models, over all its starts. A run that was stopped, by whatever, goes on with the same command, and nothing is
    asked twice.

    The reflection LM reads training pairs: read what it wrote (openrubrics diff) before you use it.

    \b
    Example:
      openrubrics refine --lm hosted_vllm/Qwen/Qwen3-8B --api-base http://127.0.0.1:8000/v1 \\
        --train train.jsonl --val val.jsonl --test test.jsonl --max-calls 5000 --out runs/refined

    With --domain, edits of one domain part are proposed in the same way from --pairs, each is tried on them, and a
    person decides about each: on a page that this machine serves to itself, or with --terminal. Decisions go to a file
    that only grows; once they are signed the new document is written, and --replay makes it again from the file.

    \b
    Example:
      openrubrics refine --lm hosted_vllm/Qwen/Qwen3-8B --api-base http://127.0.0.1:8000/v1 \\
        --domain health --pairs health.jsonl --decisions decisions.jsonl --out health.md
      openrubrics refine --replay --decisions decisions.jsonl --out again.md
    """
    from openrubrics.cli.run_refine import Settings, foretell, run
    from openrubrics.cli.show_refine import report

    settings = Settings(
        out=out,
        overwrite=overwrite,
        document=document,
        val_share=val_share,
        generations=generations,
        population=population,
        beam=beam,
        batch=batch,
        orders=orders,
        two_calls=two_calls,
        max_total_tokens=max_total_tokens,
        seed=seed,
        concurrency=concurrency,
    )
    if dry_run:
        click.echo(foretell(settings, splits, lms, reflection))
        return 0
    return report(run(settings, splits, lms, reflection), settings, as_json, max_failed)
