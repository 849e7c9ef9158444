"""Which servers a rubric model and a judge need."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from openrubrics.lms.checkpoints import Checkpoint, is_adapter, read_checkpoint
from openrubrics.signatures.errors import DataError, UsageError

Role = Literal["rubric", "judge"]

_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""The ranks that vLLM makes room for."""


@dataclass(frozen=True)
class ServerPlan:
    """One vLLM server: whole weights, with the LoRA adapters over them.

    Attributes:
        weights: Folder of the weights.
        name: Name under which they are served.
        names: For each role, the name of the model that answers: that of the weights or of an adapter.
        loras: Folders of the adapters by their names.
        rank: Highest rank among them; 0 without any.
    """

    weights: Path
    name: str
    names: Mapping[Role, str]
    loras: Mapping[str, Path]
    rank: int

    @property
    def flags(self) -> list[str]:
        """Flags of vLLM: the cache for prompts that begin alike, and the adapters."""
        flags = ["--enable-prefix-caching"]
        if not self.loras:
            return flags
        rank = next(size for size in _RANKS if size >= self.rank)
        flags += ["--enable-lora", "--max-loras", str(len(self.loras)), "--max-lora-rank", str(rank)]
        modules = ({"name": name, "path": str(path.resolve())} for name, path in self.loras.items())
        return [*flags, "--lora-modules", *map(json.dumps, modules)]


def plan_servers(rubric: Path | None, judge: Path | None, base: Path | None = None) -> list[ServerPlan]:
    """Return the fewest servers that answer as both models: one where the weights are the same, otherwise two.

    Args:
        rubric: Checkpoint folder or LoRA adapter of the model that writes rubrics.
        judge: The same of the judge.
        base: Base of the adapters; by default the one that each of them names.

    Raises:
        UsageError: No model is given, or a base without an adapter.
        DataError: A folder is no checkpoint, a base is missing, or an adapter is of a kind that cannot be served.
    """
    folders: dict[Role, Path | None] = {"rubric": rubric, "judge": judge}
    given: dict[Role, Path] = {role: path for role, path in folders.items() if path is not None}
    if not given:
        raise UsageError("no model is given", "give --rubric DIR, --judge DIR or both")
    if base is not None and not any(map(is_adapter, given.values())):
        raise UsageError("a base is given, but no adapter", "leave --base out, or give the folder of a LoRA adapter")
    models: dict[Role, Checkpoint] = {role: read_checkpoint(path, base) for role, path in given.items()}
    weights = {model.weights.resolve(): model.weights_name for model in models.values()}
    return [
        _server(folder, name, {role: model for role, model in models.items() if model.weights.resolve() == folder})
        for folder, name in weights.items()
    ]


def _server(folder: Path, name: str, models: Mapping[Role, Checkpoint]) -> ServerPlan:
    loras = {model.name: model.adapter for model in models.values() if model.adapter is not None}
    rank = max(model.rank for model in models.values())
    if rank > _RANKS[-1]:
        raise DataError(f"an adapter has rank {rank}, but vLLM takes {_RANKS[-1]} at most", "merge it into its base")
    return ServerPlan(folder, name, {role: model.name for role, model in models.items()}, loras, rank)
