"""The folder of a training run: which run it holds, and from which checkpoint it goes on."""

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import JsonValue

from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.files import cannot_write, write_whole

RUN = "run.json"
SUMMARY = "train.json"
README = "README.md"
CHECKPOINTS = "checkpoints"
FINAL = "final"
ADAPTER = "adapter"
WHOLE = "whole"
"""File that a checkpoint gets once all of it is written."""

_MODEL = ("config.json", "generation_config.json", "model*.safetensors*", "tokenizer*", "chat_template*", "vocab*")
_OURS = (RUN, SUMMARY, README, CHECKPOINTS, ADAPTER, "merges.txt", "special_tokens_map.json", "added_tokens.json")
_STEP = re.compile(r"checkpoint-(\d+)")


@contextmanager
def open_run(out: Path, identity: Mapping[str, JsonValue], *, overwrite: bool = False) -> Iterator[None]:
    """Begin a run in a folder, or make sure that the folder holds this very run, and keep others out while it goes on.

    Args:
        out: The folder; made where it is missing.
        identity: What must be equal for it to be the same run.
        overwrite: Forget what an earlier run left; files of another kind stay.

    Raises:
        UsageError: The folder holds another run, or files that no run wrote, or cannot be written to; or another
            process trains into it.
    """
    wanted = json.loads(json.dumps(identity))
    try:
        out.mkdir(parents=True, exist_ok=True)
        folder = os.open(out, os.O_RDONLY)
    except OSError as error:
        raise cannot_write(out, error) from error
    try:
        _lock(out, folder)
        try:
            _take(out, wanted, overwrite=overwrite)
        except OSError as error:
            raise cannot_write(out, error) from error
        yield
    finally:
        os.close(folder)


def _lock(out: Path, folder: int) -> None:
    """Lock the folder itself; the lock goes with the process, however it ends."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UsageError(f"another process trains into {out}", "wait for it, or name another folder") from error
    except OSError:
        return  # a file system without locks


def _take(out: Path, wanted: Mapping[str, JsonValue], *, overwrite: bool) -> None:
    if overwrite and (out / RUN).exists():
        _clear(out)
    if (out / RUN).exists():
        _same(out, wanted)
    else:
        _refuse_foreign(out)
        write_whole(out / RUN, json.dumps(wanted, indent=2) + "\n")
    for path in _checkpoints(out):
        if not (path / WHOLE).exists():
            shutil.rmtree(path)


def _same(out: Path, wanted: Mapping[str, JsonValue]) -> None:
    try:
        held = json.loads((out / RUN).read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{out / RUN} is damaged: {error}", "begin anew with --overwrite") from error
    other = [name for name in wanted if not isinstance(held, dict) or held.get(name) != wanted[name]]
    if other:
        raise UsageError(
            f"{out} holds another run: {', '.join(other)} {'is' if len(other) == 1 else 'are'} different",
            "name another folder, or begin anew with --overwrite",
        )


def _refuse_foreign(out: Path) -> None:
    for pattern in (*_OURS, *_MODEL):
        for path in sorted(out.glob(pattern)):
            raise UsageError(
                f"{out} already holds {path.name}, and no training run to go on with", "name another folder"
            )


def _clear(out: Path) -> None:
    """Remove what runs write, first the file by which a finished one is known, last the one by which any is."""
    found = [path for pattern in (*_MODEL, *_OURS) for path in out.glob(pattern)]
    for path in sorted(found, key=lambda path: (path.name != SUMMARY, path.name == RUN)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def last_checkpoint(out: Path) -> Path | None:
    """Return the newest checkpoint that was written to its end."""
    whole = [path for path in _checkpoints(out) if (path / WHOLE).exists()]
    return max(whole, key=_step, default=None)


def mark_whole(checkpoint: Path) -> None:
    """Say that all of a checkpoint is written, once it has reached the disk."""
    for path in checkpoint.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    write_whole(checkpoint / WHOLE, "")


def tidy(out: Path, *, keep_checkpoints: bool) -> None:
    """Remove what is of no use once the student is written; what a tracker wrote stays."""
    folder = out / CHECKPOINTS
    shutil.rmtree(folder / FINAL, ignore_errors=True)
    (folder / README).unlink(missing_ok=True)  # TRL writes one of its own
    for path in [] if keep_checkpoints else _checkpoints(out):
        shutil.rmtree(path)
    if folder.exists() and not any(folder.iterdir()):
        folder.rmdir()


def _checkpoints(out: Path) -> list[Path]:
    return [path for path in (out / CHECKPOINTS).glob("checkpoint-*") if _STEP.fullmatch(path.name)]


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])
