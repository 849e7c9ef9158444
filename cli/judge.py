"""`openrubrics judge`: compare two answers, or many pairs of answers."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import click

from openrubrics.cli.build import rubric_rm, spending, text_of
from openrubrics.cli.options import (
    FILE,
    LMOptions,
    ProgramOptions,
    concurrency_option,
    dry_run_option,
    json_option,
    limit_option,
    lm_options,
    program_options,
)
from openrubrics.cli.progress import progress
from openrubrics.cli.show import console, show_judgment
from openrubrics.data import Comparison, in_bulk, read_comparisons
from openrubrics.programs import RubricRM
from openrubrics.signatures import Failed, Judgment
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.values import Frozen


class JudgedComparison(Frozen):
    """One line of output.

    Attributes:
        id: That of the comparison.
        judgment: What it came to.
    """

    id: str
    judgment: Judgment


@click.command()
@click.option("--prompt", help="The request.")
@click.option("--prompt-file", type=FILE, help="File with the request.")
@click.option("--a", help="Response A.")
@click.option("--a-file", type=FILE, help="File with response A.")
@click.option("--b", help="Response B.")
@click.option("--b-file", type=FILE, help="File with response B.")
@click.option("--pairs", type=FILE, help="Many comparisons, JSON Lines: prompt, response_a, response_b.")
@click.option(
    "--max-failed",
    type=click.FloatRange(0, 1),
    default=0.05,
    show_default=True,
    help="Failed share that is still exit 0.",
)
@limit_option
@concurrency_option
@json_option
@dry_run_option
@program_options
@lm_options
def judge(
    prompt: str | None,
    prompt_file: Path | None,
    a: str | None,
    a_file: Path | None,
    b: str | None,
    b_file: Path | None,
    pairs: Path | None,
    max_failed: float,
    limit: int | None,
    concurrency: int,
    as_json: bool,
    dry_run: bool,
    program: ProgramOptions,
    lms: LMOptions,
) -> int:
    """Compare response A and response B under a rubric, and say why one is better.

    With --pairs every judgment is one JSON line: id, judgment.

    \b
    Example:
      openrubrics judge --lm embedded --orders both --prompt "Name a prime. Do not use commas." --a "Seven." --b "3, 5"
    """
    if pairs is None:
        comparison = Comparison(
            id="1",
            prompt=text_of("--prompt", prompt, prompt_file),
            response_a=text_of("--a", a, a_file),
            response_b=text_of("--b", b, b_file),
        )
        comparisons = [comparison]
    elif any((prompt, prompt_file, a, a_file, b, b_file)):
        raise UsageError("--pairs and a single comparison are both given", "give one of them")
    else:
        comparisons = list(read_comparisons(pairs, limit=limit))
    if dry_run:
        click.echo(
            f"{len(comparisons)} comparisons, {program.orders} order, up to {program.votes} votes each; nothing asked"
        )
        return 0
    rm = rubric_rm(program, lms)
    with spending(lms):
        if pairs is None:
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
