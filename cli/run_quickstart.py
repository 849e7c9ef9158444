"""What `openrubrics quickstart` does."""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import click
from rich.console import Console

from openrubrics.cli.build import model, spending
from openrubrics.cli.failed import exit_code
from openrubrics.cli.options import LMOptions
from openrubrics.cli.progress import progress
from openrubrics.cli.provenance import identity, manifest, shown_lm
from openrubrics.cli.show import clean, console, show_judgment, show_rubric, show_summary
from openrubrics.data import CuratedPair, acurate, read_pairs, write_whole
from openrubrics.evaluation import EvaluatedPair, RunWriter, Summary, evaluate, summarize
from openrubrics.lms import Meter
from openrubrics.programs import ContrastiveRubricGenerator, GatekeeperJudge, RubricRM
from openrubrics.signatures import Failed, PreferencePair, Rubric

_NEXT = """
The same with a language model of yours:
  openrubrics quickstart --lm hosted_vllm/Qwen/Qwen3-8B --api-base http://127.0.0.1:8000/v1 --out runs/qwen3
Your own pairs (JSON Lines with prompt, chosen, rejected):
  openrubrics evaluate --pairs FILE --orders both --lm NAME --out runs/mine"""


CURATED = "curated.jsonl"


class LoopSummary(Summary):
    """The figures of the judging, and those of the curation before it; calls, tokens, cost and seconds are of both.

    Attributes:
        kept: Pairs whose rubric passed the filter.
        kept_share: Kept pairs / pairs that were curated, in [0, 1].
    """

    kept: int
    kept_share: float


@dataclass(frozen=True)
class _Loop:
    """The programs of the loop."""

    contrast: ContrastiveRubricGenerator
    judge: RubricRM

    @classmethod
    def of(cls, lms: LMOptions) -> "_Loop":
        """Return the programs with their LMs attached."""
        loop = cls(ContrastiveRubricGenerator(), RubricRM(judge=GatekeeperJudge(), orders="both"))
        loop.judge.judge.set_lm(model(lms, "judge"))
        loop.judge.generate.set_lm(model(lms, "rubric"))
        loop.contrast.set_lm(model(lms, "rubric"))
        return loop


def run(out: Path, overwrite: bool, seed: int, concurrency: int, lms: LMOptions, as_json: bool) -> int:
    """Curate, judge, print, write the folder, and return the exit code; as JSON, the summary alone is the output."""
    screen = console(stderr=as_json)
    offline = _is_offline(lms)
    lms = _with_embedded(lms)
    loop = _Loop.of(lms)
    shown = shown_lm(loop.judge)
    screen.print(f"Language model: {clean(shown)}", style="bold", markup=False)
    start = time.perf_counter()
    with _writer(out, overwrite, seed, lms, loop) as writer, spending(lms) as meter:
        curated = _curate(loop, seed, concurrency)
        _show_curation(screen, curated)
        results = _judge(loop.judge, writer, seed, concurrency)
        summary = _summary(results, curated, shown, meter, time.perf_counter() - start, seed)
        _show_judging(screen, results, summary)
        counts = {"curated": len(curated), "kept": summary.kept, "pairs": len(results), "failed": summary.failed}
        writer.replace()
        write_whole(out / CURATED, "".join(pair.model_dump_json() + "\n" for pair in curated))
        writer.finish(
            summary,
            manifest(
                loop.judge,
                lms,
                files=(_built_in(),),
                seed=seed,
                counts=counts,
                seconds=summary.seconds,
                usage=meter.usage,
                extras={"orders": "both"},
            ),
        )
    click.echo(f"\nWritten: {out}/summary.json, judgments.jsonl, {CURATED}, manifest.json", err=as_json)
    if as_json:
        click.echo(summary.model_dump_json(indent=2))
    elif offline:
        click.echo(_NEXT)
    return exit_code(
        summary.failed + sum(_is_failed(pair) for pair in curated),
        summary.comparisons + len(curated),
        name="a share of",
    )


