"""MIPROv2: propose instructions and sets of demonstrations, then search their combinations (arXiv 2406.11695).

Instructions are proposed from a summary of the training pairs, from demonstrations, and from DSPy's general tips; not
from the source code of the program, which says nothing about the task.
"""

import math

import dspy
from pydantic import Field

from openrubrics.optimizers.search import Search, Sizes, Task, first_calls, tries

CANDIDATES = (18, 12, 6)
"""Instructions and sets of demonstrations to choose from: DSPy's heavy, medium and light."""

_MINIBATCH_ABOVE = 50
_DEMOS_FOR_PROPOSALS = 3


class Miprov2(Search):
    """Options of `dspy.MIPROv2`."""

    num_candidates: int | None = Field(None, ge=2)
    num_trials: int | None = Field(None, ge=1)
    max_bootstrapped_demos: int = Field(4, ge=1)
    minibatch: bool | None = None
    minibatch_size: int = Field(35, ge=1)
    minibatch_full_eval_steps: int = Field(5, ge=1)
    init_temperature: float = Field(1.0, ge=0, le=2)
    view_data_batch_size: int = Field(10, ge=1)
    data_aware_proposer: bool = True
    tip_aware_proposer: bool = True
    fewshot_aware_proposer: bool = True

    def smallest(self, sizes: Sizes) -> int:
        """All that the fewest candidates take."""
        return self._runs(self._choices()[-1], sizes)

    def run(self, task: Task) -> dspy.Module:
        """See `Search.run`."""
        sizes = task.sizes
        candidates = next(n for n in self._choices() if self._runs(n, sizes) <= task.runs)
        optimizer = dspy.MIPROv2(
            metric=first_calls(task.metric),
            prompt_model=task.reflection_lm,
            task_model=task.student.get_lm(),
            max_bootstrapped_demos=self.max_bootstrapped_demos if task.demos else 0,
            max_labeled_demos=0,
            auto=None,
            num_candidates=candidates,
            num_threads=task.threads,
            seed=task.seed,  # here, since compile() takes a seed of 0 for none
            init_temperature=self.init_temperature,
        )
        return optimizer.compile(
            task.student,
            trainset=task.train,
            valset=task.val,
            num_trials=self._trials(candidates, sizes),
            minibatch=self._in_minibatches(sizes),
            minibatch_size=min(self.minibatch_size, len(task.val)),
            minibatch_full_eval_steps=self.minibatch_full_eval_steps,
            program_aware_proposer=False,
            data_aware_proposer=self.data_aware_proposer,
            view_data_batch_size=self.view_data_batch_size,
            tip_aware_proposer=self.tip_aware_proposer,
            fewshot_aware_proposer=self.fewshot_aware_proposer,
        )

    def _choices(self) -> tuple[int, ...]:
        return (self.num_candidates,) if self.num_candidates else CANDIDATES

    def _in_minibatches(self, sizes: Sizes) -> bool:
        return sizes.val > _MINIBATCH_ABOVE if self.minibatch is None else self.minibatch

    def _trials(self, candidates: int, sizes: Sizes) -> int:
        """Return DSPy's own recommendation: 2 M log2 N for M choices among N candidates, and at least 1.5 N."""
        choices = sizes.predictors * (2 if sizes.demos else 1)
        return self.num_trials or int(max(2 * choices * math.log2(candidates), 1.5 * candidates))

    def _runs(self, candidates: int, sizes: Sizes) -> int:
        demos = self.max_bootstrapped_demos if sizes.demos else _DEMOS_FOR_PROPOSALS
        collecting = (candidates - 1) * tries(demos, sizes.train)
        trials = self._trials(candidates, sizes)
        if not self._in_minibatches(sizes):
            return collecting + (1 + trials) * sizes.val
        whole = 1 + math.ceil(trials / self.minibatch_full_eval_steps)
        return collecting + trials * min(self.minibatch_size, sizes.val) + whole * sizes.val
