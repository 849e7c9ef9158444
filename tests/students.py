"""A tiny base and records to train it on, for tests of training."""

from pathlib import Path

from openrubrics.programs import RubricGenerator
from openrubrics.signatures import Rubric
from openrubrics.train import SFTData, SFTRecord, rubric_record
from openrubrics.train.presets import Preset, preset
from openrubrics.train.tiny import tiny_qwen3

WORDS = ("rain", "snow", "wind", "sun", "sea", "sand", "moss", "fern", "oak", "ivy")
FAST = preset("tiny", "rubric").changed({"epochs": 2, "global_batch": 4, "micro_batch": 4})
"""Twelve steps over 24 records."""


def record(number: int) -> SFTRecord:
    """Return a record whose answer follows from its request; they differ in length."""
    word = WORDS[number % 10]
    text = f"1. The response names {word}. [Hard Rule]\n2. The response is {'very ' * (number % 7)}clear. [Principle]"
    return rubric_record(RubricGenerator(), f"Write about {word}, number {number}.", Rubric.parse(text))


def records(train: int = 24, val: int = 4) -> SFTData:
    made = [record(number) for number in range(train + val)]
    return SFTData(
        train=made[:train],
        val=made[train:],
        dropped={"longer than 3072 tokens": 3},
        rows=train + val + 3,
        examples=train + val + 3,
        tokens=0,
        longest=0,
    )


def tiny_base(path: Path) -> Path:
    data = records()
    texts = [message["content"] for one in data.train for message in (*one["prompt"], *one["completion"])]
    return tiny_qwen3(path, texts, hidden=64, layers=2, vocab=1024)


def of_epochs(epochs: float) -> Preset:
    return FAST.changed({"epochs": epochs})
