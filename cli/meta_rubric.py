"""`openrubrics meta-rubric`: the document that the adaptive judge makes its criteria from."""

from pathlib import Path

import click

from openrubrics.cli.options import FILE, json_option, overwrite_option


@click.command("meta-rubric")
@click.argument("file", type=FILE, required=False)
@click.option("--part", help="Print what a judge is shown of it: the general part, and that of this domain.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write the document to.")
@overwrite_option
@json_option
def meta_rubric(file: Path | None, part: str | None, out: Path | None, overwrite: bool, as_json: bool) -> int:
    """Print the meta-rubric that is shipped, as a document to edit; or check one of yours.

    Of a file it tells name, version, fingerprint and what its parts hold, or all that is wrong, with lines. --out
    writes the document in its canonical layout.

    \b
    Example:
      openrubrics meta-rubric --out own.md
      openrubrics meta-rubric own.md
      openrubrics meta-rubric own.md --part code
      openrubrics diff own.md
    """
    from openrubrics.cli.run_meta_rubric import run

    return run(file, part=part, out=out, overwrite=overwrite, as_json=as_json)
