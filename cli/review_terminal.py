"""The review of proposed edits in a terminal, line by line; also from a pipe."""

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Literal

import click

from openrubrics.cli.show import clean
from openrubrics.optimizers.refinement.decisions import STATEMENT, principle_name
from openrubrics.optimizers.refinement.evidence import ChangedPair, ProposedEdit, Said
from openrubrics.optimizers.refinement.review import Review, principle_of
from openrubrics.signatures.edits import Delete
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.meta_rubric import CRITERION_TYPES, MetaPrinciple, MetaRubric

_KINDS = {"add": "Add", "delete": "Delete", "modify": "Change"}
_DONE = {"accept": "accepted", "reject": "rejected", "rewrite": "rewritten"}
_MARKS = {"kept": " ", "added": "+", "changed": "~", "deleted": "-"}
_OUTCOMES = {"chosen": "right", "rejected": "wrong", "tie": "a tie", "failed": "no judgment"}
_CHOICES = "accept (a), reject (r), rewrite (w), see the pairs (p), go on (Enter), end (q)"


def review_in_terminal(review: Review, out: Path) -> MetaRubric:
    """Ask about one edit after the other and for a signature, and return the signed document.

    Each decision is saved when its line says so. The end of the input ends the review, and what was saved stays.

    Args:
        review: What is decided about.
        out: Where the document is going to be written, for the person to know.

    Raises:
        click.Abort: The review ended without a signature.
    """
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    proposals = review.proposals
    _say(
        f"{proposals.meta_rubric.name}, version {proposals.meta_rubric.version}, part {proposals.domain}: "
        f"{proposals.right} of {proposals.pairs} pairs are judged right by {_line(proposals.lm)}"
    )
    for principle in proposals.meta_rubric.part(proposals.domain).principles:
        _say(f"  {_shown(principle)}")
    who = _asked_for_name()
    for number, proposal in enumerate(proposals.proposals, 1):
        _say(f"\nEdit {number} of {len(proposals.proposals)}: {_title(proposal)}")
        _show(review, proposal)
        if not _decided(review, proposal, who):
            break
    return _signed(review, out)


def _decided(review: Review, proposal: ProposedEdit, who: str) -> bool:
    """Ask until there is a decision; return whether to go on with the next edit."""
    while True:
        match _ask(f"{_CHOICES}: ").lower():
            case "a" | "accept":
                done = _save(review, proposal, "accept", who)
            case "r" | "reject":
                done = _save(review, proposal, "reject", who)
            case "w" | "rewrite":
                done = _save(review, proposal, "rewrite", who)
            case "p" | "pairs":
                _show_pairs(proposal)
                done = False
            case "":
                return True
            case "q" | "end":
                return False
            case other:
                _say(f"there is no choice {other!r}")
                done = False
        if done:
            return True


def _save(review: Review, proposal: ProposedEdit, verdict: Literal["accept", "reject", "rewrite"], who: str) -> bool:
    type_ = text = ""
    if verdict == "rewrite":
        now = _wanted(review, proposal)
        for rule in review.proposals.meta_rubric.types:
            _say(f"  {rule.type}: {rule.text}")
        _say("The pairs were judged under the proposed text; nobody has judged them under another one.")
        type_ = _ask(f"Type, one of {', '.join(CRITERION_TYPES)} (Enter keeps {now.type}): ") or now.type
        text = _ask("Text (Enter keeps it): ") or now.text
    note = _ask("Note (Enter for none): ")
    try:
        review.decide(proposal.id, verdict, who=who, note=note, type=type_, text=text)
    except UsageError as error:
        _say(f"not saved: {error}")
        return False
    _say(f"saved: {_DONE[verdict]}")
    return True


def _signed(review: Review, out: Path) -> MetaRubric:
    state = review.state
    _say(f"\nWhat the decisions make of {review.proposals.domain}:")
    for line in state.result:
        _say(f"{_MARKS[line.change]} {_shown(line.principle)}")
    _say(f"{state.unsigned} decisions to sign, {len(state.undecided)} edits undecided")
    _say("Edits were tried one by one: nobody has judged the pairs under all of them together.")
    if not state.unsigned:
        raise click.Abort
    if state.undecided and _ask("Leave them undecided? (y/N): ").lower() not in ("y", "yes"):
        raise click.Abort
    _say(f"Signing writes version {state.version} to {out}, and ends the review. You sign:\n{STATEMENT}")
    while name := _ask("Sign with your name (Enter to leave it unsigned): "):
        try:
            return review.sign(name, leave_undecided=bool(state.undecided))
        except UsageError as error:
            _say(f"not signed: {error}")
    raise click.Abort


