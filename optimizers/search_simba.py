"""SIMBA: run the program several times on a batch, and learn where it is right sometimes and wrong at other times.

It adds a demonstration of a good run, or a rule that the reflection LM draws from a good and a bad one. At the end it
scores its best candidates on the whole training split, and never looks at another.
"""

import dspy
from pydantic import Field

from openrubrics.optimizers.search import Search, Sizes, Task

BATCHES = (32, 16, 8, 4)
_MOST_STEPS = 8
_STEPS_BEFORE_LARGER_BATCH = 4


class Simba(Search):
    """Options of `dspy.SIMBA`."""

    bsize: int | None = Field(None, ge=1)
    num_candidates: int = Field(6, ge=2)
    max_steps: int | None = Field(None, ge=1)
    max_demos: int = Field(4, ge=1)
    temperature_for_sampling: float = Field(0.2, gt=0)
    temperature_for_candidates: float = Field(0.2, gt=0)

    def smallest(self, sizes: Sizes) -> int:
        """One step, or those asked for, on the smallest batch."""
        return self._runs(self._batches(sizes)[-1], self.max_steps or 1, sizes)

    def run(self, task: Task) -> dspy.Module:
        """See `Search.run`."""
        batch, steps = self._largest(task)
        optimizer = dspy.SIMBA(
            metric=task.metric.explained,  # pyright: ignore[reportArgumentType] - DSPy takes predictions too
            bsize=batch,
            num_candidates=self.num_candidates,
            max_steps=steps,
            max_demos=self.max_demos if task.demos else 0,
            prompt_model=task.reflection_lm,
            num_threads=task.threads,
            temperature_for_sampling=self.temperature_for_sampling,
            temperature_for_candidates=self.temperature_for_candidates,
        )
        return optimizer.compile(task.student, trainset=task.train, seed=task.seed)

    def _batches(self, sizes: Sizes) -> list[int]:
        wanted = (self.bsize,) if self.bsize else BATCHES
        return sorted({min(batch, sizes.train) for batch in wanted}, reverse=True)

    def _largest(self, task: Task) -> tuple[int, int]:
        """Return batch size and steps: the largest batch that leaves room for some steps, else the smallest one."""
        sizes = task.sizes
        choices = [self.max_steps] if self.max_steps else range(_MOST_STEPS, 0, -1)
        fitting = [
            (batch, steps)
            for batch in self._batches(sizes)
            for steps in choices
            if self._runs(batch, steps, sizes) <= task.runs
        ]
        roomy = [(batch, steps) for batch, steps in fitting if steps >= _STEPS_BEFORE_LARGER_BATCH]
        return roomy[0] if roomy else max(fitting, key=lambda size: (size[1], size[0]))

    def _runs(self, batch: int, steps: int, sizes: Sizes) -> int:
        rewrites = min(self.num_candidates + 1, batch)
        finalists = min(steps, self.num_candidates) + 1
        return steps * batch * (self.num_candidates + rewrites) + finalists * sizes.train
