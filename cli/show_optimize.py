"""What a search for prompts came to, for a person at a terminal."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from openrubrics.cli.failed import exit_code
from openrubrics.cli.progress import duration
from openrubrics.cli.show import clean, console
from openrubrics.evaluation import Figures, Paired
from openrubrics.optimizers import Card, SplitScores
from openrubrics.optimizers.card_text import command_for, why_not_tested
from openrubrics.programs.artifact import judge_form, read_artifact

_IDS = 8
_LEAST_P = 0.001


def report(card: Card, artifact: Path, as_json: bool, max_failed: float) -> int:
    """Print the card, and what to do next with the file that holds the program; return the exit code."""
    if as_json:
        click.echo(card.model_dump_json(indent=2))
    else:
        show_card(console(), card)
        files = ", ".join(sorted(path.name for path in artifact.parent.iterdir()))
        click.echo(f"written to {artifact.parent}: {files}")
        file = shlex.quote(str(artifact))
        form = judge_form(read_artifact(artifact).manifest)
        click.echo(f"next: openrubrics diff {file}")
        click.echo(f"next: {command_for(card, file)}{f' --form {form}' if form != 'seed' else ''}")
    after = [scores.after for scores in (card.val, card.test) if scores]
    code = exit_code(sum(one.failed for one in after), sum(one.comparisons for one in after), max_failed)
    if code:
        click.echo("why they do is in the judgments.jsonl that openrubrics evaluate --out DIR writes", err=True)
    return code


def show_card(out: Console, card: Card) -> None:
    """Print the scores before and after, what they are worth, and what was spent."""
    splits = show_scores(out, card.val, card.test)
    biased = "it chose the prompts, so this is biased upwards" if card.base != card.program else ""
    said = (change_of("validation", card.val, biased), *([change_of("test", card.test)] if card.test else ()))
    longer = ", ".join(f"{scores.after.length_baseline:.3f} on {name}" for name, scores in splits.items())
    for line in (*said, f"always taking the longer response: {longer}", *_story(card)):
        out.print(Text(clean(line)), soft_wrap=True)


def show_scores(out: Console, val: SplitScores, test: SplitScores | None) -> dict[str, SplitScores]:
    """Print the scores before and after, and return them by the name of their split."""
    splits = {"validation": val} | ({"test": test} if test else {})
    table = Table("", box=SIMPLE, pad_edge=False)
    for heading in ("accuracy (95 %)", "consistent", "ties", "failed"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, scores in splits.items():
        table.add_row(f"{name}, {scores.pairs} pairs")
        table.add_row("  before", *_cells(scores.before))
        table.add_row("  after", *_cells(scores.after))
    out.print(table)
    return splits


def _cells(figures: Figures) -> tuple[str, ...]:
    (low, high), consistent = figures.accuracy_ci, figures.consistent_accuracy
    return (
        f"{figures.accuracy:.3f} ({low:.3f}-{high:.3f})",
        "-" if consistent is None else f"{consistent:.3f}",
        str(figures.ties),
        str(figures.failed),
    )


def change_of(name: str, scores: SplitScores, instead: str = "") -> str:
    """Return in one line how a split changed, and what is to be said of that."""
    paired: Paired = scores.change
    low, high = paired.difference_ci
    return (
        f"{name}: {paired.difference:+.3f} (95 %: {low:+.3f} to {high:+.3f}), gained {paired.gained}, lost "
        f"{paired.lost}, McNemar's p {_p(paired.mcnemar_p)}: {instead or paired.verdict}"
    )


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= _LEAST_P else f"< {_LEAST_P}"


def _listed(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _IDS} more" if len(ids) > _IDS else ""
    return ", ".join(ids[:_IDS]) + more


def _story(card: Card) -> list[str]:
    """Return what else is to be said, in lines."""
    lines = [f"verdict: {card.verdict}{'' if card.test else f': {why_not_tested(card)}'}"]
    if card.target == "contrastive":
        lines.append("accuracy here is label consistency: who writes the rubric sees which response is preferred")
    if card.base == card.program:
        lines.append("the prompts are those of before: no candidate did better on validation")
    if card.candidates == 1 and card.reflection_lm:
        lines.append("no other prompts came up; optimizer.log has what happened in the search")
    lines += [
        f"{_number(demos.count, 'demonstration')} for {demos.predictor} ({demos.characters} characters), from training "
        f"pairs {_listed(demos.pairs)}"
        for demos in card.demos
        if demos.count
    ]
    usage = card.usage
    cost = f", {usage.cost:.4f} US dollars" if usage.cost else ""
    models = " + ".join(dict.fromkeys(card.lms.values()))
    reflection = f", prompts by {card.reflection_lm}" if card.reflection_lm else ""
    return [
        *lines,
        f"the search with {card.optimizer} ended: {card.stopped}",
        f"{_number(card.candidates, 'candidate')}, {_number(card.runs, 'program run')}",
        f"{models}{reflection}: {usage.calls} calls, {usage.tokens} tokens{cost}, {duration(card.seconds)}",
    ]


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
