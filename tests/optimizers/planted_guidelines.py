"""What the models of the planted world have to be told."""

import hashlib
from dataclasses import dataclass
from typing import Literal

from planted_pairs import QUALITIES

from openrubrics.signatures import ContrastResponses, GenerateRubric, JudgePair

Role = Literal["generator", "judge"]


@dataclass(frozen=True)
class Guideline:
    """What a model has to be told.

    Attributes:
        role: Which model.
        phrase: Words that make the difference, wherever they stand in the instructions.
        sentence: How the author of instructions writes them.
        pointer: Words in a feedback that point to it.
    """

    role: Role
    phrase: str
    sentence: str
    pointer: str

    def is_in(self, instructions: str) -> bool:
        return self.phrase in " ".join(instructions.casefold().split())


LONGER = "It is the longer and fuller one"
FANCIER = "Its heading and bold type look professional"

GUIDELINES = {
    "evidence": Guideline(
        "generator",
        "supported by evidence",
        "Ask whether claims are supported by evidence.",
        QUALITIES["evidence"].remark,
    ),
    "candour": Guideline(
        "generator", "what nobody knows", "Value an answer that admits what nobody knows.", QUALITIES["candour"].remark
    ),
    "directness": Guideline(
        "generator",
        "the answer comes first",
        "A good reply is one in which the answer comes first.",
        QUALITIES["directness"].remark,
    ),
    "length": Guideline("judge", "longer is not better", "Remember that longer is not better.", LONGER),
    "polish": Guideline(
        "judge", "decoration is no merit", "Formatting is a wrapping: decoration is no merit.", FANCIER
    ),
}
"""All of them together give full accuracy, and each alone helps."""

TASKS: dict[Role, tuple[str, ...]] = {
    "generator": (GenerateRubric.instructions, ContrastResponses.instructions),
    "judge": (JudgePair.instructions,),
}
"""The instructions that the search starts from."""


class UnknownPromptError(AssertionError):
    """The world was asked something that nobody in it answers."""


def digest(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:12], 16)
