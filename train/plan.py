"""What a training run will do, before anything is loaded: batches, steps, tokens, memory."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.values import Frozen
from openrubrics.train.base import base_folder, load_config
from openrubrics.train.dataset import SFTData
from openrubrics.train.encode import encode
from openrubrics.train.presets import Preset

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedTokenizerBase

LORA_RANK = 16
LORA_ALPHA = 32
_GIB = 2**30


class Batches(Frozen):
    """How the records of one step are divided: `micro` at a time on each device, `accumulation` times.

    Attributes:
        micro: Records at a time on one device.
        accumulation: Times that gradients are added up before a step.
        devices: Processes that train, one for each device.
    """

    micro: int
    accumulation: int
    devices: int

    @property
    def records(self) -> int:
        """Records of one step over all devices."""
        return self.micro * self.accumulation * self.devices


def divide(preset: Preset, devices: int = 1, micro: int | None = None) -> Batches:
    """Return how a global batch is divided so that it is the same, exactly, over any number of devices.

    Args:
        preset: Names the global batch, and the most records at a time where `micro` is None.
        devices: Number of processes.
        micro: Records at a time on one device.

    Raises:
        UsageError: The global batch cannot be divided so; the hint names numbers that it can be divided by.
    """
    batch = preset.global_batch
    if batch % devices:
        raise UsageError(
            f"a batch of {batch} records cannot be divided over {devices} devices",
            f"use {_one_of(_divisors(batch))} devices",
        )
    share = batch // devices
    if micro is None:
        micro = max(size for size in _divisors(share) if size <= preset.micro_batch)
    if micro < 1 or share % micro:
        raise UsageError(
            f"{share} records of each device ({batch} over {devices}) cannot be divided into parts of {micro}",
            f"use a micro-batch of {_one_of(_divisors(share))}",
        )
    return Batches(micro=micro, accumulation=share // micro, devices=devices)


def _divisors(number: int) -> list[int]:
    return [size for size in range(1, number + 1) if number % size == 0]


def _one_of(numbers: list[int]) -> str:
    *first, last = map(str, numbers)
    return f"{', '.join(first)} or {last}" if first else last


def steps_per_epoch(records: int, batches: Batches) -> int:
    """Return the steps over all records once; the last one may have fewer of them."""
    return math.ceil(math.ceil(records / (batches.micro * batches.devices)) / batches.accumulation)


class Memory(Frozen):
    """Estimated bytes on one GPU; what libraries and fragmentation take is not in it.

    Attributes:
        weights: Of the model, with the copy in which it calculates.
        gradients: Of the trained weights.
        optimizer: Both moments of AdamW.
        activations: What the backward pass needs for the longest micro-batch, with gradient checkpointing.
        devices: Over which the first three are divided when they are sharded (FSDP, or DeepSpeed ZeRO-3).
    """

    weights: int
    gradients: int
    optimizer: int
    activations: int
    devices: int

    @property
    def total(self) -> int:
        """With a whole copy of everything on each device."""
        return self.weights + self.gradients + self.optimizer + self.activations

    @property
    def sharded(self) -> int:
        """With weights, gradients and optimizer divided over all devices."""
        return (self.weights + self.gradients + self.optimizer) // self.devices + self.activations

    def told(self) -> str:
        """Return the estimate in words."""
        parts = {
            "weights": self.weights,
            "gradients": self.gradients,
            "optimizer": self.optimizer,
            "activations": self.activations,
        }
        listed = ", ".join(f"{name} {_size(size)}" for name, size in parts.items())
        sharded = f"; {_size(self.sharded)} when sharded over {self.devices}" if self.devices > 1 else ""
        return f"about {_size(self.total)} on each GPU ({listed}){sharded}"


def _size(count: int) -> str:
    return f"{count / _GIB:.1f} GiB" if count >= _GIB else f"{count / 2**20:.0f} MiB"


class Plan(Frozen):
    """What a run will do.

    Attributes:
        preset: Its hyperparameters.
        batches: How a step is divided.
        records: Records that are learned from.
        val: Records whose loss is measured.
        dropped: Examples that were left out, by reason.
        tokens: Tokens of one epoch, read and learned.
        learned: Those of them that the loss is on.
        padding: Tokens that are added in one epoch to make the records of a micro-batch equally long.
        longest: Tokens of the longest record.
        steps: Steps of the whole run.
        weights: Weights of the model.
        trained: Those of them that move; of an adapter, its own.
        memory: An estimate.
    """

    preset: Preset
    batches: Batches
    records: int
    val: int
    dropped: Mapping[str, int]
    tokens: int
    learned: int
    padding: int
    longest: int
    steps: int
    weights: int
    trained: int
    memory: Memory


def plan_training(
    data: SFTData,
    base: str | Path,
    *,
    preset: Preset,
    tokenizer: PreTrainedTokenizerBase,
    lora: bool = False,
    devices: int = 1,
    micro_batch: int | None = None,
    seed: int = 0,
) -> Plan:
    """Return what training will do; of the base only configuration and tokenizer are read.

    Args:
        data: Records, as `sft_data` gives them.
        base: Folder, or name on the hub.
        preset: Hyperparameters.
        tokenizer: Of the base.
        lora: Whether an adapter is trained, and not all weights.
        devices: Processes that will train.
        micro_batch: Records at a time on one device.
        seed: Of the order of the records.

    Raises:
        UsageError: The batch cannot be divided, or there is no such base.
        DataError: The base cannot be used.
        MissingExtraError: The ``train`` extra is not installed.
    """
    batches = divide(preset, devices, micro_batch)
    config = load_config(base_folder(base, weights=False))
    encoded = encode(data.train, tokenizer)
    lengths = [len(record["input_ids"]) for record in encoded]
    check_lengths(lengths, config)
    weights, adapter = count_weights(config)
    trained = adapter if lora else weights
    return Plan(
        preset=preset,
        batches=batches,
        records=len(lengths),
        val=len(data.val),
        dropped=data.dropped,
        tokens=sum(lengths),
        learned=sum(label >= 0 for record in encoded for label in record["labels"]),
        padding=_padding(lengths, batches.micro, seed),
        longest=max(lengths),
        steps=math.ceil(preset.epochs * steps_per_epoch(len(lengths), batches)),
        weights=weights,
        trained=trained,
        memory=memory(config, weights, trained, batches, max(lengths), lora=lora),
    )


def check_lengths(lengths: list[int], config: PretrainedConfig) -> None:
    """Refuse records that are longer than what the base can read.

    Raises:
        DataError: One is.
    """
    most = getattr(config, "max_position_embeddings", None)
    if most is not None and lengths and max(lengths) > most:
        raise DataError(
            f"the longest record has {max(lengths)} tokens, but the base reads at most {most}",
            f"leave longer ones out with --set cutoff={most}",
        )


def count_weights(config: PretrainedConfig) -> tuple[int, int]:
    """Return how many weights a model of this configuration has, and how many an adapter for all its linear layers."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    head = model.get_output_embeddings()
    linear = [part for part in model.modules() if isinstance(part, torch.nn.Linear) and part is not head]
    adapter = sum(LORA_RANK * (part.in_features + part.out_features) for part in linear)
    return sum(weight.numel() for weight in model.parameters()), adapter


