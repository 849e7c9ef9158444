"""What `openrubrics attribute` does."""

from dataclasses import dataclass, replace
from pathlib import Path

import click

from openrubrics.cli.build import OF_ADAPTIVE, refuse_given, rubric_rm, spending
from openrubrics.cli.one_file import Watch, kept_beside
from openrubrics.cli.options import ADAPTIVE, LMOptions, ProgramOptions
from openrubrics.cli.provenance import described
from openrubrics.cli.show import clean, console
from openrubrics.cli.show_audit import show_audit
from openrubrics.cli.sources import Source, SourceOptions
from openrubrics.data import sha256
from openrubrics.evaluation.audits import Attribution, AttributionPlan, attribute, plan_attribution
from openrubrics.evaluation.report.runs import Run, read_folder
from openrubrics.programs import RubricRM
from openrubrics.signatures import Orders
from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.files import write_whole

_OF_THE_RUN = ("method", "rubric", "rubric_template", "orders", "enforce_checks", *OF_ADAPTIVE)
_OF_RUBRICS = ("rubric_lm", "rubric_api_base", "rubric_api_key")


@dataclass(frozen=True)
class Settings:
    """What an attribution needs besides the judge."""

    folder: Path
    source: SourceOptions
    most: int
    seed: int
    concurrency: int
    out: Path | None
    overwrite: bool


def run(settings: Settings, program: ProgramOptions, lms: LMOptions, *, as_json: bool) -> Attribution:
    """Ask about the criteria, print what was found, write it if a file is named, and return it."""
    judged, orders, planned = _planned(settings)
    if lms.cache:
        raise UsageError("--cache would answer the question that is asked again with the first reply", "leave it out")
    rm = _judge(program, lms)
    told = described(rm, lms, "attribute")
    if told.lm != judged.summary.lm:
        said = f"warning: {settings.folder} was judged by {judged.summary.lm}, and {told.lm} is asked now"
        click.echo(clean(said), err=True)
    run_hash = sha256(settings.folder / "judgments.jsonl")
    identity = {"command": "attribute", "run": run_hash, "orders": orders, **told.identity(settings.seed)}
    with kept_beside(settings.out, identity, overwrite=settings.overwrite) as ledger, spending(lms) as meter:
        found = attribute(
            rm.judge,
            planned,
            orders=orders,
            seed=settings.seed,
            concurrency=settings.concurrency,
            ledger=ledger,
            watch=Watch(settings.out, "judgments"),
        )
        if settings.out:
            write_whole(settings.out, found.model_dump_json(indent=2) + "\n")
    if as_json:
        click.echo(found.model_dump_json(indent=2))
        return found
    _show(found)
    usage = meter.usage
    click.echo(f"{clean(told.lm)}: {found.asked} judgments, {usage.calls} calls, {usage.tokens} tokens")
    click.echo(f"written to {settings.out}" if settings.out else "nothing was written: name a file with --out")
    return found


def foretell(settings: Settings, program: ProgramOptions) -> str:
    """Say how many requests will be sent."""
    _, orders, planned = _planned(settings)
    votes = program.votes // 2 + 1  # the first half of the votes is one request
    requests = len(planned.variants) * votes * (2 if orders == "both" else 1)
    return (
        f"pairs: {len(planned.pairs)} of {planned.of} that can be asked about; {len(planned.variants)} judgments, at "
        f"most {requests} requests, without repeats after failures; nothing was asked"
    )


def _planned(settings: Settings) -> tuple[Run, Orders, AttributionPlan]:
    refuse_given(_OF_THE_RUN, "attribute, where the run says it")
    refuse_given(_OF_RUBRICS, "attribute, where no rubric is written")
    judged = read_folder(settings.folder)
    if judged.orders is None:
        raise DataError(f"{settings.folder} holds scores of single responses", "give a run that compared pairs")
    if judged.summary.method == ADAPTIVE:
        message = f"{settings.folder} was judged by {ADAPTIVE}, which writes criteria for each comparison anew"
        raise DataError(message, "its judgments say which criterion decided; attribute takes runs of rubric-rm")
    pairs = Source(settings.source).pairs()
    return judged, judged.orders, plan_attribution(pairs, judged.judged(), most=settings.most, seed=settings.seed)


def _judge(program: ProgramOptions, lms: LMOptions) -> RubricRM:
    """Return the two-stage program, of which only the judge will be asked."""
    own = replace(lms, rubric_lm=lms.judge_lm, rubric_api_base=lms.judge_api_base, rubric_api_key=lms.judge_api_key)
    return rubric_rm(program, own)


def _show(found: Attribution) -> None:
    out = console()
    for name, text in found.criteria.items():
        click.echo(clean(f"{name}: {text}"))
    show_audit(out, found)
    for first, second in found.redundant:
        click.echo(f"redundant on these pairs: {first} and {second} say the same wherever both decide")
    click.echo(f"{found.pairs} of {found.of} pairs were asked about")
