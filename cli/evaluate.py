"""`openrubrics evaluate`: a judge against labelled pairs."""

from pathlib import Path

import click

from openrubrics.cli.options import (
    ADAPTIVE,
    FILE,
    EngineOptions,
    JudgeOptions,
    LMOptions,
    ProgramOptions,
    concurrency_option,
    dry_run_option,
    engine_options,
    json_option,
    judge_options,
    lm_options,
    max_failed_option,
    program_options,
    seed_option,
)
from openrubrics.cli.sources import SourceOptions, one_source_options


@click.command()
@one_source_options
@click.option("--benchmark", metavar="NAME", help="A benchmark by its official rule; `openrubrics data` lists them.")
@click.option(
    "--answer-key",
    metavar="FIELD",
    help="Field of a pair's meta with the right answer, for openrs to check both responses against first; the result "
    "then says reference-assisted.",
)
@click.option(
    "--path",
    type=click.Path(exists=True, path_type=Path),
    help="Rows of --benchmark on this machine, as its authors publish them; without it they come from the hub.",
)
@click.option("--responses", type=FILE, help="Responses for a --benchmark of prompts alone; see `openrubrics data`.")
@click.option("--compare", is_flag=True, help="Compare finished runs of --benchmark, RUNS, with the first of them.")
@click.argument("runs", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for judgments, summary, manifest; a run that was stopped there goes on.",
)
@click.option("--overwrite", is_flag=True, help="Begin anew, and replace the run that the folder holds.")
@click.option(
    "--repeats",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Runs, each with rubrics of its own, in judgments-2.jsonl and so on; kappa says how far they agree. Calls, "
    "tokens and seconds are of all runs.",
)
@max_failed_option
@seed_option
@concurrency_option
@json_option
@dry_run_option
@engine_options
@program_options
@judge_options
@lm_options
def evaluate(
    source: SourceOptions,
    benchmark: str | None,
    answer_key: str | None,
    path: Path | None,
    responses: Path | None,
    compare: bool,
    runs: tuple[Path, ...],
    out: Path | None,
    overwrite: bool,
    repeats: int,
    max_failed: float,
    seed: int,
    concurrency: int,
    as_json: bool,
    dry_run: bool,
    engine: EngineOptions,
    program: ProgramOptions,
    external: JudgeOptions,
    lms: LMOptions,
) -> int:
    """Measure how often the judge agrees with the labels of --pairs, or score it on a --benchmark.

    Accuracy counts ties and failures as wrong; the chosen response is shown first or second by the toss of a seeded
    coin, and with --orders both, in both places. Of several ranked responses the best and the worst are compared.

    A run that was stopped, by whatever, goes on with the same command: what was answered is not asked again. Limits on
    calls and cost hold for each start.

    Instead of --lm, one of --judge-endpoint, --score-endpoint, --reward-model and --judge-function can name a judge
    that is no program of this project; --timeout, --retries, --api-key and --max-calls hold for endpoints too.

    A benchmark is scored by its official rule where there is one for this kind of judge; otherwise the rule is ours,
    and the result says so, as it does where cases are missing. It asks for the orders that its rule needs.

    \b
    Example:
      openrubrics evaluate --lm embedded --pairs pairs.jsonl --orders both --out runs/first
      openrubrics evaluate --lm embedded --benchmark judgebench --path judgebench.jsonl --out runs/second
      openrubrics evaluate --compare runs/second runs/third
    """
    from openrubrics.cli.failed import exit_code
    from openrubrics.cli.run_evaluate import Settings, foretell, report, run
    from openrubrics.signatures.errors import UsageError

    _one_of(source, benchmark, compare, runs)
    if answer_key is not None and program.method != ADAPTIVE:
        raise UsageError(f"--answer-key cannot be used with --method {program.method}", f"it is for {ADAPTIVE}")
    if not benchmark and (path or responses):
        raise UsageError(
            f"{'--path' if path else '--responses'} is for --benchmark", "data of your own go with --pairs"
        )
    if compare:
        from openrubrics.cli.run_compare import run as run_compare

        run_compare(runs, seed=seed, as_json=as_json)
        return 0
    if benchmark:
        from openrubrics.cli import run_benchmark
        from openrubrics.cli.build import refuse_given, was_given

        refuse_given(_OF_PAIRS, "--benchmark")
        asked = run_benchmark.Settings(
            name=benchmark,
            path=path,
            responses=responses,
            limit=source.limit,
            choose_orders=not was_given("orders"),
            seed=seed,
            concurrency=concurrency,
            out=out,
            overwrite=overwrite,
            engine=engine,
            external=external,
            answer_key=answer_key,
        )
        if dry_run:
            click.echo(run_benchmark.foretell(asked, program, lms))
            return 0
        found = run_benchmark.run(asked, program, lms)
        run_benchmark.report(found, out, as_json)
        return exit_code(
            found.judged.failed,
            found.judged.asked,
            max_failed,
            what="comparisons" if found.kind == "pairwise" else "responses",
        )

    settings = Settings(source, seed, concurrency, repeats, out, overwrite, engine, external, answer_key)
    if dry_run:
        click.echo(foretell(settings, program, lms))
        return 0
    summary = run(settings, program, lms)
    report(summary, out, as_json)
    return exit_code(summary.failed, summary.comparisons, max_failed)


_OF_PAIRS = ("config", "split", "streaming", "layout", "columns", "take", "on_error", "dedup", "exclude", "repeats")
"""Options that say how --pairs is read, or how often."""


def _one_of(source: SourceOptions, benchmark: str | None, compare: bool, runs: tuple[Path, ...]) -> None:
    """Refuse what does not go together.

    Raises:
        UsageError: None or several of --pairs, --benchmark and --compare are given, or --compare has no two runs.
    """
    from openrubrics.signatures.errors import UsageError

    given = [
        name for name, value in (("--pairs", source.pairs), ("--benchmark", benchmark), ("--compare", compare)) if value
    ]
    if len(given) != 1:
        what = " and ".join(given) if given else "none of --pairs, --benchmark and --compare"
        raise UsageError(f"{what} given", "say what to evaluate with one of --pairs, --benchmark and --compare")
    if runs and not compare:
        raise UsageError(f"{runs[0]} is not an option", "folders of runs are for --compare")
    if compare and len(runs) < 2:
        raise UsageError(f"--compare has {len(runs)} runs", "name two or more folders of finished runs")
