"""A tiny Qwen3 whose answers vary: as `tiny_qwen3` writes it, it repeats the last token of the prompt for ever."""

from __future__ import annotations

from pathlib import Path

from openrubrics.train.tiny import tiny_qwen3

TEXTS = ("Compare the two responses with the rubric, then state the winner.", "Winner: Response A") * 20


def lively_qwen3(path: Path, *, seed: int = 0, max_positions: int = 4096) -> Path:
    """Write a checkpoint with larger random weights, and return its folder."""
    import torch
    from transformers import AutoModelForCausalLM

    tiny_qwen3(path, TEXTS, hidden=64, layers=2, vocab=400, seed=seed, max_positions=max_positions)
    model = AutoModelForCausalLM.from_pretrained(path)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        for name, weights in model.named_parameters():
            if weights.dim() == 2 and "embed" not in name:
                weights.normal_(0, 0.3)
    model.save_pretrained(path)
    return path
