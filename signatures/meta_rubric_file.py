"""Meta-rubrics from files, and the one that is shipped."""

from __future__ import annotations

import functools
from importlib.resources import files
from pathlib import Path

from openrubrics.signatures.errors import DataError
from openrubrics.signatures.meta_rubric import MetaRubric


def read_meta_rubric(path: Path) -> MetaRubric:
    """Read the document that ``str(meta_rubric)`` gives, or a person wrote.

    Raises:
        DataError: There is no such file, it is not text, or not a meta-rubric; the message names file and lines.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a text in UTF-8: {error.reason} at byte {error.start}") from error
    return MetaRubric.parse(text, str(path))


@functools.cache
def default_meta_rubric() -> MetaRubric:
    """Return the meta-rubric that is shipped: a general part, and one for each of twelve domains."""
    name = "default_meta_rubric.md"
    return MetaRubric.parse(files("openrubrics.signatures").joinpath(name).read_text(encoding="utf-8"), name)
