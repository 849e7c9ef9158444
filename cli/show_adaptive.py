"""Judgments on criteria of their own, for a person at a terminal; text from models is untrusted here too."""

from rich.console import Console
from rich.text import Text

from openrubrics.signatures import Failed, Judgment, Label, OrderOutcome, ParseError, Verdict
from openrubrics.signatures.adaptive_text import TYPE_TAGS, AdaptiveTrace
from openrubrics.signatures.model_text import clean
from openrubrics.signatures.outcomes import Compared

_HEADINGS = {
    "AB": "\nWith Response A shown first",
    "BA": "\nWith Response B shown first (reasons call it Response A, as it was shown)",
}
_STYLES = {"critical": "bold red", "core": "bold cyan", "important": "cyan", "highlight": "magenta"}


def show_compared(out: Console, judgment: Judgment) -> None:
    """Print intent, criteria with margins, evidence and reasons, and the score, for each order that was shown."""
    if judgment.domain:
        out.print(Text("Part of the meta-rubric: ", style="bold").append(clean(judgment.domain), style="not bold"))
    intent = next((said for shown in judgment.orders if (said := _intent(shown))), "")
    if intent:
        out.print(Text("Intent: ", style="bold").append(clean(intent), style="not bold"))
    for shown in judgment.orders:
        if len(judgment.orders) > 1:
            out.print(Text(_HEADINGS[shown.order], style="bold"))
        for number, one in enumerate(shown.compared, 1):
            _show_one(out, number, one)
        if shown.score is not None:
            out.print(Text(f"\nScore {shown.score:+.3f} (above 0 for Response A): {_preferred(shown)}"))
        if isinstance(shown.outcome, Failed) and len(judgment.orders) > 1:
            out.print(Text(f"failed: {clean(shown.outcome.reason)}", style="red"))


def _show_one(out: Console, number: int, one: Compared) -> None:
    margin = "tie" if not one.value else f"{one.better} by {one.by}"
    line = Text(f"{number:3}. ").append(clean(one.text)).append(" ")
    line.append(f"[{TYPE_TAGS[one.type]}]", style=_STYLES[one.type]).append(f" {margin}", style="bold")
    out.print(line)
    evidence: tuple[tuple[Label, str], ...] = (("A", one.evidence_a), ("B", one.evidence_b))
    for label, text in evidence:
        if text:
            said = Text(f"     {label}: {clean(text)}", style="dim")
            if label in one.unquoted:
                said.append(f" (not found in Response {label})", style="not dim yellow")
            out.print(said)
    if one.reason:
        out.print(Text(f"     {clean(one.reason)}"))


def _intent(shown: OrderOutcome) -> str:
    """Return the intent that a reply gives; of two replies, each with its thinking, it stands before the last one's."""
    for vote in shown.votes:
        before, _, _ = vote.raw.rpartition("</think>")
        for parse, text in ((AdaptiveTrace.parse, vote.raw), (AdaptiveTrace.parse_criteria, before)):
            try:
                return parse(text).intent
            except ParseError:
                continue
    return ""


def _preferred(shown: OrderOutcome) -> str:
    return f"Response {shown.outcome.preferred}" if isinstance(shown.outcome, Verdict) else shown.outcome.kind
