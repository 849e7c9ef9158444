"""A plan says what training does: batches that are exact on any number of devices, steps, tokens, memory."""

import json
from pathlib import Path
from typing import Any

import pytest
from students import FAST, records, tiny_base

from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.train.plan import Memory, count_weights, divide, plan_training, steps_per_epoch
from openrubrics.train.presets import preset

PAPER = preset("paper", "rubric")
QWEN3_8B = {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "vocab_size": 151936,
    "hidden_size": 4096,
    "intermediate_size": 12288,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "max_position_embeddings": 40960,
    "tie_word_embeddings": False,
    "dtype": "bfloat16",
}


@pytest.mark.parametrize("devices", [1, 2, 4, 8, 16, 32, 64, 128])
@pytest.mark.parametrize("micro", [None, 1])
def test_the_global_batch_is_the_same_on_any_number_of_devices(devices: int, micro: int | None) -> None:
    batches = divide(PAPER, devices, micro)
    assert batches.records == 128
    assert batches.micro <= PAPER.micro_batch
    assert batches.devices == devices


@pytest.mark.parametrize(
    ("devices", "micro", "said"),
    [
        (3, None, r"128 records cannot be divided over 3 devices \(use 1, 2, 4, 8, 16, 32, 64 or 128 devices"),
        (256, None, "cannot be divided over 256 devices"),
        (4, 5, r"32 records of each device \(128 over 4\) .* parts of 5 .*1, 2, 4, 8, 16 or 32"),
        (4, 64, "parts of 64"),
        (1, 0, "parts of 0"),
    ],
)
def test_what_does_not_divide_is_refused_with_what_does(devices: int, micro: int | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        divide(PAPER, devices, micro)


def test_a_last_step_with_fewer_records_counts() -> None:
    assert steps_per_epoch(128, divide(PAPER)) == 1
    assert steps_per_epoch(129, divide(PAPER)) == 2
    assert steps_per_epoch(35_700, divide(PAPER)) == steps_per_epoch(35_700, divide(PAPER, 16)) == 279


def test_memory_is_told_for_one_device_and_for_all() -> None:
    told = Memory(weights=6 << 30, gradients=4 << 30, optimizer=8 << 30, activations=1 << 30, devices=2).told()
    assert told.startswith("about 19.0 GiB on each GPU (weights 6.0 GiB, ")
    assert told.endswith("; 10.0 GiB when sharded over 2")


@pytest.mark.slow
def test_weights_are_counted_without_loading_any(tmp_path: Path) -> None:
    from transformers import AutoConfig

    (tmp_path / "config.json").write_text(json.dumps(QWEN3_8B))
    whole, adapter = count_weights(AutoConfig.from_pretrained(tmp_path))
    assert whole == 8_190_735_360, "as the released Qwen3-8B"
    assert adapter == 16 * 36 * (2 * (4096 + 4096) + 2 * (4096 + 1024) + 3 * (4096 + 12288))


@pytest.mark.slow
def test_a_plan_needs_only_configuration_and_tokenizer(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    base = tiny_base(tmp_path / "base")
    (base / "model.safetensors").unlink()
    tokenizer = AutoTokenizer.from_pretrained(base)
    plan = plan_training(records(), base, preset=FAST, tokenizer=tokenizer)
    assert (plan.records, plan.val, plan.steps, plan.batches.records) == (24, 4, 12, 4)
    assert plan.dropped == {"longer than 3072 tokens": 3}
    assert 24 * plan.longest > plan.tokens > plan.learned > 24 * 20
    assert 0 < plan.padding < plan.tokens
    assert plan_training(records(), base, preset=FAST, tokenizer=tokenizer, micro_batch=1).padding == 0
    assert plan.trained == plan.weights
    adapter = plan_training(records(), base, preset=FAST, tokenizer=tokenizer, lora=True)
    assert adapter.trained < adapter.weights == plan.weights
    eight = plan_training(records(), base, preset=PAPER, tokenizer=tokenizer, devices=8)
    assert eight.memory.sharded < eight.memory.total


@pytest.mark.slow
def test_records_that_the_base_cannot_read_are_refused(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    base = tiny_base(tmp_path / "base")
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 64}))
    with pytest.raises(DataError, match=r"base reads at most 64 .*--set cutoff=64"):
        plan_training(records(), base, preset=FAST, tokenizer=AutoTokenizer.from_pretrained(base))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["multi_gpu", "fsdp", "fsdp_nodes", "deepspeed", "deepspeed_nodes"])
def test_accelerate_reads_the_configurations_that_are_shipped(name: str, repository: Path) -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    path = repository / "train" / "accelerate" / f"{name}.yaml"
    config: Any = load_config_from_file(str(path))
    assert config.mixed_precision == "bf16"
    assert (config.num_machines, config.num_processes) == ((2, 16) if "nodes" in name else (1, 8))
    assert str(config.distributed_type).rpartition(".")[2] == (
        "MULTI_GPU" if name == "multi_gpu" else name.partition("_")[0].upper()
    )
