"""`openrubrics synthesize`: preference pairs whose label code has verified."""

from pathlib import Path

import click

from openrubrics.cli.options import json_option, overwrite_option, seed_option


@click.command()
@click.option("--count", required=True, type=click.IntRange(min=1), help="How many pairs.")
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="File for them, JSON Lines."
)
@overwrite_option
@seed_option
@json_option
def synthesize(count: int, out: Path, overwrite: bool, seed: int, as_json: bool) -> None:
    """Make preference pairs without any model: requests with rules, a response that obeys all, one that breaks some.

    Each label is verified by code. The same count and seed give the same file; a larger count only adds to it.

    \b
    Example:
      openrubrics synthesize --count 2000 --seed 7 --out pairs.jsonl
    """
    from openrubrics.cli.run_synthesize import run

    run(count, seed, out, overwrite=overwrite, as_json=as_json)
