"""What an artifact on disk says about how it came to be."""

import platform
from collections.abc import Mapping
from importlib.metadata import version

from pydantic import Field, JsonValue

from openrubrics.signatures.outcomes import Usage
from openrubrics.signatures.values import Frozen


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    return {"openrubrics": version("openrubrics"), "dspy": version("dspy"), "python": platform.python_version()}


class Manifest(Frozen):
    """How an artifact came to be: enough to run it again, and to see what changed if it comes out differently.

    Attributes:
        program: Fingerprint of the program that ran.
        lms: Model name by role.
        servers: Address of the server by role, where one was named.
        sampling: Sampling settings by role; what is null was not sent.
        data: SHA-256 of each input file, by its path as it was given.
        seed: Seed of everything random on our side.
        counts: Rows in, rows out, and whatever else was counted.
        seconds: Wall time.
        usage: What was spent.
        versions: Versions of this package, DSPy and Python.
        extras: Anything else worth keeping.
    """

    program: str
    lms: Mapping[str, str]
    servers: Mapping[str, str] = Field(default_factory=dict)
    sampling: Mapping[str, JsonValue] = Field(default_factory=dict)
    data: Mapping[str, str] = Field(default_factory=dict)
    seed: int
    counts: Mapping[str, int] = Field(default_factory=dict)
    seconds: float = Field(ge=0, allow_inf_nan=False)
    usage: Usage
    versions: Mapping[str, str] = Field(default_factory=versions)
    extras: Mapping[str, JsonValue] = Field(default_factory=dict)
