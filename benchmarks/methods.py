"""PAMR (the adaptive judge), Rubric-RM and direct judging side by side on real pairs, with one reading behind all.

``python benchmarks/methods.py --data FOLDER`` reads files of labelled pairs, which are not part of the project, and
judges them by every method, in both orders. Rubric-RM is answered by the embedded reader, the others by
`scripted_reader`, which tells them the same: neither is a language model. So the figures say what the methods do with
one and the same reading (requests, pairs that code decides, failures, and where they part from Rubric-RM, which is the
baseline of every difference), and nothing about which method judges better. It prints a table and, with ``--json
FILE``, writes the figures.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from guards import pairs as all_pairs
from scripted_reader import scripted_reader

from openrubrics.evaluation import EvaluatedPair, evaluate, measure
from openrubrics.evaluation.paired import compare
from openrubrics.lms import lm
from openrubrics.programs import AdaptiveRubricJudge, DirectJudge, RubricRM
from openrubrics.programs.program import Program
from openrubrics.signatures import PreferencePair

FILES = {
    "ifeval_verified_pairs": "IFEval responses, labelled by the official checker",
    "llmbar": "LLMBar",
    "judgebench": "JudgeBench",
    "rm_bench_raw": "RM-Bench, concise answers",
    "pandalm_test": "PandaLM, test set",
    "tulu1_human": "Tulu 1, human evaluation",
    "hhh_alignment": "HHH alignment",
}
"""The files and what they are called."""

BASELINE = "rubric-rm"
METHODS: dict[str, Callable[[], Program]] = {
    "direct": lambda: DirectJudge(orders="both"),
    BASELINE: lambda: RubricRM(orders="both"),
    "rubric-rm, checks first": lambda: RubricRM(orders="both", enforce_checks=True),
    "openrs": lambda: AdaptiveRubricJudge(orders="both"),
    "openrs, two calls": lambda: AdaptiveRubricJudge(orders="both", two_calls=True),
    "openrs, released rule": lambda: AdaptiveRubricJudge(orders="both", aggregation="released"),
    "openrs, no guards": lambda: AdaptiveRubricJudge(orders="both", guards=False),
}


def method(name: str) -> Program:
    """Return a method with who answers it."""
    judge = METHODS[name]()
    judge.set_lm(lm("embedded") if name.startswith(BASELINE) else scripted_reader())
    return judge


def pairs(path: Path) -> list[PreferencePair]:
    """Read pairs; of RM-Bench's matrix one for each row, the concise chosen answer and the concise rejected one."""
    return [pair for pair in all_pairs(path) if path.stem != "rm_bench_raw" or pair.id.endswith("/00")]


def figures(judged: Mapping[str, Sequence[EvaluatedPair]]) -> dict[str, dict[str, Any]]:
    """Return what each method came to, and how it differs from the baseline on the same pairs."""
    return {name: _figures(judged[BASELINE], results) for name, results in judged.items()}


def _figures(before: Sequence[EvaluatedPair], judged: Sequence[EvaluatedPair]) -> dict[str, Any]:
    measured, paired = measure(judged, orders="both"), compare(before, judged, orders="both")
    count = len(judged)
    return {
        "pairs": count,
        "accuracy": measured.accuracy,
        "accuracy_ci": measured.accuracy_ci,
        "consistent_accuracy": measured.consistent_accuracy,
        "ties": measured.ties,
        "failed": measured.failed,
        "by_checks": sum(one.judgment.decided_by == "checks" for one in judged) / count,
        "requests": sum(one.judgment.usage.calls for one in judged) / count,
        "difference": paired.difference,
        "difference_ci": paired.difference_ci,
        "gained": paired.gained,
        "lost": paired.lost,
        "length_baseline": measured.length_baseline,
    }


def side_by_side(source: Sequence[PreferencePair]) -> dict[str, list[EvaluatedPair]]:
    """Judge pairs by every method."""
    return {name: evaluate(method(name), source) for name in METHODS}


SHOWN: dict[str, Callable[[dict[str, Any]], str]] = {
    "accuracy; right in both orders": lambda found: f"{found['accuracy']:.3f}; {found['consistent_accuracy']:.3f}",
    "ties; failed": lambda found: f"{found['ties']:,}; {found['failed']:,} of {2 * found['pairs']:,}",
    "decided by checks; requests per pair": lambda found: f"{found['by_checks']:.3f}; {found['requests']:.2f}",
    "accuracy less that of rubric-rm": lambda found: "{:+.3f} ({:+.3f} to {:+.3f})".format(
        found["difference"], *found["difference_ci"]
    ),
}
"""What is shown of each method on each file."""


def tables(found: dict[str, dict[str, dict[str, Any]]]) -> dict[str, str]:
    """Return what is shown as Markdown tables by name: a line for each file, a column for each method."""
    return {name: _table(name, shown, found) for name, shown in SHOWN.items()}


def _table(name: str, shown: Callable[[dict[str, Any]], str], found: dict[str, dict[str, dict[str, Any]]]) -> str:
    with_longer = shown is next(iter(SHOWN.values()))
    heads = [name, *["always the longer one"] * with_longer, *METHODS]
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    for stem, methods in found.items():
        first = methods[BASELINE]
        longer = [f"{first['length_baseline']:.3f}"] * with_longer
        cells = [f"{FILES[stem]}, {first['pairs']}", *longer, *(shown(methods[one]) for one in METHODS)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure all files that are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the pair files")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    paths = [path for stem in FILES if (path := options.data / f"{stem}.jsonl").exists()]
    if not paths:
        parser.error(f"{options.data}: none of {', '.join(FILES)} is there as .jsonl")
    found = {path.stem: figures(side_by_side(pairs(path))) for path in paths}
    sys.stdout.write("No language model was asked: the figures are of the machinery.\n\n")
    sys.stdout.write("\n\n".join(tables(found).values()) + "\n")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
