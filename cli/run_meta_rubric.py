"""What `openrubrics meta-rubric` does."""

import json
from pathlib import Path

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from openrubrics.cli.options import refuse_existing
from openrubrics.cli.show import clean, console
from openrubrics.signatures import MetaRubric, default_meta_rubric, read_meta_rubric
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.files import write_whole
from openrubrics.signatures.meta_rubric import CRITERION_TYPES
from openrubrics.signatures.meta_rubric_shown import shown


def run(file: Path | None, *, part: str | None, out: Path | None, overwrite: bool, as_json: bool) -> int:
    """Read the document, print or write what was asked for, and return the exit code."""
    asked = [name for name, given in (("--part", part), ("--out", out), ("--json", as_json)) if given]
    if len(asked) > 1:
        raise UsageError(f"{' and '.join(asked)} cannot be combined", "give one of them")
    meta = default_meta_rubric() if file is None else read_meta_rubric(file)
    if out is not None:
        refuse_existing(out, overwrite=overwrite)
        write_whole(out, str(meta))
        click.echo(f"wrote {out}: {meta.name}, version {meta.version}, {len(meta.parts)} parts")
    elif as_json:
        click.echo(json.dumps({"fingerprint": meta.fingerprint} | meta.model_dump(mode="json"), indent=2))
    elif part is not None:
        click.echo(clean(shown(meta, part)))
    elif file is None:
        click.echo(str(meta), nl=False)
    else:
        _show(console(), meta)
    return 0


def _show(out: Console, meta: MetaRubric) -> None:
    for name, value in (
        ("name", f"{meta.name}, version {meta.version}"),
        ("fingerprint", meta.fingerprint),
        ("criteria", f"{meta.least} to {meta.most}"),
        ("types", ", ".join(f"{rule.type} [{rule.tag}]" for rule in meta.types)),
        ("guards", ", ".join(meta.guards) or "none"),
    ):
        out.print(Text(f"{name:12}", style="bold").append(value, style="not bold"), soft_wrap=True)
    table = Table(box=SIMPLE, pad_edge=False)
    table.add_column("part", overflow="fold")
    for heading in ("method", *CRITERION_TYPES):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, part in meta.parts.items():
        counts = [sum(one.type == kind for one in part.principles) for kind in CRITERION_TYPES]
        table.add_row(name, *(str(count or "-") for count in (len(part.method), *counts)))
    out.print(table)
