"""The seam to training, once for real: TRL takes our records, and its loss falls on the answer alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from openrubrics.programs import GatekeeperJudge, RubricGenerator
from openrubrics.signatures import Finding, JudgeTrace, Rubric, render_judgment
from openrubrics.train import SFTRecord, judge_record, rubric_record
from openrubrics.train.tiny import tiny_qwen3

pytestmark = pytest.mark.slow

RUBRIC = Rubric.parse("1. The response is one word. [Hard Rule]\n2. The response is correct. [Principle]")


def records() -> list[SFTRecord]:
    text = render_judgment(
        RUBRIC,
        gatekeeper="The response is one word.",
        findings=[Finding(criterion=1, response="A", text="one word")],
        justification="Only Response A is one word.",
        winner="A",
    )
    judge = judge_record(GatekeeperJudge(), "Name a prime.", RUBRIC, "Seven", "Seven is.", JudgeTrace.parse(text))
    return [rubric_record(RubricGenerator(), "Name a prime.", RUBRIC), judge]


def test_one_sft_step_trains_the_answer_and_moves_every_parameter(tmp_path: Path) -> None:
    import torch
    from datasets import Dataset
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    texts = [message["content"] for record in records() for message in (*record["prompt"], *record["completion"])]
    checkpoint = tiny_qwen3(tmp_path / "tiny", texts, hidden=64, layers=2)
    trainer: Any = SFTTrainer(
        model=str(checkpoint),
        args=SFTConfig(
            output_dir=str(tmp_path / "out"),
            max_steps=1,
            per_device_train_batch_size=2,
            learning_rate=1e-2,
            max_length=None,
            bf16=False,
            use_cpu=True,
            report_to=[],
            save_strategy="no",
        ),
        train_dataset=Dataset.from_list([dict(record) for record in records()]),
    )
    tokenizer = trainer.processing_class
    batch = next(iter(trainer.get_train_dataloader()))
    for ids, labels in zip(batch["input_ids"], batch["labels"], strict=True):
        learned = tokenizer.decode(labels[labels != -100])
        given = tokenizer.decode(ids[(labels == -100) & (ids != tokenizer.pad_token_id)])
        record = next(r for r in records() if learned.startswith(r["completion"][0]["content"]))
        assert learned.strip() == record["completion"][0]["content"] + "<|im_end|>"
        served = tokenizer.apply_chat_template(
            record["prompt"], tokenize=False, add_generation_prompt=True, **record["chat_template_kwargs"]
        )
        assert given.startswith(served)
    before = {name: parameter.detach().clone() for name, parameter in trainer.model.named_parameters()}
    trainer.train()
    still = [name for name, parameter in trainer.model.named_parameters() if torch.equal(before[name], parameter)]
    assert not still, f"these parameters have not moved: {still}"
