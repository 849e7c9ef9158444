"""What `openrubrics judge` does."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import click

from openrubrics.cli.build import rubric_rm, spending, text_of
from openrubrics.cli.failed import exit_code
from openrubrics.cli.forecast import forecast
from openrubrics.cli.options import LMOptions, ProgramOptions
from openrubrics.cli.progress import progress
from openrubrics.cli.rows import Rows
from openrubrics.cli.show import console, show_judgment
from openrubrics.data import Comparison, in_bulk, read_comparisons
from openrubrics.programs import RubricRM
from openrubrics.signatures import Failed, Judgment
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.values import Frozen

TextOrFile = tuple[str | None, Path | None]
"""The two ways to give a text, of which one is used."""


@dataclass(frozen=True)
class Asked:
    """What is to be compared: one comparison, or a file of them."""

    prompt: TextOrFile
    a: TextOrFile
    b: TextOrFile
    pairs: Path | None
    limit: int | None

    def comparisons(self) -> list[Comparison] | Rows[Comparison]:
        """Read what is to be compared.

        Raises:
            UsageError: Options are missing, or exclude each other.
            DataError: A file is not what it should be.
        """
        if self.pairs is None:
            prompt, a, b = text_of("--prompt", *self.prompt), text_of("--a", *self.a), text_of("--b", *self.b)
            return [Comparison(id="1", prompt=prompt, response_a=a, response_b=b)]
        if any(given is not None for given in (*self.prompt, *self.a, *self.b)):
            raise UsageError("--pairs and a single comparison are both given", "give one of them")
        path = self.pairs
        return Rows(path, lambda: read_comparisons(path, limit=self.limit))


class JudgedComparison(Frozen):
    """One line of output.

    Attributes:
        id: That of the comparison.
        judgment: What it came to.
    """

    id: str
    judgment: Judgment


def run(
    asked: Asked,
    program: ProgramOptions,
    lms: LMOptions,
    *,
    concurrency: int,
    max_failed: float,
    as_json: bool,
    dry_run: bool,
) -> int:
    """Judge, print, and return the exit code."""
    comparisons = asked.comparisons()
    rm = rubric_rm(program, lms)
    if dry_run:
        click.echo(forecast("comparisons", (item.prompt for item in comparisons), program))
        return 0
    with spending(lms):
        if isinstance(comparisons, list):
            return _one(rm, comparisons[0], as_json)
        with progress(len(comparisons), "judging", items="comparisons", kept="they are printed above") as advance:
            failed = asyncio.run(_many(rm, comparisons, concurrency, advance))
    click.echo(f"{len(comparisons)} judged, {failed} failed", err=True)
    return exit_code(failed, len(comparisons), max_failed)


def _one(rm: RubricRM, comparison: Comparison, as_json: bool) -> int:
    judgment = rm(prompt=comparison.prompt, response_a=comparison.response_a, response_b=comparison.response_b)
    if as_json:
        click.echo(judgment.model_dump_json(indent=2))
    else:
        show_judgment(console(), judgment)
    return 1 if isinstance(judgment.outcome, Failed) else 0


async def _many(rm: RubricRM, comparisons: Iterable[Comparison], concurrency: int, advance: Callable[[], None]) -> int:
    """Judge all, print each as it is finished, and return how many failed."""

    async def judged(item: Comparison) -> JudgedComparison:
        judgment = await rm.acall(prompt=item.prompt, response_a=item.response_a, response_b=item.response_b)
        return JudgedComparison(id=item.id, judgment=judgment)

    failed = 0
    async with aclosing(in_bulk(judged, comparisons, concurrency=concurrency)) as results:
        async for result in results:
            failed += isinstance(result.judgment.outcome, Failed)
            click.echo(result.model_dump_json())
            advance()
    return failed
