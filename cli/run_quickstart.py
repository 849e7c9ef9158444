"""What `openrubrics quickstart` does."""

import asyncio
import time
from contextlib import aclosing
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import click

from openrubrics.cli.build import lm_names, model, spending
from openrubrics.cli.options import LMOptions
from openrubrics.cli.show import clean, console, show_judgment, show_rubric, show_summary
from openrubrics.data import CuratedPair, Manifest, acurate, read_pairs, sha256, write_whole
from openrubrics.evaluation import EvaluatedPair, RunWriter, Summary, aevaluate, summarize
from openrubrics.lms import Meter
from openrubrics.programs import ContrastiveRubricGenerator, GatekeeperJudge, RubricRM
from openrubrics.signatures import PreferencePair, Rubric

_NEXT = """
The same with a language model of yours:
  openrubrics quickstart --lm hosted_vllm/Qwen/Qwen3-8B --api-base http://127.0.0.1:8000/v1 --out runs/qwen3
Your own pairs (JSON Lines with prompt, chosen, rejected):
  openrubrics evaluate --pairs FILE --orders both --lm NAME --out runs/mine"""


CURATED = "curated.jsonl"


class LoopSummary(Summary):
    """The figures of the judging, and those of the curation before it.

    Attributes:
        kept: Pairs whose rubric passed the filter.
        kept_share: Kept pairs / pairs that were curated, in [0, 1].
    """

    kept: int
    kept_share: float


def run(out: Path, overwrite: bool, seed: int, concurrency: int, lms: LMOptions) -> None:
    """Curate, judge, print, and write the folder."""
    pairs = list(read_pairs(_built_in()))
    offline = not (lms.lm or lms.rubric_lm or lms.judge_lm)
    lms = replace(lms, lm="embedded") if offline else lms
    judge = RubricRM(judge=GatekeeperJudge(), orders="both")
    contrast = ContrastiveRubricGenerator()
    judge.judge.set_lm(model(lms, "judge"))
    judge.generate.set_lm(model(lms, "rubric"))
    contrast.set_lm(model(lms, "rubric"))
    names = lm_names(judge)
    shown = " + ".join(dict.fromkeys(names.values()))
    screen = console()
    screen.print(f"Language model: {clean(shown)}", style="bold", markup=False)
    with RunWriter(out, overwrite=overwrite) as writer, spending(lms) as meter:
        (out / CURATED).unlink(missing_ok=True)
        curated = asyncio.run(_curate(_split(pairs, "curate"), contrast, judge.judge, seed, concurrency))
        _show_curation(curated)
        write_whole(out / CURATED, "".join(pair.model_dump_json() + "\n" for pair in curated))
        start = time.perf_counter()
        held_out = _split(pairs, "held-out")
        results = asyncio.run(aevaluate(judge, held_out, seed=seed, concurrency=concurrency, on_result=writer.write))
        summary = _summary(results, curated, shown, meter, time.perf_counter() - start, seed)
        _show_judging(results, summary)
        manifest = Manifest(
            program=judge.fingerprint,
            lms=names,
            data={"pairs.jsonl": sha256(_built_in())},
            seed=seed,
            counts={"curated": len(curated), "kept": summary.kept, "pairs": len(results)},
            seconds=summary.seconds,
            usage=meter.usage,
        )
        writer.finish(summary, manifest)
    click.echo(f"\nWritten: {out}/summary.json, judgments.jsonl, {CURATED}, manifest.json")
    if offline:
        click.echo(_NEXT)


def forecast() -> str:
    """Say how many requests a run sends at most."""
    pairs = list(read_pairs(_built_in()))
    curated, held_out = len(_split(pairs, "curate")), len(_split(pairs, "held-out"))
    return (
        f"{curated} pairs to curate and {held_out} to judge in both orders: at most {2 * curated + 3 * held_out} "
        "requests, without repeats after failures"
    )


def _built_in() -> Path:
    return Path(str(files("openrubrics.data") / "quickstart" / "pairs.jsonl"))


def _split(pairs: list[PreferencePair], name: str) -> list[PreferencePair]:
    return [pair for pair in pairs if pair.meta["split"] == name]


async def _curate(
    pairs: list[PreferencePair],
    contrast: ContrastiveRubricGenerator,
    judge: GatekeeperJudge,
    seed: int,
    concurrency: int,
) -> list[CuratedPair]:
    async with aclosing(acurate(pairs, contrast, judge, seed=seed, concurrency=concurrency)) as results:
        return [result async for result in results]


def _show_curation(curated: list[CuratedPair]) -> None:
    screen = console()
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


def _show_judging(results: list[EvaluatedPair], summary: Summary) -> None:
    screen = console()
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
