"""GEPA: reflect on what went wrong for one predictor at a time, and keep what is best for some pair (arXiv 2507.19457).

The defaults suit a program of two stages. Each reflection rewrites one predictor (``round_robin``), since feedback is
told to each predictor apart; merging then joins the rubric prompt of one candidate with the judge prompt of another.
A pair is either right or wrong, so a rewrite is tried on six pairs rather than on DSPy's three.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import dspy
from dspy.teleprompt.gepa import InstructionProposer
from pydantic import BaseModel, Field

from openrubrics.optimizers.search import Search, Sizes, Task
from openrubrics.signatures import Failed

GUIDANCE = """\
Write methodology only: how to go about the task, what to look for, what to give weight to, which mistakes to avoid.
- Do not describe the form of the reply: no sections, headings, tags, numbering or fixed phrases. The form is added
  after your instruction and cannot be changed.
- Call the inputs by the names that they have in the examples.
- The instruction is for requests that nobody has seen yet. Say what the examples have in common, and copy nothing
  from them: no request, no response, no name, figure or subject, no answer to any of them. This goes before any
  advice to collect facts.
- Keep what the current instruction gets right."""

_ROUNDS = 4
"""GEPA tries few new prompts and asks much again that was answered before, which costs nothing here. So it may make
more program runs than a limit pays for where each is new, and the limit ends it."""


class Gepa(Search):
    """Options of `dspy.GEPA`."""

    reflection_minibatch_size: int = Field(6, ge=1)
    candidate_selection_strategy: Literal["pareto", "current_best"] = "pareto"
    component_selector: Literal["round_robin", "all"] = "round_robin"
    skip_perfect_score: bool = True
    use_merge: bool = True
    max_merge_invocations: int = Field(5, ge=0)

    def smallest(self, sizes: Sizes) -> int:
        """The base on the validation split, one rewrite on a batch, and the same split again."""
        return 2 * (sizes.val + min(self.reflection_minibatch_size, sizes.train))

    def run(self, task: Task) -> dspy.Module:
        """See `Search.run`."""
        optimizer = dspy.GEPA(
            metric=task.metric,
            max_metric_calls=_ROUNDS * task.runs,
            reflection_lm=task.reflection_lm,
            instruction_proposer=_Proposer(),
            reflection_minibatch_size=min(self.reflection_minibatch_size, len(task.train)),
            candidate_selection_strategy=self.candidate_selection_strategy,
            component_selector=self.component_selector,
            skip_perfect_score=self.skip_perfect_score,
            use_merge=self.use_merge,
            max_merge_invocations=self.max_merge_invocations,
            num_threads=task.threads,
            seed=task.seed,
        )
        return optimizer.compile(task.student, trainset=task.train, valset=task.val)


class _Proposer(InstructionProposer):  # pyright: ignore[reportGeneralTypeIssues] - its decorator has no type
    """Shows the values of a task as the models read and write them, not as JSON."""

    def __init__(self) -> None:
        super().__init__(additional_instructions=GUIDANCE)
        self.adapter = None  # DSPy's common form, in which a long text need not be quoted as in JSON

    def __call__(
        self,
        candidate: dict[str, str],
        reflective_dataset: Mapping[str, Sequence[Mapping[str, Any]]],
        components_to_update: list[str],
    ) -> dict[str, str]:
        shown = {name: [_as_text(example) for example in examples] for name, examples in reflective_dataset.items()}
        return super().__call__(candidate, shown, components_to_update)


def _as_text(value: Any) -> Any:  # noqa: ANN401 - whatever GEPA shows
    if isinstance(value, Mapping):
        return {key: _as_text(item) for key, item in value.items()}
    if isinstance(value, Failed):
        return value.raw or value.reason
    return str(value) if isinstance(value, BaseModel) else value
