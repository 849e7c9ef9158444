"""What `openrubrics judge` does."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import click

from openrubrics.cli.build import rubric_rm, spending, text_of
from openrubrics.cli.options import LMOptions, ProgramOptions
from openrubrics.cli.progress import progress
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

    def comparisons(self) -> list[Comparison]:
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
        return list(read_comparisons(self.pairs, limit=self.limit))


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
    if dry_run:
        click.echo(
            f"{len(comparisons)} comparisons, {program.orders} order, up to {program.votes} votes each; nothing asked"
        )
        return 0
    rm = rubric_rm(program, lms)
    with spending(lms):
        if asked.pairs is None:
            return _one(rm, comparisons[0], as_json)
        return asyncio.run(_many(rm, comparisons, concurrency, max_failed))


def _one(rm: RubricRM, comparison: Comparison, as_json: bool) -> int:
    judgment = rm(prompt=comparison.prompt, response_a=comparison.response_a, response_b=comparison.response_b)
    if as_json:
        click.echo(judgment.model_dump_json(indent=2))
    else:
        show_judgment(console(), judgment)
    return 1 if isinstance(judgment.outcome, Failed) else 0


async def _many(rm: RubricRM, comparisons: list[Comparison], concurrency: int, max_failed: float) -> int:
    """Judge all, printing each as it is finished."""

    async def judged(item: Comparison) -> JudgedComparison:
        judgment = await rm.acall(prompt=item.prompt, response_a=item.response_a, response_b=item.response_b)
        return JudgedComparison(id=item.id, judgment=judgment)

    failed = 0
    with progress(len(comparisons), "judging") as advance:
        async with aclosing(in_bulk(judged, comparisons, concurrency=concurrency)) as results:
            async for result in results:
                failed += isinstance(result.judgment.outcome, Failed)
                click.echo(result.model_dump_json())
                advance()
    click.echo(f"{len(comparisons)} judged, {failed} failed", err=True)
    return 0 if failed <= max_failed * len(comparisons) else 1
