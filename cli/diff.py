"""`openrubrics diff`: what differs between two compiled programs or meta-rubrics."""

from pathlib import Path

import click

from openrubrics.cli.options import FILE, json_option


@click.command()
@click.argument("a", type=FILE)
@click.argument("b", type=FILE, required=False)
@json_option
def diff(a: Path, b: Path | None, as_json: bool) -> int:
    """Show what differs between two saved programs (instructions, demonstrations, models and scores) or meta-rubrics.

    With one file it is compared with the program or meta-rubric as it is shipped. A line that begins with - is only in
    the first, one that begins with + only in the second; in one that begins with ~, of a meta-rubric, {-these words-}
    are only in the first and {+these words+} only in the second. The exit code is 0 whether they differ or not.

    \b
    Example:
      openrubrics diff compiled/rubric-rm.json
      openrubrics diff before.json after.json
      openrubrics diff own.md
    """
    from openrubrics.cli.run_diff import run

    return run(a, b, as_json=as_json)
