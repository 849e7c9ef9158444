"""The cases of a run as data for the page: an index of all of them, and their texts in compressed blocks.

The page unpacks a block when one of its cases is opened or searched, so that ten thousand cases open at once. Base64
holds no character that means something in HTML, and the script of the page makes text of what it unpacks, never markup.
"""

import base64
import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any

from openrubrics.evaluation.benchmarks import GradedResponse, Rated
from openrubrics.evaluation.metrics import comparisons
from openrubrics.evaluation.report.runs import Run
from openrubrics.evaluation.report.texts import Text, Texts
from openrubrics.evaluation.results import Category, EvaluatedPair
from openrubrics.signatures.grades import Score
from openrubrics.signatures.model_text import well_formed
from openrubrics.signatures.outcomes import Failed, OrderOutcome, Outcome, Tie, Verdict, Vote
from openrubrics.signatures.rubric_text import TAGS
from openrubrics.signatures.values import Rubric, prompt_text

BLOCK = 64
"""Cases in a block."""

_SNIPPET = 140
_SAYS: Mapping[Category, str] = {"chosen": "right", "rejected": "wrong", "tie": "tied", "failed": "failed"}


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        id: Of the pair; of a benchmark whose responses were scored, of its case.
        domain: Domain or subset.
        outcome: "right", "wrong", "tied" or "failed" by the label; "scored" where no response is known to be better.
        flipped: Whether its two orders prefer different responses.
        snippet: Beginning of the prompt on one line; empty where there is no text.
        shown: All that the page shows of it, as JSON.
    """

    id: str
    domain: str
    outcome: str
    flipped: bool
    snippet: str
    shown: Mapping[str, Any]


@dataclass(frozen=True)
class Packed:
    """The cases of one run as the page holds them.

    Attributes:
        index: What the list shows of each case, and where it differs from the first run.
        blocks: The cases, `BLOCK` in each.
        count: How many there are.
        with_text: How many have their prompts and responses.
        outcomes: How many came to what.
    """

    index: str
    blocks: tuple[str, ...]
    count: int
    with_text: int
    outcomes: Mapping[str, int]


def cases(run: Run, texts: Texts) -> Iterator[Case]:
    """Yield the cases of a run in the order of its judgments.

    Raises:
        DataError: A judgment cannot be read.
    """
    if not run.scores:
        yield from (_pair(run, pair, texts.by_id.get(pair.id)) for pair in run.judged())
        return
    rated = {answer.case.id: answer for answer in run.answers if isinstance(answer, Rated)}
    for name, grades in groupby(run.graded(), key=lambda one: one.id):
        yield _graded(list(grades), rated.get(name), texts.by_id.get(name))


def pack(found: Iterable[Case], first: Mapping[str, str] | None = None) -> Packed:
    """Return cases as the page holds them.

    Args:
        found: The cases of a run.
        first: Outcomes of the first run by id, for a later one; cases that came to something else there are marked.
    """
    blocks: list[str] = []
    rows: list[Case] = []
    with_text = 0
    remaining = iter(found)
    while block := list(islice(remaining, BLOCK)):
        blocks.append(packed([case.shown for case in block]))
        with_text += sum("prompt" in case.shown for case in block)
        rows += (Case(c.id, c.domain, c.outcome, c.flipped, c.snippet, {}) for c in block)
    domains = sorted({row.domain for row in rows})
    places = {domain: place for place, domain in enumerate(domains)}
    index = {
        "domains": domains,
        "ids": [row.id for row in rows],
        "domain": [places[row.domain] for row in rows],
        "outcome": [row.outcome for row in rows],
        "flipped": [row.flipped for row in rows],
        "snippet": [row.snippet for row in rows],
        "differs": None if first is None else [first.get(row.id, row.outcome) != row.outcome for row in rows],
    }
    outcomes = Counter(row.outcome for row in rows)
    return Packed(packed(index), tuple(blocks), len(rows), with_text, outcomes)


def packed(value: object) -> str:
    """Return JSON, compressed, as Base64; equal for equal values."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(well_formed(text).encode(), compresslevel=6, mtime=0)).decode()


def outcome_of(pair: EvaluatedPair) -> str:
    """Return what a judgment came to by the label: "right", "wrong", "tied" or "failed"."""
    return _SAYS[pair.category(pair.judgment.outcome)]


