"""How a run came to be: the manifest of commands that judge."""

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

import dspy
from pydantic import JsonValue

from openrubrics.cli.options import LMOptions
from openrubrics.data import Manifest, sha256
from openrubrics.lms import HttpEngine
from openrubrics.programs import ContrastiveRubricGenerator, GatekeeperJudge, RubricGenerator
from openrubrics.programs.program import flat_settings
from openrubrics.signatures import Rubric, Usage


class InRoles(Protocol):
    """A program with a judge and, unless the rubric is fixed, one that writes rubrics: `RubricRM`, and curation."""

    @property
    def judge(self) -> GatekeeperJudge:
        """The judge."""
        ...

    @property
    def generate(self) -> RubricGenerator | ContrastiveRubricGenerator:
        """What writes rubrics."""
        ...

    @property
    def rubric(self) -> Rubric | None:
        """The fixed rubric."""
        ...

    @property
    def fingerprint(self) -> str:
        """See `openrubrics.programs.Program`."""
        ...

    @property
    def settings(self) -> dict[str, JsonValue]:
        """See `openrubrics.programs.Program`."""
        ...


def roles(program: InRoles) -> dict[str, dspy.LM]:
    """Return the LM of each role that the program has."""
    found = {"judge": program.judge.predict.lm}
    if program.rubric is None:
        found["rubric"] = program.generate.predict.lm
    return {role: model for role, model in found.items() if isinstance(model, dspy.LM)}


def shown_lm(program: InRoles) -> str:
    """Return the names of all models in one text."""
    return " + ".join(dict.fromkeys(model.model for model in roles(program).values()))


def identity(program: InRoles, lms: LMOptions, *, seed: int) -> dict[str, JsonValue]:
    """Return all that the judgments of a run depend on, besides the pairs, under names for its reader.

    The address of a server is no part of it: a server that was stopped may come back elsewhere.

    Args:
        program: As it is to run.
        lms: As they were asked for.
        seed: For the order of responses.
    """
    models = roles(program)
    settings = program.settings | {"rubric": program.rubric.fingerprint if program.rubric else None}
    return {
        "openrubrics": version("openrubrics"),
        "prompts": program.fingerprint,
        "seed": seed,
        **flat_settings(settings),
        **{f"{role} model": model.model for role, model in models.items()},
        **{f"{role} sampling": _sampling(program, role, lms) for role in models},
    }


def manifest(
    program: InRoles,
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


def _sampling(program: InRoles, role: str, lms: LMOptions) -> dict[str, JsonValue]:
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
