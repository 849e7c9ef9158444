"""What `openrubrics judge` does."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import click

from openrubrics.cli.build import Comparing, judging_program, spending, text_of
from openrubrics.cli.engine import cluster
from openrubrics.cli.failed import exit_code
from openrubrics.cli.forecast import forecast
from openrubrics.cli.options import ADAPTIVE, EngineOptions, LMOptions, ProgramOptions
from openrubrics.cli.progress import progress
from openrubrics.cli.rows import Rows
from openrubrics.cli.show import clean, console, show_judgment
from openrubrics.data import Cluster, Comparison, calls, read_comparisons
from openrubrics.data.rows import OnError
from openrubrics.evaluation import PairJudge
from openrubrics.programs import Direct
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
    on_error: OnError = "stop"
    skipped: Counter[str] = field(default_factory=Counter)
    reference: TextOrFile = (None, None)

    def known(self, method: str) -> str | None:
        """Return the right answer, where one is given.

        Raises:
            UsageError: It has no use here, or holds nothing.
            DataError: A file is not what it should be.
        """
        if self.reference == (None, None):
            return None
        if method != ADAPTIVE or self.pairs:
            where = "--pairs" if self.pairs else f"--method {method}"
            raise UsageError(f"--reference cannot be used with {where}", f"it is for one comparison by {ADAPTIVE}")
        text = text_of("--reference", *self.reference)
        if not text.strip():
            raise UsageError("--reference is empty", "give the right answer, or leave it out")
        return text

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

        def read() -> Iterator[Comparison]:
            self.skipped.clear()
            return read_comparisons(path, limit=self.limit, on_error=self.on_error, skipped=self.skipped)

        return Rows(path, read)


@dataclass(frozen=True)
class Settings:
    """How the comparisons are judged and shown."""

    concurrency: int
    max_failed: float
    as_json: bool
    dry_run: bool


class JudgedComparison(Frozen):
    """One line of output.

    Attributes:
        id: That of the comparison.
        judgment: What it came to.
    """

    id: str
    judgment: Judgment


def run(asked: Asked, settings: Settings, program: ProgramOptions, lms: LMOptions, engine: EngineOptions) -> int:
    """Judge, print, and return the exit code."""
    comparisons = asked.comparisons()
    reference = asked.known(program.method)
    judge = judging_program(program, lms)
    nodes = cluster(engine, lms)
    if nodes and isinstance(comparisons, list):
        raise UsageError("a single comparison needs no cluster", "leave --engine ray out, or give --pairs")
    if settings.dry_run:
        prompts = (item.prompt for item in comparisons)
        click.echo(forecast("comparisons", prompts, program, references=reference is not None))
        return 0
    with spending(lms):
        if isinstance(comparisons, list):
            return _one(judge, comparisons[0], reference, settings.as_json)
        with progress(len(comparisons), "judging", items="comparisons", kept="they are printed above") as advance:
            failed = asyncio.run(_many(judge, comparisons, settings.concurrency, nodes, advance))
    click.echo(f"{len(comparisons)} judged, {failed} failed", err=True)
    for reason, count in asked.skipped.most_common():
        click.echo(clean(f"{count} skipped: {reason}"), err=True)
    return exit_code(failed, len(comparisons), settings.max_failed)


def _one(judge: Comparing, comparison: Comparison, reference: str | None, as_json: bool) -> int:
    known = {} if reference is None else {"reference": reference}
    shown = {"prompt": comparison.prompt, "response_a": comparison.response_a, "response_b": comparison.response_b}
    judgment = judge(**shown, **known)
    if as_json:
        click.echo(judgment.model_dump_json(indent=2))
    else:
        show_judgment(console(), judgment)
    return 1 if isinstance(judgment.outcome, Failed) else 0


async def _many(
    judge: PairJudge,
    comparisons: Iterable[Comparison],
    concurrency: int,
    nodes: Cluster | None,
    advance: Callable[[], None],
) -> int:
    """Judge all, print each as it is finished, and return how many failed."""
    judged = partial(_judged, Direct(concurrency=concurrency), judge)
    failed = 0
    async with aclosing(calls(judged, comparisons, concurrency=concurrency, cluster=nodes)) as results:
        async for result in results:
            failed += isinstance(result.judgment.outcome, Failed)
            click.echo(result.model_dump_json())
            advance()
    return failed


async def _judged(ask: Direct, judge: PairJudge, item: Comparison) -> JudgedComparison:
    judgment = await ask(judge, prompt=item.prompt, response_a=item.response_a, response_b=item.response_b)
    return JudgedComparison(id=item.id, judgment=judgment)