def _asked_for_name() -> str:
    while True:
        name = _ask("Your name, which is kept with each decision: ")
        if any(character.isalnum() for character in name):
            return name


def _show(review: Review, proposal: ProposedEdit) -> None:
    before = principle_of(review.proposals.meta_rubric, proposal.edit)
    if standing := review.state.standing.get(proposal.id):
        _say(
            f"  {_DONE[standing.verdict]} by {standing.who}{', and signed' if standing.signed else ', not signed yet'}"
        )
        if standing.note:
            _say(f"  note: {_line(standing.note)}")
    _say(f"  why: {_line(proposal.why) or 'no reason was given'}")
    _say(f"  failures it is to mend: {_line(proposal.cluster) or 'none were named'}")
    if before:
        _say(f"- {_shown(before)}")
    if not isinstance(proposal.edit, Delete):
        _say(f"+ {_shown(proposal.edit.principle)}")
    if standing and standing.verdict == "rewrite":
        _say(f"rewritten: {_shown(_wanted(review, proposal))}")
    for what, pairs in (("fixes", proposal.fixes), ("breaks", proposal.breaks)):
        _say(f"  {what} {len(pairs)} of {review.proposals.pairs} pairs{': ' if pairs else ''}{_ids(pairs)}")
    if proposal.failed:
        _say(f"  {proposal.failed} pairs have no judgment under the edited document")


def _show_pairs(proposal: ProposedEdit) -> None:
    for what, pairs in (("fixed", proposal.fixes), ("broken", proposal.breaks)):
        for pair in pairs:
            _say(f"\n  {what}: {_line(pair.id)}")
            _block("request", pair.prompt)
            for name, text in (("A", pair.response_a), ("B", pair.response_b)):
                _block(f"Response {name}{', which people prefer' if name == pair.label else ''}", text)
            _show_said("before", pair.before)
            _show_said("after", pair.after)


def _show_said(when: str, said: Said) -> None:
    by = ", by code" if said.by == "checks" else ""
    _say(f"  {when}: {_OUTCOMES[said.outcome]}{by}. {_line(said.why)}")
    for shown in said.orders:
        if shown.compared:
            _say(f"    {shown.order[0]} shown first, score {shown.score if shown.score is not None else 'none'}")
        for one in shown.compared:
            better = "alike" if one.better == "tie" or not one.by else f"{one.better} by {one.by}"
            _say(_line(f"[{one.type}] {one.text} {better}. {one.reason}", "      "))
            for name, quote in (("A", one.evidence_a), ("B", one.evidence_b)):
                if quote:
                    missing = " (not in the response)" if name in one.unquoted else ""
                    _say(_line(f"{name}{missing}: {quote}", "        "))


def _wanted(review: Review, proposal: ProposedEdit) -> MetaPrinciple:
    """Return the principle that rewriting begins with: as it stands or was proposed; where it is deleted, as it is."""
    standing = review.state.standing.get(proposal.id)
    edit = standing.edit if standing else proposal.edit
    if not isinstance(edit, Delete):
        return edit.principle
    before = principle_of(review.proposals.meta_rubric, edit)
    if before is None:
        raise UsageError(f"there is no principle {edit.name!r}")
    return before


def _title(proposal: ProposedEdit) -> str:
    return f"{_KINDS[proposal.edit.kind]} {principle_name(proposal.edit)}"


def _shown(principle: MetaPrinciple) -> str:
    return f"{principle.name} [{principle.type}]: {principle.text}"


def _ids(pairs: tuple[ChangedPair, ...], most: int = 5) -> str:
    return ", ".join(_line(pair.id) for pair in pairs[:most]) + (", …" if len(pairs) > most else "")


def _line(text: str, indent: str = "") -> str:
    """Return a text on one line, so that it cannot pass for lines of ours."""
    return indent + " ".join(text.split())


def _block(name: str, text: str) -> None:
    _say(f"    {name}:")
    for line in clean(text).split("\n"):
        _say(f"      {line}")


def _say(text: str) -> None:
    """Print a text, which may come from anywhere, without what steers a terminal."""
    click.echo(clean(text))


def _ask(question: str) -> str:
    """Print a question and return the line that is typed.

    Raises:
        click.Abort: The input has ended.
    """
    click.echo(question, nl=False)
    line = sys.stdin.readline()
    if not line:
        click.echo()
        raise click.Abort
    return line.strip()
