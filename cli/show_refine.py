"""What a refinement came to, for a person at a terminal."""

import shlex
from collections.abc import Iterator

import click
from rich.console import Console
from rich.text import Text

from openrubrics.cli.failed import exit_code
from openrubrics.cli.progress import duration
from openrubrics.cli.run_refine import Settings
from openrubrics.cli.show import clean, console
from openrubrics.cli.show_optimize import change_of, show_scores
from openrubrics.optimizers.refinement.card import RefinementCard
from openrubrics.optimizers.refinement.refine import DOCUMENT

_DOMAINS = 8


def report(card: RefinementCard, settings: Settings, as_json: bool, max_failed: float) -> int:
    """Print the card, and what to do next; return the exit code."""
    if as_json:
        click.echo(card.text(), nl=False)
    else:
        show_refinement(console(), card)
        files = ", ".join(sorted(path.name for path in settings.out.iterdir()))
        click.echo(f"written to {settings.out}: {files}")
        document = shlex.quote(str(settings.out / DOCUMENT))
        before = f"{shlex.quote(str(settings.document))} " if settings.document else ""
        click.echo(f"next: openrubrics diff {before}{document}")
        click.echo(f"next: openrubrics evaluate --method openrs --meta-rubric {document} --pairs PAIRS")
    after = [scores.after for scores in (card.val, card.test) if scores]
    return exit_code(sum(one.failed for one in after), sum(one.comparisons for one in after), max_failed)


def show_refinement(out: Console, card: RefinementCard) -> None:
    """Print the scores before and after, what they are worth, the edits with their evidence, and what was spent."""
    show_scores(out, card.val, card.test)
    biased = "it chose the document, so this is biased upwards" if card.base != card.refined else ""
    said = [change_of("validation", card.val, biased)]
    said += [change_of("test", card.test)] if card.test else []
    said += [_by_domain(card)] if len(card.domains) > 1 else []
    for line in (*said, *_story(card)):
        out.print(Text(clean(line)), soft_wrap=True)


def _by_domain(card: RefinementCard) -> str:
    """Say in one line what became of each domain, big ones first."""
    big = sorted(card.domains.items(), key=lambda item: -item[1].pairs)
    listed = ", ".join(
        f"{name or 'no domain'} {one.before:.3f} to {one.after:.3f} ({one.pairs} pair{'s' * (one.pairs > 1)})"
        for name, one in big[:_DOMAINS]
    )
    return f"test by domain: {listed}{f', and {len(big) - _DOMAINS} more' if len(big) > _DOMAINS else ''}"


def _why_none(card: RefinementCard) -> str:
    if card.candidates == 1:
        return "no other one was tried"
    if not card.accepted:
        return "no edit did better on the training pairs"
    return "no edit did better on validation"


def _story(card: RefinementCard) -> Iterator[str]:
    why = (
        "the limit did not last for judging the test pairs again" if card.sizes["test"] else "there were no test pairs"
    )
    yield f"verdict: {card.verdict}{'' if card.test else f': {why}'}"
    if not card.lineage:
        yield f"the document is that of before: {_why_none(card)}"
    for step in card.lineage:
        fixes, breaks, failed = (len(ids) for ids in (step.effect.fixes, step.effect.breaks, step.effect.failed))
        lost = f" ({failed} without a judgment)" if failed else ""
        how = "joined with another one: " if step.other else ""
        yield f"{how}{'; '.join(str(proposal.edit) for proposal in step.proposals)}"
        yield (
            f"  on training pairs it fixes {fixes} and breaks {breaks}{lost}: {step.train_before:.3f} to "
            f"{step.train_after:.3f}"
        )
        for proposal in step.proposals:
            yield f"  from {proposal.cluster}{f'; {proposal.reason}' if proposal.reason else ''}"
    yield f"version {card.version}; {card.cost[0]} to {card.cost[1]} {card.cost_unit}"
    yield (
        f"the search ended: {card.stopped}; {card.candidates} documents in {card.generations} generations, "
        f"{card.accepted} accepted, {card.judgments} judgments"
    )
    if card.unjudged:
        yield f"{card.unjudged} of {card.sizes['train']} training pairs got no judgment; nothing was learnt from them"
    unreadable, refused = sum(card.unreadable.values()), sum(card.refused.values())
    yield (
        f"asked for edits {card.asked} times; {unreadable} replies were unreadable, {refused} edits did not fit, "
        f"{card.repeated} had been tried before"
    )
    for what, reasons in (("unreadable", card.unreadable), ("did not fit", card.refused)):
        if reasons:
            reason = max(reasons, key=lambda one: reasons[one])
            yield f"  {what}, {reasons[reason]} of {sum(reasons.values())}: {reason}"
    usage = card.usage
    cost = f", {usage.cost:.4f} US dollars" if usage.cost else ""
    models = " + ".join(dict.fromkeys(card.lms.values()))
    yield f"{models}: {usage.calls} calls, {usage.tokens} tokens{cost}, {duration(card.seconds)}"
