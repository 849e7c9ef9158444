"""What a curation came to, for a person at a terminal."""

from pathlib import Path

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from openrubrics.cli.show import clean, console
from openrubrics.data import CurationSummary

_DOMAINS = 20
_FAILURES = 5
_RETRY = (
    "the same command with --retry-failed repeats requests that got no answer, and with more --attempts tries other "
    "rubrics where an answer could not be read"
)


def report(summary: CurationSummary, out: Path, as_json: bool) -> None:
    """Print the summary."""
    if as_json:
        click.echo(summary.model_dump_json(indent=2))
        return
    show_curation(console(), summary)
    if summary.failed:
        click.echo(_RETRY)
    if summary.kept:
        click.echo(f'written to {out}; read it with datasets.load_dataset("{out}")')
    else:
        click.echo(f'nothing was kept; see why with datasets.load_dataset("{out}", "rejected")')


def show_curation(out: Console, summary: CurationSummary) -> None:
    """Print what was kept, by domain where there are several, and why the rest was not."""
    table = Table("pairs by domain", box=SIMPLE, pad_edge=False)
    for heading in ("n", "kept", "share"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_row("all", str(summary.pairs), str(summary.kept), f"{summary.kept_share:.3f}")
    if len(summary.by_domain) > 1:
        for name, counts in list(summary.by_domain.items())[:_DOMAINS]:
            table.add_row(Text(clean(name)), str(counts.pairs), str(counts.kept), f"{counts.kept_share:.3f}")
    if (more := len(summary.by_domain) - _DOMAINS) > 0:
        table.add_row(f"{more} more, in summary.json")
    out.print(table)
    cost = f", {summary.cost:.4f} US dollars" if summary.cost else ""
    for line in (
        *(f"{reason}: {count}" for reason, count in summary.reasons.items() if reason != "kept"),
        f"{summary.topic_specific} of {summary.rubrics} rubrics have a topic-specific principle",
        f"{clean(summary.lm)}: {summary.calls} calls, {summary.tokens} tokens{cost}, {summary.seconds:.1f} s",
    ):
        out.print(Text(line), soft_wrap=True)
    for reason, count in list(summary.failures.items())[:_FAILURES]:
        out.print(Text(f"failed, {count} pairs: {clean(reason)}", style="red"), soft_wrap=True)