def forecast(out: Path, overwrite: bool, seed: int, lms: LMOptions) -> str:
    """Check what can be checked without a request, and say how many requests a run sends at most."""
    lms = _with_embedded(lms)
    _writer(out, overwrite, seed, lms, _Loop.of(lms)).check()
    curated, held_out = len(_split("curate")), len(_split("held-out"))
    return (
        f"{curated} pairs to curate and {held_out} to judge in both orders: at most {2 * curated + 3 * held_out} "
        "requests, without repeats after failures; nothing was asked"
    )


def _writer(out: Path, overwrite: bool, seed: int, lms: LMOptions, loop: _Loop) -> RunWriter:
    begun = {"command": "quickstart", "contrast prompts": loop.contrast.fingerprint}
    return RunWriter(out, identity=begun | identity(loop.judge, lms, seed=seed), overwrite=overwrite)


def _is_offline(lms: LMOptions) -> bool:
    return not (lms.lm or lms.rubric_lm or lms.judge_lm)


def _with_embedded(lms: LMOptions) -> LMOptions:
    """Return the options with the embedded reader where no model is named."""
    return replace(lms, lm="embedded") if _is_offline(lms) else lms


def _is_failed(pair: CuratedPair) -> bool:
    return pair.judgment is None or isinstance(pair.judgment.outcome, Failed)


def _built_in() -> Path:
    return Path(str(files("openrubrics.data") / "quickstart" / "pairs.jsonl"))


def _split(name: str) -> list[PreferencePair]:
    return [pair for pair in read_pairs(_built_in()) if pair.meta["split"] == name]


def _curate(loop: _Loop, seed: int, concurrency: int) -> list[CuratedPair]:
    pairs = _split("curate")

    async def curated(advance: Callable[[], None]) -> list[CuratedPair]:
        done: list[CuratedPair] = []
        results = acurate(pairs, loop.contrast, loop.judge.judge, seed=seed, concurrency=concurrency)
        async with aclosing(results):
            async for result in results:
                done.extend(result.pairs())
                advance()
        return done

    with progress(len(pairs), "curating", items="pairs", done="curated", kept="nothing is written yet") as advance:
        return asyncio.run(curated(advance))


def _judge(judge: RubricRM, writer: RunWriter, seed: int, concurrency: int) -> list[EvaluatedPair]:
    pairs = _split("held-out")
    kept = f"they are kept in {writer.folder}; the same command without --overwrite goes on from there"
    with progress(len(pairs), "judging", items="pairs", kept=kept) as advance:

        def take(_: EvaluatedPair) -> None:
            writer.replace()
            advance()

        return evaluate(judge, pairs, seed=seed, concurrency=concurrency, on_result=take, ledger=writer.ledger)


def _show_curation(screen: Console, curated: list[CuratedPair]) -> None:
    kept = [pair for pair in curated if pair.kept]
    screen.print("\n1. Rubrics from preference pairs, by contrast", style="bold")
    screen.print(f"{len(curated)} pairs, {len(kept)} rubrics kept: the judge recovers the label with them.")
    for pair in curated:
        if not pair.kept:
            screen.print(f"   not kept: {clean(pair.pair.id)}: {clean(pair.reason)}", markup=False)
    example = next((pair for pair in kept if isinstance(pair.rubric, Rubric) and pair.rubric.hard_rules), None)
    if example is not None and isinstance(example.rubric, Rubric):
        screen.print(f"For the request {clean(str(example.pair.prompt))!r}:", markup=False)
        show_rubric(screen, example.rubric)


def _show_judging(screen: Console, results: list[EvaluatedPair], summary: Summary) -> None:
    screen.print("\n2. One held-out pair, judged in both orders", style="bold")
    screen.print(clean(results[0].id), markup=False)
    show_judgment(screen, results[0].judgment)
    screen.print("\n3. All held-out pairs", style="bold")
    show_summary(screen, summary)


def _summary(
    results: list[EvaluatedPair], curated: list[CuratedPair], lm: str, meter: Meter, seconds: float, seed: int
) -> LoopSummary:
    summary = summarize(
        results, orders="both", lm=lm, method="rubric-rm", usage=meter.usage, seconds=seconds, seed=seed
    )
    kept = sum(pair.kept for pair in curated)
    return LoopSummary(**dict(summary), kept=kept, kept_share=kept / len(curated))
