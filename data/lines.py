"""The lines of a file, plain or compressed, with errors that say what the bytes look like."""

import gzip
import zlib
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path

from openrubrics.signatures.errors import DataError

_BOM = b"\xef\xbb\xbf"
_FORMATS = {
    b"\x1f\x8b": ("gzip", "name it .jsonl.gz"),
    b"\xff\xfe": ("UTF-16", "save it as UTF-8"),
    b"\xfe\xff": ("UTF-16", "save it as UTF-8"),
    b"PK\x03\x04": ("a ZIP archive", "unpack it"),
    b"PAR1": ("Parquet", "name it .parquet"),
    b"ARROW1": ("Arrow", "write it as Parquet"),
    b"\x28\xb5\x2f\xfd": ("Zstandard", "unpack it"),
    b"\xfd7zXZ": ("xz", "unpack it"),
    b"BZh": ("bzip2", "unpack it"),
}


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file that are not blank, stripped, with 1-based numbers.

    Raises:
        DataError: The file cannot be read, or is in another format.
    """
    number = 0
    try:
        with opened(path) as file:
            for number, line in enumerate(file, start=1):
                if number == 1:
                    _refuse_other_formats(path, line)
                text = line.removeprefix(_BOM).strip() if number == 1 else line.strip()
                if text:
                    yield number, text
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}, line {number + 1}: cannot be read: {cause_of(error)}") from error


def opened(path: Path) -> BufferedIOBase:
    """Open a file for its bytes, decompressed where its name ends in ``.gz``."""
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _refuse_other_formats(path: Path, start: bytes) -> None:
    for signature, (name, step) in _FORMATS.items():
        if start.startswith(signature):
            raise DataError(f"{path} is not JSON Lines: its first bytes look like {name}", step)
    if b"\x00" in start[:4]:
        raise DataError(f"{path} is not JSON Lines: its first bytes look like UTF-16", "save it as UTF-8")


def cause_of(error: Exception) -> str:
    """Return what an error says, without numbers and file names."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
