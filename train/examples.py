"""From a curated row to what a student can learn from it, or the reason why nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from openrubrics.data import CuratedRow
from openrubrics.programs import RubricRM
from openrubrics.programs.predict import BoundPredict
from openrubrics.signatures import JUDGMENT, JudgeTrace, ParseError, Rubric, Verdict, prompt_text
from openrubrics.signatures.outcomes import OrderOutcome, Outcome
from openrubrics.signatures.values import OTHER, Label
from openrubrics.train.records import SFTRecord, judge_record, rubric_record

Stage = Literal["rubric", "judge"]
"""Which of the two students learns."""


@dataclass(frozen=True)
class Example:
    """A record on its way.

    Attributes:
        record: What is read and written.
        prompt: The text of the request.
        chosen: Where the chosen response is shown; None where no responses are.
    """

    record: SFTRecord
    prompt: str
    chosen: Label | None = None

    @property
    def key(self) -> bytes:
        """What is equal for examples that say the same: what a judge reads; of a rubric also what is written."""
        text = self.record["prompt"][-1]["content"]
        if self.chosen is None:
            text += "\n" + self.record["completion"][0]["content"]
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def examples(row: CuratedRow, stage: Stage, program: RubricRM) -> Iterator[Example | str]:
    """Yield each example of a row, or the reason why there is none in its place.

    Args:
        row: One row; of a kept one the judge learns each order in which it was judged.
        stage: Whose.
        program: Whose prompts the student reads.
    """
    text = prompt_text(row.prompt)
    predictor = (program.generate if stage == "rubric" else program.judge).predict
    if not row.kept:
        yield f"not kept: {row.reason}"
    elif row.rubric is None:
        yield "no rubric"
    elif _is_demonstrated(text, predictor):
        yield "the prompt shows this request as a demonstration, with its answer"
    elif stage == "rubric":
        yield Example(rubric_record(program.generate, text, row.rubric), text)
    else:
        orders = row.judgment.orders if row.judgment else ()
        yield from (_judged(row, text, row.rubric, shown, program) for shown in orders)
        if not orders:
            yield "no judgment"


def _judged(row: CuratedRow, text: str, rubric: Rubric, shown: OrderOutcome, program: RubricRM) -> Example | str:
    """Return what the judge wrote in one order, with the names A and B as they were shown to it."""
    right = [vote.raw for vote in shown.votes if row.winner == _preferred(vote.outcome) == _preferred(shown.outcome)]
    if not any(right):
        return "no reply of a judge that agrees with the label" if shown.votes else "no reply of a judge"
    a, b, chosen = row.response_a, row.response_b, row.winner
    if shown.order == "BA":
        a, b, chosen = b, a, OTHER[chosen]
    try:
        record = judge_record(program.judge, text, rubric, a, b, JudgeTrace.parse(next(filter(None, right))))
        trace = JudgeTrace.parse(record["completion"][0]["content"])
    except ParseError:
        return "the judge's reply cannot be read"
    if trace.winner != chosen:
        return "the judge's reply names the other response"
    form = "v3" if trace.gatekeeper_reasoning or trace.aggregation else "seed"
    if JUDGMENT[form].name != program.judge.predict.adapter.contract.name:
        return f"the judge's reply has the form {form}, for which the prompt does not ask"
    return Example(record, text, chosen)


def _preferred(outcome: Outcome) -> Label | None:
    return outcome.preferred if isinstance(outcome, Verdict) else None


def _is_demonstrated(text: str, predictor: BoundPredict) -> bool:
    return any(demo.get("prompt") == text for demo in predictor.demos)
