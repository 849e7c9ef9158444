"""The checkpoint that training starts from: a folder, or a name on the hub."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.extras import require
from openrubrics.signatures.files import sha256
from openrubrics.train.chat_text import check_tokenizer

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedTokenizerBase

WEIGHTS = ("*.safetensors",)
_SMALL = ("*.json", "merges.txt", "vocab.txt", "tokenizer.model", "*.jinja")
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def base_folder(base: str | Path, *, weights: bool = True) -> Path:
    """Return the folder of a checkpoint; one on the hub is downloaded, or found where it was downloaded to.

    Args:
        base: A folder, or ``ORGANISATION/NAME`` on the hub.
        weights: Whether weights are needed, or only configuration and tokenizer.

    Raises:
        UsageError: There is neither such a folder nor such a name, or the hub cannot be reached.
        DataError: The folder is no checkpoint.
        MissingExtraError: The ``train`` extra is not installed.
    """
    folder = Path(base) if Path(base).is_dir() else _fetched(str(base), weights=weights)
    if not (folder / "config.json").is_file():
        raise DataError(f"{folder} is not a checkpoint: it has no config.json")
    if weights and not _files(folder, WEIGHTS):
        raise DataError(f"{folder} has no weights in files *.safetensors")
    return folder


def _fetched(name: str, *, weights: bool) -> Path:
    if not _HUB_NAME.fullmatch(name) or name.startswith("."):
        raise UsageError(
            f"there is no folder {name}", "name the folder of a checkpoint, or ORGANISATION/NAME on the hub"
        )
    require("transformers", "train")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=[*_SMALL, *(WEIGHTS if weights else ())]))
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
        first = str(error).strip().split("\n")[0]
        raise UsageError(
            f"{name} is no folder, and it could not be fetched from the hub: {first}",
            "name a folder, or check the name, the connection, and that HF_HUB_OFFLINE is not set",
        ) from error


def base_name(base: str | Path) -> str:
    """Return what a base is called: its name on the hub, or of its folder, without where that is."""
    return Path(base).resolve().name if Path(base).is_dir() else str(base)


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Return the tokenizer of a checkpoint.

    Raises:
        UsageError: It has no chat template.
        DataError: It cannot be loaded.
        MissingExtraError: The ``train`` extra is not installed.
    """
    require("transformers", "train")
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"the tokenizer of {folder} cannot be loaded: {_first_line(error)}") from error
    check_tokenizer(tokenizer)
    return tokenizer


def load_config(folder: Path) -> PretrainedConfig:
    """Return the configuration of a checkpoint.

    Raises:
        DataError: It cannot be loaded.
        MissingExtraError: The ``train`` extra is not installed.
    """
    require("transformers", "train")
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(folder)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{folder / 'config.json'} cannot be used: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]


def base_hash(folder: Path) -> str:
    """Return the SHA-256 over all that decides what the checkpoint is; the place of the folder does not count.

    Reads every file once, at the speed of the disk.
    """
    digest = hashlib.sha256()
    for file in _files(folder, (*WEIGHTS, *_SMALL)):
        digest.update(f"{file.name}\n{sha256(file)}\n".encode())
    return digest.hexdigest()


def _files(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    return sorted({file for pattern in patterns for file in folder.glob(pattern) if file.is_file()})
