"""The prompt optimizers of DSPy that a program can be compiled with, and what each of them needs."""

import difflib
from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Literal

import dspy
from pydantic import JsonValue, ValidationError

from openrubrics.lms.embedded import NAME as EMBEDDED
from openrubrics.optimizers.search import Metric, Search, Sizes, Task
from openrubrics.optimizers.search_bootstrap import BootstrapRandomSearch
from openrubrics.optimizers.search_copro import Copro
from openrubrics.optimizers.search_gepa import Gepa
from openrubrics.optimizers.search_miprov2 import Miprov2
from openrubrics.optimizers.search_simba import Simba
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.extras import require

_SET_ELSEWHERE = {
    **dict.fromkeys(("auto", "max_full_evals", "max_metric_calls"), "the budget decides"),
    **dict.fromkeys(("prompt_model", "reflection_lm"), "give it as the reflection LM"),
    **dict.fromkeys(("task_model", "teacher", "teacher_settings"), "the program's own LMs are asked"),
    **dict.fromkeys(("trainset", "valset", "student", "metric"), "it is an argument of the whole run"),
    **dict.fromkeys(("num_threads", "eval_kwargs"), "give the concurrency of the run"),
    "seed": "give the seed of the run",
    "max_labeled_demos": "a demonstration without a reply teaches nothing",
    "log_dir": "the folder of the run keeps what happens",
}
"""Arguments of DSPy that are no options here, and why."""


@dataclass(frozen=True)
class Optimizer:
    """One row of the table.

    Attributes:
        name: What it is called here.
        changes: What it changes in a program.
        needs_reflection: Whether a reflection LM writes for it.
        demos: Whether it adds demonstrations: ``never``, ``optional`` (they can be declined) or ``always``.
        sampling: Which temperature it relies on.
        selects_on: The split on which it compares whole candidates.
        seed: What a seed decides.
        extra: The extra of this package that it takes; None for none.
        least: Training and validation examples it needs at least.
        search: Its options, and how it is run.
    """

    name: str
    changes: str
    needs_reflection: bool
    demos: Literal["never", "optional", "always"]
    sampling: str
    selects_on: Literal["val", "train"]
    seed: str
    extra: str | None
    least: tuple[int, int]
    search: type[Search]

    def options(self, given: Mapping[str, JsonValue] | None) -> Search:
        """Return the search with these options.

        Raises:
            UsageError: There is no such option, it is set elsewhere, or its value cannot be used.
        """
        known = self.search.model_fields
        for name in given or {}:
            if name not in known:
                listed = f"options of {self.name} are {', '.join(known)}"
                elsewhere = _SET_ELSEWHERE.get(name)
                raise UsageError(
                    f"{name} is not an option of {self.name}", f"{elsewhere}; {listed}" if elsewhere else listed
                )
        try:
            return self.search.model_validate(dict(given or {}))
        except ValidationError as error:
            first = error.errors()[0]
            raise UsageError(
                f"option {'.'.join(map(str, first['loc']))} of {self.name} cannot be {first['input']!r}", first["msg"]
            ) from error

    def smallest(self, sizes: Sizes, options: Mapping[str, JsonValue] | None = None) -> int:
        """Return the program runs that the smallest useful search takes.

        Where demonstrations are collected, every second judgment is expected to be right.
        """
        return self.options(options).smallest(sizes)

    def run(
        self,
        student: dspy.Module,
        train: Sequence[dspy.Example],
        val: Sequence[dspy.Example],
        *,
        metric: Metric,
        reflection_lm: dspy.LM | None,
        runs: int,
        demos: bool,
        seed: int,
        threads: int,
        options: Mapping[str, JsonValue] | None = None,
    ) -> dspy.Module:
        """Search for better prompts.

        Args:
            student: The program; a call returns a prediction with the field ``judgment``. It stays as it is.
            train: Examples to learn from.
            val: Examples to compare candidates on.
            metric: What is maximized.
            reflection_lm: Writes instructions.
            runs: Program runs that the budget allows; the search is made as large as fits. GEPA makes more, since many
                of its runs repeat others, and collecting demonstrations takes more where few judgments are right.
            demos: Whether demonstrations are wanted.
            seed: At least 0.
            threads: Program runs at most at the same time.
            options: Options of the optimizer by DSPy's names.

        Returns:
            A program like the student, with other instructions or demonstrations: the best by the optimizer's own rule.

        Raises:
            UsageError: An option cannot be used, or `runs` is too small for the smallest search.
        """
        search = self.options(options)
        task = Task(
            student, list(train), list(val), metric, reflection_lm, runs, demos, seed=seed % 2**32, threads=threads
        )
        if runs < (smallest := search.smallest(task.sizes)):
            raise UsageError(
                f"{self.name} takes at least {smallest} program runs here, and the budget allows {runs}",
                f"allow more, or give fewer pairs: it compares candidates on the {self.selects_on} pairs",
            )
        with dspy.context(adapter=None):  # the reflection LM is asked in DSPy's common form
            return search.run(task)


