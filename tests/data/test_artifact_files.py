"""Files written whole, their hashes, and the manifest."""

import errno
import hashlib
import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from openrubrics.data import Manifest, cannot_write, sha256, versions, write_whole
from openrubrics.signatures import DataError, Usage, UsageError


def test_a_file_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_whole(path, "old")
    write_whole(path, "new ü")
    assert path.read_text(encoding="utf-8") == "new ü"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_to_leaves_no_trace(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "a.json", tmp_path / "missing" / "a.json", tmp_path / "folder"):
        with pytest.raises(UsageError, match=f"cannot write {path}") as caught:
            write_whole(path, "text")
        assert "\n" not in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def test_parts_are_written_one_after_the_other_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_whole(path, (b"%d\n" % n for n in range(3)))
    assert path.read_bytes() == b"0\n1\n2\n"
    with pytest.raises(ZeroDivisionError):
        write_whole(path, (b"%d\n" % (1 // n) for n in (1, 0)))
    assert path.read_bytes() == b"0\n1\n2\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "step"),
    [
        (errno.ENOSPC, "free space"),
        (errno.EACCES, "may write to"),
        (errno.ENOTDIR, "is a file"),
        (errno.ENOENT, "name another folder"),
    ],
)
def test_the_hint_fits_the_cause(number: int, step: str) -> None:
    error = cannot_write(Path("runs/a"), OSError(number, os.strerror(number)))
    assert error.message == f"cannot write runs/a: {os.strerror(number)}"
    assert step in error.hint


def test_sha256_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    assert sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    path.write_bytes(b"x" * 1_000_000)
    assert sha256(path) == hashlib.sha256(b"x" * 1_000_000).hexdigest()
    with pytest.raises(DataError, match="cannot be read: No such file"):
        sha256(tmp_path / "b")


def test_a_manifest_names_the_versions_and_survives_json() -> None:
    manifest = Manifest(
        program="abc",
        lms={"judge": "hosted_vllm/qwen"},
        sampling={"temperature": 0.7},
        data={"a.jsonl": "00"},
        seed=3,
        counts={"pairs": 2},
        seconds=1.5,
        usage=Usage(calls=2, cost=None),
        extras={"command": ["evaluate"]},
    )
    assert manifest.versions == versions()
    assert set(versions()) == {"openrubrics", "dspy", "python"}
    assert Manifest.model_validate_json(manifest.model_dump_json()) == manifest


def test_a_manifest_refuses_unknown_fields() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        Manifest.model_validate(
            {"program": "a", "lms": {}, "seed": 0, "seconds": 1, "usage": {}, "elapsed": 2},
        )
