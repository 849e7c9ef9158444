"""What `openrubrics evaluate --benchmark` does."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import click
from pydantic import JsonValue

from openrubrics.cli.build import spending
from openrubrics.cli.engine import cluster
from openrubrics.cli.forecast import forecast, forecast_scores
from openrubrics.cli.judges import describe, external_kind, gives_scores, pair_judge
from openrubrics.cli.options import SCORER, EngineOptions, JudgeOptions, LMOptions, ProgramOptions
from openrubrics.cli.progress import progress
from openrubrics.cli.provenance import Described, manifest, program_facts, program_files
from openrubrics.cli.run_folder import Clock, opened, taking, what_is_kept
from openrubrics.cli.show import clean, console
from openrubrics.cli.show_benchmark import show_benchmark
from openrubrics.data import Cluster, Manifest
from openrubrics.evaluation import EvaluatedPair, PairJudge, RunWriter, ScoreJudge, Scorer
from openrubrics.evaluation.benchmarks import (
    BenchmarkSummary,
    Compared,
    GradedResponse,
    Kind,
    Loaded,
    Rated,
    acompare,
    answer_lines,
    arate,
    benchmark,
    load,
    pairwise_result,
    rule_for,
    scores_result,
)
from openrubrics.lms import Meter
from openrubrics.signatures import Usage
from openrubrics.signatures.errors import DataError, UsageError


@dataclass(frozen=True)
class Settings:
    """What a run over a benchmark needs besides the judge.

    Attributes:
        name: The benchmark.
        path: Its rows on this machine; None for the hub.
        responses: Responses to its prompts, where it comes without.
        limit: Most cases to judge.
        choose_orders: Whether the benchmark may choose the orders, since none were asked for.
    """

    name: str
    path: Path | None
    responses: Path | None
    limit: int | None
    choose_orders: bool
    seed: int
    concurrency: int
    out: Path | None
    overwrite: bool
    engine: EngineOptions
    external: JudgeOptions
    answer_key: str | None = None


def run(settings: Settings, program: ProgramOptions, lms: LMOptions) -> BenchmarkSummary:
    """Judge the cases, write the run folder if one is named, and return the summary.

    A run that was stopped goes on from what its folder holds; its summary is that of the whole run.
    """
    asked = _asked(settings, program)
    judge, told = pair_judge(asked.program, lms, settings.external)
    if told.warning:
        click.echo(f"warning: {clean(told.warning)}", err=True)
    nodes = cluster(settings.engine, lms)
    folder = _writer(settings.out, settings, asked, told) if settings.out else None
    with opened(folder) as writer, spending(lms) as meter:
        clock = Clock(writer)
        if asked.kind == "scores":
            answers, results = _rate(settings, asked, cast("ScoreJudge", judge).scorer, writer, clock)
        else:
            answers, results = _compare(settings, asked, judge, writer, clock, nodes)
        summary = _summary(settings, asked, told, answers, results, meter.usage, clock.seconds)
        if writer:
            writer.finish(summary, _manifest(settings, asked, told, lms, summary, meter), answers=answer_lines(answers))
    return summary


def foretell(settings: Settings, program: ProgramOptions, lms: LMOptions) -> str:
    """Check all that can be checked without a request, and say how many requests a run would send."""
    asked = _asked(settings, program)
    told = describe(asked.program, lms, settings.external)
    cluster(settings.engine, lms)
    if settings.out:
        _writer(settings.out, settings, asked, told).check()
    cases = asked.loaded.cases
    head = f"{asked.loaded.benchmark.title}: {len(cases):,} cases"
    if asked.kind == "scores":
        own = all(case.rubric for case in cases)
        prompts = [case.prompt for case in cases for _ in case.responses]
        return f"{head}; {forecast_scores(prompts, asked.program, settings.external, own_rubrics=own)}"
    pairs = (pair.prompt for case in cases for pair in case.pairs(settings.name) if pair)
    known = settings.answer_key is not None
    return f"{head}; {forecast('pairs', pairs, asked.program, settings.external, references=known)}"


def report(summary: BenchmarkSummary, out: Path | None, as_json: bool) -> None:
    """Print the summary."""
    if as_json:
        click.echo(summary.model_dump_json(indent=2))
    else:
        show_benchmark(console(), summary)
        click.echo(f"written to {out}" if out else "nothing was written: name a folder with --out")


@dataclass(frozen=True)
class _Asked:
    """A benchmark, and how its cases are asked."""

    loaded: Loaded
    kind: Kind
    program: ProgramOptions


def _asked(settings: Settings, program: ProgramOptions) -> _Asked:
    """Read the benchmark and decide how it is asked, before anything else is made.

    Raises:
        UsageError: The judge cannot answer the benchmark, or an option does not fit.
        DataError: The benchmark cannot be read.
    """
    chosen = benchmark(settings.name)
    kind: Kind = "scores" if gives_scores(program, settings.external) and chosen.scores else "pairwise"
    rule = chosen.rule(kind)
    if kind == "pairwise" and settings.choose_orders and rule and rule.orders:
        program = replace(program, orders=rule.orders)
    if kind == "scores" and settings.engine.engine != "local":
        raise UsageError("--engine ray is for judges that compare two responses", "leave it out")
    rule_for(chosen, kind, program.orders)
    loaded = load(chosen, settings.path, responses=settings.responses, limit=settings.limit)
    if kind == "pairwise" and not any(case.better for case in loaded.cases):
        hint = "; --method rubric-scorer scores single ones" if chosen.scores else ""
        raise DataError(
            f"no case of {chosen.title} has two responses to compare", f"--responses: {chosen.responses}{hint}"
        )
    if kind == "scores" and any(case.rubric for case in loaded.cases) and external_kind(settings.external):
        hint = f"--method {SCORER} says which of them are met"
        raise UsageError(f"{chosen.title} is scored by criteria of its own", hint)
    if settings.answer_key is not None and not any(settings.answer_key in case.meta for case in loaded.cases):
        message = f"no case of {chosen.title} has an answer key {settings.answer_key!r}"
        raise UsageError(message, "leave --answer-key out, or take rows that hold reference answers")
    return _Asked(loaded, kind, program)


def _writer(out: Path, settings: Settings, asked: _Asked, told: Described) -> RunWriter:
    begun: dict[str, JsonValue] = {"command": "evaluate", "benchmark": settings.name, "method": told.method}
    begun |= {"kind": asked.kind, "form": asked.program.form}
    begun |= {"answer key": settings.answer_key} if settings.answer_key is not None else {}
    return RunWriter(out, identity=begun | told.identity(settings.seed), overwrite=settings.overwrite)


def _rate(
    settings: Settings, asked: _Asked, scorer: Scorer, writer: RunWriter | None, clock: Clock
) -> tuple[list[Rated], list[GradedResponse]]:
    cases = asked.loaded.cases
    with _progress(settings, sum(len(case.responses) for case in cases), "responses", writer, clock) as take:
        return asyncio.run(
            arate(
                scorer,
                cases,
                concurrency=settings.concurrency,
                on_result=take,
                ledger=writer.ledger if writer else None,
            )
        )


def _compare(
    settings: Settings,
    asked: _Asked,
    judge: PairJudge,
    writer: RunWriter | None,
    clock: Clock,
    nodes: Cluster | None,
) -> tuple[list[Compared], list[EvaluatedPair]]:
    cases = asked.loaded.cases
    with _progress(settings, sum(len(case.better) for case in cases), "pairs", writer, clock) as take:
        return asyncio.run(
            acompare(
                judge,
                cases,
                source=settings.name,
                orders=asked.program.orders,
                seed=settings.seed,
                concurrency=settings.concurrency,
                on_result=take,
                ledger=writer.ledger if writer else None,
                cluster=nodes,
                answer_key=settings.answer_key,
            )
        )


@contextmanager
def _progress(
    settings: Settings, count: int, items: str, writer: RunWriter | None, clock: Clock
) -> Iterator[Callable[[object], None]]:
    kept = what_is_kept(settings.out, overwrite=settings.overwrite)
    with progress(count, "judging", items=items, kept=kept) as advance:
        yield taking(writer, clock, advance)


def _summary(
    settings: Settings,
    asked: _Asked,
    told: Described,
    answers: Sequence[Any],
    results: Sequence[Any],
    usage: Usage,
    seconds: float,
) -> BenchmarkSummary:
    made_by: dict[str, Any] = {"method": told.method, "lm": told.lm, "program": told.program}
    made_by |= {"usage": usage, "seconds": seconds, "seed": settings.seed}
    if asked.kind == "scores":
        return scores_result(asked.loaded, answers, results, **made_by)
    return pairwise_result(asked.loaded, answers, results, orders=asked.program.orders, **made_by)


def _manifest(
    settings: Settings, asked: _Asked, told: Described, lms: LMOptions, summary: BenchmarkSummary, meter: Meter
) -> Manifest:
    program = asked.program
    given = {
        "benchmark": settings.name,
        "path": settings.path,
        "responses": settings.responses,
        "limit": settings.limit,
        "kind": asked.kind,
        "method": told.method,
        **program_facts(program, settings.external),
    } | ({"answer_key": settings.answer_key} if settings.answer_key is not None else {})
    return manifest(
        told,
        lms,
        files=(*asked.loaded.files, *program_files(program)),
        seed=settings.seed,
        counts={"cases": len(asked.loaded.cases), "asked": summary.judged.asked, "failed": summary.judged.failed},
        seconds=summary.seconds,
        usage=meter.usage,
        extras={name: str(value) if isinstance(value, Path) else value for name, value in given.items()},
    )
