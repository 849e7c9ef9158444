"""Finished runs for reports, written by hand: what is judged, and what is said about it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openrubrics.data import Manifest
from openrubrics.evaluation import EvaluatedPair, summarize
from openrubrics.programs.orders import combine
from openrubrics.signatures import (
    Criterion,
    Failed,
    Judgment,
    OrderOutcome,
    Orders,
    Outcome,
    PreferencePair,
    Rubric,
    Tie,
    Usage,
    Verdict,
)
from openrubrics.signatures.outcomes import Finding
from openrubrics.signatures.values import Label

RUBRIC = Rubric.parse("1. The response names a prime. [Hard Rule]\n2. The response is friendly. [Principle]")


def some_pairs(count: int = 4, domains: Sequence[str] = ("maths", "chat")) -> list[PreferencePair]:
    """Pairs whose chosen response is the longer one in every second of them."""
    return [
        PreferencePair(
            id=f"pair-{number}",
            prompt=f"Name prime {number}.",
            chosen=f"Seven, {number}." + " Gladly!" * (number % 2),
            rejected=f"Eight, {number}, I think",
            domain=domains[number % len(domains)],
            source="tests",
        )
        for number in range(count)
    ]


def verdict(preferred: Label, says: str = "It names a prime.") -> Verdict:
    findings = tuple(Finding(criterion=1, response=label, text=f"{label}: {says}") for label in ("A", "B"))
    return Verdict(preferred=preferred, gatekeeper="Criterion 1", findings=findings, justification=says)


SAID: dict[str, Outcome] = {
    "A": verdict("A"),
    "B": verdict("B"),
    "t": Tie(reason="both name a prime"),
    "f": Failed(reason="no Winner line", raw="I cannot say"),
}


def write_run(
    folder: Path,
    pairs: Sequence[PreferencePair],
    said: Sequence[str],
    *,
    judged: Path | None = None,
    rubric: Rubric = RUBRIC,
    outcomes: dict[str, Outcome] = SAID,
    lm: str = "hosted_vllm/judge",
    method: str = "rubric-rm",
    extras: dict[str, Any] | None = None,
) -> Path:
    """Write the folder of a run.

    Args:
        folder: Where.
        pairs: What was judged.
        said: A letter for each order of each pair: A and B prefer a response, t is a tie, f failed; "+" and "-" are
            the chosen and the rejected response. All pairs have as many.
        judged: The file that was read.
        rubric: Of all judgments.
        outcomes: What the letters stand for.
        lm: Name of the model.
        method: Name of the program.
        extras: Of the manifest.
    """
    orders: Orders = "both" if len(said[0]) == 2 else "single"
    results = [_judged(pair, letters, rubric, outcomes) for pair, letters in zip(pairs, said, strict=True)]
    usage = Usage(calls=len(said), prompt_tokens=1000, completion_tokens=200, cost=0.25)
    folder.mkdir(parents=True)
    summary = summarize(results, orders=orders, lm=lm, method=method, usage=usage, seconds=1.5)
    data = {} if judged is None else {str(judged): _sha(judged)}
    manifest = Manifest(
        program="0123456789abcdef", lms={"judge": lm}, data=data, seed=0, seconds=1.5, usage=usage, extras=extras or {}
    )
    (folder / "judgments.jsonl").write_bytes(b"".join(result.line() + b"\n" for result in results))
    (folder / "summary.json").write_text(summary.model_dump_json())
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return folder


def _judged(pair: PreferencePair, letters: str, rubric: Rubric, outcomes: dict[str, Outcome]) -> EvaluatedPair:
    blank = EvaluatedPair.of(pair, Judgment(outcome=Tie(reason="")), seed=0)
    chosen = blank.chosen_slot
    names = {"+": chosen, "-": "B" if chosen == "A" else "A"}
    shown = [
        OrderOutcome(order=order, outcome=outcomes[names.get(letter, letter)])
        for order, letter in zip(("AB", "BA"), letters, strict=False)
    ]
    return EvaluatedPair.of(pair, Judgment(outcome=combine(*shown), rubric=rubric, orders=tuple(shown)), seed=0)


def _sha(path: Path) -> str:
    from openrubrics.data import sha256

    return sha256(path)


def write_pairs(path: Path, pairs: Sequence[PreferencePair]) -> Path:
    """Write the file that was judged."""
    rows = [pair.model_dump(mode="json", exclude={"meta"}) for pair in pairs]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def hostile_rubric(texts: Sequence[str]) -> Rubric:
    """A rubric of such texts, with a word in each."""
    return Rubric(criteria=tuple(Criterion(text=f"The response {text}", kind="principle") for text in texts))
