"""The options that commands share, each group collected into one frozen object."""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

MAX_FAILED = 0.05
"""Failed share that is still a success, unless another is asked for."""

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class Number(click.FloatRange):
    """A finite number in a range; click's own lets nan pass."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401
        """Return the number, or fail with the words that click would use."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


Group = TypeVar("Group")
Function = Callable[..., Any]


@dataclass(frozen=True)
class LMOptions:
    """Which language models to ask, how, and what they may cost."""

    lm: str | None
    rubric_lm: str | None
    judge_lm: str | None
    api_base: str | None
    rubric_api_base: str | None
    judge_api_base: str | None
    api_key: str | None
    rubric_api_key: str | None
    judge_api_key: str | None
    timeout: float | None
    retries: int | None
    temperature: float | None
    max_tokens: int | None
    thinking: bool | None
    price: tuple[float, float] | None
    cache: bool
    max_calls: int | None
    max_cost: float | None


@dataclass(frozen=True)
class ReflectionOptions:
    """Which language model rewrites prompts or proposes edits; sampling options of the others are not for it."""

    reflection_lm: str | None
    reflection_api_base: str | None
    reflection_api_key: str | None


@dataclass(frozen=True)
class ParaphraseOptions:
    """Which language model puts responses in other words."""

    paraphrase_lm: str | None
    paraphrase_api_base: str | None
    paraphrase_api_key: str | None


@dataclass(frozen=True)
class ProgramOptions:
    """Which program to run, and with which prompts."""

    method: str
    compiled: Path | None
    rubric: Path | None
    rubric_template: Path | None
    judge_template: Path | None
    form: Literal["seed", "v3"]
    votes: int
    orders: Literal["single", "both"]
    enforce_checks: bool
    probabilities: bool
    per_criterion: bool = False
    meta_rubric: Path | None = None
    domain: str = "auto"
    two_calls: bool = False
    aggregation: Literal["symmetric", "released"] = "symmetric"
    threshold: float = 0.0
    no_guards: bool = False


SCORER = "rubric-scorer"
"""The method that scores one response; the others compare two."""

ADAPTIVE = "openrs"
"""The method that writes criteria for each comparison under a meta-rubric."""


@dataclass(frozen=True)
class JudgeOptions:
    """A judge that is no program of this project, of which at most one is named."""

    judge_endpoint: str | None = None
    score_endpoint: str | None = None
    reward_model: str | None = None
    judge_function: str | None = None


NO_JUDGE = JudgeOptions()


@dataclass(frozen=True)
class EngineOptions:
    """Where the program runs: in this process, or in workers of a cluster."""

    engine: Literal["local", "ray"]
    ray_address: str | None
    workers: int | None


_ENGINE = (
    click.option(
        "--engine",
        type=click.Choice(["local", "ray"]),
        default="local",
        show_default=True,
        help="Run in this process, or with Ray Data in the workers of a cluster (extra: scale).",
    ),
    click.option(
        "--ray-address",
        help="HOST:PORT of the head node of a cluster that this machine belongs to, or auto; by default a cluster on "
        "this machine is started.",
    ),
    click.option("--workers", type=click.IntRange(min=1), help="Workers of the cluster, a CPU each; 2 by default."),
)

_ENVIRONMENT = (
    click.option(
        "--lm",
        envvar="OPENRUBRICS_LM",
        help="Model for every role, such as hosted_vllm/NAME, local/FOLDER or embedded; OPENRUBRICS_LM is the default.",
    ),
)
_NO_ENVIRONMENT = (
    click.option(
        "--lm",
        help="Model for every role, such as hosted_vllm/NAME; the embedded reader by default, not OPENRUBRICS_LM.",
    ),
)

