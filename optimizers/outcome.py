"""What a run came to, as its card says it."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from openrubrics.data import versions
from openrubrics.evaluation import EvaluatedPair, compare, measure
from openrubrics.lms.identity import sampling
from openrubrics.optimizers.card import Card, Demos, SplitScores
from openrubrics.optimizers.plan import Plan, data_hashes
from openrubrics.optimizers.student import Candidates, Compilable, prompts_of
from openrubrics.programs import RubricRM
from openrubrics.signatures import PreferencePair, prompt_text
from openrubrics.signatures.outcomes import Usage

Judged = tuple[Sequence[EvaluatedPair], Sequence[EvaluatedPair]]
"""A split, judged by the program as it was and as it is now."""

_PACKAGES = {"gepa": ("gepa",), "miprov2": ("optuna",)}
"""What an optimizer is made with, besides DSPy."""


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes:
        program: With the winning prompts.
        stopped: Why the search ended.
        val: The validation split.
        test: The test split; None where there is none, or where the limit did not last for scoring it again.
        candidates: What was tried.
        usage: What was spent by all starts of the run.
    """

    program: Compilable
    stopped: str
    val: Judged
    test: Judged | None
    candidates: Candidates
    usage: Usage


def card(plan: Plan, outcome: Outcome, *, seconds: float) -> Card:
    """Return the card of a run."""
    models = plan.lms
    val = _scores(plan, outcome.val)
    test = _scores(plan, outcome.test) if outcome.test else None
    parts = {"train": plan.splits.train, "val": plan.splits.val, "test": plan.splits.test}
    return Card(
        optimizer=plan.optimizer,
        options=plan.options,
        seed=plan.seed,
        target="rubric-rm" if isinstance(plan.program, RubricRM) else "contrastive",
        base=plan.program.fingerprint,
        program=outcome.program.fingerprint,
        lms={name: model.model for name, model in models.items()},
        sampling={name: sampling(model) for name, model in models.items()},
        reflection_lm=plan.reflection_lm.model if plan.reflection_lm else None,
        data=data_hashes(plan.splits),
        sizes={name: len(pairs) for name, pairs in parts.items()},
        metric={
            "orders": plan.program.orders,
            "length_penalty": plan.metric.length_penalty,
            "position_penalty": plan.metric.position_penalty,
        },
        val=val,
        test=test,
        verdict=test.change.verdict if test else "not tested",
        stopped=outcome.stopped,
        candidates=len(outcome.candidates.all),
        runs=outcome.candidates.runs,
        usage=outcome.usage,
        seconds=seconds,
        demos=_demos(outcome.program, plan.splits.train),
        versions=versions() | {name: version(name) for name in _PACKAGES.get(plan.optimizer, ())},
    )


def _scores(plan: Plan, judged: Judged) -> SplitScores:
    before, after = judged
    orders = plan.program.orders
    return SplitScores(
        pairs=len(before),
        before=measure(before, orders=orders, seed=plan.seed),
        after=measure(after, orders=orders, seed=plan.seed),
        change=compare(before, after, orders=orders, seed=plan.seed),
    )


def _demos(program: Compilable, train: Sequence[PreferencePair]) -> tuple[Demos, ...]:
    """Return which training pairs the demonstrations of each predictor come from."""
    found: list[Demos] = []
    for name, prompts in prompts_of(program).items():
        texts = [str(demo["prompt"]) for demo in prompts.demos]
        sources = [pair.id for text in dict.fromkeys(texts) for pair in train if prompt_text(pair.prompt) == text]
        characters = sum(len(str(value)) for demo in prompts.demos for value in demo.values())
        found.append(Demos(predictor=name, count=len(texts), pairs=tuple(sources), characters=characters))
    return tuple(found)
