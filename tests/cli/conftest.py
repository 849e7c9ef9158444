"""The command line in this process, a model that judges, and pairs to judge."""

import json
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_replies import Ran, Run, shorter_wins
from server_plugin import ModelServer, running

from openrubrics.cli.main import main

sys.path.append(str(Path(__file__).parent.parent / "optimizers"))  # for its simulated world


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees or leaves anything in the folder where the tests were started."""
    monkeypatch.chdir(tmp_path)


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


@pytest.fixture
def unused_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
