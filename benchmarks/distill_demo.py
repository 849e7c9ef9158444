"""Two students from random weights on a CPU: one that writes rubrics and one that judges, measured on unseen prompts.

``python benchmarks/distill_demo.py --out FOLDER`` makes pairs, curates them with the embedded reader as the teacher,
trains both students at the same time (one process and one thread each), and prints what they are worth; ``--quick`` is
a smoke test. See benchmarks/README.md.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
STAGES = ("rubric", "judge")
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "1000000000", "MALLOC_TRIM_THRESHOLD_": "4000000000"}
"""Has glibc keep what tensors free; giving it back to the system each time took a quarter of the processor time."""
ENVIRONMENT = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}


def main() -> None:
    """Run it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, required=True, help="folder for data, students and figures.json")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--quick", action="store_true", help="a smoke test: far too few steps to learn anything")
    options.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    given = options.parse_args()
    os.environ.update(ENVIRONMENT)
    if given.stage:
        _train(given)
        return
    start = time.monotonic()
    _train_both(given)
    trained = time.monotonic() - start
    figures = _figures(given) | {"seconds_training": trained, "seconds": time.monotonic() - start}
    (given.out / "figures.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join(_shown(figures)) + "\n")


def _train(given: argparse.Namespace) -> None:
    import torch
    from distill_students import QUICK, RECIPES, train

    torch.set_num_threads(1)
    recipe = (QUICK if given.quick else RECIPES)[given.stage]
    train(given.stage, recipe, given.out / given.stage, given.seed)


def _train_both(given: argparse.Namespace) -> None:
    """Train each student in a process of its own; what they print goes to a file in the folder."""
    given.out.mkdir(parents=True, exist_ok=True)
    running: list[tuple[Path, subprocess.Popen[bytes]]] = []
    for stage in STAGES:
        command = [sys.executable, str(HERE / "distill_demo.py"), "--stage", stage, "--out", str(given.out)]
        command += ["--seed", str(given.seed), *(["--quick"] if given.quick else [])]
        log = given.out / f"{stage}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(  # noqa: S603
                command, env=os.environ | KEEP_MEMORY | {"OMP_NUM_THREADS": "1"}, stdout=file, stderr=subprocess.STDOUT
            )
        running.append((log, process))
    try:
        for log, process in running:
            if process.wait():
                raise SystemExit(f"{log} ends with:\n{log.read_text(errors='replace')[-2000:]}")
    finally:
        for _, process in running:
            process.kill()


def _figures(given: argparse.Namespace) -> dict[str, Any]:
    from distill_figures import judge_figures, real_figures, rubric_figures

    rubric, judge = given.out / "rubric", given.out / "judge"
    return {
        "rubric": rubric_figures(rubric),
        "judge": judge_figures(judge),
        "starter": real_figures(rubric, judge, limit=2 if given.quick else None),
    }


def _shown(figures: dict[str, Any]) -> list[str]:
    rubric = figures["rubric"]
    lines = [
        f"Rubric student, {rubric['prompts']} prompts that were not learned:",
        f"  well-formed                        {_percent(rubric['well_formed'])}",
        f"  F1 of hard rules                   {rubric['hard_rule_f1']:.3f}",
        f"  the most frequent rubric           {rubric['most_frequent_rubric_f1']:.3f}",
        f"  the best of the 20 most frequent   {rubric['best_of_20_frequent_rubrics_f1']:.3f}",
        f"  its teacher                        {rubric['teacher_f1']:.3f}",
    ]
    for name, who, what in (("judge", "Judge student", "short pairs"), ("starter", "Both students", "real pairs")):
        judged = figures[name]
        lines += [
            f"{who}, {judged['pairs']} {what} of prompts that were not learned:",
            f"  parsable                           {_percent(judged['parsable'])}",
            f"  right, chosen response first       {_percent(judged['accuracy_chosen_first'])}",
            f"  right, chosen response second      {_percent(judged['accuracy_chosen_second'])}",
            f"  right in both orders               {_percent(judged['right_in_both_orders'])}",
        ]
    return [*lines, f"{figures['seconds']:.0f} s, of which {figures['seconds_training']:.0f} s for data and training."]


def _percent(measured: dict[str, Any]) -> str:
    low, high = measured["interval"]
    return f"{measured['share']:.1%} ({low:.1%} to {high:.1%})"


if __name__ == "__main__":
    main()