def _pair(run: Run, pair: EvaluatedPair, text: Text | None) -> Case:
    judgment = pair.judgment
    shown: dict[str, Any] = {
        "id": pair.id,
        "domain": pair.domain,
        "source": pair.source,
        "label": pair.chosen_slot,
        "outcome": outcome_of(pair),
        "result": _outcome(judgment.outcome),
        "by": judgment.decided_by,
        "assisted": judgment.reference_assisted,
        "part": judgment.domain,
        "rubric": _rubric(judgment.rubric),
        "orders": [
            {"order": order.order, **_outcome(order.outcome), "votes": _votes(order.votes), **_compared(order)}
            for order in judgment.orders
        ],
    }
    if text:
        responses = text.responses if pair.chosen_slot == "A" else text.responses[::-1]
        shown |= {"prompt": prompt_text(text.prompt), "responses": responses}
    flipped = False
    if run.orders == "both":
        flipped = {pair.category(one) for one in comparisons(pair, "both")} == {"chosen", "rejected"}
    return Case(pair.id, pair.domain, outcome_of(pair), flipped, _snippet(text), shown | {"flipped": flipped})


def _compared(order: OrderOutcome) -> dict[str, Any]:
    """Return what an adaptive judge found on each of its criteria; nothing for other judges."""
    if not order.compared:
        return {}
    return {"score": order.score, "compared": [one.model_dump(mode="json") for one in order.compared]}


def _graded(grades: Sequence[GradedResponse], rated: Rated | None, text: Text | None) -> Case:
    first = grades[0]
    better = rated.case.better if rated else ()
    values = {one.response: one.grade.value for one in grades}
    compared = [(values.get(i + 1), values.get(j + 1)) for i, j in better]
    if any(value is None for value in values.values()):
        outcome = "failed"
    elif not compared:
        outcome = "scored"
    else:
        signs = {(a > b) - (a < b) for a, b in compared if a is not None and b is not None}
        outcome = "wrong" if -1 in signs else "tied" if 0 in signs else "right"
    shown: dict[str, Any] = {
        "id": first.id,
        "domain": first.subset,
        "outcome": outcome,
        "better": [[i + 1, j + 1] for i, j in better],
        "grades": [_grade(one, text) for one in grades],
    }
    if text:
        shown["prompt"] = prompt_text(text.prompt)
    return Case(first.id, first.subset, outcome, False, _snippet(text), shown)


def _grade(one: GradedResponse, text: Text | None) -> dict[str, Any]:
    grade = one.grade
    outcome = grade.outcome
    known = text is not None and one.response <= len(text.responses)
    return {
        "response": one.response,
        "characters": one.characters,
        "text": text.responses[one.response - 1] if text and known else None,
        "score": outcome.value if isinstance(outcome, Score) else None,
        "error": outcome.error if isinstance(outcome, Score) else None,
        "failed": outcome.reason if isinstance(outcome, Failed) else None,
        "raw": outcome.raw if isinstance(outcome, Failed) else "",
        "rubric": _rubric(grade.rubric),
        "met": [[met.criterion, met.met, met.reason, met.decided_by] for met in grade.met],
    }


def _rubric(rubric: Rubric | None) -> list[list[Any]] | None:
    if rubric is None:
        return None
    return [[c.text, TAGS[c.kind], c.weight, c.check.name if c.check else None] for c in rubric.criteria]


def _outcome(outcome: Outcome) -> dict[str, Any]:
    match outcome:
        case Failed():
            return {"kind": "failed", "reason": outcome.reason, "raw": outcome.raw}
        case Verdict():
            said = {"preferred": outcome.preferred, "probability": outcome.probability, "reason": outcome.justification}
        case Tie():
            said = {"reason": outcome.reason}
    findings = [[finding.criterion, finding.response, finding.text] for finding in outcome.findings]
    return {"kind": outcome.kind, "gatekeeper": outcome.gatekeeper, "findings": findings, **said}


def _votes(votes: Sequence[Vote]) -> dict[str, int]:
    """Return how many votes said what; empty where there was one."""
    if len(votes) < 2:
        return {}
    outcomes = (vote.outcome for vote in votes)
    return Counter(one.preferred if isinstance(one, Verdict) else one.kind for one in outcomes)


def _snippet(text: Text | None) -> str:
    if text is None:
        return ""
    line = " ".join(prompt_text(text.prompt)[: 4 * _SNIPPET].split())
    return line if len(line) <= _SNIPPET else f"{line[: _SNIPPET - 1]}…"
