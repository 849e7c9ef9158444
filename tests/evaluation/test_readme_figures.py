"""The embedded reader on real pairs, in both orders: its figures, and that README.md tells the same ones."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import dspy
import pytest

from openrubrics.data import curate, read_pairs
from openrubrics.evaluation import EvaluatedPair, Figures, evaluate, measure
from openrubrics.lms import lm
from openrubrics.programs import ContrastiveRubricGenerator, GatekeeperJudge, RubricRM

STARTER = "starter"
FILES = {"IFEval": "ifeval_verified_pairs.jsonl", "LLMBar": "llmbar.jsonl", "JudgeBench": "judgebench.jsonl"}
MARK = "<!-- embedded figures -->"


@cache
def judged(path: Path) -> list[EvaluatedPair]:
    with dspy.context(lm=lm("embedded")):
        return evaluate(RubricRM(orders="both"), read_pairs(path), slim=True)


def figures(path: Path) -> Figures:
    return measure(judged(path), orders="both")


def row(name: str, measured: Figures) -> list[str]:
    """The cells of one line of the table, after the name."""
    low, high = measured.accuracy_ci
    ties = f"{measured.ties} of {measured.comparisons}"
    shares = f"{measured.accuracy:.3f}", f"{low:.3f} to {high:.3f}", ties, f"{measured.length_baseline:.3f}"
    print(name, measured.pairs, *shares, sep=" | ")  # noqa: T201 - shown by pytest -s, and where a test fails
    return [str(measured.pairs), *shares]


def table(readme: str) -> Iterator[tuple[str, list[str]]]:
    """The lines of the table under the mark: first word, other cells."""
    for line in readme.partition(f"{MARK}\n")[2].partition("\n\n")[0].splitlines()[2:]:
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        yield re.split(r"\W", name)[0], cells


@pytest.mark.parametrize("name", FILES)
def test_the_readme_tells_what_is_measured(shared_data: Callable[[str], Path], repository: Path, name: str) -> None:
    measured = figures(shared_data(FILES[name]))
    assert measured.coverage == 1
    assert dict(table((repository / "README.md").read_text(encoding="utf-8")))[name] == row(name, measured)


def test_the_readme_tells_what_the_quickstart_judges_and_keeps(repository: Path) -> None:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    assert dict(table(readme))[STARTER] == row(STARTER, figures(repository / "data" / "starter" / "test.jsonl"))
    reader, pairs = lm("embedded"), read_pairs(repository / "data" / "starter" / "train.jsonl")
    with dspy.context(lm=reader):
        counts = curate(pairs, ContrastiveRubricGenerator(), GatekeeperJudge())
    assert f"{counts.kept} of {counts.pairs} pairs are kept" in " ".join(readme.split())


def test_the_readme_has_no_other_lines(repository: Path) -> None:
    assert [name for name, _ in table((repository / "README.md").read_text(encoding="utf-8"))] == [STARTER, *FILES]


@pytest.mark.parametrize("parts", [(0, 1), (0,), (1,)], ids=["all", "even", "odd"])
def test_what_code_can_decide_is_decided(shared_data: Callable[[str], Path], parts: tuple[int, ...]) -> None:
    """Recognisers were written with rows of even group in view; those of odd group were kept back."""
    path = shared_data(FILES["IFEval"])
    chosen = {pair.id for pair in read_pairs(path) if int(str(pair.meta["group"]), 16) % 2 in parts}
    measured = measure([result for result in judged(path) if result.id in chosen], orders="both")
    row(f"IFEval groups {parts}", measured)
    assert measured.accuracy >= 0.80
    assert measured.coverage == 1
