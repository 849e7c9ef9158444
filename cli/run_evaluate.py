"""What `openrubrics evaluate` does."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from openrubrics.cli.build import lm_names, rubric_rm, spending
from openrubrics.cli.options import LMOptions, ProgramOptions
from openrubrics.cli.progress import progress
from openrubrics.cli.show import console, show_summary
from openrubrics.data import Manifest, read_pairs, sha256
from openrubrics.evaluation import EvaluatedPair, RunWriter, Summary, kappa, summarize
from openrubrics.evaluation import evaluate as judge_pairs
from openrubrics.programs import RubricRM
from openrubrics.signatures import PreferencePair, prompt_text


@dataclass(frozen=True)
class Settings:
    """What an evaluation needs besides the program."""

    pairs: Path
    limit: int | None
    seed: int
    concurrency: int
    repeats: int


def run(settings: Settings, program: ProgramOptions, lms: LMOptions, out: Path | None, overwrite: bool) -> Summary:
    """Evaluate, write the run folder if one is named, and return the summary."""
    total = sum(1 for _ in read_pairs(settings.pairs, limit=settings.limit))  # every row is checked before any call
    judge = rubric_rm(program, lms)
    if out is None:
        return _evaluated(judge, settings, program, lms, total, lambda _: None)[0]
    with RunWriter(out, overwrite=overwrite) as writer:
        summary, manifest = _evaluated(judge, settings, program, lms, total, writer.write)
        writer.finish(summary, manifest)
    return summary


def report(summary: Summary, out: Path | None, as_json: bool) -> None:
    """Print the summary."""
    if as_json:
        click.echo(summary.model_dump_json(indent=2))
    else:
        show_summary(console(), summary)
        click.echo(f"written to {out}" if out else "nothing was written: name a folder with --out")


def _evaluated(
    judge: RubricRM,
    settings: Settings,
    program: ProgramOptions,
    lms: LMOptions,
    total: int,
    write: Callable[[EvaluatedPair], None],
) -> tuple[Summary, Manifest]:
    start = time.perf_counter()
    runs: list[Sequence[EvaluatedPair]] = []
    with spending(lms) as meter:
        for repeat in range(settings.repeats):
            with progress(total, f"run {repeat + 1}" if settings.repeats > 1 else "judging") as advance:
                runs.append(
                    _one_run(judge, settings, lambda r, a=advance, w=repeat == 0: (a(), write(r) if w else None))
                )
    seconds = time.perf_counter() - start
    names = lm_names(judge)
    summary = summarize(
        runs[0],
        orders=program.orders,
        lm=" + ".join(dict.fromkeys(names.values())),
        method=program.method,
        usage=meter.usage,
        seconds=seconds,
        seed=settings.seed,
        kappa=kappa(runs) if len(runs) > 1 else None,
    )
    manifest = Manifest(
        program=judge.fingerprint,
        lms=names,
        sampling={
            "temperature": judge.judge.temperature if program.votes > 1 else lms.temperature,
            "max_tokens": lms.max_tokens,
            "thinking": lms.thinking,
            "votes": program.votes,
        },
        data={path.name: sha256(path) for path in (settings.pairs, program.rubric) if path},
        seed=settings.seed,
        counts={"pairs": len(runs[0]), "runs": len(runs), "failed": summary.failed},
        seconds=seconds,
        usage=meter.usage,
        extras={"orders": program.orders, "enforce_checks": program.enforce_checks},
    )
    return summary, manifest


def _one_run(
    judge: RubricRM, settings: Settings, on_result: Callable[[EvaluatedPair], object]
) -> Sequence[EvaluatedPair]:
    return judge_pairs(
        judge,
        read_pairs(settings.pairs, limit=settings.limit),
        seed=settings.seed,
        concurrency=settings.concurrency,
        on_result=lambda result: (on_result(result), None)[1],
    )


def forecast(settings: Settings, program: ProgramOptions) -> str:
    """Say how many requests a run sends at most."""
    pairs: list[PreferencePair] = list(read_pairs(settings.pairs, limit=settings.limit))
    prompts = len({prompt_text(pair.prompt) for pair in pairs})
    rubrics = 0 if program.rubric else prompts
    votes = program.votes // 2 + 1  # the first half of the votes is one request
    judging = len(pairs) * votes * (2 if program.orders == "both" else 1) * settings.repeats
    return (
        f"{len(pairs)} pairs with {prompts} different prompts: at most {rubrics} requests for rubrics and {judging} "
        f"for judgments, {rubrics + judging} in all, without repeats after failures"
    )
