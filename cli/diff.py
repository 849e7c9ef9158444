"""`openrubrics diff`: what differs between two compiled programs."""

from pathlib import Path

import click

from openrubrics.cli.options import FILE, json_option


@click.command()
@click.argument("a", type=FILE)
@click.argument("b", type=FILE, required=False)
@json_option
def diff(a: Path, b: Path | None, as_json: bool) -> int:
    """Show what differs between two saved programs: instructions, demonstrations, models and scores.

    With one file it is compared with the program as it is shipped. A line that begins with - is only in the first
    program, one that begins with + only in the second. The exit code is 0 whether they differ or not.

    \b
    Example:
      openrubrics diff compiled/rubric-rm.json
      openrubrics diff before.json after.json
    """
    from openrubrics.cli.run_diff import run

    return run(a, b, as_json=as_json)
