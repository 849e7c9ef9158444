"""One real vLLM server for the session, with a tiny Qwen3 on it."""

import os
import re
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from openrubrics.serving import VLLMServer
from openrubrics.train.tiny import tiny_qwen3

# Read on import: no test sees variables of this project.
REQUIRED = os.environ.get("OPENRUBRICS_REQUIRE_VLLM") == "1"
ROOT = Path(__file__).resolve().parents[2]
PYTHON = Path(os.environ.get("OPENRUBRICS_VLLM_PYTHON", ROOT / ".venv-vllm" / "bin" / "python"))

TEXTS = (
    "Compare the two responses with the rubric, then state the winner.",
    "1. The response follows every explicit instruction. [Hard Rule]\n2. The response explains why. [Principle]",
    "Compliance Check\nAnalysis\nFinal Judgment\nJustification: Response A meets more criteria than Response B.",
    "Winner: Response A",
    "Winner: Response B",
)


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen3 of one megabyte with random weights: what it writes is noise, how it is served is real."""
    return tiny_qwen3(tmp_path_factory.mktemp("served") / "tiny", TEXTS * 20, hidden=64, layers=2, vocab=512)


@pytest.fixture(scope="session")
def vllm_python() -> Path:
    """The interpreter that OPENRUBRICS_VLLM_PYTHON names, default that of `.venv-vllm`.

    Without it the test is skipped, or fails where OPENRUBRICS_REQUIRE_VLLM=1.
    """
    if not PYTHON.exists():
        reason = f"no vLLM environment at {PYTHON}: make one with scripts/vllm-env, or set OPENRUBRICS_VLLM_PYTHON"
        if REQUIRED:
            pytest.fail(reason)
        pytest.skip(reason)
    return PYTHON


@pytest.fixture(scope="session")
def vllm_environment() -> dict[str, str]:
    """Little memory, and bytecode, which the environment is installed without: later starts take half the time."""
    return {"VLLM_CPU_KVCACHE_SPACE": "1", "PYTHONDONTWRITEBYTECODE": ""}


@pytest.fixture(scope="session")
def vllm_server(
    tiny_checkpoint: Path,
    vllm_python: Path,
    vllm_environment: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[VLLMServer]:
    """A running server."""
    with VLLMServer(
        tiny_checkpoint,
        python=vllm_python,
        flags=["--enforce-eager", "--max-model-len", "4096"],
        environment=vllm_environment,
        log=tmp_path_factory.mktemp("log") / "vllm.log",
    ) as server:
        yield server


@pytest.fixture
def vllm_metric(vllm_server: VLLMServer) -> Callable[[str], float]:
    """Value of a counter on /metrics by name, summed over its labels."""

    def read(name: str) -> float:
        with urllib.request.urlopen(f"{vllm_server.url}/metrics", timeout=30) as response:
            text = response.read().decode()
        values = re.findall(rf"^{re.escape(name)}\{{[^}}]*\}} (\S+)$", text, re.MULTILINE)
        assert values, f"/metrics has no {name}"
        return sum(map(float, values))

    return read
