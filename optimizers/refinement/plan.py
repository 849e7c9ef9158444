"""A refinement that is asked for, and whether it can work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol

from openrubrics.data import check_disjoint
from openrubrics.lms import Budget
from openrubrics.optimizers.limits import check_limit
from openrubrics.optimizers.plan import check_ids, counted, data_hashes, models_identity
from openrubrics.optimizers.session import Splits
from openrubrics.programs.adaptive_judge import AUTO, AdaptiveRubricJudge
from openrubrics.programs.aggregation import Aggregation
from openrubrics.programs.edit_proposer import EditProposer
from openrubrics.programs.program import Program, flat_settings
from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.meta_rubric import MOST_VERSIONS, MetaRubric
from openrubrics.signatures.values import Orders, PreferencePair, prompt_text

if TYPE_CHECKING:
    import dspy
    from pydantic import JsonValue


class MakesJudge(Protocol):
    """Makes the judge that follows a meta-rubric."""

    def __call__(self, meta_rubric: MetaRubric) -> Program:
        """Return a program that is called with prompt, response_a and response_b, with its LMs attached."""
        ...


@dataclass(frozen=True)
class Judging:
    """How meta-rubrics are judged by.

    Attributes:
        make: Makes the judge that follows a meta-rubric.
        orders: In how many orders it shows two responses.
        calls_for_pair: Requests for one pair at most, without repeats after failures.
        calls_for_prompt: Requests besides for each different prompt, to find the domain it belongs to where the
            meta-rubric has any; all meta-rubrics of a run share them.
    """

    make: MakesJudge
    orders: Orders = "single"
    calls_for_pair: int = 1
    calls_for_prompt: int = 0

    @classmethod
    def adaptive(
        cls,
        lm: dspy.LM,
        *,
        domain: str = AUTO,
        two_calls: bool = False,
        aggregation: Aggregation = "symmetric",
        threshold: float = 0.0,
        orders: Orders = "single",
        guards: bool = True,
    ) -> Judging:
        """Return how `AdaptiveRubricJudge` judges with an LM; the other arguments are its own."""

        def make(meta_rubric: MetaRubric) -> Program:
            judge = AdaptiveRubricJudge(
                meta_rubric,
                domain=domain,
                two_calls=two_calls,
                aggregation=aggregation,
                threshold=threshold,
                orders=orders,
                guards=guards,
            )
            judge.set_lm(lm)
            return judge

        calls = (2 if orders == "both" else 1) + two_calls
        return cls(make, orders=orders, calls_for_pair=calls, calls_for_prompt=int(domain == AUTO))

    def calls(self, meta_rubric: MetaRubric, pairs: Sequence[PreferencePair]) -> int:
        """Return how many requests it takes at most to judge pairs by a first meta-rubric."""
        prompts = {prompt_text(pair.prompt) for pair in pairs} if meta_rubric.domains else ()
        return self.again(pairs) + self.calls_for_prompt * len(prompts)

    def again(self, pairs: Sequence[PreferencePair]) -> int:
        """Return how many requests it takes at most to judge the same pairs by another one."""
        return self.calls_for_pair * len(pairs)


@dataclass(frozen=True)
class Sizes:
    """How large a search is; OpenRS publishes none of these numbers, so all of them are ours.

    Attributes:
        generations: How often new meta-rubrics are made from the best so far.
        population: New ones in each generation at most, a quarter of them by crossover where there are two parents.
        beam: Parents of the next generation.
        batch: Training pairs on which a new one has to do better than its parent before it is judged on all; None for
            all at once.
        cases: Failures that are shown for one proposal at most.
        finalists: How many are judged on validation besides the one of before.
    """

    generations: int = 4
    population: int = 8
    beam: int = 3
    batch: int | None = None
    cases: int = 4
    finalists: int = 3

    def check(self) -> None:
        """Refuse numbers below 1.

        Raises:
            UsageError: There is one.
        """
        for name, value in asdict(self).items():
            if value is not None and value < 1:
                raise UsageError(f"{name} is {value}, but at least 1 is needed")


@dataclass(frozen=True)
class RefinePlan:
    """A run, checked as far as that can be done without asking anyone; `refine` says what the fields are."""

    meta_rubric: MetaRubric
    judging: Judging
    author_lm: dspy.LM
    splits: Splits
    limit: Budget
    sizes: Sizes
    seed: int
    concurrency: int

    @property
    def author(self) -> EditProposer:
        """What proposes edits, with its LM."""
        author = EditProposer()
        author.set_lm(self.author_lm)
        return author

    @property
    def models(self) -> dict[str, dspy.LM]:
        """The LM of each predictor of the judge, and that of the author."""
        predictors = self.judging.make(self.meta_rubric).bound_predictors()
        judges = {f"judge {name}": counted(name, predictor.current_lm()) for name, predictor in predictors.items()}
        return judges | {"author": counted("author", self.author_lm)}

    @property
    def calls_before(self) -> int:
        """Requests at most for scoring before the search."""
        splits = self.splits.val, self.splits.test, self.splits.train
        return sum(self.judging.calls(self.meta_rubric, pairs) for pairs in splits)

    @property
    def calls_after(self) -> int:
        """Requests at most for scoring after the search."""
        return self.sizes.finalists * self.judging.again(self.splits.val) + self.judging.again(self.splits.test)

    @property
    def calls_of_candidate(self) -> int:
        """Requests at most for judging the training pairs by a new meta-rubric."""
        return self.judging.again(self.splits.train)

    @property
    def calls_of_generation(self) -> int:
        """Requests at most for one generation."""
        return self.sizes.population * (1 + self.calls_of_candidate)

    def check(self) -> None:
        """Refuse what cannot work.

        Raises:
            UsageError: Something is missing, does not fit together, or is too small.
            DataError: A split is empty or repeats an id, or two share a prompt.
        """
        splits = {"train": self.splits.train, "val": self.splits.val, "test": self.splits.test}
        if self.concurrency < 1:
            raise UsageError(f"concurrency is {self.concurrency}, but at least 1 is needed")
        if self.seed < 0:
            raise UsageError(f"seed is {self.seed}, but it cannot be negative")
        self.sizes.check()
        if self.meta_rubric.version >= MOST_VERSIONS:
            raise UsageError(f"the meta-rubric has version {self.meta_rubric.version}, and there is no higher one")
        for name, pairs in splits.items():
            if not pairs and name != "test":
                raise DataError(f"the {name} split has no pairs")
            check_ids(name, pairs)
        check_disjoint(splits)
        _ = self.models
        check_limit(self.limit, self.calls_before + self.calls_after + 1 + self.calls_of_candidate)

    def identity(self) -> dict[str, JsonValue]:
        """Return what a folder's run must have begun with to go on; the limit may change."""
        judge = self.judging.make(self.meta_rubric)
        return {
            "command": "refine",
            "meta-rubric": self.meta_rubric.fingerprint,
            "prompts": judge.fingerprint,
            "author prompts": self.author.fingerprint,
            **{f"judge {name}": value for name, value in flat_settings(judge.settings).items()},
            "orders": self.judging.orders,
            **asdict(self.sizes),
            "seed": self.seed,
            **{f"{name} pairs": content[:16] for name, content in data_hashes(self.splits).items()},
            **models_identity(self.models),
        }
