"""The trained model as a plain checkpoint, which transformers and vLLM load as it is."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openrubrics.train.base import load_config, load_tokenizer
from openrubrics.train.examples import Stage
from openrubrics.train.presets import SAMPLING

if TYPE_CHECKING:
    from transformers import GenerationConfig

_BESIDE = ".export"


def export(trained: Path, base: Path, out: Path, *, stage: Stage, lora: bool) -> None:
    """Write weights, configuration, tokenizer and sampling of a student into its folder.

    The weights get the type of those of the base, bfloat16 for the released Qwen3. An adapter is merged in float32. All
    is written beside and moved into place, so a run that is killed here is put right by the next one.

    Args:
        trained: What the trainer saved: a whole model, or an adapter.
        base: Folder of the base.
        out: Folder of the run.
        stage: Whose sampling is written.
        lora: Whether `trained` is an adapter.
    """
    import torch
    from transformers import AutoModelForCausalLM

    config = load_config(base)
    kind = config.dtype or torch.float32
    model: Any
    if lora:
        from peft import PeftModel

        plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        for leftover in ("training_args.bin", "README.md"):  # a pickle, and a card that knows less than ours
            (trained / leftover).unlink(missing_ok=True)
        model = PeftModel.from_pretrained(plain, str(trained)).merge_and_unload().to(kind)
    else:
        model = AutoModelForCausalLM.from_pretrained(trained, dtype=kind)
    model.config.use_cache = config.use_cache  # the trainer turns it off, which makes writing slow
    tokenizer = load_tokenizer(base)
    model.generation_config = _sampling(model.generation_config, stage)
    beside = out / _BESIDE
    shutil.rmtree(beside, ignore_errors=True)
    model.save_pretrained(beside)
    tokenizer.save_pretrained(beside)
    for file in beside.iterdir():
        file.replace(out / file.name)
    beside.rmdir()


def _sampling(found: GenerationConfig, stage: Stage) -> GenerationConfig:
    """Return how the student writes where a request does not say: as its teacher's paper lets it, not as the base."""
    from transformers import GenerationConfig

    wanted = SAMPLING[stage]
    drawn = {"temperature": wanted.temperature, "top_p": wanted.top_p, "top_k": wanted.top_k}
    return GenerationConfig(
        bos_token_id=found.bos_token_id,
        eos_token_id=found.eos_token_id,
        pad_token_id=found.pad_token_id,
        do_sample=wanted.temperature > 0,
        **(drawn if wanted.temperature > 0 else {}),
    )
