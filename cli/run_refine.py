"""What `openrubrics refine` does where it searches."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click

from openrubrics.cli.build import model, reflection_model, refuse_given
from openrubrics.cli.optimize_progress import search_progress
from openrubrics.cli.options import LMOptions, ReflectionOptions
from openrubrics.cli.run_folder import holds_replies, refuse_foreign
from openrubrics.cli.run_optimize import read_splits
from openrubrics.cli.sources import SplitOptions
from openrubrics.lms import Budget
from openrubrics.optimizers.refinement.card import RefinementCard
from openrubrics.optimizers.refinement.plan import Judging, RefinePlan, Sizes
from openrubrics.optimizers.refinement.refine import CARD, DOCUMENT, LEDGER, carry_out
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.meta_rubric_file import default_meta_rubric, read_meta_rubric

OF_RUBRICS = ("rubric_lm", "rubric_api_base", "rubric_api_key")


@dataclass(frozen=True)
class Settings:
    """What a search needs besides pairs and LMs."""

    out: Path
    overwrite: bool
    document: Path | None
    val_share: float | None
    generations: int
    population: int
    beam: int
    batch: int | None
    orders: Literal["single", "both"]
    two_calls: bool
    max_total_tokens: int | None
    seed: int
    concurrency: int


def run(settings: Settings, splits: SplitOptions, lms: LMOptions, reflection: ReflectionOptions) -> RefinementCard:
    """Search, write the folder, and return the card; a folder that holds the same run is gone on with."""
    plan = _checked(settings, splits, lms, reflection)
    if holds_replies(settings.out / LEDGER, plan.identity(), overwrite=settings.overwrite):
        click.echo(f"going on with what {settings.out} holds", err=True)
    without = " without --overwrite" if settings.overwrite else ""
    kept = f"the replies are kept in {settings.out}; the same command{without} goes on from there"
    with search_progress(plan.limit, kept=kept, split="training") as tell:
        refined = carry_out(plan, folder=settings.out, overwrite=settings.overwrite, tell=tell)
        refined.save(settings.out)
    return refined.card


def foretell(settings: Settings, splits: SplitOptions, lms: LMOptions, reflection: ReflectionOptions) -> str:
    """Check all that can be checked without a request, and say what a run takes at most."""
    plan = _checked(settings, splits, lms, reflection)
    known = holds_replies(settings.out / LEDGER, plan.identity(), overwrite=settings.overwrite)
    holds = "; the replies that the folder holds are not asked again" if known else ""
    named = {"training": plan.splits.train, "validation": plan.splits.val, "test": plan.splits.test}
    pairs = ", ".join(f"{len(some)} {name} pairs" for name, some in named.items() if some)
    searching = plan.sizes.generations * plan.calls_of_generation
    left = ""
    if plan.limit.max_calls is not None:
        rest = plan.limit.max_calls - plan.calls_before - plan.calls_after
        left = f", for which {rest} of {plan.limit.max_calls} are left"
    return (
        f"{pairs}; scoring takes at most {plan.calls_before} requests before the search and {plan.calls_after} after "
        f"it; {plan.sizes.generations} generations of {plan.sizes.population} take at most {searching}{left}, without "
        f"repeats after failures{holds}; nothing was asked"
    )


def _checked(settings: Settings, splits: SplitOptions, lms: LMOptions, reflection: ReflectionOptions) -> RefinePlan:
    """Return the run, once all that needs no request has been found to be in order."""
    refuse_given(OF_RUBRICS, "refine, where no rubric is written")
    refuse_foreign(settings.out / LEDGER, (settings.out / DOCUMENT, settings.out / CARD), overwrite=settings.overwrite)
    author = reflection_model(lms, reflection)
    if author is None:
        raise UsageError("no model is named that proposes edits", "give --lm or --reflection-lm")
    plan = RefinePlan(
        meta_rubric=read_meta_rubric(settings.document) if settings.document else default_meta_rubric(),
        judging=Judging.adaptive(model(lms, "judge"), orders=settings.orders, two_calls=settings.two_calls),
        author_lm=author,
        splits=read_splits(splits, settings.val_share, settings.seed),
        limit=Budget(max_calls=lms.max_calls, max_cost=lms.max_cost, max_total_tokens=settings.max_total_tokens),
        sizes=Sizes(settings.generations, settings.population, settings.beam, settings.batch),
        seed=settings.seed,
        concurrency=settings.concurrency,
    )
    plan.check()
    return plan
