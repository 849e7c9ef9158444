"""The card of a compiled program, for people: README.md."""

import json
import re
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from openrubrics.data.markdown import plain, table
from openrubrics.evaluation import Figures
from openrubrics.lms.embedded import NAME as EMBEDDED
from openrubrics.optimizers.card import Card, SplitScores

_MOST_IDS = 50

_CLASSES = {
    "rubric-rm": ("RubricRM", "`RubricRM` writes a rubric for a request and compares two responses under it."),
    "contrastive": (
        "ContrastiveRubricRM",
        "`ContrastiveRubricRM` writes a rubric from ranked responses and compares two of them under it, as a curation "
        "does. Its scores say how often the judge reproduces a ranking that the writer of the rubric saw, not how well "
        "unseen responses are judged.",
    ),
}

_USED_BY = {
    "rubric-rm": "openrubrics evaluate --pairs PAIRS",
    "contrastive": "openrubrics curate --pairs PAIRS --out DIR",
}
_PLAIN_NAME = re.compile(r"[\w./:@+-]+")

_SAID = {
    "reliable gain": "The gain is reliable: 0 is outside the interval, and McNemar's test rejects chance (p < 0.05).",
    "no reliable gain": "That is no reliable gain: as many pairs can change by chance. Nor does it show that there is "
    "none; more test pairs would tell.",
    "reliable loss": "The loss is reliable: use the program as it was.",
}


def card_text(card: Card) -> str:
    """Return the card as Markdown."""
    name, what = _CLASSES[card.target]
    sections = (
        f"# Compiled prompts for {name}",
        f"`{card.target}.json` holds the prompts of a `{name}` (instructions and demonstrations), as "
        f"{plain(card.optimizer)} left them. {what} The file holds no model and no code.",
        f"## What it is worth\n\n{_worth(card)}",
        _scores(card),
        *_notes(card),
        "## What it contains of the training pairs",
        *_contents(card),
        f"## How to use it\n\n{_use(card)}",
        "## How it was made\n\n" + table(("", ""), ((plain(key), plain(value)) for key, value in _made(card))),
    )
    return "\n\n".join(sections) + "\n"


def command_for(card: Card, file: str) -> str:
    """Return the command that uses a compiled program as it was measured; words in capitals are to be filled in."""
    writer, judge = (_model_name(card.lms.get(f"{stage}.predict", "")) for stage in ("generate", "judge"))
    models = f"--lm {writer}" if writer == judge else f"--rubric-lm {writer} --judge-lm {judge}"
    address = " --api-base URL" if any(name.startswith("hosted_vllm/") for name in (writer, judge)) else ""
    orders = " --orders both" if card.metric.get("orders") == "both" else ""
    return f"{_USED_BY[card.target]} --compiled {file} {models}{address}{orders}"


def why_not_tested(card: Card) -> str:
    """Return why a card has no scores on test pairs."""
    if card.sizes.get("test"):
        return "the limit did not last for judging the test pairs again"
    return "there were no test pairs"


def _model_name(name: str) -> str:
    if name == EMBEDDED:
        return "embedded"
    return name if _PLAIN_NAME.fullmatch(name) else "MODEL"


def _worth(card: Card) -> str:
    if card.base == card.program:
        return (
            "**Nothing was gained: the prompts are those of before.** No candidate did better on the validation pairs. "
            "Whatever differs below comes from the model's own variation."
        )
    if card.test is None:
        return (
            f"**Not tested: {why_not_tested(card)}.** The only scores are those on the validation pairs, which chose "
            f"these prompts, so that their gain is biased upwards. {_change('On validation', card.val)}"
        )
    verdict = card.test.change.verdict
    return f"**{verdict.capitalize()} on the test pairs.** {_change('On test', card.test)} {_SAID[verdict]}"


def _change(where: str, scores: SplitScores) -> str:
    change = scores.change
    low, high = change.difference_ci
    return (
        f"{where}, accuracy went from {change.before:.3f} to {change.after:.3f}: {change.difference:+.3f} (95 % "
        f"interval {low:+.3f} to {high:+.3f}). Of {change.pairs} pairs {change.gained} became right and {change.lost} "
        f"wrong (McNemar's exact p {_p(change.mcnemar_p)})."
    )


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"


