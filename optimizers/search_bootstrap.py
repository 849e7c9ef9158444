"""Bootstrap few-shot with random search: collect right judgments as demonstrations, and try several sets of them.

Instructions stay as they are. DSPy's seeds are fixed, so the order of the training examples is what a seed decides.
"""

import random

import dspy
from pydantic import Field

from openrubrics.optimizers.search import Search, Sizes, Task, first_calls, tries

_PROGRAMS = range(16, 2, -1)
_LABELS_ONLY = -2
"""DSPy's number for the candidate with labelled examples, which without them is the base once more."""


class BootstrapRandomSearch(Search):
    """Options of `dspy.BootstrapFewShotWithRandomSearch`."""

    num_candidate_programs: int | None = Field(None, ge=1)
    max_bootstrapped_demos: int = Field(4, ge=1)

    def smallest(self, sizes: Sizes) -> int:
        """All that the fewest candidates take."""
        return self._runs(self._choices()[-1], sizes)

    def run(self, task: Task) -> dspy.Module:
        """See `Search.run`."""
        programs = next(n for n in self._choices() if self._runs(n, task.sizes) <= task.runs)
        optimizer = dspy.BootstrapFewShotWithRandomSearch(
            metric=first_calls(task.metric),
            max_bootstrapped_demos=self.max_bootstrapped_demos,
            max_labeled_demos=0,
            num_candidate_programs=programs,
            num_threads=task.threads,
        )
        train = random.Random(task.seed).sample(task.train, len(task.train))
        restrict = [number for number in range(-3, programs) if number != _LABELS_ONLY]
        return optimizer.compile(task.student, trainset=train, valset=task.val, restrict=restrict)

    def _choices(self) -> list[int]:
        return [self.num_candidate_programs] if self.num_candidate_programs else list(_PROGRAMS)

    def _runs(self, programs: int, sizes: Sizes) -> int:
        """Return the runs for the base, the first examples as they come, and `programs` shuffled sets."""
        collecting = (programs + 1) * tries(self.max_bootstrapped_demos, sizes.train)
        return collecting + (programs + 2) * sizes.val
