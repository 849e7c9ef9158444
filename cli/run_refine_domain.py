"""What `openrubrics refine --domain` does: propose, let a person decide, write what was signed."""

import asyncio
import os
import sys
import tempfile
import webbrowser
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Literal

import click

from openrubrics.cli.build import model, reflection_model, refuse_given, spending
from openrubrics.cli.options import LMOptions, ReflectionOptions, refuse_existing
from openrubrics.cli.progress import progress
from openrubrics.cli.review_terminal import review_in_terminal
from openrubrics.cli.run_refine import OF_RUBRICS
from openrubrics.cli.show import clean
from openrubrics.cli.sources import Source, SourceOptions
from openrubrics.data import Ledger, write_whole
from openrubrics.optimizers.refinement.decisions import read_decisions, replay
from openrubrics.optimizers.refinement.domain import DomainPlan, apropose_for_domain, check_domain, pairs_identity
from openrubrics.optimizers.refinement.evidence import Proposals, read_proposals, write_proposals
from openrubrics.optimizers.refinement.plan import Judging
from openrubrics.optimizers.refinement.review import Review
from openrubrics.serving.review import aserve_review
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.meta_rubric import MetaRubric
from openrubrics.signatures.meta_rubric_file import default_meta_rubric, read_meta_rubric


@dataclass(frozen=True)
class Proposing:
    """From what edits are proposed, and how."""

    domain: str | None
    document: Path | None
    source: SourceOptions
    edits: int
    orders: Literal["single", "both"]
    two_calls: bool
    seed: int
    concurrency: int
    lms: LMOptions
    reflection: ReflectionOptions

    @property
    def meta_rubric(self) -> MetaRubric:
        """The document to start from."""
        return _document(self.document)

    def plan(self) -> DomainPlan:
        """Return what is to be proposed, checked.

        Raises:
            UsageError: Something is missing, or the document has no such domain.
            DataError: A file is not what it should be.
        """
        if not self.source.pairs:
            raise UsageError("there are no pairs to propose edits from", "give --pairs")
        author = reflection_model(self.lms, self.reflection)
        if author is None:
            raise UsageError("no model is named that proposes edits", "give --lm or --reflection-lm")
        domain = self.domain or ""
        judge = model(self.lms, "judge")
        plan = DomainPlan(
            meta_rubric=self.meta_rubric,
            domain=domain,
            judging=Judging.adaptive(judge, domain=domain, orders=self.orders, two_calls=self.two_calls),
            author_lm=author,
            pairs=list(Source(self.source).pairs()),
            most=self.edits,
            seed=self.seed,
            concurrency=self.concurrency,
        )
        plan.check()
        return plan


@dataclass(frozen=True)
class Reviewing:
    """Where decisions go, and how they are made."""

    decisions: Path
    out: Path
    overwrite: bool
    terminal: bool
    port: int
    opens: bool

    @property
    def proposals(self) -> Path:
        """File of what was proposed."""
        return self.decisions.with_name(f"{self.decisions.stem}.proposals.json")

    @property
    def ledger(self) -> Path:
        """File of replies, as long as the proposals are not complete."""
        return self.decisions.with_name(f"{self.decisions.stem}.ledger")


def run(proposing: Proposing, reviewing: Reviewing) -> int:
    """Propose where nothing is proposed yet, let a person decide, and write the document."""
    proposals = _checked(proposing, reviewing)
    if proposals is None:
        proposals = _proposed(proposing, reviewing)
    else:
        click.echo(f"going on with what {reviewing.proposals} holds; no model is asked", err=True)
    if not proposals.proposals:
        click.echo(f"nothing to decide: no edit was proposed, {_right(proposals)}")
        return 0
    with Review(proposals, reviewing.decisions) as review:
        if (signed := review.signed) != proposals.meta_rubric and not review.state.unsigned:
            click.echo(f"version {signed.version} is signed already: --replay writes it", err=True)
        with _kept(review):
            document = _decided(review, reviewing)
        head = review.head
    try:
        write_whole(reviewing.out, str(document))
    except UsageError as error:
        error.add_note(f"what was signed is kept in {clean(str(reviewing.decisions))}: --replay writes the document")
        raise
    click.echo(f"version {document.version} is written to {reviewing.out}; decisions: {reviewing.decisions}")
    click.echo(f"hash of their last line, by which a file that was cut off is told: {head}")
    return 0


def foretell(proposing: Proposing, reviewing: Reviewing) -> str:
    """Check all that can be checked without a request, and say how many would be sent."""
    if (proposals := _checked(proposing, reviewing)) is not None:
        return f"{len(proposals.proposals)} edits are proposed in {reviewing.proposals}; no model would be asked"
    plan = proposing.plan()
    holds = "; replies that are kept are not asked again" if reviewing.ledger.exists() else ""
    return (
        f"{len(plan.pairs)} pairs and {plan.most} edits take at most {plan.calls} requests, without repeats after "
        f"failures{holds}; nothing was asked"
    )


def run_replay(document: Path | None, decisions: Path, out: Path, *, overwrite: bool, dry_run: bool) -> int:
    """Make the document from decisions, and write it."""
    if not dry_run:
        _check_out(out, (decisions, document), overwrite=overwrite)
    start = _document(document)
    found = read_decisions(decisions)
    replayed = replay(start, decisions)
    if found.cut:
        click.echo(f"the last line of {decisions} was cut off while it was written, and does not count", err=True)
    if found.unsigned:
        click.echo(f"decisions that nobody has signed are not applied: {len(found.unsigned)}", err=True)
    if not dry_run:
        write_whole(out, str(replayed))
    where = "nothing was written" if dry_run else f"written to {out}"
    click.echo(f"version {replayed.version} of {replayed.name} ({replayed.fingerprint}): {where}")
    click.echo(f"hash of the last line: {found.head}")
    return 0


