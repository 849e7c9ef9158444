"""How a run came to be: the manifest of commands that judge."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TypeGuard

import dspy
from pydantic import JsonValue

from openrubrics.cli.options import ADAPTIVE, NO_JUDGE, SCORER, JudgeOptions, LMOptions, ProgramOptions
from openrubrics.data import Manifest, sha256
from openrubrics.lms import HttpEngine
from openrubrics.lms.service import without_login
from openrubrics.programs import (
    AdaptiveRubricJudge,
    ChainOfThoughtJudge,
    ContrastiveRubricRM,
    DirectJudge,
    RubricRM,
    RubricScorer,
)
from openrubrics.programs.program import flat_settings
from openrubrics.programs.voting import VotingJudge
from openrubrics.signatures import Usage

Judging = RubricRM | ContrastiveRubricRM | AdaptiveRubricJudge | DirectJudge | ChainOfThoughtJudge | RubricScorer
"""The programs that judge."""


@dataclass(frozen=True)
class Described:
    """What a run says of the judge that it asks.

    Attributes:
        method: Which program it is, or how a judge of another kind was named.
        lm: The models in one text; of a judge of another kind its URL, checkpoint or function.
        program: Fingerprint of the prompts; of a judge without prompts that of `depends`.
        depends: All that judgments depend on, besides the pairs and the seed, under names for the reader. The address
            of a model server is no part of it: one that was stopped may come back elsewhere.
        lms: Names of the models by role.
        servers: Addresses by role.
        sampling: Sampling settings by role.
        warning: What cannot be known about it; empty where all is known.
    """

    method: str
    lm: str
    program: str
    depends: Mapping[str, JsonValue]
    lms: Mapping[str, str]
    servers: Mapping[str, str] = field(default_factory=dict)
    sampling: Mapping[str, JsonValue] = field(default_factory=dict)
    warning: str = ""

    def identity(self, seed: int) -> dict[str, JsonValue]:
        """Return all that the judgments of a run depend on, besides the pairs, under names for its reader.

        Args:
            seed: For the order of responses.
        """
        return {"openrubrics": version("openrubrics"), "seed": seed, **self.depends}


def roles(program: Judging) -> dict[str, dspy.LM]:
    """Return the LM of each role that the program has."""
    found = {"judge": _judge(program).predict.lm}
    if _writes_rubrics(program):
        found["rubric"] = program.generate.predict.lm
    return {role: model for role, model in found.items() if isinstance(model, dspy.LM)}


def _writes_rubrics(program: Judging) -> TypeGuard[RubricRM | ContrastiveRubricRM | RubricScorer]:
    return isinstance(program, RubricRM | ContrastiveRubricRM | RubricScorer) and program.rubric is None


def _judge(program: Judging) -> VotingJudge | AdaptiveRubricJudge | RubricScorer:
    return program.judge if isinstance(program, RubricRM | ContrastiveRubricRM) else program


def shown_lm(program: Judging) -> str:
    """Return the names of all models in one text."""
    return " + ".join(dict.fromkeys(model.model for model in roles(program).values()))


def described(program: Judging, lms: LMOptions, method: str) -> Described:
    """Return what a run says of a program.

    Args:
        program: As it is to run.
        lms: As they were asked for.
        method: Its name.
    """
    models = roles(program)
    addresses = {role: _address(model) for role, model in models.items()}
    sampling = {role: _sampling(program, role, lms) for role in models}
    settings = dict(program.settings)
    if isinstance(program, RubricRM | ContrastiveRubricRM | RubricScorer):
        settings["rubric"] = program.rubric.fingerprint if program.rubric else None
    return Described(
        method=method,
        lm=shown_lm(program),
        program=program.fingerprint,
        depends={
            "prompts": program.fingerprint,
            **flat_settings(settings),
            **{f"{role} model": model.model for role, model in models.items()},
            **{f"{role} sampling": value for role, value in sampling.items()},
        },
        lms={role: model.model for role, model in models.items()},
        servers={role: address for role, address in addresses.items() if address},
        sampling=sampling,
    )


def manifest(
    judge: Described,
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
        judge: What judged.
        lms: As they were asked for.
        files: What was read; pipes have no hash, and None is no file.
        seed: For the order of responses and the intervals.
        counts: What was counted.
        seconds: Wall time.
        usage: What was spent.
        extras: Other options.
    """
    return Manifest(
        program=judge.program,
        lms=judge.lms,
        servers=judge.servers,
        sampling=judge.sampling,
        data={str(path): sha256(path) for path in files if path and path.is_file()},
        seed=seed,
        counts=counts,
        seconds=seconds,
        usage=usage,
        extras={"cache": lms.cache, **extras, **_named(judge)} | ({"warning": judge.warning} if judge.warning else {}),
    )


def _named(judge: Described) -> dict[str, JsonValue]:
    """Return which meta-rubric was gone by; the one that is shipped is no file of the run."""
    return {name: value for name, value in judge.depends.items() if name == "meta_rubric"}


def program_files(program: ProgramOptions) -> tuple[Path | None, ...]:
    """Return the files that a program is made of."""
    return program.rubric, program.compiled, program.rubric_template, program.judge_template, program.meta_rubric


def program_facts(program: ProgramOptions, external: JudgeOptions) -> dict[str, JsonValue]:
    """Return the options that the judge goes by, for a manifest; a judge of another kind has none but its orders."""
    names = ("orders",) if external != NO_JUDGE else ("orders", *_OPTIONS[program.method])
    facts = {name: getattr(program, name) for name in names}
    return {name: str(value) if isinstance(value, Path) else value for name, value in facts.items()}


_OF_VOTES = ("votes", "probabilities", "compiled", "judge_template")
_OPTIONS = {
    "rubric-rm": (*_OF_VOTES, "form", "enforce_checks", "rubric", "rubric_template"),
    ADAPTIVE: ("domain", "two_calls", "aggregation", "threshold", "no_guards"),
    "direct": _OF_VOTES,
    "chain-of-thought": _OF_VOTES,
    SCORER: ("per_criterion", "rubric", "rubric_template", "judge_template", "compiled"),
}
"""Names of the options that each method has besides its orders; the meta-rubric stands there by its fingerprint."""


def _sampling(program: Judging, role: str, lms: LMOptions) -> dict[str, JsonValue]:
    judge = _judge(program)
    voting = judge if role == "judge" and isinstance(judge, VotingJudge) else None
    return {
        "temperature": voting.temperature if voting and voting.votes > 1 else lms.temperature,
        "max_tokens": lms.max_tokens,
        "thinking": lms.thinking,
    }


def _address(model: dspy.LM) -> str:
    """Return the address of a model's server without a password that may be in it; empty for a provider's own."""
    engine = model.engine
    url = engine.endpoint.api_base if isinstance(engine, HttpEngine) else str(model.kwargs.get("api_base") or "")
    return without_login(url)