def memory(
    config: PretrainedConfig, weights: int, trained: int, batches: Batches, longest: int, *, lora: bool
) -> Memory:
    """Estimate what one GPU has to hold, calculating in bfloat16 with gradient checkpointing.

    A trained weight takes 4 bytes, and 2 for the copy that it calculates with; one that is frozen takes 2. Gradients
    and AdamW's moments take 12 for each trained weight. Of the activations there remain one hidden state for each
    layer, all inner values of one layer at a time (8 hidden states, queries, keys and values, 3 times the inner width),
    and the scores of 4096 tokens at most over the vocabulary, because TRL calculates them in such parts.
    """
    frozen = 2 * weights if lora else 0
    tokens = batches.micro * longest
    hidden, inner = config.hidden_size, config.intermediate_size
    head = getattr(config, "head_dim", None) or hidden // config.num_attention_heads
    attention = head * (config.num_attention_heads + 2 * config.num_key_value_heads)
    layer = 2 * (8 * hidden + attention + 3 * inner)
    states = config.num_hidden_layers * hidden * (2 if lora else 4)
    scores = min(tokens, 4096) * config.vocab_size * 4
    return Memory(
        weights=6 * trained + frozen,
        gradients=4 * trained,
        optimizer=8 * trained,
        activations=tokens * (states + layer) + scores,
        devices=batches.devices,
    )


def _padding(lengths: list[int], micro: int, seed: int) -> int:
    """Return the padding of one epoch in a random order."""
    order = random.Random(seed).sample(lengths, len(lengths))
    parts = [order[start : start + micro] for start in range(0, len(order), micro)]
    return sum(max(part) * len(part) - sum(part) for part in parts)
