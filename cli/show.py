"""Judgments, rubrics and summaries for a person at a terminal.

Text from models and files is untrusted: control characters are replaced, and nothing in it is read as markup.
"""

from collections.abc import Iterable, Mapping

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from openrubrics.cli.show_adaptive import show_compared
from openrubrics.evaluation import Figures, Summary
from openrubrics.signatures import Failed, Judgment, Rubric, Tie, Verdict
from openrubrics.signatures.model_text import clean
from openrubrics.signatures.rubric_text import TAGS

_DECIDED = {"judge": "", "checks": " (decided by code)", "reference": " (decided by the reference answer)"}
_MARKS = {"hard_rule": "bold cyan", "principle": "magenta"}


def console(stderr: bool = False) -> Console:
    """Return a console that writes plain text when it is not a terminal."""
    return Console(stderr=stderr, highlight=False, soft_wrap=False)


def show_rubric(out: Console, rubric: Rubric) -> None:
    """Print the numbered criteria with their kinds."""
    for number, criterion in enumerate(rubric.criteria, 1):
        line = Text(f"{number:3}. ").append(clean(criterion.text)).append(" ")
        line.append(f"[{TAGS[criterion.kind]}]", style=_MARKS[criterion.kind])
        if criterion.check is not None:
            line.append(f" (checked by code: {clean(criterion.check.name)})", style="dim")
        out.print(line)


def show_judgment(out: Console, judgment: Judgment) -> None:
    """Print rubric, gatekeeper, findings side by side, votes and verdict."""
    outcome = judgment.outcome
    if any(shown.compared for shown in judgment.orders):
        _show_adaptive(out, judgment)
        return
    if judgment.rubric is not None:
        out.print(Text("Rubric", style="bold"))
        show_rubric(out, judgment.rubric)
    if judgment.rubric is not None and not isinstance(outcome, Failed):
        out.print(
            Text("\nGatekeeper: ", style="bold").append(clean(outcome.gatekeeper or "none named"), style="not bold")
        )
        _show_findings(out, outcome)
    if isinstance(outcome, Verdict) and outcome.justification:
        out.print(Text("\nJustification: ", style="bold").append(clean(outcome.justification), style="not bold"))
    for shown in judgment.orders:
        if len(judgment.orders) > 1 or len(shown.votes) > 1:
            first = "A" if shown.order == "AB" else "B"
            votes = f", votes {_votes(_name(vote.outcome) for vote in shown.votes)}" if len(shown.votes) > 1 else ""
            out.print(Text(f"With Response {first} shown first: {_name(shown.outcome)}{votes}"))
    out.print(_verdict_line(judgment))


def _show_adaptive(out: Console, judgment: Judgment) -> None:
    show_compared(out, judgment)
    if isinstance(judgment.outcome, Verdict):
        out.print(
            Text("\nJustification: ", style="bold").append(clean(judgment.outcome.justification), style="not bold")
        )
    out.print(_verdict_line(judgment))


def _show_findings(out: Console, outcome: Verdict | Tie) -> None:
    numbers = sorted({finding.criterion for finding in outcome.findings})
    if not numbers:
        return
    table = Table("#", "Response A", "Response B", show_lines=True, title_justify="left")
    for number in numbers:
        cells = [
            clean("\n".join(f.text for f in outcome.findings if f.criterion == number and f.response == label))
            for label in ("A", "B")
        ]
        table.add_row(str(number), *(Text(cell) for cell in cells))
    out.print(table)


def _verdict_line(judgment: Judgment) -> Text:
    outcome = judgment.outcome
    by = _DECIDED[judgment.decided_by] + " (reference-assisted)" * judgment.reference_assisted
    match outcome:
        case Verdict():
            chance = f", probability {outcome.probability:.3f}" if outcome.probability is not None else ""
            return Text(f"\nWinner: Response {outcome.preferred}{chance}{by}", style="bold green")
        case Tie():
            return Text(f"\nTie: {clean(outcome.reason)}{by}", style="bold yellow")
        case Failed():
            return Text(f"\nFailed, no verdict: {clean(outcome.reason)}", style="bold red")


def _name(outcome: Verdict | Tie | Failed) -> str:
    return f"Response {outcome.preferred}" if isinstance(outcome, Verdict) else outcome.kind


def _votes(names: Iterable[str]) -> str:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def without_comparison(decided_by: Mapping[str, int]) -> list[str]:
    """Return a line that says how many pairs were decided before the judge compared; none where none were."""
    checks, reference = decided_by.get("checks", 0), decided_by.get("reference", 0)
    if not checks and not reference:
        return []
    return [f"decided without a comparison by the judge: {checks} pairs by code, {reference} by the reference answer"]


def show_summary(out: Console, summary: Summary) -> None:
    """Print the figures of a run, by domain where there are several."""
    table = Table("pairs by domain", box=SIMPLE, pad_edge=False)
    for heading in ("n", "accuracy (95 %)", "consistent", "ties", "failed", "longer"):
        table.add_column(heading, justify="right", no_wrap=True)
    rows: Mapping[str, Figures] = {"all": summary}
    if len(summary.by_domain) > 1:
        rows = dict(rows) | dict(sorted(summary.by_domain.items()))
    for name, figures in rows.items():
        low, high = figures.accuracy_ci
        consistent = figures.consistent_accuracy
        table.add_row(
            Text(clean(name)),
            str(figures.pairs),
            f"{figures.accuracy:.3f} ({low:.3f}-{high:.3f})",
            "-" if consistent is None else f"{consistent:.3f}",
            str(figures.ties),
            str(figures.failed),
            f"{figures.length_baseline:.3f}",
        )
    out.print(table)
    bias = "-" if summary.position_bias is None else f"{summary.position_bias:+.3f}"
    kappa = "" if summary.kappa is None else f", kappa between runs {summary.kappa:.3f}"
    cost = f", {summary.cost:.4f} US dollars" if summary.cost else ""
    assisted = f"reference-assisted: {summary.reference_assisted} of {summary.pairs} pairs came with the right answer"
    for line in (
        *([assisted] if summary.reference_assisted else []),
        *without_comparison(summary.decided_by),
        "accuracy: ties and failures are wrong; consistent: right in both orders;",
        "longer: always taking the longer one",
        f"position bias {bias} (0 is none), coverage {summary.coverage:.3f}{kappa}",
        f"{clean(summary.lm)}: {summary.calls} calls, {summary.tokens} tokens{cost}, {summary.seconds:.1f} s",
    ):
        out.print(Text(line), soft_wrap=True)
    for reason, count in sorted(summary.failures.items(), key=lambda item: -item[1])[:5]:
        out.print(Text(f"failed {count} times: {clean(reason)}", style="red"), soft_wrap=True)
