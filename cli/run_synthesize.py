"""What `openrubrics synthesize` does."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
from rich.box import SIMPLE
from rich.table import Table

from openrubrics.cli.options import refuse_existing
from openrubrics.cli.progress import progress
from openrubrics.cli.show import clean, console
from openrubrics.data import synthetic_pairs, write_whole
from openrubrics.signatures import PreferencePair


def run(count: int, seed: int, out: Path, *, overwrite: bool, as_json: bool) -> None:
    """Write the pairs, whole or not at all, and print what they are made of.

    Raises:
        UsageError: The file is there already, or cannot be written.
    """
    refuse_existing(out, overwrite=overwrite)
    tally = Tally()
    with progress(count, "synthesize", items="pairs", done="made", kept=f"{out} is as it was") as advance:

        def lines() -> Iterator[bytes]:
            for pair in tally.counted(synthetic_pairs(count, seed)):
                yield pair.model_dump_json().encode() + b"\n"
                advance()

        write_whole(out, lines())
    if as_json:
        click.echo(json.dumps(tally.figures(), indent=2))
    else:
        _show(tally, out)


class Tally:
    """How many pairs there were, which rules they state and break, and what their lengths give away."""

    def __init__(self) -> None:
        self.pairs = 0
        self.longer = 0
        self.stated: Counter[str] = Counter()
        self.broken: Counter[str] = Counter()

    def counted(self, pairs: Iterable[PreferencePair]) -> Iterator[PreferencePair]:
        """Pass pairs on and count them."""
        for pair in pairs:
            self.pairs += 1
            self.longer += len(pair.chosen) > len(pair.rejected)
            self.stated.update(_names(pair, "checks"))
            self.broken.update(_names(pair, "broken"))
            yield pair

    @property
    def length_baseline(self) -> float:
        """What always choosing the response with more characters would score; no two are as long."""
        return self.longer / self.pairs

    def figures(self) -> dict[str, object]:
        """Return what is printed as JSON."""
        checks = {name: {"stated": self.stated[name], "broken": self.broken[name]} for name in sorted(self.stated)}
        return {"pairs": self.pairs, "length_baseline": self.length_baseline, "checks": checks}


def _names(pair: PreferencePair, key: str) -> Iterator[str]:
    checks = pair.meta[key]
    if isinstance(checks, list):
        yield from (str(check["name"]) for check in checks if isinstance(check, dict))


def _show(tally: Tally, out: Path) -> None:
    table = Table("Check", box=SIMPLE)
    table.add_column("Stated", justify="right")
    table.add_column("Broken", justify="right")
    for name, stated in sorted(tally.stated.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(name, str(stated), str(tally.broken[name]))
    console().print(table)
    click.echo(
        f"{tally.pairs} pairs in {clean(str(out))}; always choosing the longer response is right in "
        f"{tally.length_baseline:.1%} of them"
    )
