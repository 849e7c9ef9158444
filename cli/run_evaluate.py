"""What `openrubrics evaluate` does."""

from dataclasses import dataclass
from pathlib import Path

import click

from openrubrics.cli.build import spending
from openrubrics.cli.engine import cluster
from openrubrics.cli.forecast import forecast
from openrubrics.cli.judges import describe, pair_judge
from openrubrics.cli.options import NO_JUDGE, EngineOptions, JudgeOptions, LMOptions, ProgramOptions
from openrubrics.cli.progress import progress
from openrubrics.cli.provenance import Described, manifest, program_facts, program_files
from openrubrics.cli.run_folder import Clock, opened, taking, what_is_kept
from openrubrics.cli.show import clean, console, show_summary
from openrubrics.cli.sources import Source, SourceOptions
from openrubrics.data import Cluster, Manifest
from openrubrics.evaluation import EvaluatedPair, PairJudge, RunWriter, Summary, kappa, summarize
from openrubrics.evaluation import evaluate as judge_pairs
from openrubrics.lms import Meter
from openrubrics.programs import Program
from openrubrics.signatures.errors import UsageError


@dataclass(frozen=True)
class Settings:
    """What an evaluation needs besides the program; `external` is a judge instead of it."""

    source: SourceOptions
    seed: int
    concurrency: int
    repeats: int
    out: Path | None
    overwrite: bool
    engine: EngineOptions
    external: JudgeOptions = NO_JUDGE
    answer_key: str | None = None


def run(settings: Settings, program: ProgramOptions, lms: LMOptions) -> Summary:
    """Evaluate, write the run folder if one is named, and return the summary.

    A run that was stopped goes on from what its folder holds; its summary is that of the whole run.
    """
    rows = _checked(settings, lms)
    judge, told = pair_judge(program, lms, settings.external)
    if told.warning:
        click.echo(f"warning: {clean(told.warning)}", err=True)
    nodes = cluster(settings.engine, lms)
    runs: list[list[EvaluatedPair]] = []
    with opened(_writer(settings.out, settings, program, told) if settings.out else None) as writer:
        clock = Clock(writer)
        with spending(lms) as meter:
            for repeat in range(settings.repeats):
                if repeat and isinstance(judge, Program):
                    judge, _ = pair_judge(program, lms, settings.external)  # it has no rubrics of the run before
                runs.append(_one_run(judge, settings, rows, writer, clock, repeat, nodes))
        for reason, count in rows.skipped.most_common():
            click.echo(clean(f"{count} skipped: {reason}"), err=True)
        if settings.answer_key is not None and not any(one.judgment.reference_assisted for one in runs[0]):
            click.echo(clean(f"warning: no pair has a right answer in meta.{settings.answer_key}"), err=True)
        summary = summarize(
            runs[0],
            orders=program.orders,
            lm=told.lm,
            method=told.method,
            usage=meter.usage,
            seconds=clock.seconds,
            seed=settings.seed,
            kappa=kappa(runs) if len(runs) > 1 else None,
        )
        if writer:
            made = _manifest(told, settings, rows, program, lms, summary, meter)
            writer.finish(summary, made, records=summary.pairs)
    return summary


def foretell(settings: Settings, program: ProgramOptions, lms: LMOptions) -> str:
    """Check all that can be checked without a request, and say how many requests a run would send."""
    rows = _checked(settings, lms)
    told = describe(program, lms, settings.external)
    if settings.out:
        _writer(settings.out, settings, program, told).check()
    prompts = (pair.prompt for pair in rows.pairs())
    known = settings.answer_key is not None
    return forecast("pairs", prompts, program, settings.external, repeats=settings.repeats, references=known)


def report(summary: Summary, out: Path | None, as_json: bool) -> None:
    """Print the summary."""
    if as_json:
        click.echo(summary.model_dump_json(indent=2))
    else:
        show_summary(console(), summary)
        click.echo(f"written to {out}" if out else "nothing was written: name a folder with --out")


def _checked(settings: Settings, lms: LMOptions) -> Source:
    """Return the pairs, once what has nothing to do with the judge has been found to be in order."""
    if settings.repeats > 1 and lms.cache:
        raise UsageError("--repeats with --cache would repeat the replies of the first run", "leave --cache out")
    cluster(settings.engine, lms)
    return Source(settings.source)


def _writer(out: Path, settings: Settings, program: ProgramOptions, told: Described) -> RunWriter:
    begun = {"command": "evaluate", "method": told.method, "form": program.form}
    begun |= {"answer key": settings.answer_key} if settings.answer_key is not None else {}
    return RunWriter(out, identity=begun | told.identity(settings.seed), overwrite=settings.overwrite)


def _one_run(
    judge: PairJudge,
    settings: Settings,
    rows: Source,
    writer: RunWriter | None,
    clock: Clock,
    repeat: int,
    nodes: Cluster | None,
) -> list[EvaluatedPair]:
    with progress(
        rows.count, "judging", items="pairs", kept=what_is_kept(settings.out, overwrite=settings.overwrite)
    ) as advance:
        return judge_pairs(
            judge,
            rows.pairs(),
            seed=settings.seed,
            concurrency=settings.concurrency,
            on_result=taking(writer, clock, advance),
            slim=True,
            ledger=writer.ledger if writer else None,
            repeat=repeat,
            cluster=nodes,
            answer_key=settings.answer_key,
        )


def _manifest(
    told: Described,
    settings: Settings,
    rows: Source,
    program: ProgramOptions,
    lms: LMOptions,
    summary: Summary,
    meter: Meter,
) -> Manifest:
    return manifest(
        told,
        lms,
        files=(*rows.files, *program_files(program)),
        seed=settings.seed,
        counts={"pairs": summary.pairs, "runs": settings.repeats, "failed": summary.failed}
        | ({"reference-assisted": summary.reference_assisted} if settings.answer_key is not None else {})
        | {f"skipped: {reason}": count for reason, count in rows.skipped.items()},
        seconds=summary.seconds,
        usage=meter.usage,
        extras={"method": told.method, **program_facts(program, settings.external), "source": rows.facts()}
        | ({"answer_key": settings.answer_key} if settings.answer_key is not None else {}),
    )
