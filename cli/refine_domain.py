"""`openrubrics refine --domain`: a person decides about edits of one domain part."""

from pathlib import Path
from typing import Literal

import click

from openrubrics.cli.options import (
    FILE,
    LMOptions,
    ReflectionOptions,
    concurrency_option,
    dry_run_option,
    lm_options,
    overwrite_option,
    reflection_options,
    seed_option,
)
from openrubrics.cli.sources import SourceOptions, one_source_options

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("refine")
@click.option("--domain", help="Domain part of the document that is changed.")
@click.option(
    "--decisions",
    type=_FILE,
    help="File of decisions, which only grows; one that is there is gone on with. What was proposed is kept beside it. "
    "DOMAIN.decisions.jsonl if none.",
)
@click.option("--out", type=_FILE, help="Where the new document goes once it is signed; DOMAIN.md if none.")
@overwrite_option
@click.option("--meta-rubric", "document", type=FILE, help="Document to start from; the one that is shipped if none.")
@click.option("--replay", is_flag=True, help="Make the document from the decisions of --decisions; ask nobody.")
@click.option("--terminal", is_flag=True, help="Decide in this terminal instead of on a page.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="Port of the page; 0 takes a free one."
)
@click.option("--no-open", is_flag=True, help="Only print the address of the page, and open no browser.")
@click.option(
    "--edits", type=click.IntRange(1, 50), default=6, show_default=True, help="Edits that are tried and shown at most."
)
@click.option(
    "--orders",
    type=click.Choice(["single", "both"]),
    default="single",
    show_default=True,
    help="Show the responses of a pair once, in a drawn order, or a second time swapped.",
)
@click.option("--two-calls", is_flag=True, help="Let the judge write its criteria in a request of their own.")
@one_source_options
@seed_option
@concurrency_option
@dry_run_option
@reflection_options
@lm_options
def refine_domain(
    domain: str | None,
    decisions: Path | None,
    out: Path | None,
    overwrite: bool,
    document: Path | None,
    replay: bool,
    terminal: bool,
    port: int,
    no_open: bool,
    edits: int,
    orders: Literal["single", "both"],
    two_calls: bool,
    source: SourceOptions,
    seed: int,
    concurrency: int,
    dry_run: bool,
    reflection: ReflectionOptions,
    lms: LMOptions,
) -> int:
    """Decide about edits of one domain part that were proposed from labelled pairs; described with the search."""
    from openrubrics.cli.run_refine_domain import Proposing, Reviewing, foretell, run, run_replay
    from openrubrics.signatures.errors import UsageError

    if domain is None and not (decisions and out):
        raise UsageError("no domain is named", "give --domain, or --decisions and --out with --replay")
    decisions = decisions or Path(f"{domain}.decisions.jsonl")
    out = out or Path(f"{domain}.md")
    if replay:
        return run_replay(document, decisions, out, overwrite=overwrite, dry_run=dry_run)
    proposing = Proposing(
        domain=domain,
        document=document,
        source=source,
        edits=edits,
        orders=orders,
        two_calls=two_calls,
        seed=seed,
        concurrency=concurrency,
        lms=lms,
        reflection=reflection,
    )
    reviewing = Reviewing(decisions, out, overwrite=overwrite, terminal=terminal, port=port, opens=not no_open)
    if dry_run:
        click.echo(foretell(proposing, reviewing))
        return 0
    return run(proposing, reviewing)
