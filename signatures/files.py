"""Files that are written whole or not at all, and what is in them."""

import errno
import hashlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from openrubrics.signatures.errors import DataError, UsageError

_HINTS = {
    errno.ENOSPC: "name a folder with free space",
    errno.EDQUOT: "name a folder with free space",
    errno.EACCES: "name a folder that you may write to",
    errno.EPERM: "name a folder that you may write to",
    errno.EROFS: "name a folder that you may write to",
    errno.ENOTDIR: "a part of the path is a file; name another folder",
    errno.EEXIST: "a part of the path is a file; name another folder",
}


def write_whole(path: Path, content: str | Iterable[bytes]) -> None:
    """Put a text, or bytes one part after the other, into a file: every reader sees the old content or the new one.

    That holds after a crash too. An exception from `content` leaves the old one.

    Raises:
        UsageError: The place cannot be written to, is full, or is a device or a pipe, which a file would replace.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise UsageError(f"cannot write {path}: it is a device or a pipe", "name a file")
        try:
            with temporary.open("xb") as file:
                file.writelines((content.encode(),) if isinstance(content, str) else content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> UsageError:
    """Return the error for a place that could not be written to."""
    hint = _HINTS.get(error.errno or 0, "name another folder")
    return UsageError(f"cannot write {path}: {error.strerror or error}", hint)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        DataError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
