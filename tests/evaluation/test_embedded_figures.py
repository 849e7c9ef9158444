"""The embedded reader on real pairs and verdicts, in both orders: its figures, and that the guide tells the same."""

import asyncio
import gzip
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import dspy
import pytest

from openrubrics.data import curate, read_pairs
from openrubrics.evaluation import EvaluatedPair, Figures, evaluate, measure
from openrubrics.evaluation.benchmarks import BenchmarkSummary, Compared, acompare, arate, benchmark, load
from openrubrics.evaluation.benchmarks.result import pairwise_result
from openrubrics.lms import lm
from openrubrics.programs import ContrastiveRubricGenerator, GatekeeperJudge, RubricRM, RubricScorer
from openrubrics.signatures import Usage
from openrubrics.verifiers import recognise, verify

Find = Callable[[str], Path]

STARTER = "starter set, test split, as `quickstart` judges it"
IFEVAL = "ifeval_verified_pairs.jsonl"
PAIRS = {
    "IFEval responses, labelled by the official checker": (IFEVAL, 0),
    "of these, the stronger model's is right": (IFEVAL, 1),
    "of these, the weaker model's is right": (IFEVAL, -1),
    "LLMBar's other sets": ("llmbar_extra.jsonl", 0),
    "PandaLM, test set": ("pandalm_test.jsonl", 0),
    "Tulu 1, human evaluation": ("tulu1_human.jsonl", 0),
    "HHH alignment": ("hhh_alignment.jsonl", 0),
}
"""File of labelled pairs, and whether those are meant whose chosen response is of the stronger or the weaker model."""

BENCHMARKS = {
    "LLMBar, official rule": ("llmbar", "llmbar.jsonl", ""),
    "JudgeBench, official rule": ("judgebench", "judgebench.jsonl", ""),
    "RM-Bench, chat, our rule": ("rm-bench", "rm_bench_raw.jsonl", "chat"),
    "RM-Bench, code, our rule": ("rm-bench", "rm_bench_raw.jsonl", "code"),
}
"""Benchmark, its file, and the part that is told."""

QUICK = ("IFEval responses, labelled by the official checker", "LLMBar, official rule", "HHH alignment")
"""What the default suite looks at; the rest takes longer."""

Line = list[str]


@cache
def judged(path: Path) -> list[EvaluatedPair]:
    with dspy.context(lm=lm("embedded")):
        return evaluate(RubricRM(orders="both"), read_pairs(path), slim=True)


def figures(path: Path, sign: int = 0) -> Figures:
    """Measure all pairs, or those whose chosen model is the stronger (1) or the weaker one (-1)."""
    gaps = {pair.id: pair.meta.get("model_gap") for pair in read_pairs(path)} if sign else {}
    chosen = [one for one in judged(path) if not sign or float(str(gaps[one.id])) * sign > 0]
    return measure(chosen, orders="both")


@cache
def scored(name: str, path: Path) -> tuple[BenchmarkSummary, list[Compared]]:
    judge, loaded = RubricRM(orders="both"), load(benchmark(name), path)
    judge.set_lm(lm("embedded"))
    answers, results = asyncio.run(acompare(judge, loaded.cases, source=name, orders="both"))
    made_by = {"orders": "both", "method": "", "lm": "", "program": "", "usage": Usage(), "seconds": 0.0}
    return pairwise_result(loaded, answers, results, **made_by), answers


def shown(*cells: object) -> Line:
    """Return cells as text, after printing them: `pytest -s` shows what the table has to say."""
    print(*cells, sep=" | ")  # noqa: T201
    return [str(cell) for cell in cells]


def pairs_line(measured: Figures) -> Line:
    low, high = measured.accuracy_ci
    ties, coverage = f"{measured.ties:,} of {measured.comparisons:,}", f"{measured.coverage:.3f}"
    interval = f"{low:.3f} to {high:.3f}"
    return shown(
        measured.pairs, f"{measured.accuracy:.3f}", interval, ties, coverage, f"{measured.length_baseline:.3f}"
    )


def benchmark_line(summary: BenchmarkSummary, answers: list[Compared], part: str) -> Line:
    reading, longer = next(iter(summary.readings.values())), summary.longer
    assert longer
    figure, length = (one.parts[part] if part else one.overall for one in (reading, longer))
    assert figure.interval
    assert length.value is not None
    here = [answer for answer in answers if answer.case.subset.startswith(part)]
    said = [one for answer in here for orders in answer.outcomes for one in orders]
    ties, coverage = f"{said.count('tie'):,} of {len(said):,}", f"{1 - said.count('failed') / len(said):.3f}"
    interval = "{:.3f} to {:.3f}".format(*figure.interval)
    return shown(len(here), f"{figure.value:.3f}", interval, ties, coverage, f"{length.value:.3f}")


