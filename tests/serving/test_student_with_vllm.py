"""A student that was trained with an adapter is served by a real vLLM as it lies in its folder."""

from pathlib import Path

import pytest
from students import FAST, records, tiny_base

from openrubrics import lm
from openrubrics.serving import VLLMServer
from openrubrics.train import distill

pytestmark = pytest.mark.serving


def test_vllm_serves_a_student_as_it_was_written(
    tmp_path: Path, vllm_python: Path, vllm_environment: dict[str, str]
) -> None:
    base, out = tiny_base(tmp_path / "base"), tmp_path / "student"
    distill(records(), base, out, stage="rubric", preset=FAST.changed({"learning_rate": 1e-2}), lora=True)
    flags = ["--enforce-eager", "--max-model-len", "2048"]
    with VLLMServer(out, python=vllm_python, flags=flags, environment=vllm_environment) as server:
        student = lm(f"hosted_vllm/{server.name}", api_base=server.api_base, cache=False, max_tokens=8)
        assert student("Write about rain, number 3.")[0]