_LM = (
    click.option("--rubric-lm", help="Model that writes rubrics, instead of --lm."),
    click.option("--judge-lm", help="Model that judges, instead of --lm."),
    click.option(
        "--api-base",
        help="Address of the server, ending in /v1, for every role without its own; for hosted_vllm/ and openai/ names "
        "OPENRUBRICS_API_BASE is the default.",
    ),
    click.option("--rubric-api-base", help="Address of the server that writes rubrics, where it is another."),
    click.option("--judge-api-base", help="Address of the server that judges, where it is another."),
    click.option(
        "--api-key",
        help="Key for every role without its own; for hosted_vllm/ and openai/ names OPENRUBRICS_API_KEY is the "
        "default.",
    ),
    click.option("--rubric-api-key", help="Key for the server that writes rubrics, where it is another."),
    click.option("--judge-api-key", help="Key for the server that judges, where it is another."),
    click.option("--timeout", type=Number(min=0, min_open=True), help="Seconds for one request."),
    click.option("--retries", type=click.IntRange(min=0), help="How often a failed request is sent again."),
    click.option(
        "--temperature",
        type=Number(0, 2),
        help="Sampling temperature; not sent by default, but with several --votes the judge is asked at 0.7.",
    ),
    click.option("--max-tokens", type=click.IntRange(min=1), help="Longest reply in tokens; not sent by default."),
    click.option(
        "--thinking/--no-thinking", default=None, help="Switch Qwen3's thinking on or off; not sent by default."
    ),
    click.option("--price", type=Number(min=0), nargs=2, help="US dollars per million prompt and completion tokens."),
    click.option(
        "--cache/--no-cache", default=False, show_default=True, help="Reuse replies of earlier runs (DSPy's cache)."
    ),
    click.option("--max-calls", type=click.IntRange(min=1), help="Stop before more requests than this."),
    click.option(
        "--max-cost",
        type=Number(min=0, min_open=True),
        help="Stop before spending more US dollars than this; a server of your own needs --price.",
    ),
)

_REFLECTION = (
    click.option(
        "--reflection-lm",
        help="Model that rewrites prompts or proposes edits, instead of --lm. --temperature and --max-tokens are not "
        "for this role.",
    ),
    click.option("--reflection-api-base", help="Address of the server of --reflection-lm, where it is another."),
    click.option("--reflection-api-key", help="Key for the server of --reflection-lm, where it is another."),
)

_PARAPHRASE = (
    click.option(
        "--paraphrase-lm", help="Model that puts responses in other words; without one that audit is left out."
    ),
    click.option("--paraphrase-api-base", help="Address of the server that paraphrases, where it is another."),
    click.option("--paraphrase-api-key", help="Key for the server that paraphrases, where it is another."),
)

_PROGRAM = (
    click.option(
        "--method",
        type=click.Choice(["rubric-rm", ADAPTIVE, "direct", "chain-of-thought", SCORER]),
        default="rubric-rm",
        show_default=True,
        help=f"Program; {ADAPTIVE} writes criteria for each comparison under a meta-rubric; direct and "
        f"chain-of-thought judge without a rubric, to compare with; {SCORER} scores each response by itself.",
    ),
    click.option("--compiled", type=FILE, help="Optimized program to load, of openrubrics optimize."),
    click.option("--rubric", type=FILE, help="Fixed rubric, as text or .json; then none is written."),
    click.option("--rubric-template", type=FILE, help="Text that replaces the rubric prompt; slot {prompt}."),
    click.option(
        "--judge-template",
        type=FILE,
        help="Text that replaces the judge prompt; slots {prompt} {response_a} {response_b}, of a scorer {response}, "
        "and {rubric} where there is one.",
    ),
    click.option(
        "--form", type=click.Choice(["seed", "v3"]), default="seed", show_default=True, help="Form of judgments."
    ),
    click.option("--votes", type=click.IntRange(min=1), default=1, show_default=True, help="Judge replies at most."),
    click.option(
        "--orders",
        type=click.Choice(["single", "both"]),
        default="single",
        show_default=True,
        help="Show the responses once, or a second time swapped.",
    ),
    click.option(
        "--enforce-checks", is_flag=True, help="Let code decide hard rules that it can check, before any model."
    ),
    click.option(
        "--probabilities", is_flag=True, help="Measure the verdict's probability from token log-probabilities."
    ),
    click.option("--per-criterion", is_flag=True, help=f"Ask {SCORER} about each criterion in a request of its own."),
    click.option("--meta-rubric", type=FILE, help=f"Meta-rubric of {ADAPTIVE}; the one that is shipped by default."),
    click.option(
        "--domain",
        metavar="NAME",
        default="auto",
        show_default=True,
        help=f"Part of the meta-rubric that {ADAPTIVE} uses: its name, general, or auto to ask once for each prompt.",
    ),
    click.option(
        "--two-calls", is_flag=True, help=f"Let {ADAPTIVE} write criteria and compare in requests of their own."
    ),
    click.option(
        "--aggregation",
        type=click.Choice(["symmetric", "released"]),
        default="symmetric",
        show_default=True,
        help=f"How {ADAPTIVE} adds up: by our rule, or as the released code of OpenRS does.",
    ),
    click.option(
        "--threshold",
        type=Number(min=0),
        default=0.0,
        show_default=True,
        help=f"Score of {ADAPTIVE} below which it is a tie.",
    ),
    click.option("--no-guards", is_flag=True, help=f"Let {ADAPTIVE} ask the model where code could decide."),
)

