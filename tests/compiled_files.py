"""Compiled programs and cards, made by hand as an optimizer leaves them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openrubrics.evaluation import EvaluatedPair, compare, measure
from openrubrics.optimizers.card import Card, Demos, SplitScores, save_compiled
from openrubrics.programs import Program, RubricRM
from openrubrics.signatures import Judgment, Orders, Rubric, Usage, Verdict, render_judgment
from openrubrics.signatures.judge_text import JudgeTrace
from openrubrics.signatures.outcomes import OrderOutcome

RUBRIC = Rubric.parse("1. The response has at most 5 words. [Hard Rule]\n2. The response is kind. [Principle]")
TRACE = JudgeTrace.parse(
    render_judgment(RUBRIC, gatekeeper=RUBRIC.criteria[0].text, findings=(), justification="kind", winner="A")
)


def judged(right: Sequence[bool]) -> list[EvaluatedPair]:
    """One judged pair for each value, whose better response is A."""
    return [
        EvaluatedPair(
            id=str(number),
            domain="d",
            source="s",
            chosen_slot="A",
            longer_slot="B",
            judgment=Judgment(
                outcome=Verdict(preferred="A" if one else "B"),
                orders=(OrderOutcome(order="AB", outcome=Verdict(preferred="A" if one else "B")),),
            ),
        )
        for number, one in enumerate(right)
    ]


def scores(before: Sequence[bool], after: Sequence[bool], orders: Orders = "single") -> SplitScores:
    """The scores of a split."""
    first, second = judged(before), judged(after)
    return SplitScores(
        pairs=len(first),
        before=measure(first, orders=orders),
        after=measure(second, orders=orders),
        change=compare(first, second, orders=orders),
    )


GAIN = scores([True] * 50 + [False] * 50, [True] * 70 + [False] * 30)
NO_GAIN = scores([True] * 50 + [False] * 50, [True] * 52 + [False] * 48)
LOSS = scores([True] * 70 + [False] * 30, [True] * 50 + [False] * 50)


def compiled(
    instructions: str = "Be strict. Prefer the answer that is right.", prompts: Sequence[str] = ()
) -> RubricRM:
    """A program with another judge: other instructions, and a demonstration for each prompt."""
    program = RubricRM()
    judge = program.judge.predict
    judge.signature = judge.task.with_instructions(instructions)
    judge.demos = [
        {"prompt": prompt, "rubric": RUBRIC, "response_a": "Hello!", "response_b": "Go away.", "judgment": TRACE}
        for prompt in prompts
    ]
    return program


def card_for(program: Program, **changed: Any) -> Card:  # noqa: ANN401 - fields of a card
    """A card of a program that was compiled from the shipped one."""
    fields: dict[str, Any] = {
        "optimizer": "gepa",
        "options": {},
        "seed": 7,
        "target": "rubric-rm",
        "base": RubricRM().fingerprint,
        "program": program.fingerprint,
        "lms": dict.fromkeys(program.bound_predictors(), "hosted_vllm/judge"),
        "sampling": {name: {"temperature": 0.0, "max_tokens": 4000} for name in program.bound_predictors()},
        "reflection_lm": "hosted_vllm/writer",
        "data": {"train": "1" * 64, "val": "2" * 64, "test": "3" * 64},
        "sizes": {"train": 40, "val": 100, "test": 100},
        "metric": {"orders": "single", "length_penalty": 0.0, "position_penalty": 0.0},
        "val": GAIN,
        "test": GAIN,
        "verdict": "reliable gain",
        "stopped": "the budget is used up",
        "candidates": 9,
        "runs": 740,
        "usage": Usage(calls=1480, prompt_tokens=900_000, completion_tokens=300_000, cost=1.25),
        "seconds": 61.0,
        "demos": _demos(program),
        "versions": {"openrubrics": "0.1.0", "dspy": "3.4.1", "python": "3.11.9"},
    }
    return Card(**fields | changed)


def _demos(program: Program) -> tuple[Demos, ...]:
    return tuple(
        Demos(
            predictor=name,
            count=len(predictor.demos),
            pairs=tuple(f"pair-{number}" for number, _ in enumerate(predictor.demos, 1)),
            characters=sum(len(str(demo["prompt"])) for demo in predictor.demos),
        )
        for name, predictor in program.bound_predictors().items()
    )


def saved(path: Path, program: Program, **changed: Any) -> Path:  # noqa: ANN401 - fields of a card
    """Write a program with its card, and return where."""
    save_compiled(program, card_for(program, **changed), path)
    return path