def _document(path: Path | None) -> MetaRubric:
    return read_meta_rubric(path) if path else default_meta_rubric()


def _checked(proposing: Proposing, reviewing: Reviewing) -> Proposals | None:
    """Make sure that a review can begin, and return what was proposed before, if anything."""
    refuse_given(OF_RUBRICS, "refine, where no rubric is written")
    if proposing.domain is None:
        raise UsageError("no domain is named", "give --domain, or --replay to apply decisions that were made")
    read = (proposing.document, Path(proposing.source.pairs) if proposing.source.pairs else None)
    written = (reviewing.decisions, reviewing.proposals, reviewing.ledger)
    document = proposing.meta_rubric
    check_domain(document, proposing.domain)
    _check_out(reviewing.out, (*read, *written), overwrite=reviewing.overwrite)
    if not reviewing.proposals.exists():
        if reviewing.decisions.exists() and reviewing.decisions.stat().st_size:
            raise UsageError(
                f"{reviewing.decisions} is there, and what it decides about, {reviewing.proposals}, is not",
                "put that back, name another file with --decisions, or apply the decisions with --replay",
            )
        return None
    proposals = read_proposals(reviewing.proposals)
    others = [
        what
        for what, differs in (
            ("document", proposals.meta_rubric.fingerprint != document.fingerprint),
            ("domain", proposals.domain != proposing.domain),
            ("pairs", bool(proposing.source.pairs) and _pairs_differ(proposing.source, proposals)),
        )
        if differs
    ]
    if others:
        raise UsageError(
            f"{reviewing.proposals} holds edits of another review: {', '.join(others)} differ",
            "name another file with --decisions, or give what that review was begun with",
        )
    return proposals


def _pairs_differ(source: SourceOptions, proposals: Proposals) -> bool:
    pairs = list(Source(source).pairs())
    return not pairs or pairs_identity(pairs) != proposals.data


def _check_out(out: Path, others: Iterable[Path | None], *, overwrite: bool) -> None:
    """Refuse a place that is no place for a new document; decisions replay from the old one, which has to stay."""
    if any(other and other.resolve() == out.resolve() for other in others):
        raise UsageError(f"{out} is another file of this review", "give another --out")
    refuse_existing(out, overwrite=overwrite)
    if not out.parent.is_dir():
        raise UsageError(f"there is no folder {out.parent}", "make it, or name another place with --out")


def _proposed(proposing: Proposing, reviewing: Reviewing) -> Proposals:
    """Ask, and keep what was proposed."""
    plan = proposing.plan()
    kept = f"the replies are kept in {reviewing.ledger}; the same command goes on from there"
    with Ledger(reviewing.ledger, identity=plan.identity()) as ledger:
        if not ledger.is_empty:
            click.echo(f"going on with what {reviewing.ledger} holds", err=True)
        with spending(proposing.lms) as meter, progress(None, "judging", items="judgments", kept=kept) as advance:
            proposals = asyncio.run(apropose_for_domain(plan, ledger, on_judged=advance))
        write_proposals(reviewing.proposals, proposals)
        ledger.delete()
    click.echo(
        f"{_right(proposals)}; {len(proposals.proposals)} edits are proposed, kept in {reviewing.proposals} "
        f"({meter.usage.calls} calls)",
        err=True,
    )
    return proposals


def _right(proposals: Proposals) -> str:
    return f"{proposals.right} of {proposals.pairs} pairs are judged right, {proposals.failed} have no judgment"


@contextmanager
def _kept(review: Review) -> Iterator[None]:
    """Say on the way out what is kept."""
    try:
        yield
    except BaseException as error:
        error.add_note(
            f"{review.state.unsigned} decisions are not signed; they are kept in {clean(str(review.path))}, and the "
            "same command goes on from there"
        )
        raise


def _decided(review: Review, reviewing: Reviewing) -> MetaRubric:
    """Let a person decide, and return the document when it is signed."""
    if reviewing.terminal:
        return review_in_terminal(review, reviewing.out)
    return asyncio.run(_on_a_page(review, reviewing))


async def _on_a_page(review: Review, reviewing: Reviewing) -> MetaRubric:
    with tempfile.TemporaryDirectory() as folder:

        def ready(url: str) -> None:
            click.echo(f"the review is at {url}\nit ends with the signature, or with Ctrl-C", err=True)
            if reviewing.opens and _has_screen():
                _open(url, Path(folder))

        return await aserve_review(review, on_ready=ready, out=str(reviewing.out.absolute()), port=reviewing.port)


def _open(url: str, folder: Path) -> None:
    """Open the page by way of a file that only this user can read: a command line is seen by all of the machine."""
    path = folder / "review.html"
    path.write_text(
        '<!DOCTYPE html><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
        f'<meta http-equiv="refresh" content="0; url={escape(url, quote=True)}"><title>openrubrics</title>'
    )
    if not webbrowser.open(path.as_uri()):
        click.echo("no browser could be opened: open the address in one", err=True)


def _has_screen() -> bool:
    """Whether a browser would open beside this terminal, and not in it."""
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