def table(repository: Path, mark: str) -> dict[str, Line]:
    """Return the lines of the table under a mark by their first cells."""
    guide = (repository / "docs" / "embedded.md").read_text(encoding="utf-8")
    lines = guide.partition(f"<!-- embedded {mark} -->\n")[2].partition("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {name: rest for name, *rest in cells}


def lines(names: dict[str, tuple[str, ...]] | dict[str, tuple[str, int]]) -> list[object]:
    return [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in names]


@pytest.mark.slow
@pytest.mark.parametrize("name", lines(PAIRS))
def test_the_guide_tells_what_is_measured_on_pairs(shared_data: Find, repository: Path, name: str) -> None:
    file, sign = PAIRS[name]
    measured = pairs_line(figures(shared_data(file), sign))
    assert table(repository, "figures")[name] == measured


@pytest.mark.parametrize("name", lines(BENCHMARKS))
def test_the_guide_tells_what_is_measured_on_benchmarks(shared_data: Find, repository: Path, name: str) -> None:
    which, file, part = BENCHMARKS[name]
    measured = benchmark_line(*scored(which, shared_data(file)), part)
    assert table(repository, "figures")[name] == measured


@pytest.mark.slow
def test_the_guide_tells_what_the_quickstart_judges_and_keeps(repository: Path) -> None:
    measured = figures(repository / "data" / "starter" / "test.jsonl")
    assert table(repository, "figures")[STARTER] == pairs_line(measured)
    reader, pairs = lm("embedded"), read_pairs(repository / "data" / "starter" / "train.jsonl")
    with dspy.context(lm=reader):
        counts = curate(pairs, ContrastiveRubricGenerator(), GatekeeperJudge())
    guide = (repository / "docs" / "embedded.md").read_text(encoding="utf-8")
    assert f"{counts.kept} of {counts.pairs} pairs are kept" in " ".join(guide.split())


def test_the_guide_has_no_other_lines(repository: Path) -> None:
    assert set(table(repository, "figures")) == {STARTER, *PAIRS, *BENCHMARKS}
    assert set(table(repository, "verdicts")) == set(VERDICTS)


@pytest.mark.slow
@pytest.mark.parametrize("parts", [(0, 1), (0,), (1,)], ids=["all", "even", "odd"])
def test_what_code_can_decide_is_decided(shared_data: Find, parts: tuple[int, ...]) -> None:
    """Recognisers were written with rows of even group in view; those of odd group were kept back."""
    path = shared_data(IFEVAL)
    chosen = {pair.id for pair in read_pairs(path) if int(str(pair.meta["group"]), 16) % 2 in parts}
    measured = measure([result for result in judged(path) if result.id in chosen], orders="both")
    pairs_line(measured)
    assert measured.accuracy >= 0.80
    assert measured.coverage == 1


Verdict = tuple[bool | None, bool]
"""What code here finds, None where it decides nothing; and what was published."""


def of_instructions(find: Find, prompts: str, responses: str, kinds: dict[str, str] | None = None) -> Iterator[Verdict]:
    """Yield verdicts on instructions, of which our recognisers see the prompt alone.

    Args:
        find: Finds files.
        prompts: File of prompts, with the kinds of their instructions.
        responses: File of responses, with a strict verdict for each instruction.
        kinds: Our checks by kind; None where the names are the same. All checks of that name decide together.
    """
    with find(prompts).open(encoding="utf-8") as rows:
        by_key = {row["key"]: row for row in map(json.loads, rows)}
    found = {key: recognise(row["prompt"]) for key, row in by_key.items()}
    path = find(responses)
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as rows:
        for row in map(json.loads, rows):
            left = [one.check for one in found[row["key"]]]
            if row["key"] in {1122, 1129, 1174}:
                continue  # unreliable upstream
            for kind, published in zip(by_key[row["key"]]["instruction_id_list"], row["follow_strict"], strict=True):
                mine = [check for check in left if check.name == (kind if kinds is None else kinds.get(kind))]
                mine = mine[:1] if kinds is None else mine
                left = [check for check in left if check not in mine]
                passed = [verify(check, row["response"], "strict").passed for check in mine]
                yield (all(passed) if mine and None not in passed else None), published


def of_questions(find: Find) -> Iterator[Verdict]:
    """Yield verdicts on InFoBench's questions about the responses that its copy brings along."""
    scorer, loaded = RubricScorer(), load(benchmark("infobench"), find("infobench_raw.jsonl"))
    scorer.set_lm(lm("embedded"))
    for answer in asyncio.run(arate(scorer, loaded.cases))[0]:
        for met, given in zip(answer.met, answer.case.model_dump()["meta"]["satisfied"], strict=True):
            yield from ((one, verdict) for one, verdict in zip(met, given, strict=True) if verdict is not None)


IFBENCH = {"count:word_count_range": "length_constraints:number_words", "count:keywords_multiple": "keywords:frequency"}
VERDICTS: dict[str, Callable[[Find], Iterator[Verdict]]] = {
    "IFEval's checker, on responses of 18 models": lambda find: of_instructions(
        find, "ifeval_prompts.jsonl", "ifeval_responses.jsonl.gz"
    ),
    "IFBench's checker (AI2), on responses of one model": lambda find: of_instructions(
        find, "ifbench_prompts.jsonl", "ifbench_responses.jsonl", IFBENCH
    ),
    "GPT-4, on the questions of InFoBench": of_questions,
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * ("18" in name)) for name in VERDICTS])
def test_the_guide_tells_how_far_verdicts_agree(shared_data: Find, repository: Path, name: str) -> None:
    verdicts = list(VERDICTS[name](shared_data))
    decided = [ours == published for ours, published in verdicts if ours is not None]
    line = shown(f"{len(decided):,} of {len(verdicts):,}", f"{sum(decided):,} of {len(decided):,}")
    assert table(repository, "verdicts")[name] == line
