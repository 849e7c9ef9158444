"""What `openrubrics optimize` does."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Never

import click
from pydantic import JsonValue

from openrubrics.cli.build import contrastive_rm, reflection_model, rubric_rm
from openrubrics.cli.optimize_progress import search_progress
from openrubrics.cli.options import LMOptions, ProgramOptions, ReflectionOptions, set_texts
from openrubrics.cli.run_folder import holds_replies, refuse_foreign
from openrubrics.cli.show import clean
from openrubrics.cli.sources import Source, SplitOptions
from openrubrics.data import split_by_prompt, write_whole
from openrubrics.lms import Budget
from openrubrics.optimizers import OPTIMIZERS, Card, LabelMetric
from openrubrics.optimizers.card_text import card_text
from openrubrics.optimizers.compile import LEDGER, carry_out
from openrubrics.optimizers.limits import affordable_runs, calls_for
from openrubrics.optimizers.plan import Plan
from openrubrics.optimizers.session import Splits
from openrubrics.signatures import PreferencePair, Usage
from openrubrics.signatures.errors import DataError, UsageError

README = "README.md"
VAL_SHARE = 0.4


@dataclass(frozen=True)
class Settings:
    """What a search needs besides pairs, program and LMs."""

    out: Path
    overwrite: bool
    target: Literal["rubric-rm", "contrastive"]
    optimizer: str
    options: tuple[str, ...]
    demos: bool
    val_share: float | None
    length_penalty: float
    position_penalty: float
    max_total_tokens: int | None
    seed: int
    concurrency: int

    @property
    def artifact(self) -> Path:
        """File of the compiled program."""
        return self.out / f"{self.target}.json"


def run(
    settings: Settings, program: ProgramOptions, splits: SplitOptions, lms: LMOptions, reflection: ReflectionOptions
) -> Card:
    """Search, write the folder, and return the card; a folder that holds the same run is gone on with."""
    plan = _checked(settings, program, splits, lms, reflection)
    if holds_replies(settings.out / LEDGER, plan.identity(), overwrite=settings.overwrite):
        click.echo(f"going on with what {settings.out} holds", err=True)
    without = " without --overwrite" if settings.overwrite else ""
    kept = f"the replies are kept in {settings.out}; the same command{without} goes on from there"
    with search_progress(plan.limit, kept=kept) as tell:
        compiled = carry_out(plan, folder=settings.out, overwrite=settings.overwrite, on_progress=tell)
        compiled.save(settings.artifact)
        write_whole(settings.out / README, card_text(compiled.card))
    return compiled.card


def foretell(
    settings: Settings, program: ProgramOptions, splits: SplitOptions, lms: LMOptions, reflection: ReflectionOptions
) -> str:
    """Check all that can be checked without a request, and say what the limits leave for the search."""
    plan = _checked(settings, program, splits, lms, reflection)
    known = holds_replies(settings.out / LEDGER, plan.identity(), overwrite=settings.overwrite)
    holds = "; the replies that the folder holds are not asked again" if known else ""
    named = {"training": plan.splits.train, "validation": plan.splits.val, "test": plan.splits.test}
    sizes = ", ".join(f"{len(pairs)} {name} pairs" for name, pairs in named.items() if pairs)
    scoring = f"scoring takes at most {plan.calls_before} requests before the search and {plan.calls_after} after it"
    return f"{sizes}; {scoring}; {_search(plan)}, without repeats after failures{holds}; nothing was asked"


def _search(plan: Plan) -> str:
    least = f"the smallest search with {plan.optimizer} takes {plan.smallest_search} program runs"
    if plan.limit.max_calls is None:
        return f"{least}, and what the limits leave for it shows once replies have come"
    left = plan.limit.max_calls - plan.calls_before - plan.calls_after
    on_val = Usage(calls=calls_for(plan.program, plan.splits.val))
    runs = affordable_runs(Budget(max_calls=left), on_val, len(plan.splits.val))
    less = " less what the reflection LM is asked" if plan.reflection_lm else ""
    return f"{left} of {plan.limit.max_calls} are left for the search, about {runs} program runs{less}; {least}"


def _checked(
    settings: Settings, program: ProgramOptions, splits: SplitOptions, lms: LMOptions, reflection: ReflectionOptions
) -> Plan:
    """Return the run, once all that needs no request has been found to be in order."""
    refuse_foreign(settings.out / LEDGER, (settings.artifact, settings.out / README), overwrite=settings.overwrite)
    writes = OPTIMIZERS[settings.optimizer].needs_reflection or reflection.reflection_lm
    plan = Plan(
        program=rubric_rm(program, lms) if settings.target == "rubric-rm" else contrastive_rm(program, lms),
        splits=read_splits(splits, settings.val_share, settings.seed),
        optimizer=settings.optimizer,
        limit=Budget(max_calls=lms.max_calls, max_cost=lms.max_cost, max_total_tokens=settings.max_total_tokens),
        reflection_lm=reflection_model(lms, reflection) if writes else None,
        metric=LabelMetric(
            settings.length_penalty, settings.position_penalty, general_only=settings.target == "contrastive"
        ),
        demos=settings.demos,
        seed=settings.seed,
        concurrency=settings.concurrency,
        options=_options(settings.options),
    )
    plan.check()
    return plan


def read_splits(splits: SplitOptions, val_share: float | None, seed: int) -> Splits:
    """Read the splits, and take validation pairs off the training pairs where there are none.

    Raises:
        UsageError: A share is given, and validation pairs too.
        DataError: A row is not what it should be, or there are too few prompts to divide.
    """
    named = splits.named()
    if val_share is not None and "val" in named:
        raise UsageError("--val-share is for runs without --val", "leave one of the two out")
    read = {name: _read(name, Source(options)) for name, options in named.items()}
    if "val" not in read:
        read |= _divided(read["train"], val_share or VAL_SHARE, seed)
    return Splits(read["train"], read["val"], read.get("test", ()))


def _divided(pairs: Sequence[PreferencePair], share: float, seed: int) -> dict[str, list[PreferencePair]]:
    """Set validation pairs aside, and say how many."""
    parts = split_by_prompt(pairs, {"train": 1 - share, "val": share}, seed=seed)
    if not all(parts.values()):
        raise DataError(
            f"--train has too few prompts to set some aside for validation: its number of pairs is {len(pairs)}",
            "give --val, or more pairs",
        )
    click.echo(f"{len(parts['val'])} of the {len(pairs)} pairs of --train are set aside for validation", err=True)
    return parts


def _read(name: str, source: Source) -> list[PreferencePair]:
    pairs = list(source.pairs())
    for reason, count in source.skipped.most_common():
        click.echo(clean(f"--{name}: {count} skipped: {reason}"), err=True)
    return pairs


def _options(given: Sequence[str]) -> dict[str, JsonValue]:
    """Return the options of DSPy's optimizer by name."""
    options: dict[str, JsonValue] = {}
    for name, value in set_texts(given, "option").items():
        try:
            options[name] = json.loads(value, parse_constant=_no_number)
        except ValueError as error:
            raise UsageError(
                f"--set {name}={value}: the value is not JSON: {error}", f"a text is written '{name}=\"...\"'"
            ) from error
    return options


def _no_number(text: str) -> Never:
    raise ValueError(f"{text} is no JSON number")
