"""The two students of `distill_demo.py`: what they learn from, how, and the prompts that they read.

Their prompts are templates of a line, since the instructions of the shipped prompts are many times as long as all else
here, and no model of this size reads them. A student is served with the template that it learned.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dspy
from short_pairs import short_pairs

from openrubrics.data import Provenance, curate, export_curated, read_curated, split_by_prompt, synthetic_pairs
from openrubrics.lms import lm
from openrubrics.lms.embedded import NAME
from openrubrics.programs import ContrastiveRubricGenerator, GatekeeperJudge, RubricGenerator, RubricRM
from openrubrics.signatures import PreferencePair, Rubric
from openrubrics.train.base import load_tokenizer
from openrubrics.train.dataset import sft_data
from openrubrics.train.examples import Stage
from openrubrics.train.presets import preset
from openrubrics.train.sft import distill
from openrubrics.train.tiny import tiny_qwen3
from openrubrics.verifiers import stated_rules

PROGRAM = RubricRM(
    RubricGenerator(template="{prompt}"),
    GatekeeperJudge(template="{prompt}\n{rubric}\n**Response A:**\n{response_a}\n**Response B:**\n{response_b}"),
)
"""Whose prompts the students read."""

TEST = "test.jsonl"
TEMPLATE = "template.txt"
TEST_SHARE = 0.1


@dataclass(frozen=True)
class Recipe:
    """Sizes of one student and of what it learns from.

    Attributes:
        pairs: Preference pairs that are made; a tenth of their prompts is held out.
        hidden: Width of the model.
        layers: Its decoder layers.
        vocab: Its vocabulary.
        steps: Training steps.
        batch: Records of a step.
        learning_rate: The highest one.
    """

    pairs: int
    hidden: int
    layers: int
    vocab: int
    steps: int
    batch: int
    learning_rate: float


RECIPES: Mapping[Stage, Recipe] = {
    "rubric": Recipe(3000, hidden=64, layers=2, vocab=1536, steps=1000, batch=16, learning_rate=4e-3),
    "judge": Recipe(4000, hidden=64, layers=3, vocab=2048, steps=900, batch=16, learning_rate=3e-3),
}
QUICK: Mapping[Stage, Recipe] = {
    "rubric": Recipe(60, hidden=64, layers=1, vocab=600, steps=4, batch=8, learning_rate=3e-3),
    "judge": Recipe(60, hidden=64, layers=1, vocab=600, steps=4, batch=8, learning_rate=3e-3),
}


class HardRules:
    """Writes the hard rules that code finds in a request, and nothing that depends on the responses."""

    async def acall(self, *, prompt: str, responses: Sequence[str], attempt: int = 0) -> Rubric:
        """Return the rubric."""
        return Rubric(criteria=tuple(stated_rules(prompt)))


def train(stage: Stage, recipe: Recipe, folder: Path, seed: int) -> None:
    """Make pairs, curate them, make a base with random weights, and train it.

    The folder gets the pairs that are held out, the template that the student reads, ``curated``, ``base`` and
    ``student``, the result.
    """
    made = synthetic_pairs(recipe.pairs, seed) if stage == "rubric" else short_pairs(recipe.pairs, seed)
    parts = split_by_prompt(made, {"train": 1 - TEST_SHARE, "test": TEST_SHARE}, seed)
    folder.mkdir(parents=True, exist_ok=True)
    lines = [pair.model_dump_json() + "\n" for pair in parts["test"]]
    (folder / TEST).write_text("".join(lines), encoding="utf-8")
    predict = (PROGRAM.generate if stage == "rubric" else PROGRAM.judge).predict
    (folder / TEMPLATE).write_text(str(predict.adapter.template), encoding="utf-8")
    _curate(stage, parts["train"], folder / "curated", seed)
    rows = list(read_curated(folder / "curated"))
    texts = (text for row in rows for text in (row.prompt, row.rubric, row.judge, row.response_a, row.response_b))
    size = {"hidden": recipe.hidden, "layers": recipe.layers, "vocab": recipe.vocab, "seed": seed}
    base = tiny_qwen3(folder / "base", (str(text) for text in texts), **size)
    tiny = preset("tiny", stage)
    data = sft_data(
        rows, stage, tokenizer=load_tokenizer(base), cutoff=tiny.cutoff, program=PROGRAM, val_share=0, seed=seed
    )
    changes = {
        "epochs": (recipe.steps - 0.5) / math.ceil(len(data.train) / recipe.batch),  # a part of a step is a step
        "global_batch": recipe.batch,
        "micro_batch": recipe.batch,
        "learning_rate": recipe.learning_rate,
    }
    distill(
        data,
        base,
        folder / "student",
        stage=stage,
        preset=tiny.changed(changes),
        prompts="template",
        seed=seed,
        save_every=recipe.steps,
        overwrite=True,
    )


def _curate(stage: Stage, pairs: Iterable[PreferencePair], folder: Path, seed: int) -> None:
    contrast: Any = ContrastiveRubricGenerator() if stage == "rubric" else HardRules()
    items: list[Any] = []
    with dspy.context(lm=lm("embedded")):
        curate(
            pairs,
            contrast,
            GatekeeperJudge(),
            orders="single" if stage == "rubric" else "both",
            seed=seed,
            on_item=items.append,
        )
    export_curated(folder, items, Provenance(rubric_lm=NAME, judge_lm=NAME, program=PROGRAM.fingerprint))