def _scores(card: Card) -> str:
    splits = {"validation": card.val} | ({"test": card.test} if card.test else {})
    header = ("split", "pairs", "prompts", "accuracy (95 %)", "right in both orders", "ties", "failed")
    lines = [
        (split, scores.pairs, when, *_cells(figures))
        for split, scores in splits.items()
        for when, figures in (("before", scores.before), ("after", scores.after))
    ]
    return table(header, lines)


def _cells(figures: Figures) -> tuple[str, ...]:
    (low, high), consistent = figures.accuracy_ci, figures.consistent_accuracy
    return (
        f"{figures.accuracy:.3f} ({low:.3f} to {high:.3f})",
        "not asked" if consistent is None else f"{consistent:.3f}",
        str(figures.ties),
        str(figures.failed),
    )


def _notes(card: Card) -> Iterator[str]:
    baseline = (card.test or card.val).before.length_baseline
    yield (
        "Accuracy is right comparisons over all comparisons; ties and failures count as wrong. Always taking the "
        f"longer response would score {baseline:.3f} on the {'test' if card.test else 'validation'} pairs."
    )
    if card.test and card.base != card.program:
        yield (
            f"{_change('On validation', card.val)} Validation chose the prompts, so its gain is biased upwards; the "
            "test gain is the one to report."
        )


def _contents(card: Card) -> Iterator[str]:
    shown = [one for one in card.demos if one.count]
    if shown:
        ids = list(dict.fromkeys(name for one in shown for name in one.pairs))
        listed = ", ".join(plain(name) for name in ids[:_MOST_IDS])
        more = f", and {len(ids) - _MOST_IDS} more, which the card in the file lists" if len(ids) > _MOST_IDS else ""
        yield (
            f"This file contains the text of {_number(len(ids), 'training prompt')} with the responses or rubrics that "
            f"belong to them: ids {listed}{more}. Their licence, and whatever is private in them, go with the file."
        )
        yield table(
            ("demonstrations of", "number", "characters"),
            ((plain(one.predictor), one.count, one.characters) for one in shown),
        )
    else:
        yield "There are no demonstrations: the file holds instructions only."
    if card.reflection_lm:
        yield (
            f"{plain(card.reflection_lm)} wrote instructions after reading training pairs, and may have quoted them, "
            "or have done what a response among them told it. Read the instructions before you use them: "
            f"`openrubrics diff {card.target}.json` shows what differs from those shipped."
        )


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _use(card: Card) -> str:
    name, _ = _CLASSES[card.target]
    models = " and ".join(dict.fromkeys(plain(model) for model in card.lms.values()))
    return (
        f"```bash\n{command_for(card, f'{card.target}.json')}\nopenrubrics diff {card.target}.json\n```\n\n"
        f"```python\nfrom openrubrics.programs import {name}\n\nprogram = {name}()\n"
        f'program.load("{card.target}.json")\n```\n\n'
        f"The prompts were found for {models}; with another model measure first whether they help."
    )


def _made(card: Card) -> Iterator[tuple[str, object]]:
    usage = card.usage
    cost = "unknown" if usage.cost is None else f"{usage.cost:.4f} US dollars"
    yield "optimizer", f"{card.optimizer}, seed {card.seed}"
    if card.options:
        yield "its options", _settings(card.options)
    yield "ended because", card.stopped
    yield "tried", f"{_number(card.candidates, 'candidate')} in {_number(card.runs, 'program run')}"
    yield "metric", _settings(card.metric).replace("_", " ")
    for name, model in card.lms.items():
        yield f"model of {name}", model
    for name, settings in card.sampling.items():
        yield f"sampling of {name}", _settings(settings) if isinstance(settings, Mapping) else settings
    yield "model that wrote instructions", card.reflection_lm or "none"
    for split, size in card.sizes.items():
        digest = card.data.get(split)
        yield split, _number(size, "pair") + (f", SHA-256 {digest}" if digest else "")
    yield "spent", f"{usage.calls} calls, {usage.tokens} tokens, cost {cost}; {card.seconds:.0f} s in the last start"
    yield "fingerprint before", card.base
    yield "fingerprint after", card.program
    yield "versions", ", ".join(f"{name} {version}" for name, version in card.versions.items())


def _settings(settings: Mapping[str, JsonValue]) -> str:
    return ", ".join(f"{name} {_setting(value)}" for name, value in settings.items())


def _setting(value: JsonValue) -> str:
    if value is None:
        return "not sent"
    return value if isinstance(value, str) else json.dumps(value)
