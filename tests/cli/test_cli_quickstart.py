"""`openrubrics quickstart`: offline by default, honest about it, and the same with a real server."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from cli_replies import JUDGMENT, RUBRIC, Run, asks_for_judgment, section, shorter_wins
from server_plugin import ModelServer

from openrubrics.data import CuratedPair, Manifest

FILES = ["curated.jsonl", "judgments.jsonl", "manifest.json", "summary.json"]


def test_offline_it_runs_the_loop_and_says_what_judged(cli: Run, tmp_path: Path) -> None:
    out = tmp_path / "run"
    ran = cli("quickstart", "--out", out)
    assert ran.code == 0, ran.err
    assert ran.out.startswith("Language model: embedded (not a language model)\n")
    assert "Winner: Response" in ran.out
    assert "openrubrics quickstart --lm hosted_vllm/" in ran.out
    assert sorted(path.name for path in out.iterdir()) == FILES
    summary = json.loads((out / "summary.json").read_text())
    manifest = Manifest.model_validate_json((out / "manifest.json").read_text())
    curated = [CuratedPair.model_validate_json(line) for line in (out / "curated.jsonl").read_text().splitlines()]
    assert summary["lm"] == "embedded (not a language model)"
    assert summary["orders"] == "both"
    assert summary["failed"] == 0
    assert summary["pairs"] == len((out / "judgments.jsonl").read_text().splitlines()) == manifest.counts["pairs"]
    assert summary["kept"] == sum(pair.kept for pair in curated) == manifest.counts["kept"]
    assert summary["kept_share"] == summary["kept"] / len(curated)


def test_as_json_the_summary_alone_is_the_output(cli: Run, tmp_path: Path) -> None:
    ran = cli("quickstart", "--out", tmp_path / "run", "--json")
    assert ran.code == 0
    assert json.loads(ran.out) == json.loads((tmp_path / "run" / "summary.json").read_text())
    assert "Winner: Response" in ran.err


def test_it_is_the_same_every_time(cli: Run, tmp_path: Path) -> None:
    for name in ("one", "two"):
        cli("quickstart", "--out", tmp_path / name, "--concurrency", 1)
    for name in ("curated.jsonl", "judgments.jsonl"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_it_overwrites_only_when_asked(cli: Run, tmp_path: Path) -> None:
    assert cli("quickstart", "--out", tmp_path).code == 0
    before = (tmp_path / "summary.json").read_bytes()
    again = cli("quickstart", "--out", tmp_path)
    assert again.code == 2
    assert "already holds summary.json" in again.err
    assert (tmp_path / "summary.json").read_bytes() == before
    assert cli("quickstart", "--out", tmp_path, "--overwrite").code == 0


def test_with_a_server_it_asks_that_and_no_more_than_foretold(
    cli: Run, server: ModelServer, served: tuple[str, ...], tmp_path: Path
) -> None:
    server.text = lambda body: JUDGMENT.format(winner="A") if asks_for_judgment(body) else RUBRIC
    foretold = cli("quickstart", *served, "--dry-run")
    assert server.bodies == []
    ran = cli("quickstart", *served, "--out", tmp_path / "run")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("Language model: hosted_vllm/judge\n")
    assert "not a language model" not in ran.out
    assert f"at most {len(server.bodies)} requests" in foretold.out
    assert 0 < json.loads((tmp_path / "run" / "summary.json").read_text())["kept_share"] < 1
    assert any(section(body, "response_1") for body in server.bodies)


def test_a_model_that_writes_garbage_is_no_success(
    cli: Run, server: ModelServer, served: tuple[str, ...], tmp_path: Path
) -> None:
    server.text = "garbage"
    ran = cli("quickstart", *served, "--out", tmp_path / "run")
    assert ran.code == 1
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    manifest = Manifest.model_validate_json((tmp_path / "run" / "manifest.json").read_text())
    failed = summary["failed"] + manifest.counts["curated"]
    line = f"{failed} of {failed} comparisons failed (100.0 %), more than a share of 0.05 allows"
    assert ran.err.splitlines() == [line]


def test_seconds_are_of_curation_and_judging(
    cli: Run, server: ModelServer, served: tuple[str, ...], tmp_path: Path
) -> None:
    text = shorter_wins

    def slow_contrast(body: dict[str, Any]) -> str:
        if section(body, "response_1"):
            time.sleep(0.1)
        return text(body)

    server.text = slow_contrast
    assert cli("quickstart", *served, "--out", tmp_path / "run").code == 0
    contrasts = sum(bool(section(body, "response_1")) for body in server.bodies)
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["seconds"] > 0.1 * contrasts


def test_the_environment_does_not_choose_the_model(
    cli: Run, server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENRUBRICS_LM", "hosted_vllm/from-environment")
    monkeypatch.setenv("OPENRUBRICS_API_BASE", server.url)
    ran = cli("quickstart", "--out", tmp_path / "run")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("Language model: embedded (not a language model)\n")
    assert server.bodies == []
    assert "OPENRUBRICS_LM is not read here" in " ".join(cli("quickstart", "--help").out.split())


def test_a_server_that_is_not_there_leaves_the_old_run(cli: Run, unused_port: int, tmp_path: Path) -> None:
    assert cli("quickstart", "--out", tmp_path).code == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    gone = ("--lm", "hosted_vllm/x", "--api-base", f"http://127.0.0.1:{unused_port}/v1", "--retries", 0)
    ran = cli("quickstart", *gone, "--out", tmp_path, "--overwrite")
    assert ran.code == 4
    assert ran.err.splitlines()[-1].strip() == "nothing was curated"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_dry_run_writes_nothing(cli: Run, tmp_path: Path) -> None:
    assert cli("quickstart", "--out", tmp_path / "run", "--dry-run").code == 0
    assert not (tmp_path / "run").exists()
