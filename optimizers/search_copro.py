"""COPRO: let the reflection LM write several instructions for each predictor, and others in view of their scores.

Scores are those on the whole training split. DSPy takes no seed here; what differs from run to run is what the
reflection LM writes.
"""

from typing import cast

import dspy
from pydantic import Field

from openrubrics.optimizers.search import Search, Sizes, Task

_BREADTHS = range(2, 11)
_DEPTHS = range(1, 4)


class Copro(Search):
    """Options of `dspy.COPRO`."""

    breadth: int | None = Field(None, ge=2)
    depth: int | None = Field(None, ge=1)
    init_temperature: float = Field(1.0, ge=0, le=2)

    def smallest(self, sizes: Sizes) -> int:
        """All that the fewest instructions take."""
        return min(self._runs(breadth, depth, sizes) for breadth, depth in self._choices())

    def run(self, task: Task) -> dspy.Module:
        """See `Search.run`."""
        runs = {size: self._runs(*size, task.sizes) for size in self._choices()}
        breadth, depth = max((size for size in runs if runs[size] <= task.runs), key=runs.__getitem__)
        optimizer = dspy.COPRO(
            prompt_model=task.reflection_lm,
            metric=task.metric,
            breadth=breadth,
            depth=depth,
            init_temperature=self.init_temperature,
        )
        shown = {"num_threads": task.threads, "display_progress": False, "display_table": False}
        program = optimizer.compile(task.student, trainset=task.train, eval_kwargs=shown)
        # It rewrites the prefix of the last field too, which our prompts do not show.
        for predictor, before in zip(program.predictors(), task.student.predictors(), strict=True):
            instructions = cast("type[dspy.Signature]", predictor.signature).instructions
            predictor.signature = cast("type[dspy.Signature]", before.signature).with_instructions(instructions)
        return program

    def _choices(self) -> list[tuple[int, int]]:
        breadths = [self.breadth] if self.breadth else _BREADTHS
        depths = [self.depth] if self.depth else _DEPTHS
        return [(breadth, depth) for breadth in breadths for depth in depths]

    def _runs(self, breadth: int, depth: int, sizes: Sizes) -> int:
        """Return the runs; where there are several predictors, each round tries all instructions so far again."""
        rounds = depth * (depth + 1) // 2 if sizes.predictors > 1 else depth
        return sizes.predictors * breadth * rounds * sizes.train
