"""`openrubrics curate` goes on where it was stopped, asks for nothing twice, and lets nobody else in."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_replies import RUBRIC, Run, asks_for_judgment, section
from kill_runs import asked, killed, repeats, started, wait_for
from server_plugin import ModelServer

CONCURRENCY = 4
Jsonl = Callable[..., Path]
Served = tuple[str, ...]


def rankings(count: int) -> list[dict[str, Any]]:
    """Rankings of two to four responses, best mostly shortest."""
    return [
        {
            "id": f"r{n}",
            "prompt": f"Question {n}?",
            "responses": [f"{'word ' * (k if n % 4 else 9 - k)}{n}." for k in range(2 + n % 3)],
            "domain": f"d{n % 2}",
        }
        for n in range(count)
    ]


def dataset(out: Path) -> dict[str, Any]:
    """Everything in the folder but times and the ledger."""
    import pyarrow.parquet as pq

    summary = json.loads((out / "summary.json").read_text())
    assert summary.pop("seconds") > 0
    tables = {name: pq.read_table(out / name).to_pylist() for name in ("kept", "rejected")}
    return tables | {"summary": summary, "files": sorted(path.name for path in out.iterdir())}


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_data_set(
    cli: Run, server: ModelServer, served: Served, jsonl: Jsonl, tmp_path: Path
) -> None:
    draw = random.Random(3)
    options = ("curate", *served, "--pairs", jsonl(rankings(24)), "--attempts", 2, "--concurrency", CONCURRENCY)
    assert cli(*options, "--out", tmp_path / "whole").code == 0
    whole = asked(server)
    assert whole.total() == len(whole)
    server.received.clear()
    server.delay = 0.01
    out, starts = tmp_path / "run", [0]
    for _ in range(2):
        assert killed(server, (*options, "--out", out), after=draw.randint(1, 35))
        starts.append(len(server.received))
    ran = cli(*options, "--out", out)
    assert ran.code == 0
    assert ran.err == f"going on with what {out} holds\n"
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        assert repeats(server, start, end) <= CONCURRENCY
    assert asked(server).keys() == whole.keys()
    assert dataset(out) == dataset(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_killed_many_times_it_still_comes_to_the_same_data_set(
    cli: Run, server: ModelServer, served: Served, jsonl: Jsonl, tmp_path: Path, seed: int
) -> None:
    draw = random.Random(seed)
    options = ("curate", *served, "--pairs", jsonl(rankings(120)), "--attempts", 2, "--orders", "both")
    options += ("--votes", 3, "--concurrency", CONCURRENCY)
    assert cli(*options, "--out", tmp_path / "whole").code == 0
    whole = asked(server)
    server.received.clear()
    server.delay = 0.005
    out, kills = tmp_path / "run", 0
    while killed(server, (*options, "--out", out), after=draw.randint(0, 250)):
        kills += 1
        assert (asked(server) - whole).total() <= CONCURRENCY * kills
    assert kills > 4
    assert asked(server).keys() == whole.keys()
    assert dataset(out) == dataset(tmp_path / "whole")


@pytest.mark.slow
def test_a_run_in_a_folder_keeps_others_out(
    cli: Run, server: ModelServer, served: Served, jsonl: Jsonl, tmp_path: Path
) -> None:
    server.delay = 0.5
    out = tmp_path / "run"
    options = ("curate", *served, "--pairs", jsonl(rankings(8)), "--concurrency", 2, "--out", out)
    with started(options) as first:
        wait_for(server, 3, first)
        for more in ((), ("--overwrite",), ("--dry-run",), ("--seed", 5)):
            second = cli(*options, *more)
            assert second.code == 2
            assert f"error: another run is writing in {out}\n" in second.err
        server.delay = 0
        first.communicate()
        assert first.returncode == 0
    assert asked(server).most_common(1)[0][1] == 1
    assert dataset(out)["summary"]["items"] == 8


def test_a_budget_stops_a_run_that_can_go_on(
    cli: Run, server: ModelServer, served: Served, pairs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "o"
    options = ("curate", *served, "--pairs", pairs, "--out", out, "--concurrency", 1)
    ran = cli(*options, "--max-calls", 5)
    assert ran.code == 4
    assert ran.err.splitlines() == [
        "error: the budget of 5 calls is used up",
        "       raise --max-calls",
        f"       2 of 6 items were curated before that; they are kept in {out}; the same command goes on from there",
    ]
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["curation.ledger"]
    assert cli(*options, "--max-calls", 7).code == 0
    assert asked(server).total() == 12
    assert dataset(tmp_path / "o")["summary"]["calls"] == 12


def test_only_rows_that_were_added_are_asked_for(
    cli: Run, server: ModelServer, served: Served, jsonl: Jsonl, tmp_path: Path
) -> None:
    out, rows = tmp_path / "o", rankings(9)
    assert cli("curate", *served, "--pairs", jsonl(rows[:6]), "--out", out).code == 0
    before, content = len(server.received), dataset(out)
    assert cli("curate", *served, "--pairs", jsonl(rows[:6]), "--out", out).code == 0
    assert (len(server.received), dataset(out)) == (before, content)
    moved = [*rows[6:], *reversed(rows[:6])]
    assert cli("curate", *served, "--pairs", jsonl(moved), "--out", out).code == 0
    assert asked(server).most_common(1)[0][1] == 1
    assert cli("curate", *served, "--pairs", jsonl(moved), "--out", tmp_path / "at once").code == 0
    assert dataset(out) == dataset(tmp_path / "at once")


def test_other_settings_are_refused_and_named_unless_it_begins_anew(
    cli: Run, server: ModelServer, served: Served, pairs: Path, tmp_path: Path
) -> None:
    out, template = tmp_path / "o", tmp_path / "t.txt"
    template.write_text("{prompt} {rubric} {response_a} {response_b} {responses}")
    options = ("curate", *served, "--pairs", pairs, "--out", out)
    assert cli(*options).code == 0
    content, count = dataset(out), len(server.received)
    for others, differs in {
        ("--seed", "1"): "seed was 0 and is 1",
        ("--votes", "3"): "judge votes was 1 and is 3",
        ("--form", "v3"): 'form was "seed" and is "v3"',
        ("--max-tokens", "9"): '"max_tokens": 9',
        ("--rubric-template", str(template)): "prompts was ",
        ("--judge-template", str(template)): "prompts was ",
        ("--judge-lm", "hosted_vllm/other"): 'judge model was "hosted_vllm/judge" and is "hosted_vllm/other"',
        ("--rubric-lm", "hosted_vllm/other"): 'rubric model was "hosted_vllm/judge" and is "hosted_vllm/other"',
    }.items():
        for more in ((), ("--dry-run",)):
            ran = cli(*options, *others, *more)
            assert ran.code == 2, others
            assert f"error: {out} holds a run that was begun otherwise: " in ran.err
            assert differs in ran.err
    assert (dataset(out), len(server.received)) == (content, count)
    assert cli(*options, "--seed", 1, "--overwrite").code == 0
    assert len(server.received) == 2 * count
    assert dataset(out)["summary"]["settings"]["seed"] == 1


def test_another_filter_takes_the_replies_that_are_held(
    cli: Run, server: ModelServer, served: Served, jsonl: Jsonl, tmp_path: Path
) -> None:
    options = ("curate", *served, "--pairs", jsonl(rankings(12)))
    filters = (("--tau", 0.9), ("--attempts", 2), ("--orders", "both"), ("--general-only",), ())
    told = (
        "tau was 0.5 and is 0.9",
        "tau was 0.9 and is 0.5; attempts was 1 and is 2",
        "attempts was 2 and is 1; orders was single and is both",
        "orders was both and is single; general_only was False and is True",
        "general_only was True and is False",
    )
    out = tmp_path / "o"
    assert cli(*options, "--out", out).code == 0
    first = dataset(out)
    held = len(server.received)
    for number, (given, changes) in enumerate(zip(filters, told, strict=True)):
        assert cli(*options, *given, "--out", out, "--dry-run").code == 0
        ran = cli(*options, *given, "--out", out)
        assert (ran.code, ran.err) == (0, f"going on with what {out} holds; {changes}\n")
        anew = len(server.received)
        assert cli(*options, *given, "--out", tmp_path / str(number)).code == 0
        assert dataset(out) == dataset(tmp_path / str(number))
        assert anew - held < len(server.received) - anew
        assert (anew == held) == (given in {("--tau", 0.9), ("--general-only",), ()})
        held = len(server.received)
    assert dataset(out) == first


def test_failed_requests_are_repeated_on_request_alone(
    cli: Run, server: ModelServer, served: Served, pairs: Path, tmp_path: Path
) -> None:
    options = ("curate", *served, "--pairs", pairs, "--out", tmp_path / "o", "--retries", 0, "--concurrency", 1)
    server.fails(500, times=2)
    ran = cli(*options, "--max-failed", 1)
    assert ran.code == 0
    assert dataset(tmp_path / "o")["summary"]["reasons"]["no rubric"] == 2
    count = len(server.received)
    assert cli(*options, "--max-failed", 1).code == 0
    assert len(server.received) == count
    ran = cli(*options, "--retry-failed")
    assert ran.code == 0
    assert "2 items that failed are gone over again" in ran.err
    assert len(server.received) == count + 4
    assert dataset(tmp_path / "o")["summary"]["failed"] == 0


def test_no_more_requests_than_allowed_are_in_flight(
    cli: Run, server: ModelServer, served: Served, jsonl: Jsonl, tmp_path: Path
) -> None:
    server.delay = 0.01

    def text(body: dict[str, Any]) -> str:
        return (
            RUBRIC if not asks_for_judgment(body) else f"Winner: Response {'AB'[len(section(body, 'response_a')) % 2]}"
        )

    server.text = text
    rows = [{"prompt": f"P{n}", "responses": ["a", "bb", "ccc", "dddd", "eeeee"]} for n in range(8)]
    assert cli("curate", *served, "--pairs", jsonl(rows), "--out", tmp_path / "o", "--concurrency", 3).code == 0
    assert server.most_in_flight == 3
    assert len(server.received) == 8 * 11
