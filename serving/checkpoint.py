"""The name a checkpoint is served under."""

import hashlib
import re
from pathlib import Path

from openrubrics.signatures.errors import DataError

_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
_SETTINGS = ("config.json", "generation_config.json", "tokenizer*", "chat_template*", "vocab*", "merges.txt")


def served_name(path: Path) -> str:
    """Return the folder's name and eight hex digits over all that decides what the checkpoint answers.

    Answers are cached by the name of the model, so two checkpoints must never share one. The digits cover weights,
    configuration, tokenizer and chat template; they do not depend on where the folder is.

    Raises:
        DataError: There is no ``config.json`` or there are no weights in the folder.
    """
    weights = _files(path, _WEIGHTS)
    if not weights or not (path / "config.json").is_file():
        raise DataError(f"{path} is not a checkpoint: it needs config.json and weights ({' or '.join(_WEIGHTS)})")
    digest = hashlib.sha256()
    for file in sorted(weights | _files(path, _SETTINGS)):
        with file.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        digest.update(f"{file.name}\n{content}\n".encode())
    name = re.sub(r"[^A-Za-z0-9._-]", "-", path.resolve().name)
    return f"{name}-{digest.hexdigest()[:8]}"


def _files(path: Path, patterns: tuple[str, ...]) -> set[Path]:
    return {file for pattern in patterns for file in path.glob(pattern) if file.is_file()}
