"""How a run came to be: the manifest of commands that judge."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import dspy
from pydantic import JsonValue

from openrubrics.cli.options import LMOptions
from openrubrics.data import Manifest, sha256
from openrubrics.lms import HttpEngine
from openrubrics.programs import RubricRM
from openrubrics.signatures import Usage


def roles(program: RubricRM) -> dict[str, dspy.LM]:
    """Return the LM of each role that the program has."""
    found = {"judge": program.judge.predict.lm}
    if program.rubric is None:
        found["rubric"] = program.generate.predict.lm
    return {role: model for role, model in found.items() if isinstance(model, dspy.LM)}


def shown_lm(program: RubricRM) -> str:
    """Return the names of all models in one text."""
    return " + ".join(dict.fromkeys(model.model for model in roles(program).values()))


def manifest(
    program: RubricRM,
    lms: LMOptions,
    *,
    files: Iterable[Path | None],
    seed: int,
    counts: Mapping[str, int],
    seconds: float,
    usage: Usage,
    extras: Mapping[str, JsonValue],
) -> Manifest:
    """Return the manifest of a run.

    Args:
        program: As it ran.
        lms: As they were asked for.
        files: What was read; pipes have no hash, and None is no file.
        seed: For the order of responses and the intervals.
        counts: What was counted.
        seconds: Wall time.
        usage: What was spent.
        extras: Other options.
    """
    models = roles(program)
    addresses = {role: _address(model) for role, model in models.items()}
    return Manifest(
        program=program.fingerprint,
        lms={role: model.model for role, model in models.items()},
        servers={role: address for role, address in addresses.items() if address},
        sampling={role: _sampling(program, role, lms) for role in models},
        data={str(path): sha256(path) for path in files if path and path.is_file()},
        seed=seed,
        counts=counts,
        seconds=seconds,
        usage=usage,
        extras={"cache": lms.cache, **extras},
    )


def _sampling(program: RubricRM, role: str, lms: LMOptions) -> dict[str, JsonValue]:
    votes = role == "judge" and program.judge.votes > 1
    return {
        "temperature": program.judge.temperature if votes else lms.temperature,
        "max_tokens": lms.max_tokens,
        "thinking": lms.thinking,
    }


def _address(model: dspy.LM) -> str:
    """Return the address of a model's server without a password that may be in it; empty for a provider's own."""
    engine = model.engine
    url = engine.endpoint.api_base if isinstance(engine, HttpEngine) else str(model.kwargs.get("api_base") or "")
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