_ROWS = (
    Optimizer(
        "gepa",
        "instructions",
        needs_reflection=True,
        demos="never",
        sampling="none",
        selects_on="val",
        seed="which training pairs it reflects on, and from which candidates it goes on",
        extra=None,
        least=(2, 2),
        search=Gepa,
    ),
    Optimizer(
        "miprov2",
        "instructions and demonstrations",
        needs_reflection=True,
        demos="optional",
        sampling="the reflection LM is asked at temperature 1.0",
        selects_on="val",
        seed="which demonstrations it collects, which tips it gives, and which combinations it tries",
        extra="optimize",
        least=(2, 2),
        search=Miprov2,
    ),
    Optimizer(
        "simba",
        "instructions and demonstrations",
        needs_reflection=True,
        demos="optional",
        sampling="the program's own LMs are asked at temperature 1.0, and have to differ from sample to sample",
        selects_on="train",
        seed="the batches, and how each candidate is changed",
        extra=None,
        least=(4, 1),
        search=Simba,
    ),
    Optimizer(
        "bootstrap-rs",
        "demonstrations",
        needs_reflection=False,
        demos="always",
        sampling="none",
        selects_on="val",
        seed="the order in which training pairs are tried as demonstrations",
        extra=None,
        least=(2, 2),
        search=BootstrapRandomSearch,
    ),
    Optimizer(
        "copro",
        "instructions",
        needs_reflection=True,
        demos="never",
        sampling="the reflection LM is asked at temperature 1.0 for several samples, which have to differ",
        selects_on="train",
        seed="nothing",
        extra=None,
        least=(2, 1),
        search=Copro,
    ),
)

OPTIMIZERS: Mapping[str, Optimizer] = {row.name: row for row in _ROWS}
"""The optimizers by name."""


def check(
    name: str,
    *,
    reflection_lm: dspy.BaseLM | None,
    demos: bool,
    train: Sized,
    val: Sized,
    options: Mapping[str, JsonValue] | None = None,
    lms: Sequence[dspy.BaseLM] = (),
) -> Optimizer:
    """Return an optimizer for which everything is there that it needs; nothing is asked of any LM.

    Args:
        name: Its name in the table.
        reflection_lm: The LM that is to write instructions, if any.
        demos: Whether demonstrations are wanted.
        train: The training pairs.
        val: The validation pairs.
        options: Options of the optimizer.
        lms: The LMs of the program.

    Raises:
        UsageError: Something is missing, not wanted or unusable.
        MissingExtraError: An extra is not installed.
    """
    if name not in OPTIMIZERS:
        close = difflib.get_close_matches(name.lower(), OPTIMIZERS, n=1)
        known = f"optimizers are {', '.join(OPTIMIZERS)}"
        raise UsageError(f"there is no optimizer {name!r}", f"did you mean {close[0]}? {known}" if close else known)
    optimizer = OPTIMIZERS[name]
    if optimizer.extra:
        require("optuna", optimizer.extra)
    optimizer.options(options)
    _check_lms(optimizer, reflection_lm, lms)
    if optimizer.demos == "always" and not demos:
        raise UsageError(f"{name} does nothing but add demonstrations", "take gepa for instructions only")
    for split, pairs, least in (("training", train, optimizer.least[0]), ("validation", val, optimizer.least[1])):
        if len(pairs) < least:
            raise UsageError(f"{name} needs at least {least} {split} pairs, and there are {len(pairs)}", "give more")
    return optimizer


def _check_lms(optimizer: Optimizer, reflection_lm: dspy.BaseLM | None, lms: Sequence[dspy.BaseLM]) -> None:
    name = optimizer.name
    if optimizer.needs_reflection and reflection_lm is None:
        raise UsageError(f"{name} needs a reflection LM, which writes instructions", "name one with --reflection-lm")
    if not optimizer.needs_reflection and reflection_lm is not None:
        raise UsageError(f"{name} asks no reflection LM", "leave it out, or take gepa")
    if reflection_lm is not None and reflection_lm.model == EMBEDDED:
        raise UsageError(
            f"{EMBEDDED} cannot write instructions: it answers this project's own prompts only",
            "name a language model with --reflection-lm, or take bootstrap-rs, which needs none",
        )
    if optimizer.search is Simba and lms and all(lm.model == EMBEDDED for lm in lms):
        raise UsageError(
            f"{name} learns from samples that differ, and {EMBEDDED} always answers the same", "take another optimizer"
        )
