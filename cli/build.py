"""From options to language models and programs."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import click
import dspy
from click.core import ParameterSource
from pydantic import ValidationError

from openrubrics.cli.compiled import load_compiled
from openrubrics.cli.options import ADAPTIVE, SCORER, LMOptions, ProgramOptions, ReflectionOptions
from openrubrics.lms import Budget, HttpEngine, Meter, Price, budget, lm, usage_meter
from openrubrics.programs import (
    AdaptiveRubricJudge,
    ChainOfThoughtJudge,
    ContrastiveRubricGenerator,
    ContrastiveRubricRM,
    DirectJudge,
    GatekeeperJudge,
    RubricGenerator,
    RubricRM,
    RubricScorer,
)
from openrubrics.programs.voting import VOTING_TEMPERATURE
from openrubrics.signatures import Rubric, default_meta_rubric, read_meta_rubric
from openrubrics.signatures.errors import DataError, ParseError, UsageError

Role = Literal["rubric", "judge"]

_OF_RUBRICS = (
    "rubric",
    "rubric_template",
    "form",
    "enforce_checks",
    "rubric_lm",
    "rubric_api_base",
    "rubric_api_key",
)
"""Options that mean nothing where there is no rubric."""

OF_ADAPTIVE = ("meta_rubric", "domain", "two_calls", "aggregation", "threshold", "no_guards")
"""Options of the method that goes by a meta-rubric."""

_OF_COMPARISONS = ("votes", "form", "enforce_checks", "probabilities")
"""Options that mean nothing where one response is scored."""


def model(options: LMOptions, role: Role) -> dspy.LM:
    """Return the LM for a role: by the role's own name, address and key where they are given, else by the common ones.

    Raises:
        UsageError: No model is named, or an option does not fit it.
    """
    names = {"rubric": options.rubric_lm, "judge": options.judge_lm}
    addresses = {"rubric": options.rubric_api_base, "judge": options.judge_api_base}
    keys = {"rubric": options.rubric_api_key, "judge": options.judge_api_key}
    sampling = {"temperature": options.temperature, "max_tokens": options.max_tokens}
    return _made(options, names[role], addresses[role], keys[role], _thinking(options) | sampling)


def reflection_model(options: LMOptions, reflection: ReflectionOptions) -> dspy.LM | None:
    """Return the LM that rewrites prompts: its own, else the common one; None where neither is named.

    It has the sampling of its server, since what is right for a judge (temperature 0, short replies) is wrong for it.

    Raises:
        UsageError: An option does not fit it.
    """
    if not (reflection.reflection_lm or options.lm):
        return None
    own = reflection.reflection_lm is not None
    return _made(
        options,
        reflection.reflection_lm,
        reflection.reflection_api_base,
        reflection.reflection_api_key,
        {} if own else _thinking(options),
    )


def _thinking(options: LMOptions) -> dict[str, Any]:
    return {} if options.thinking is None else {"chat_template_kwargs": {"enable_thinking": options.thinking}}


def _made(
    options: LMOptions, name: str | None, api_base: str | None, api_key: str | None, sampling: dict[str, Any]
) -> dspy.LM:
    """Return an LM by its own name, address and key where they are given, else by the common ones."""
    settings = sampling | {"timeout": options.timeout, "retries": options.retries}
    made = lm(
        name or options.lm or "",
        api_base=api_base or options.api_base,
        api_key=api_key or options.api_key,
        price=Price(*options.price) if options.price else None,
        cache=options.cache,
        **{name: value for name, value in settings.items() if value is not None},
    )
    if options.max_cost is not None and options.price is None and isinstance(made.engine, HttpEngine):
        raise UsageError(
            f"--max-cost is given, but the price of {made.model} is unknown",
            "give --price with US dollars per million prompt and completion tokens, or limit --max-calls",
        )
    return made


def rubric_rm(program: ProgramOptions, lms: LMOptions) -> RubricRM:
    """Return the two-stage program with its LMs attached.

    Raises:
        UsageError: No model is named, or options do not fit together.
        DataError: A file is not what it should be.
    """
    rm = RubricRM(
        RubricGenerator(_template(program.rubric_template)),
        _judge(program, lms),
        orders=program.orders,
        rubric=read_rubric(program.rubric) if program.rubric else None,
        enforce_checks=program.enforce_checks,
    )
    rm.judge.set_lm(model(lms, "judge"))
    if rm.rubric is None:
        rm.generate.set_lm(model(lms, "rubric"))
    if program.compiled:
        load_compiled(rm, program.compiled)
    return rm


Comparing = RubricRM | AdaptiveRubricJudge | DirectJudge | ChainOfThoughtJudge
"""The programs that compare two responses."""


def judging_program(program: ProgramOptions, lms: LMOptions) -> Comparing:
    """Return the program that ``--method`` names, with its LMs attached.

    Raises:
        UsageError: No model is named, or options do not fit together.
        DataError: A file is not what it should be.
    """
    if program.method == SCORER:
        raise UsageError(f"--method {SCORER} does not compare two responses", "openrubrics evaluate has a use for it")
    refuse_given(("per_criterion",), f"--method {program.method}")
    if program.method == ADAPTIVE:
        return adaptive_judge(program, lms)
    refuse_given(OF_ADAPTIVE, f"--method {program.method}")
    kinds = {"direct": DirectJudge, "chain-of-thought": ChainOfThoughtJudge}
    if program.method not in kinds:
        return rubric_rm(program, lms)
    refuse_given(_OF_RUBRICS, f"--method {program.method}, which has no rubric")
    judge = kinds[program.method](
        _template(program.judge_template),
        votes=program.votes,
        orders=program.orders,
        temperature=_voting_temperature(lms),
        probabilities=program.probabilities,
    )
    judge.set_lm(model(lms, "judge"))
    if program.compiled:
        load_compiled(judge, program.compiled)
    return judge


def adaptive_judge(program: ProgramOptions, lms: LMOptions) -> AdaptiveRubricJudge:
    """Return the program that goes by a meta-rubric, with its LM attached.

    Raises:
        UsageError: No model is named, or options do not fit together.
        DataError: The meta-rubric is none.
    """
    unfit = (*_OF_RUBRICS, *_OF_COMPARISONS, "compiled", "judge_template")
    refuse_given(unfit, f"--method {ADAPTIVE}, which writes its own criteria and has no votes or templates")
    judge = AdaptiveRubricJudge(
        read_meta_rubric(program.meta_rubric) if program.meta_rubric else default_meta_rubric(),
        domain=program.domain,
        two_calls=program.two_calls,
        aggregation=program.aggregation,
        threshold=program.threshold,
        orders=program.orders,
        guards=not program.no_guards,
    )
    judge.set_lm(model(lms, "judge"))
    return judge


def rubric_scorer(program: ProgramOptions, lms: LMOptions) -> RubricScorer:
    """Return the program that scores one response, with its LMs attached.

    Raises:
        UsageError: No model is named, or options do not fit together.
        DataError: A file is not what it should be.
    """
    refuse_given((*_OF_COMPARISONS, *OF_ADAPTIVE), f"--method {SCORER}")
    scorer = RubricScorer(
        RubricGenerator(_template(program.rubric_template)),
        rubric=read_rubric(program.rubric) if program.rubric else None,
        per_criterion=program.per_criterion,
        template=_template(program.judge_template),
    )
    scorer.predict.set_lm(model(lms, "judge"))
    if scorer.rubric is None:
        scorer.generate.set_lm(model(lms, "rubric"))
    if program.compiled:
        load_compiled(scorer.generate, program.compiled, writer_of=RubricRM)
    return scorer


def refuse_given(names: Collection[str], where: str) -> None:
    """Refuse options of the command that were given on the command line.

    Args:
        names: Names of parameters.
        where: What they are not for.

    Raises:
        UsageError: The message names those that were given.
    """
    params = click.get_current_context().command.params
    given = [param.opts[0] for param in params if param.name in names and was_given(param.name)]
    if given:
        raise UsageError(f"{' and '.join(given)} cannot be used with {where}", "leave one of the two out")


def was_given(name: str | None) -> bool:
    """Tell whether a parameter of the command was given on the command line."""
    return bool(name) and click.get_current_context().get_parameter_source(name or "") is ParameterSource.COMMANDLINE


def contrastive_rm(program: ProgramOptions, lms: LMOptions) -> ContrastiveRubricRM:
    """Return the program of curations with its LMs attached; a fixed rubric and checks by code are not for it.

    Raises:
        UsageError: No model is named, or options do not fit together.
        DataError: A file is not what it should be.
    """
    rm = ContrastiveRubricRM(
        ContrastiveRubricGenerator(_template(program.rubric_template)), _judge(program, lms), orders=program.orders
    )
    rm.judge.set_lm(model(lms, "judge"))
    rm.generate.set_lm(model(lms, "rubric"))
    if program.compiled:
        load_compiled(rm, program.compiled)
    return rm


def _judge(program: ProgramOptions, lms: LMOptions) -> GatekeeperJudge:
    return GatekeeperJudge(
        form=program.form,
        template=_template(program.judge_template),
        votes=program.votes,
        temperature=_voting_temperature(lms),
        probabilities=program.probabilities,
    )


def _voting_temperature(lms: LMOptions) -> float:
    return VOTING_TEMPERATURE if lms.temperature is None else lms.temperature


def rubric_generator(template: Path | None, compiled: Path | None, lms: LMOptions) -> RubricGenerator:
    """Return what writes a rubric from a request alone, with its LM attached.

    Args:
        template: Its template.
        compiled: A saved `RubricRM` whose first stage it is to be; form and template of its judge do not matter.
        lms: The model of the role ``rubric``.

    Raises:
        UsageError: No model is named, or the template has no place for an input.
        DataError: A file is not what it should be.
    """
    generator = RubricGenerator(_template(template))
    generator.set_lm(model(lms, "rubric"))
    if compiled:
        load_compiled(generator, compiled, writer_of=RubricRM)
    return generator


def contrastive_generator(template: Path | None, compiled: Path | None, lms: LMOptions) -> ContrastiveRubricGenerator:
    """As `rubric_generator`, for what writes a rubric by contrast; `compiled` is a saved `ContrastiveRubricRM`."""
    generator = ContrastiveRubricGenerator(_template(template))
    generator.set_lm(model(lms, "rubric"))
    if compiled:
        load_compiled(generator, compiled, writer_of=ContrastiveRubricRM)
    return generator


@contextmanager
def spending(lms: LMOptions) -> Iterator[Meter]:
    """Measure what is spent inside, and stop at the limits that were set."""
    with budget(Budget(max_calls=lms.max_calls, max_cost=lms.max_cost)), usage_meter() as meter:
        yield meter


def read_rubric(path: Path) -> Rubric:
    """Read a rubric from JSON (``.json``) or from its text form.

    Raises:
        DataError: The file holds no rubric; the message says why.
    """
    text = read_text(path)
    try:
        return Rubric.model_validate_json(text) if path.suffix == ".json" else Rubric.parse(text)
    except (ValidationError, ParseError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        reason = ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"]))) if first else str(error)
        raise DataError(f"{path}: not a rubric: {reason}") from error


def text_of(option: str, text: str | None, path: Path | None) -> str:
    """Return a text that is given directly or as a file.

    Raises:
        UsageError: Both are given, or neither.
        DataError: The file is not UTF-8 text.
    """
    if text is not None and path is None:
        return _utf8(option, text)
    if path is not None and text is None:
        return read_text(path)
    count = "both" if path else "neither"
    raise UsageError(f"{option}: {count} of text and file given", f"give {option} TEXT or {option}-file FILE")


def _utf8(option: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{option} is not UTF-8 text", f"write it to a file and give {option}-file FILE") from error
    return text


def _template(path: Path | None) -> str | None:
    return None if path is None else read_text(path)


def read_text(path: Path) -> str:
    """Return the content of a text file, without a byte order mark.

    Raises:
        DataError: It cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
