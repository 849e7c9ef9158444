"""`openrubrics quickstart`: offline by default, honest about it, and the same with a real server.

What it trains is in test_quickstart_student.py, and its report in test_cli_report.py; both are left out here.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from cli_replies import JUDGMENT, RUBRIC, Run, asks_for_judgment, shorter_wins
from kill_runs import started
from server_plugin import ModelServer

from openrubrics.data import Manifest, read_curated, read_pairs

CURATED = ["README.md", "curation.ledger", "kept", "manifest.json", "rejected", "summary.json"]
JUDGED = ["judgments.jsonl", "manifest.json", "summary.json"]


@pytest.fixture(autouse=True)
def without_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plots take longer than the rest of a test."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def summary(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "summary.json").read_text())


def of_split(name: str) -> int:
    return sum(1 for _ in read_pairs("starter", split=name))


def test_offline_it_curates_one_split_and_judges_the_other(cli: Run, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert cli("quickstart", "--no-student", "--out", out).code == 0
    assert names(out) == ["curated", "judged"]
    assert names(out / "curated") == CURATED
    assert names(out / "judged") == JUDGED
    curated, judged = summary(out / "curated"), summary(out / "judged")
    assert curated["lm"] == judged["lm"] == "embedded (not a language model)"
    assert curated["pairs"] == of_split("train")
    assert judged["pairs"] == of_split("test") == len((out / "judged" / "judgments.jsonl").read_text().splitlines())
    assert judged["orders"] == "both"
    assert curated["failed"] == judged["failed"] == 0
    kept = {row.id for row in read_curated(out / "curated")}
    assert len(kept) == curated["kept"]
    assert kept <= {pair.id for pair in read_pairs("starter", split="train")}
    for folder, split in (("curated", "train.jsonl"), ("judged", "test.jsonl")):
        read = Manifest.model_validate_json((out / folder / "manifest.json").read_text()).data
        assert [Path(name).name for name in read] == [split]


def test_offline_it_says_what_judged_and_shows_the_baseline_beside_the_accuracy(cli: Run, tmp_path: Path) -> None:
    ran = cli("quickstart", "--no-student", "--out", tmp_path / "run")
    assert ran.out.startswith("Language model: embedded (not a language model)\n")
    said = " ".join(ran.out.split())
    assert "expect it near chance" in said
    assert "It says nothing about how good they are." in said
    assert "rejected response preferred: " in said
    assert "One that was kept, for the request " in said
    assert "Winner: Response" in said
    assert "4. A student of its own\nleft out, as asked\n" in ran.out
    judged = summary(tmp_path / "run" / "judged")
    low, high = judged["accuracy_ci"]
    [line] = [line.split() for line in ran.out.splitlines() if line.split()[:2] == ["all", str(judged["pairs"])]]
    assert line[2:4] == [f"{judged['accuracy']:.3f}", f"({low:.3f}-{high:.3f})"]
    assert line[-1] == f"{judged['length_baseline']:.3f}"
    assert f"{tmp_path}/run/curated/" in said
    assert f"{tmp_path}/run/judged/summary.json" in said
    assert "openrubrics quickstart --lm hosted_vllm/" in said
    assert "openrubrics curate --pairs FILE" in said
    assert said.endswith("Report: left out; its plots need matplotlib: pip install 'openrubrics[report]'")


@pytest.mark.slow
def test_as_json_the_summaries_alone_are_the_output(cli: Run, tmp_path: Path) -> None:
    ran = cli("quickstart", "--no-student", "--out", tmp_path, "--json")
    assert ran.code == 0
    halves = {name: summary(tmp_path / name) for name in ("curated", "judged")}
    assert json.loads(ran.out) == halves | {"student": None}
    assert "Winner: Response" in ran.err


@pytest.mark.slow
def test_it_is_the_same_every_time(cli: Run, tmp_path: Path) -> None:
    for name in ("one", "two"):
        cli("quickstart", "--no-student", "--out", tmp_path / name, "--concurrency", 1)
    one, two = tmp_path / "one", tmp_path / "two"
    assert list(read_curated(one / "curated")) == list(read_curated(two / "curated"))
    assert (one / "judged" / "judgments.jsonl").read_bytes() == (two / "judged" / "judgments.jsonl").read_bytes()


@pytest.mark.slow
def test_it_does_what_the_two_commands_do(cli: Run, tmp_path: Path) -> None:
    assert cli("quickstart", "--no-student", "--out", tmp_path / "run").code == 0
    starter = ("--lm", "embedded", "--pairs", "starter")
    assert cli("curate", *starter, "--split", "train", "--out", tmp_path / "curated").code == 0
    judged = tmp_path / "judged"
    assert cli("evaluate", *starter, "--split", "test", "--orders", "both", "--out", judged).code == 0
    assert list(read_curated(tmp_path / "curated")) == list(read_curated(tmp_path / "run" / "curated"))
    mine = tmp_path / "run" / "judged" / "judgments.jsonl"
    assert mine.read_bytes() == (judged / "judgments.jsonl").read_bytes()


@pytest.mark.slow
def test_it_overwrites_only_when_asked(cli: Run, tmp_path: Path) -> None:
    assert cli("quickstart", "--no-student", "--out", tmp_path).code == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}
    again = cli("quickstart", "--no-student", "--out", tmp_path)
    assert again.code == 2
    assert f"{tmp_path}/judged already holds summary.json" in again.err
    assert again.out == ""
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json")} == before
    assert cli("quickstart", "--no-student", "--out", tmp_path, "--overwrite", "--seed", 1).code == 0
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json")} != before


def test_with_a_server_it_asks_that_and_no_more_than_foretold(
    cli: Run, server: ModelServer, served: tuple[str, ...], tmp_path: Path
) -> None:
    server.text = lambda body: JUDGMENT.format(winner="A") if asks_for_judgment(body) else RUBRIC
    foretold = cli("quickstart", *served, "--dry-run")
    assert server.bodies == []
    ran = cli("quickstart", *served, "--out", tmp_path)
    assert ran.code == 0, ran.err
    assert ran.out.startswith("Language model: hosted_vllm/judge\n")
    assert "not a language model" not in ran.out
    assert "says nothing" not in ran.out
    contrasts = sum("<response_1>" in body["messages"][-1]["content"] for body in server.bodies)
    curating, judging, training = foretold.out.splitlines()
    assert contrasts == of_split("train")
    assert f" {2 * contrasts} in all" in curating
    assert f" {len(server.bodies) - 2 * contrasts} in all" in judging
    assert training.startswith("distill left out, because its teacher is the embedded reader")
    assert f"openrubrics distill --curated {tmp_path}/curated --stage rubric" in " ".join(ran.out.split())
    assert not (tmp_path / "student").exists()
    assert 0 < summary(tmp_path / "curated")["kept_share"] < 1


def test_limits_hold_for_both_halves_together(
    cli: Run, server: ModelServer, served: tuple[str, ...], tmp_path: Path
) -> None:
    server.text = shorter_wins
    train = 2 * of_split("train")
    ran = cli("quickstart", *served, "--out", tmp_path, "--max-calls", train + 10)
    assert ran.code == 4
    assert train <= len(server.bodies) <= train + 10
    assert summary(tmp_path / "curated")["pairs"] == of_split("train")


def test_a_model_that_writes_garbage_is_no_success(
    cli: Run, server: ModelServer, served: tuple[str, ...], tmp_path: Path
) -> None:
    server.text = "garbage"
    ran = cli("quickstart", *served, "--out", tmp_path)
    assert ran.code == 1
    failed = of_split("train") + 2 * of_split("test")
    line = f"{failed} of {failed} comparisons failed (100.0 %), more than a share of 0.05 allows"
    assert ran.err.splitlines() == [line]


@pytest.mark.slow
def test_the_environment_does_not_choose_the_model(
    cli: Run, server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENRUBRICS_LM", "hosted_vllm/from-environment")
    monkeypatch.setenv("OPENRUBRICS_API_BASE", server.url)
    ran = cli("quickstart", "--no-student", "--out", tmp_path / "run")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("Language model: embedded (not a language model)\n")
    assert server.bodies == []
    assert "OPENRUBRICS_LM is not read here" in " ".join(cli("quickstart", "--help").out.split())


@pytest.mark.slow
def test_a_server_that_is_not_there_leaves_what_was_written(cli: Run, unused_port: int, tmp_path: Path) -> None:
    assert cli("quickstart", "--no-student", "--out", tmp_path).code == 0

    def written() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".ledger"}

    before = written()
    gone = ("--lm", "hosted_vllm/x", "--api-base", f"http://127.0.0.1:{unused_port}/v1", "--retries", 0)
    ran = cli("quickstart", *gone, "--out", tmp_path, "--overwrite")
    assert ran.code == 4
    assert ran.err.splitlines()[-1].strip() == "nothing was curated"
    assert written() == before


def stopped_at(server: ModelServer, requests: int, arguments: list[object]) -> tuple[int, str]:
    """Start the installed script, press Control-C once the server was asked so often, and return code and errors."""
    with started(arguments) as process:
        deadline = time.monotonic() + 60
        while len(server.received) < requests and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=30)
        return process.returncode, err


@pytest.mark.slow
@pytest.mark.parametrize("half", ["curated", "judged"])
def test_stopped_in_either_half_it_goes_on_and_asks_nothing_twice(
    cli: Run, server: ModelServer, served: tuple[str, ...], tmp_path: Path, half: str
) -> None:
    server.text = shorter_wins
    server.delay = 0.02
    out = tmp_path / "run"
    command: list[object] = ["quickstart", *served, "--out", out, "--concurrency", 4]
    all_of_train = 2 * of_split("train")
    stop_after = 20 if half == "curated" else all_of_train + 20
    code, err = stopped_at(server, stop_after, command)
    assert code == 130
    assert f"they are kept in {out / half}; the same command goes on from there" in err
    server.delay = 0
    before = len(server.received)
    again = cli(*command)
    assert again.code == 0, again.err
    assert f"going on with what {out}/curated holds" in again.err
    assert len(server.received) <= requests_of_a_whole_run(cli, server, served, tmp_path) + 4
    assert len(server.received) > before
    fresh = tmp_path / "fresh"
    assert list(read_curated(out / "curated")) == list(read_curated(fresh / "curated"))
    assert (out / "judged" / "judgments.jsonl").read_bytes() == (fresh / "judged" / "judgments.jsonl").read_bytes()


def requests_of_a_whole_run(cli: Run, server: ModelServer, served: tuple[str, ...], tmp_path: Path) -> int:
    """Run without a stop into `fresh`, and return how many requests that took; they are not counted any more."""
    before = len(server.received)
    assert cli("quickstart", *served, "--out", tmp_path / "fresh").code == 0
    asked = len(server.received) - before
    del server.received[before:]
    return asked


@pytest.mark.slow
def test_stopped_while_it_overwrites_it_goes_on_without(
    cli: Run, server: ModelServer, served: tuple[str, ...], tmp_path: Path
) -> None:
    server.text = shorter_wins
    out = tmp_path / "run"
    assert cli("quickstart", "--no-student", "--out", out).code == 0
    server.delay = 0.02
    command: list[object] = ["quickstart", *served, "--out", out, "--concurrency", 4]
    code, err = stopped_at(server, 20, [*command, "--overwrite"])
    assert code == 130
    assert "the same command without --overwrite goes on from there" in err
    server.delay = 0
    again = cli(*command)
    assert again.code == 0, again.err
    assert summary(out / "judged")["lm"] == "hosted_vllm/judge"


def test_a_dry_run_writes_nothing(cli: Run, tmp_path: Path) -> None:
    ran = cli("quickstart", "--no-student", "--out", tmp_path / "run", "--dry-run")
    assert ran.code == 0
    assert [line.split()[0] for line in ran.out.splitlines()] == ["curate", "evaluate", "distill"]
    assert not (tmp_path / "run").exists()
