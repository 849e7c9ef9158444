"""Checkpoint folders: whole weights or a LoRA adapter over them, and the names they go by."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openrubrics.signatures.errors import DataError

_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
_SETTINGS = ("config.json", "generation_config.json", "tokenizer*", "chat_template*", "vocab*", "merges.txt")
_ADAPTER, _ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_BASE = "base_model_name_or_path"
_MERGE_HINT = "merge the adapter into its base (PEFT: merge_and_unload), and give the merged folder"


@dataclass(frozen=True)
class Checkpoint:
    """A folder that a server or `openrubrics.lms.lm` can load.

    Attributes:
        name: `served_name` of the folder; for an adapter, its digits cover the base too.
        weights: Folder with the whole weights: the folder itself, or the base of an adapter.
        weights_name: `served_name` of `weights`.
        adapter: Folder of the LoRA adapter, where it is one.
        rank: Highest rank of the adapter.
    """

    name: str
    weights: Path
    weights_name: str
    adapter: Path | None = None
    rank: int = 0


def is_adapter(path: Path) -> bool:
    """Return whether a folder holds an adapter, not whole weights."""
    return (path / _ADAPTER).is_file()


def read_checkpoint(path: Path, base: Path | None = None) -> Checkpoint:
    """Return what a folder holds.

    Args:
        path: Folder of whole weights, or of a LoRA adapter as PEFT saves it.
        base: Folder of the adapter's base; by default the one that its configuration names.

    Raises:
        DataError: A folder is no checkpoint, there is no such base, or the adapter is of a kind that needs merging.
    """
    if not is_adapter(path):
        name = served_name(path)
        return Checkpoint(name, path, name)
    config = _adapter_config(path)
    base = base or _base(path, config)
    base_name = served_name(base)
    if _chat_template(path) not in (None, _chat_template(base)):
        raise DataError(f"the adapter {path} has another chat template than its base {base}", _MERGE_HINT)
    digest = hashlib.sha256(f"{base_name.rpartition('-')[2]}\n{_content(path / _ADAPTER_WEIGHTS)}\n".encode())
    # How the base is called, and where it lies, says nothing about what it answers.
    digest.update(json.dumps({key: config[key] for key in sorted(config) if key != _BASE}).encode())
    ranks = [config["r"], *(config.get("rank_pattern") or {}).values()]
    return Checkpoint(_name(path, digest.hexdigest()), base, base_name, path, max(ranks))


def served_name(path: Path) -> str:
    """Return the folder's name and eight hex digits over all that decides what the checkpoint answers.

    Answers are cached by the name of the model, so two checkpoints must never share one. The digits cover weights,
    configuration, tokenizer and chat template; they do not depend on where the folder is.

    Raises:
        DataError: It is no folder, or there is no ``config.json`` or there are no weights in it.
    """
    if not path.is_dir():
        raise DataError(f"{path} is not a folder", "a model of the hub has to be downloaded into one: hf download")
    weights = _files(path, _WEIGHTS)
    if not weights or not (path / "config.json").is_file():
        raise DataError(f"{path} is not a checkpoint: it needs config.json and weights ({' or '.join(_WEIGHTS)})")
    digest = hashlib.sha256()
    for file in sorted(weights | _files(path, _SETTINGS)):
        digest.update(f"{file.name}\n{_content(file)}\n".encode())
    return _name(path, digest.hexdigest())


def _name(path: Path, digest: str) -> str:
    return f"{re.sub(r'[^A-Za-z0-9._-]', '-', path.resolve().name)}-{digest[:8]}"


def _files(path: Path, patterns: tuple[str, ...]) -> set[Path]:
    return {file for pattern in patterns for file in path.glob(pattern) if file.is_file()}


def _content(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _adapter_config(path: Path) -> dict[str, Any]:
    config = _json(path / _ADAPTER)
    if config.get("peft_type") != "LORA" or not isinstance(config.get("r"), int):
        raise DataError(f"{path} is not a LoRA adapter: peft_type is {config.get('peft_type')!r}", _MERGE_HINT)
    if not (path / _ADAPTER_WEIGHTS).is_file():
        raise DataError(f"{path} is not an adapter: it has no {_ADAPTER_WEIGHTS}")
    odd = [name for name in ("use_dora", "modules_to_save", "layer_replication") if config.get(name)]
    if config.get("bias", "none") != "none":
        odd.append("bias")
    if odd:
        raise DataError(f"the adapter {path} is more than plain LoRA ({', '.join(odd)})", _MERGE_HINT)
    return config


def _base(path: Path, config: Mapping[str, Any]) -> Path:
    named = config.get(_BASE)
    if isinstance(named, str) and named and Path(named).is_dir():
        return Path(named)
    raise DataError(
        f"the base of the adapter {path} is {named!r}, which is no folder here",
        "give its folder to openrubrics serve with --base, or merge the adapter into it",
    )


def _chat_template(path: Path) -> str | None:
    """Return the chat template that comes with a folder; None where there is none."""
    file, settings = path / "chat_template.jinja", path / "tokenizer_config.json"
    if file.is_file():
        return file.read_text(encoding="utf-8").strip()
    template = _json(settings).get("chat_template") if settings.is_file() else None
    return template.strip() if isinstance(template, str) else None


def _json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{file} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise DataError(f"{file} holds no JSON object")
    return content
