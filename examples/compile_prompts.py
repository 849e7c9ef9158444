"""Compile the prompts of a rubric judge, see what it is worth on pairs it never saw, and use the result.

    python examples/compile_prompts.py [FOLDER]

As it stands, the models are simulated: nothing is downloaded, and the figures say nothing about real models. For real
models swap the two lines below.
"""

import sys
from pathlib import Path

import dspy
from simulated import simulated

import openrubrics.optimizers
from openrubrics.data import read_pairs, split_by_prompt
from openrubrics.lms import Budget

STUDENT, REFLECTION = simulated()
# STUDENT = REFLECTION = openrubrics.lm("hosted_vllm/Qwen/Qwen3-8B", api_base="http://localhost:8000/v1")


def main(folder: Path) -> None:
    """Compile into a folder; started again with the same one, a run that was stopped goes on."""
    parts = split_by_prompt(read_pairs("starter", split="train"), {"train": 0.5, "val": 0.5})
    test = list(read_pairs("starter", split="test"))
    print(f"{len(parts['train'])} pairs to learn from, {len(parts['val'])} to choose by, {len(test)} held out")

    program = openrubrics.RubricRM()
    with dspy.context(lm=STUDENT):
        compiled = openrubrics.optimizers.compile(
            program,
            parts["train"],
            parts["val"],
            test=test,
            optimizer="gepa",
            reflection_lm=REFLECTION,
            limit=Budget(max_calls=1500),
            folder=folder,
        )
    card = compiled.card
    show("validation (chosen by)", card.val)
    if card.test is not None:
        show("test (held out)", card.test)
    print(f"verdict: {card.verdict}, after {card.usage.calls} calls; the search ended: {card.stopped}")
    print(f"models: {', '.join(sorted(set(card.lms.values())))}")

    path = folder / "rubric-rm.json"
    compiled.save(path)
    print(f"saved: {path}")

    fresh = openrubrics.RubricRM()
    fresh.load(path)
    pair = test[0]
    with dspy.context(lm=STUDENT):
        judgment = fresh(pair.prompt, response_a=pair.chosen, response_b=pair.rejected)
    outcome = judgment.outcome
    why = outcome.justification if isinstance(outcome, openrubrics.Verdict) else outcome.reason
    print(f"{pair.id}: people prefer Response A, the loaded program {judgment.preferred or 'neither'}: {why}")


def show(name: str, scores: openrubrics.optimizers.SplitScores) -> None:
    """Print accuracies with their 95 % intervals."""
    before, after, change = scores.before, scores.after, scores.change
    print(f"{name}, {scores.pairs} pairs")
    print(f"  before {before.accuracy:.3f} {interval(before.accuracy_ci)}")
    print(f"  after  {after.accuracy:.3f} {interval(after.accuracy_ci)}")
    print(f"  change {change.difference:+.3f} {interval(change.difference_ci)}, p = {change.mcnemar_p:.2g}")


def interval(ends: tuple[float, float]) -> str:
    """Return the ends of an interval in brackets."""
    return f"[{ends[0]:.3f}, {ends[1]:.3f}]"


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "compiled"))
