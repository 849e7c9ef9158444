"""What the tests of the command line share: what a model writes, and how a command ended."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

RUBRIC = "1. The response is short. [Hard Rule]\n2. The response is polite. [Principle]"
JUDGMENT = """\
--- Compliance Check ---
Identified Gatekeeper Criterion: The response is short.

--- Analysis ---
**Response A:**
- Criterion 1 [Hard Rule]: Justification: A has few words.
- Criterion 2 [Principle]: Justification: A greets.
**Response B:**
- Criterion 1 [Hard Rule]: Justification: B has many words.
- Criterion 2 [Principle]: Justification: B is curt.

--- Final Judgment ---
Justification: Only Response {winner} does it.
Winner: Response {winner}"""
"""What a judge writes, with the winner to fill in."""


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


def asks_for_judgment(body: dict[str, Any]) -> bool:
    return "<response_b>" in body["messages"][-1]["content"]


def section(body: dict[str, Any], name: str) -> str:
    """Return what a request shows between the tags of a field."""
    return body["messages"][-1]["content"].rpartition(f"<{name}>\n")[2].partition(f"\n</{name}>")[0]


def shorter_wins(body: dict[str, Any]) -> str:
    """Write the rubric, or prefer the shorter response."""
    if not asks_for_judgment(body):
        return RUBRIC
    a, b = section(body, "response_a"), section(body, "response_b")
    return JUDGMENT.format(winner="A" if len(a) < len(b) else "B")
