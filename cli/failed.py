"""How many failures are too many."""

import click

from openrubrics.cli.options import MAX_FAILED


def exit_code(
    failed: int, total: int, limit: float = MAX_FAILED, name: str = "--max-failed", what: str = "comparisons"
) -> int:
    """Return 0, or 1 after a line that says so where more than a share of all comparisons, or pairs, failed."""
    share = failed / total
    if share <= limit:
        return 0
    click.echo(f"{failed} of {total} {what} failed ({100 * share:.1f} %), more than {name} {limit:g} allows", err=True)
    return 1
