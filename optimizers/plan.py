"""A run that is asked for, and whether it can work."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dspy
from pydantic import JsonValue

from openrubrics.data import check_disjoint
from openrubrics.lms import Budget
from openrubrics.lms.finish import FinishLM
from openrubrics.lms.identity import sampling
from openrubrics.optimizers.limits import calls_for, calls_of_run, check_limit
from openrubrics.optimizers.metrics import LabelMetric
from openrubrics.optimizers.search import Sizes
from openrubrics.optimizers.session import Splits
from openrubrics.optimizers.student import Compilable
from openrubrics.optimizers.table import OPTIMIZERS, check
from openrubrics.programs import RubricRM
from openrubrics.programs.program import flat_settings
from openrubrics.signatures import PreferencePair
from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.model_text import excerpt

FINALISTS = 3
"""Candidates that are scored on validation where an optimizer looks at the training split only."""


@dataclass(frozen=True)
class Plan:
    """A run, checked as far as that can be done without asking anyone; `compile` says what the fields are."""

    program: Compilable
    splits: Splits
    optimizer: str
    limit: Budget
    reflection_lm: dspy.LM | None
    metric: LabelMetric
    demos: bool
    seed: int
    concurrency: int
    options: Mapping[str, JsonValue]

    @property
    def lms(self) -> dict[str, dspy.LM]:
        """The LM of each predictor."""
        predictors = self.program.bound_predictors()
        return {name: counted(name, predictor.current_lm()) for name, predictor in predictors.items()}

    @property
    def calls_before(self) -> int:
        """Requests at most for scoring before the search."""
        return calls_for(self.program, self.splits.val) + calls_for(self.program, self.splits.test)

    @property
    def calls_after(self) -> int:
        """Requests at most for scoring after the search."""
        return self.finalists * calls_for(self.program, self.splits.val) + calls_for(self.program, self.splits.test)

    @property
    def finalists(self) -> int:
        """How many candidates are scored on validation after the search."""
        return 0 if OPTIMIZERS[self.optimizer].selects_on == "val" else FINALISTS

    @property
    def smallest_search(self) -> int:
        """Program runs of the smallest useful search."""
        sizes = Sizes(len(self.splits.train), len(self.splits.val), len(self.lms), self.demos)
        return OPTIMIZERS[self.optimizer].smallest(sizes, self.options)

    def check(self) -> None:
        """Refuse what cannot work.

        Raises:
            UsageError: Something is missing, does not fit together, or is too small.
            DataError: A split is empty or repeats an id, or two share a prompt.
            MissingExtraError: The optimizer needs a package that is not installed.
        """
        splits = self.splits
        if self.concurrency < 1:
            raise UsageError(f"concurrency is {self.concurrency}, but at least 1 is needed")
        _check_program(self.program, self.metric)
        for name in ("train", "val"):
            if not getattr(splits, name):
                raise DataError(f"the {name} split has no pairs")
        for name in ("val", "test"):
            check_ids(name, getattr(splits, name))
        check_disjoint({"train": splits.train, "val": splits.val, "test": splits.test})
        lms = self.lms
        if self.reflection_lm is not None:
            counted("reflection", self.reflection_lm)
        check(
            self.optimizer,
            reflection_lm=self.reflection_lm,
            demos=self.demos,
            train=splits.train,
            val=splits.val,
            options=self.options,
            lms=list(lms.values()),
        )
        searching = self.smallest_search * calls_of_run(self.program)
        check_limit(self.limit, self.calls_before + self.calls_after + searching)

    def identity(self) -> dict[str, JsonValue]:
        """Return what a folder's run must have begun with to go on; the limit may change."""
        models = self.lms | ({"reflection": self.reflection_lm} if self.reflection_lm else {})
        return {
            "command": "optimize",
            "optimizer": self.optimizer,
            "options": dict(self.options),
            "prompts": self.program.fingerprint,
            **flat_settings(self.program.settings),
            "length penalty": self.metric.length_penalty,
            "position penalty": self.metric.position_penalty,
            "demos": self.demos,
            "seed": self.seed,
            **{f"{name} pairs": content[:16] for name, content in data_hashes(self.splits).items()},
            **models_identity(models),
        }


def models_identity(models: Mapping[str, dspy.LM]) -> dict[str, JsonValue]:
    """Return names and sampling settings of models, by their roles, as a ledger tells runs apart by them."""
    return {
        **{f"{role} model": model.model for role, model in models.items()},
        **{
            f"{role} {name}": json.loads(json.dumps(value, default=str))
            for role, model in models.items()
            for name, value in sampling(model).items()
            if value is not None
        },
    }


def data_hashes(splits: Splits) -> dict[str, str]:
    """Return the SHA-256 of the pairs of each split that has any, whatever file they come from."""
    parts = {"train": splits.train, "val": splits.val, "test": splits.test}
    return {name: _hash(pairs) for name, pairs in parts.items() if pairs}


def _hash(pairs: Sequence[PreferencePair]) -> str:
    digest = hashlib.sha256()
    for pair in pairs:
        content = pair.model_dump(mode="json", include={"id", "prompt", "chosen", "rejected"})
        digest.update(json.dumps(content, sort_keys=True).encode())
    return digest.hexdigest()


def counted(role: str, lm: dspy.BaseLM) -> dspy.LM:
    """Refuse an LM whose requests nobody counts.

    Raises:
        UsageError: It is none of `openrubrics.lms`.
    """
    if not isinstance(lm, FinishLM):
        raise UsageError(
            f"the LM of {role} is a {type(lm).__name__}, whose requests cannot be counted and limited",
            "make it with openrubrics.lms.lm(...)",
        )
    return lm


def check_ids(name: str, pairs: Sequence[PreferencePair]) -> None:
    """Refuse a split whose judgments before and after could not be paired.

    Raises:
        DataError: Pairs share an id.
    """
    repeated = [pair_id for pair_id, times in Counter(pair.id for pair in pairs).items() if times > 1]
    if repeated:
        raise DataError(
            f"{len(repeated)} id{'s' * (len(repeated) > 1)} of the {name} split belong{'s' * (len(repeated) == 1)} to "
            f"several pairs; the first is {excerpt(repeated[0])}",
            "give each pair an id of its own",
        )


def _check_program(program: Compilable, metric: LabelMetric) -> None:
    """Refuse settings of a program under which there is nothing to learn, or not what was meant."""
    if isinstance(program, RubricRM) and program.rubric is not None:
        raise UsageError("the program has a fixed rubric, so no writer of rubrics can be compiled", "leave it out")
    if isinstance(program, RubricRM) and program.enforce_checks:
        raise UsageError("with enforce_checks code decides pairs from which prompts should learn", "set it afterwards")
    if metric.position_penalty and program.orders != "both":
        raise UsageError("a position penalty needs to see both orders", 'give orders="both" (--orders both)')
    for name, predictor in program.bound_predictors().items():
        template = predictor.adapter.template
        if template is not None and "{instructions}" not in template:
            raise UsageError(f"the template of {name} has no place for instructions", "add {instructions} to it")
