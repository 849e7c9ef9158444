"""A scripted judge that prefers by a rule on the texts, whatever their slots, and fails where the rule is silent."""

from collections.abc import Callable, Mapping

from openrubrics import RubricRM, ScriptedLM
from openrubrics.lms.scripted import Messages
from openrubrics.signatures import Finding, JudgePair, Orders, Rubric, invert, render_judgment
from openrubrics.signatures.judge_text import Winner

RUBRIC = Rubric.parse("1. The response is short. [Hard Rule]\n2. The response is kind. [Principle]")
GARBAGE = "I would rather not say."

Rule = Callable[[str, str], Winner | None]
"""Which of two texts is better; None for a reply that cannot be read."""


def by_score(scores: Mapping[str, float | None]) -> Rule:
    """Return the rule that prefers the higher score; a text with None cannot be judged."""

    def rule(a: str, b: str) -> Winner | None:
        first, second = scores[a], scores[b]
        if first is None or second is None:
            return None
        return "tie" if first == second else "A" if first > second else "B"

    return rule


def verdict(winner: Winner) -> str:
    """Write a whole judgment."""
    return render_judgment(
        RUBRIC,
        gatekeeper=RUBRIC.criteria[0].text,
        findings=[Finding(criterion=1, response="A", text="met"), Finding(criterion=1, response="B", text="met")],
        justification="because",
        winner=winner,
    )


def shown(messages: Messages) -> tuple[str, str] | None:
    """Return the two responses of a request to the judge; None for one that asks for a rubric."""
    text = messages[-1]["content"]
    if "<response_a>\n" not in text:
        return None
    fields = invert(text, JudgePair)
    return str(fields["response_a"]), str(fields["response_b"])


def answer(rule: Rule, messages: Messages) -> str:
    """Answer a request of either stage."""
    responses = shown(messages)
    if responses is None:
        return str(RUBRIC)
    winner = rule(*responses)
    return GARBAGE if winner is None else verdict(winner)


class ScoredJudge(RubricRM):
    """A judge over a scripted LM, with what that was asked."""

    def __init__(self, rule: Rule | Mapping[str, float | None], orders: Orders = "single") -> None:
        super().__init__(orders=orders)
        given = by_score(rule) if isinstance(rule, Mapping) else rule
        self.scripted = ScriptedLM(lambda messages, _: answer(given, messages))
        self.set_lm(self.scripted)

    @property
    def compared(self) -> list[tuple[str, str]]:
        """The responses of each comparison that was asked for, as they were shown."""
        asked = [shown(request.messages) for request in self.scripted.requests]
        return [responses for responses in asked if responses is not None]

    @property
    def rubrics(self) -> int:
        """Number of rubrics that were asked for."""
        return sum(shown(request.messages) is None for request in self.scripted.requests)
