"""What a training run came to, as it stands in ``train.json``, and how far one is."""

from collections.abc import Mapping
from typing import Literal

from openrubrics.signatures.values import Frozen
from openrubrics.train.examples import Stage
from openrubrics.train.plan import Batches
from openrubrics.train.presets import Preset


class Point(Frozen):
    """One measurement.

    Attributes:
        step: Steps done; 0 is before training.
        loss: Mean negative log-likelihood of a token of the answer, in nats.
        accuracy: Share of the answers' tokens that the model holds the most likely, where it was measured.
    """

    step: int
    loss: float
    accuracy: float | None


class TrainSummary(Frozen):
    """What was trained, on what, and how it went.

    Attributes:
        stage: Which student.
        preset: Hyperparameters.
        base: As it was named.
        base_sha256: Over its files.
        tuning: All weights, or an adapter that was merged in the end.
        prompts: Whose prompts the records hold.
        data_sha256: Over all records.
        records: Records learned from.
        val: Records measured on.
        dropped: Examples that were left out, by reason.
        tokens: Tokens of one epoch, read and learned.
        seed: Of the order of the records and of an adapter's first weights.
        steps: Steps done.
        batches: How a step was divided in the last start.
        packing: Whether records lay end to end, without padding.
        precision: In which type it was calculated.
        training: Loss and accuracy over the steps, each over the steps since the last.
        evaluation: The same on `val`: before training, on the way, and at the end.
        seconds: Time of the last start, with loading and measuring.
        versions: Of the libraries.
    """

    stage: Stage
    preset: Preset
    base: str
    base_sha256: str
    tuning: Literal["full", "lora"]
    prompts: str
    data_sha256: str
    records: int
    val: int
    dropped: Mapping[str, int]
    tokens: int
    seed: int
    steps: int
    batches: Batches
    packing: bool
    precision: Literal["bfloat16", "float32"]
    training: tuple[Point, ...]
    evaluation: tuple[Point, ...]
    seconds: float
    versions: Mapping[str, str]


class TrainProgress(Frozen):
    """How far a run is.

    Attributes:
        step: Steps done.
        steps: Of so many.
        loss: The last that was measured.
        eval_loss: The last that was measured, if one was.
        tokens_per_second: Since the start, over all devices; None before the first step.
        seconds_left: At the pace since the start.
    """

    step: int
    steps: int
    loss: float | None
    eval_loss: float | None
    tokens_per_second: float | None
    seconds_left: float | None
