"""Files are written whole, and nothing else is replaced by one."""

import os
from pathlib import Path

import pytest

from openrubrics.signatures import UsageError
from openrubrics.signatures.files import write_whole


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    write_whole(path, "old")
    with pytest.raises(ZeroDivisionError):
        write_whole(path, (b"n" * (1 // n) for n in (1, 0)))
    assert path.read_text() == "old"
    write_whole(path, (b"n", b"ew"))
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_pipe_or_device_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(pipe)
    for path in (pipe, tmp_path / "link"):
        with pytest.raises(UsageError, match="it is a device or a pipe"):
            write_whole(path, "text")
    assert pipe.is_fifo()
    assert (tmp_path / "link").is_symlink()
