"""What differs between two saved programs: the values that `openrubrics.optimizers.diff` returns."""

from openrubrics.evaluation import Figures, Paired
from openrubrics.optimizers.text_diff import Change
from openrubrics.signatures.values import Frozen


class Fact(Frozen):
    """Something that the two say about themselves, and differently; empty where one of them does not say."""

    name: str
    before: str
    after: str


class Demonstrations(Frozen):
    """Demonstrations of a predictor; those that are equal are kept.

    Attributes:
        kept: Number in both.
        added: Beginning of the prompt of each that only the second has.
        removed: Beginning of the prompt of each that only the first has.
        pairs_before: Ids of the training pairs they come from, as the first one's card has them.
        pairs_after: The same of the second one.
    """

    kept: int
    added: tuple[str, ...]
    removed: tuple[str, ...]
    pairs_before: tuple[str, ...]
    pairs_after: tuple[str, ...]


class PredictorDifference(Frozen):
    """What differs in one predictor.

    Attributes:
        name: Its attribute path.
        instructions_differ: Whether the instructions are not the very same text.
        changes: The sentences of both; empty where the instructions are the same. Where all are ``same``, only the
            white space differs.
        demos: The demonstrations.
    """

    name: str
    instructions_differ: bool
    changes: tuple[Change, ...]
    demos: Demonstrations


class Scores(Frozen):
    """What the cards say of one split; None where they do not say it.

    Attributes:
        split: ``validation`` or ``test``.
        before: Figures of the first program.
        after: Figures of the second one.
        comparable: Whether the programs alone tell the figures apart: both were measured on the same pairs, in the same
            orders, with the same models and at the same task.
        change: The two compared pair by pair; known where the second was compiled from the first.
    """

    split: str
    before: Figures | None
    after: Figures | None
    comparable: bool
    change: Paired | None


class Difference(Frozen):
    """What differs between two programs.

    Attributes:
        before: Name of the first.
        after: Name of the second.
        same: Whether all predictors have the same instructions and demonstrations.
        notes: What the reader has to know, in sentences.
        facts: What they say about themselves, where it differs.
        predictors: Those of the same name.
        only_before: Predictors that only the first has.
        only_after: Predictors that only the second has.
        scores: What the cards say; empty where there are none.
    """

    before: str
    after: str
    same: bool
    notes: tuple[str, ...]
    facts: tuple[Fact, ...]
    predictors: tuple[PredictorDifference, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    scores: tuple[Scores, ...]
