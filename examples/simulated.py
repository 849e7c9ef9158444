"""Two simulated models, so that the example runs without any server. Neither of them is a language model.

The student does not read: it looks up in the starter set which answer people prefer, and what speaks for the other one
at first sight. On about half of the pairs it falls for that, until its instructions hold the guideline against it. The
reflection model adds the guidelines to which feedback points. So a gain shows that splits, search, limits, files and
figures work together, and nothing else; how much a real model gains is another question.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Literal

from dspy.lm15 import Request

from openrubrics.data import read_pairs
from openrubrics.lms import ScriptedLM
from openrubrics.lms.scripted import Messages
from openrubrics.signatures import (
    JUDGMENT,
    RUBRIC,
    Criterion,
    JudgePair,
    PreferencePair,
    Rubric,
    invert,
    render_judgment,
)

NAME = "simulated (not a language model)"


@dataclass(frozen=True)
class Guideline:
    """What keeps the student from one kind of mistake.

    Attributes:
        role: Whose instructions have to hold it.
        text: It counts wherever these words stand.
        excuse: What the judge says for the wrong answer without it.
    """

    role: Literal["generator", "judge"]
    text: str
    excuse: str

    def is_in(self, instructions: str) -> bool:
        """Whether instructions hold it, however their lines break."""
        return self.text in " ".join(instructions.split())


GUIDELINES = {
    "confident": Guideline("generator", "claims nothing that is wrong", "it sounds sure of what it says"),
    "flattering": Guideline("generator", "says what is true, welcome or not", "it is kind to the one who asks"),
    "longer": Guideline("judge", "length is not quality", "it says much more"),
    "formatted": Guideline("judge", "layout is not content", "it is laid out so well"),
    "prettier": Guideline("judge", "style is not substance", "it is so well put"),
}
"""By the name that the starter set gives to what speaks for the rejected answer (`trap`)."""

RELEVANT = Criterion(text="The response does what the request asks for.", kind="principle")


def simulated() -> tuple[ScriptedLM, ScriptedLM]:
    """Return the student and the reflection model, and say what they are."""
    print("The models are simulated: a gain shows that the machinery works, and nothing about language models.")
    pairs = [pair for split in ("train", "test") for pair in read_pairs("starter", split=split)]
    known = {frozenset((pair.chosen, pair.rejected)): pair for pair in pairs}

    def student(messages: Messages, request: Request) -> str:
        first, last = messages[0]["content"], messages[-1]["content"]
        if JUDGMENT["seed"].instructions in first:
            return _judge(first, last, known)
        if RUBRIC.instructions in first:
            return _write_rubric(first)
        raise ValueError(f"the simulated student is not made for this prompt: {first[:80]!r}")

    return ScriptedLM(student, model=NAME), ScriptedLM(_reflect, model=NAME)


def _write_rubric(instructions: str) -> str:
    told = [g.text for g in GUIDELINES.values() if g.role == "generator" and g.is_in(instructions)]
    criteria = [Criterion(text=f"The response {text}.", kind="principle") for text in told]
    return str(Rubric(criteria=(RELEVANT, *criteria)))


def _judge(instructions: str, shown: str, known: dict[frozenset[str], PreferencePair]) -> str:
    fields = {name: str(value) for name, value in invert(shown, JudgePair).items()}
    rubric, a, b = Rubric.parse(fields["rubric"]), fields["response_a"], fields["response_b"]
    pair = known.get(frozenset((a, b)))
    if pair is None:
        why = "The simulation knows the pairs of the starter set only."
        return render_judgment(rubric, gatekeeper="none", findings=[], justification=why, winner="tie")
    guideline = GUIDELINES.get(str(pair.meta["trap"]))
    told = guideline is None or guideline.is_in(str(rubric) if guideline.role == "generator" else instructions)
    right = told or _often(pair.id)
    better = pair.chosen if right else pair.rejected
    why = "it is the one that people prefer" if right or guideline is None else guideline.excuse
    winner = "A" if a == better else "B"
    said = f"Response {winner} is better: {why}."
    return render_judgment(rubric, gatekeeper="none", findings=[], justification=said, winner=winner)


def _often(text: str) -> bool:
    """Draw by a text: true for half of all texts, and always the same."""
    return hashlib.blake2b(text.encode()).digest()[0] < 128


def _reflect(messages: Messages, request: Request) -> str:
    """Answer GEPA, which shows instructions with feedback on what they led to, and asks for new ones."""
    parts = re.split(r"\[\[ ## (\w+) ## \]\]\n", messages[-1]["content"])
    fields = dict(zip(parts[1::2], parts[2::2], strict=True))
    if not {"current_instruction", "examples_with_feedback"} <= set(fields):
        raise ValueError(f"the simulated reflection model answers GEPA only, which does not ask about {set(fields)}")
    instructions = fields["current_instruction"].strip()
    role = "generator" if "rubric by which" in instructions else "judge"
    added = [
        f"Keep in mind: what is better {g.text}." if role == "generator" else f"Keep in mind: {g.text}."
        for g in GUIDELINES.values()
        if g.role == role and g.excuse in fields["examples_with_feedback"] and not g.is_in(instructions)
    ]
    return "\n".join(["[[ ## new_instruction ## ]]", instructions, *added, "", "[[ ## completed ## ]]"])
