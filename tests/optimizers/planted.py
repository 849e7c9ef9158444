"""A simulated world in which instructions matter: models that do better where certain guidelines are planted.

It is a deterministic function from a request to a reply. Served by a `model_server` (``server.text = world.serve``) or
played by a `ScriptedLM` (``world.script``), it stands for both models of a search: the student, who writes rubrics and
judges by them, and the author of instructions, whom the optimizers ask (`planted_author`). What it measures is the
machinery of the search, nothing else.

The student writes into a rubric only what it knows unprompted (relevance), and each other quality where the guideline
for it stands in its instructions. It judges by the rubric it is shown, and calls it a tie where that separates nothing;
but it falls for the longer or the fancier response until a guideline tells it not to. A demonstration cures it of
length, too. At a temperature it is sometimes wiser than its instructions, differently each time it is asked.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from dspy.lm15 import Request
from planted_author import answer
from planted_guidelines import FANCIER, GUIDELINES, LONGER, UnknownPromptError, digest
from planted_pairs import BLOCK, CLEAR, LURES, QUALITIES, Splits, is_fancier, is_longer, splits

from openrubrics.lms.scripted import Messages
from openrubrics.programs import ContrastiveRubricRM, RubricRM
from openrubrics.signatures import (
    JUDGMENT,
    RUBRIC,
    Contract,
    Finding,
    JudgePair,
    Label,
    Rubric,
    invert,
    render_judgment,
)
from openrubrics.signatures.judge_text import Winner
from openrubrics.signatures.values import OTHER

__all__ = ["BLOCK", "GUIDELINES", "PlantedWorld", "Splits", "guidelines_in", "splits", "with_guidelines"]

WARM = 0.5
"""Temperature from which on replies vary."""


class PlantedWorld:
    """The models of the simulation.

    Attributes:
        unknown: Requests that it refused; a test expects none.
    """

    def __init__(self) -> None:
        self.unknown: list[Messages] = []
        self._asked: Counter[str] = Counter()

    def forget(self) -> None:
        """Answer from now on as a new world does."""
        self._asked.clear()

    def serve(self, body: dict[str, Any]) -> str:
        """Return one sample, as a `ModelServer` asks for it."""
        return self._reply(body["messages"], body.get("temperature"))

    def script(self, messages: Messages, request: Request) -> str:
        """Return one sample, as `ScriptedLM` asks for it."""
        return self._reply(messages, request.config.temperature)

    def _reply(self, messages: Messages, temperature: float | None) -> str:
        warm = temperature is not None and temperature >= WARM
        chance = self._chance(messages) if warm else None
        try:
            if messages[0]["role"] == "system":
                return answer(messages[0]["content"], messages[-1]["content"], chance)
            return _student(messages, chance)
        except UnknownPromptError:
            self.unknown.append(messages)
            raise

    def _chance(self, messages: Messages) -> int:
        """Return a number that is another one each time the same is asked."""
        asked = repr([(message["role"], message["content"]) for message in messages])
        self._asked[asked] += 1
        return digest(f"{self._asked[asked]} {asked}")


def guidelines_in(program: RubricRM | ContrastiveRubricRM) -> set[str]:
    """Return the names of the guidelines that a program's instructions hold where they help."""
    texts = {"generator": program.generate.predict.task.instructions, "judge": program.judge.predict.task.instructions}
    return {name for name, guideline in GUIDELINES.items() if guideline.is_in(texts[guideline.role])}


def with_guidelines(*names: str, program: RubricRM | None = None) -> RubricRM:
    """Return a program that is told these guidelines."""
    program = program or RubricRM()
    for role, predict in (("generator", program.generate.predict), ("judge", program.judge.predict)):
        told = [GUIDELINES[name].sentence for name in names if GUIDELINES[name].role == role]
        predict.signature = predict.task.with_instructions("\n\n".join([predict.task.instructions, *told]))
    return program


def _student(messages: Messages, chance: int | None) -> str:
    first, last = messages[0]["content"], messages[-1]["content"]
    if "<response_a>\n" in last:
        form = "v3" if JUDGMENT["v3"].instructions in first else "seed"
        instructions = _instructions(first, JUDGMENT[form])
        shown = {name: str(value) for name, value in invert(last, JudgePair).items()}
        resisted = _resisted(instructions, demonstrated=len(messages) > 1, chance=chance)
        return _judge(Rubric.parse(shown["rubric"]), shown["response_a"], shown["response_b"], resisted, form)
    if "<prompt>\n" in last:
        return _rubric(_instructions(first, RUBRIC), chance)
    raise UnknownPromptError(last)


def _instructions(first: str, contract: Contract) -> str:
    instructions, found, _ = first.partition(contract.instructions)
    if not found:
        raise UnknownPromptError(first)
    return instructions


def _rubric(instructions: str, chance: int | None) -> str:
    told = [name for name, guideline in GUIDELINES.items() if name in QUALITIES and guideline.is_in(instructions)]
    others = [name for name in QUALITIES if name in GUIDELINES and name not in told]
    guessed = [others[chance % len(others)]] if chance is not None and others else []
    criteria = [QUALITIES[name].as_criterion() for name in ("relevance", *told, *guessed)]
    return str(Rubric(criteria=(*criteria, CLEAR)))


def _resisted(instructions: str, *, demonstrated: bool, chance: int | None) -> set[str]:
    resisted = {name for name in LURES if GUIDELINES[name].is_in(instructions)}
    resisted |= {"length"} if demonstrated else set()
    return resisted | ({LURES[chance // 2 % 2]} if chance is not None and chance % 2 else set())


def _judge(rubric: Rubric, a: str, b: str, resisted: set[str], form: Literal["seed", "v3"]) -> str:
    shown: Mapping[Label, str] = {"A": a, "B": b}
    asked = {criterion.text for criterion in rubric.criteria}
    winner, why = _verdict(shown, [quality for quality in QUALITIES.values() if quality.criterion in asked], resisted)
    findings = [
        Finding(criterion=number, response=label, text=_finding(criterion.text, shown[label], asked))
        for label in shown
        for number, criterion in enumerate(rubric.criteria, 1)
    ]
    return render_judgment(rubric, gatekeeper="none", findings=findings, justification=why, winner=winner, form=form)


def _verdict(shown: Mapping[Label, str], asked: Sequence[Any], resisted: set[str]) -> tuple[Winner, str]:
    lures = (("length", is_longer, LONGER), ("polish", is_fancier, FANCIER))
    for label in shown:
        for name, leads, why in lures:
            if name not in resisted and leads(shown[label], shown[OTHER[label]]):
                return label, f"{why}, so Response {label} is the better one."
    met = {label: sum(quality.is_in(text) for quality in asked) for label, text in shown.items()}
    if met["A"] == met["B"]:
        return "tie", "Nothing that the rubric asks for separates the two."
    winner: Label = "A" if met["A"] > met["B"] else "B"
    return winner, f"Response {winner} meets more of the criteria."


def _finding(criterion: str, response: str, asked: set[str]) -> str:
    if criterion == CLEAR.text:
        remarks = [q.remark for q in QUALITIES.values() if q.criterion not in asked and q.is_in(response)]
        return "; besides, ".join(["it is clear", *remarks])
    quality = next((q for q in QUALITIES.values() if q.criterion == criterion), None)
    if quality is None:
        return "not measured"
    return f"met, {quality.remark}" if quality.is_in(response) else "not met"
