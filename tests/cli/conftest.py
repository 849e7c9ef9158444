"""The command line in this process, a model that judges, and pairs to judge."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from server_plugin import ModelServer, running

from openrubrics.cli.main import main

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


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line and return its exit code and output."""

    def run(*arguments: object) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        output = capsys.readouterr()
        assert isinstance(stopped.value.code, int)
        assert "Traceback" not in output.err
        return Ran(stopped.value.code, output.out, output.err)

    return run


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


@pytest.fixture
def server(model_server: ModelServer) -> ModelServer:
    """A server whose model prefers the shorter response."""
    model_server.text = shorter_wins
    return model_server


@pytest.fixture
def other_server() -> Iterator[ModelServer]:
    """A second such server."""
    with running() as second:
        second.text = shorter_wins
        yield second


@pytest.fixture
def served(server: ModelServer) -> tuple[str, ...]:
    """The options that name the model of `server`."""
    return ("--lm", "hosted_vllm/judge", "--api-base", server.url)


@pytest.fixture
def jsonl(tmp_path: Path) -> Callable[..., Path]:
    """Write rows to a file."""

    def write(rows: list[dict[str, Any]], name: str = "rows.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


@pytest.fixture
def pairs(jsonl: Callable[..., Path]) -> Path:
    """Six labelled pairs: in four of them the chosen response is the shorter one."""
    rows = [
        {
            "id": f"p{n}",
            "prompt": f"Question {n}?",
            "chosen": "Short." if n < 4 else "A much longer answer.",
            "rejected": "A much longer answer." if n < 4 else "Short.",
            "domain": "short" if n < 4 else "long",
        }
        for n in range(6)
    ]
    return jsonl(rows, "pairs.jsonl")
