"""The author of instructions in the planted world: answers what DSPy's optimizers ask a language model.

GEPA and SIMBA tell it what went wrong; it adds a guideline only where a feedback points to it. MIPROv2 and COPRO
tell it nothing of the kind; it proposes instructions with this or that guideline, or with none, as chance has it.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence

from planted_guidelines import GUIDELINES, TASKS, Guideline, Role, UnknownPromptError, digest

Fields = Mapping[str, str]
"""The inputs of a request by name."""

_FIELD = re.compile(r"^\d+\. `(\w+)`", re.MULTILINE)
_USELESS = (
    "Work with care.",
    "Take your time and read everything twice.",
    "You are an expert whom everybody trusts.",
    "Much depends on this.",
)


def answer(system: str, user: str, chance: int | None) -> str:
    """Return the reply to a request in the form of DSPy's chat or JSON adapter.

    Raises:
        UnknownPromptError: No optimizer of DSPy is known to ask this.
    """
    inputs, found, outputs = system.partition("Your output fields are:")
    asked = tuple(_FIELD.findall(outputs.partition("All interactions")[0]))
    if not found or asked not in _ANSWERS:
        raise UnknownPromptError(system)
    fields = _fields(user, _FIELD.findall(inputs))
    values = _ANSWERS[asked](fields, digest(user) if chance is None else chance)
    if "Outputs will be a JSON object" in system:
        return json.dumps(dict(zip(asked, values, strict=True)))
    sections = [f"[[ ## {name} ## ]]\n{value}" for name, value in zip(asked, values, strict=True)]
    return "\n\n".join([*sections, "[[ ## completed ## ]]"])


def _fields(user: str, names: Sequence[str]) -> Fields:
    marks = [f"[[ ## {name} ## ]]\n" for name in names]
    ends = [*marks[1:], "\n\nRespond with "]
    return {
        name: user.partition(mark)[2].partition(end)[0].strip()
        for name, mark, end in zip(names, marks, ends, strict=True)
    }


def _reflect(fields: Fields, chance: int) -> list[str]:
    """Answer GEPA: add the first guideline that is missing where a verdict was wrong and the feedback points to it."""
    instructions = fields["current_instruction"]
    told = [example.get("Feedback", "") for example in json.loads(fields["examples_with_feedback"])]
    missing = _pointed_to(_role(instructions), "\n".join(text for text in told if "Wrong" in text), instructions)
    added = missing[0].sentence if missing else _USELESS[chance % len(_USELESS)]
    return [instructions if added in instructions else f"{instructions}\n\n{added}"]


def _advise(fields: Fields, chance: int) -> list[str]:
    """Answer SIMBA, which shows a better and a worse run and wants advice for each module."""
    feedback = fields["worse_reward_info"]
    advice: dict[str, str] = {}
    for module in json.loads(fields["module_names"]):
        missing = _pointed_to("judge" if "judge" in module else "generator", feedback, "")
        advice[module] = missing[0].sentence if missing else _USELESS[chance % len(_USELESS)]
    return ["The worse run says what it lacks.", json.dumps(advice)]


def _pointed_to(role: Role, feedback: str, instructions: str) -> list[Guideline]:
    return [
        guideline
        for guideline in GUIDELINES.values()
        if guideline.role == role and guideline.pointer in feedback and not guideline.is_in(instructions)
    ]


def _propose(fields: Fields, chance: int) -> list[str]:
    """Answer MIPROv2."""
    return [_draw(fields["basic_instruction"], chance)]


def _start(fields: Fields, chance: int) -> list[str]:
    """Answer COPRO's first question; it wants the words before the output too, which our prompts do not have."""
    return [_draw(fields["basic_instruction"], chance), "Reply:"]


def _go_on(fields: Fields, chance: int) -> list[str]:
    """Answer COPRO, which lists what it tried from the worst to the best."""
    best = re.findall(r"Instruction #\d+: (.*?)(?=\n»»»|»\n)", fields["attempted_instructions"], re.DOTALL)[-1]
    return [_draw(re.sub(r"^ {4}", "", best, flags=re.MULTILINE), chance), "Reply:"]


def _draw(instructions: str, chance: int) -> str:
    """Add a guideline or two, or something useless."""
    mine = [g.sentence for g in GUIDELINES.values() if g.role == _role(instructions) and not g.is_in(instructions)]
    first, rest = chance % 4, chance // 4
    added = [mine[(rest + i) % len(mine)] for i in range(min(first, len(mine), 2))]
    return "\n\n".join([instructions, *(added or [_USELESS[rest % len(_USELESS)]])])


def _role(instructions: str) -> Role:
    text = " ".join(instructions.split())
    for role, tasks in TASKS.items():
        if any(" ".join(task.split())[:80] in text for task in tasks):
            return role
    raise UnknownPromptError(instructions)


def _says(*lines: str) -> Callable[[Fields, int], Sequence[str]]:
    return lambda fields, chance: lines


_ANSWERS: dict[tuple[str, ...], Callable[[Fields, int], Sequence[str]]] = {
    ("new_instruction",): _reflect,
    ("discussion", "module_advice"): _advise,
    ("proposed_instruction",): _propose,
    ("proposed_instruction", "proposed_prefix_for_output_field"): lambda fields, chance: (
        _go_on if "attempted_instructions" in fields else _start
    )(fields, chance),
    ("observations",): _says("Each row is a question with two answers and the name of the better one."),
    ("summary",): _says("Questions with two answers each, one of which people prefer."),
    ("program_description",): _says("It writes a rubric and compares two answers by it."),
    ("module_description",): _says("A step of the program."),
}
