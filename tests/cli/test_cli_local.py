"""A checkpoint folder as the model of a command, without any server."""

import json
from pathlib import Path

import pytest
from cli_replies import RUBRIC, Run
from lively_qwen3 import lively_qwen3

pytestmark = pytest.mark.slow


def test_a_folder_judges(cli: Run, tmp_path: Path) -> None:
    folder = lively_qwen3(tmp_path / "judge")
    (tmp_path / "rubric.txt").write_text(RUBRIC)
    one = ("--prompt", "P", "--a", "x", "--b", "yy", "--rubric", tmp_path / "rubric.txt")
    sampling = ("--max-tokens", 16, "--temperature", 0, "--no-thinking")
    ran = cli("judge", "--lm", f"local/{folder}/", *one, *sampling, "--json")
    assert ran.code == 1, "what it says is noise"
    judgment = json.loads(ran.out)
    assert judgment["outcome"]["kind"] == "failed"
    assert judgment["orders"][0]["votes"][0]["raw"]
    assert judgment["usage"]["completion_tokens"] == 16
    assert "Loading weights" not in ran.err


def test_what_is_no_checkpoint_or_cannot_be_asked_for_is_told(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "rubric.txt").write_text(RUBRIC)
    one = ("--prompt", "P", "--a", "x", "--b", "yy", "--rubric", tmp_path / "rubric.txt")
    ran = cli("judge", "--lm", f"local/{tmp_path}/none", *one)
    assert (ran.code, ran.err.startswith(f"error: {tmp_path}/none is not a folder")) == (3, True)
    ran = cli("judge", "--lm", f"local/{lively_qwen3(tmp_path / 'judge')}", *one, "--probabilities")
    assert ran.code == 4
    assert "a local checkpoint takes no logprobs" in ran.err
