"""A scripted model of an adaptive judge that reads the real prompts; what it prefers depends on the texts alone."""

from collections.abc import Callable

from dspy.lm15 import Request

from openrubrics.lms import ScriptedLM
from openrubrics.lms.scripted import Messages
from openrubrics.signatures.adaptive_reader import ListedCriterion
from openrubrics.signatures.adaptive_text import render_adaptive, render_comparison_reply, render_criteria_reply
from openrubrics.signatures.outcomes import Compared

Value = Callable[[str], int]
"""How good a response is on a criterion."""

RIGHT = ListedCriterion(text="The response is right.", type="critical")
BRIEF = ListedCriterion(text="The response is brief.", type="core")
KIND = ListedCriterion(text="The response is kind.", type="highlight")
Values = tuple[tuple[ListedCriterion, Value], ...]
VALUES: Values = (
    (RIGHT, lambda text: 2 * ("wrong" not in text)),
    (BRIEF, lambda text: 2 * (len(text) < 20)),
    (KIND, lambda text: int("please" in text)),
)


def section(messages: Messages, name: str) -> str:
    """Return what a request shows between the tags of a field; empty where it has none."""
    _, tag, after = messages[-1]["content"].rpartition(f"<{name}>\n")
    return after.partition(f"\n</{name}>")[0] if tag else ""


def kind_of(messages: Messages) -> str:
    """Return what a request asks for."""
    prompt = messages[-1]["content"]
    for kind, sign in (("route", "\n<domains>\n"), ("reference", "\n<reference>\n"), ("comparison", "\n<criteria>\n")):
        if sign in prompt:
            return kind
    return "criteria" if "compare nothing yet" in prompt else "one call"


def compared(values: Values, a: str, b: str) -> list[Compared]:
    """Return what the model finds: evidence is the first words of each response."""
    found = []
    for one, value in values:
        by = value(a) - value(b)
        better = "A" if by > 0 else "B" if by < 0 else "tie"
        texts = {"evidence_a": a[:12].strip(), "evidence_b": b[:12].strip(), "reason": f"{value(a)} and {value(b)}"}
        found.append(Compared.model_validate({**dict(one), "better": better, "by": min(2, abs(by)), **texts}))
    return found


def adaptive_reply(messages: Messages, values: Values = VALUES, domain: str = "code") -> str:
    """Answer any request of an adaptive judge."""
    a, b = section(messages, "response_a"), section(messages, "response_b")
    match kind_of(messages):
        case "route":
            return f"Reason: so it is\nChosen part: {domain}"
        case "reference":
            said = "incorrect" if "wrong" in section(messages, "response") else "correct"
            return f"Justification: so it is\nFinding: {said}"
        case "criteria":
            return render_criteria_reply("To know.", "They differ.", [one for one, _ in values])
        case "comparison":
            return render_comparison_reply(compared(values, a, b))
        case _:
            return render_adaptive("To know.", "They differ.", compared(values, a, b))


def adaptive_world(values: Values = VALUES, domain: str = "code") -> ScriptedLM:
    """Return an LM that answers so."""

    def answer(messages: Messages, request: Request) -> str:
        return adaptive_reply(messages, values, domain)

    return ScriptedLM(answer)


def kinds(lm: ScriptedLM) -> list[str]:
    """Return what was asked for, in order."""
    return [kind_of(asked.messages) for asked in lm.requests]