_JUDGE = (
    click.option("--judge-endpoint", metavar="URL", help="Judge of your own: compares two responses sent as JSON."),
    click.option("--score-endpoint", metavar="URL", help="Scorer of your own: gives a response sent as JSON a score."),
    click.option(
        "--reward-model",
        metavar="NAME|FOLDER",
        help="Sequence classifier with one label, of the hub or a folder; the higher score wins (extra: train).",
    ),
    click.option(
        "--judge-function",
        metavar="MODULE:NAME",
        help="Your Python function of prompt, response A and response B; this imports and runs your code.",
    ),
)


def collected(
    kind: type[Group], name: str, options: Sequence[Callable[[Function], Function]]
) -> Callable[[Function], Function]:
    """Return a decorator that adds options and hands their values on as one object named `name`."""

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def command(**values: Any) -> Any:  # noqa: ANN401 - click's values
            mine = {field.name: values.pop(field.name) for field in fields(kind)}  # pyright: ignore[reportArgumentType] - a dataclass
            return function(**{name: kind(**mine)}, **values)

        collected: Function = command
        for option in reversed(options):
            collected = option(collected)
        return collected

    return decorate


lm_options = collected(LMOptions, "lms", (*_ENVIRONMENT, *_LM))
"""Adds the options of `LMOptions`; the command receives them as ``lms``."""

offline_lm_options = collected(LMOptions, "lms", (*_NO_ENVIRONMENT, *_LM))
"""The same, but no model comes from the environment."""

reflection_options = collected(ReflectionOptions, "reflection", _REFLECTION)
"""Adds the options of `ReflectionOptions`; the command receives them as ``reflection``."""

paraphrase_options = collected(ParaphraseOptions, "paraphrase", _PARAPHRASE)
"""Adds the options of `ParaphraseOptions`; the command receives them as ``paraphrase``."""

program_options = collected(ProgramOptions, "program", _PROGRAM)
"""Adds the options of `ProgramOptions`; the command receives them as ``program``."""

judge_options = collected(JudgeOptions, "external", _JUDGE)
"""Adds the options of `JudgeOptions`; the command receives them as ``external``."""

engine_options = collected(EngineOptions, "engine", _ENGINE)
"""Adds the options of `EngineOptions`; the command receives them as ``engine``."""

seed_option = click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of everything random on our side."
)
concurrency_option = click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=16,
    show_default=True,
    help="Comparisons under way at a time, in each worker where there are several.",
)
limit_option = click.option("--limit", type=click.IntRange(min=1), help="Read only so many rows.")
max_failed_option = click.option(
    "--max-failed",
    type=Number(0, 1),
    default=MAX_FAILED,
    show_default=True,
    help="Failed share that is still exit 0.",
)
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would be asked, and ask nothing.")


def refuse_existing(out: Path, *, overwrite: bool) -> None:
    """Refuse a file that is there already.

    Raises:
        UsageError: It is, and is not to be replaced.
    """
    if out.exists() and not overwrite:
        from openrubrics.signatures.errors import UsageError

        raise UsageError(f"{out} is there already", "give another --out, or --overwrite to replace it")


def set_texts(given: Sequence[str], what: str) -> dict[str, str]:
    """Return what ``--set KEY=JSON`` was given, as the text of each value by its name.

    Args:
        given: The arguments.
        what: What each of them sets, such as "option".

    Raises:
        UsageError: One has no name or no value, or a name comes twice.
    """
    texts: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals) or name in texts:
            from openrubrics.signatures.errors import UsageError

            raise UsageError(f"--set {text} cannot be used", f"give each {what} once, as --set KEY=JSON")
        texts[name] = value
    return texts
