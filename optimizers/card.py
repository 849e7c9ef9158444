"""The card of a compiled program: how it came to be, and what it is worth."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, JsonValue, ValidationError

from openrubrics.evaluation import Figures, Paired
from openrubrics.programs import Program
from openrubrics.programs.artifact import Artifact, read_artifact, shown
from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.outcomes import Usage
from openrubrics.signatures.values import Frozen

_CHANGED = "the file was changed, or comes from another version"


class SplitScores(Frozen):
    """How the program scored on one split, before and after it was compiled.

    Attributes:
        pairs: Number of pairs.
        before: Figures of the program as it was.
        after: Figures of the compiled program.
        change: The two compared pair by pair.
    """

    pairs: int
    before: Figures
    after: Figures
    change: Paired


class Demos(Frozen):
    """What the demonstrations in one predictor's prompt contain.

    Attributes:
        predictor: Its attribute path.
        count: Number of demonstrations.
        pairs: Ids of the training pairs they come from, without repeats.
        characters: Length of their text.
    """

    predictor: str
    count: int
    pairs: tuple[str, ...]
    characters: int


class Card(Frozen):
    """How a program was compiled, with everything that is needed to judge it and to do it again.

    Attributes:
        optimizer: Name in `openrubrics.optimizers.OPTIMIZERS`.
        options: What it was given besides.
        seed: Of the search.
        target: Which program was compiled: ``rubric-rm`` is `RubricRM`, ``contrastive`` is `ContrastiveRubricRM`.
        base: Fingerprint of the program before.
        program: Fingerprint of the compiled program; equal to `base` where nothing better was found.
        lms: Model by attribute path of the predictor.
        sampling: Sampling settings by attribute path.
        reflection_lm: Model that wrote new instructions; None where none did.
        data: SHA-256 of the content of each split's pairs, by the name of the split.
        sizes: Number of pairs of each split.
        metric: Orders and penalties that the search went by.
        val: Scores on the validation pairs, by which the program was chosen: they are biased upwards.
        test: Scores on the test pairs, which nothing was chosen by; None where there were none.
        verdict: What is to be said of the change, in words.
        stopped: Why the search ended.
        candidates: Number of different programs that were seen.
        runs: Program runs in all.
        usage: What was spent, with scoring.
        seconds: Wall time.
        demos: What the demonstrations contain, by predictor.
        versions: Versions of this package, DSPy and whatever else matters.
    """

    optimizer: str
    options: Mapping[str, JsonValue]
    seed: int
    target: Literal["rubric-rm", "contrastive"]
    base: str
    program: str
    lms: Mapping[str, str]
    sampling: Mapping[str, JsonValue]
    reflection_lm: str | None
    data: Mapping[str, str]
    sizes: Mapping[str, int]
    metric: Mapping[str, JsonValue]
    val: SplitScores
    test: SplitScores | None
    verdict: str
    stopped: str
    candidates: int
    runs: int
    usage: Usage
    seconds: float = Field(ge=0, allow_inf_nan=False)
    demos: tuple[Demos, ...]
    versions: Mapping[str, str]


def save_compiled(program: Program, card: Card, path: str | Path) -> None:
    """Write a compiled program with its card to a JSON file, atomically; `Program.load` reads it.

    Raises:
        UsageError: The card is that of another program, the path does not end in .json, or its folder cannot be
            written to.
    """
    if program.fingerprint != card.program:
        raise UsageError(f"the card is of program {card.program}, but this program is {program.fingerprint}")
    program.save(path, card=card.model_dump(mode="json"))


def read_card(path: str | Path) -> Card | None:
    """Return the card of a saved program; None where it was saved without one.

    Raises:
        DataError: The file is no saved program, or its card is damaged or of another program; the message says where.
    """
    return card_of(Path(path), read_artifact(Path(path)))


def card_of(path: Path, artifact: Artifact) -> Card | None:
    """Return the card of a file that was read; see `read_card`."""
    if artifact.card is None:
        return None
    try:
        card = Card.model_validate(artifact.card)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, ("card", *first["loc"])))
        raise DataError(f"{path}: {place}: {first['msg']}", _CHANGED) from error
    found = artifact.manifest.get("fingerprint")
    if card.program != found:
        raise DataError(
            f"{path}: the card is of program {shown(card.program)}, but the file holds {shown(found)}", _CHANGED
        )
    return card
