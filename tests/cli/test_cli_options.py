"""Options: what is refused before any request, what reaches the server, and what a dry run checks."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_replies import RUBRIC, Run, asks_for_judgment, section
from server_plugin import ModelServer

from openrubrics.programs import GatekeeperJudge

ONE = ("--prompt", "P", "--a", "x", "--b", "yy")
SCRIPT = Path(sys.executable).with_name("openrubrics")


@pytest.mark.parametrize(
    "option",
    [
        ("--seed", "-1"),
        *(("--temperature", value) for value in ("-0.1", "2.1", "nan", "inf")),
        ("--max-tokens", "0"),
        *(("--price", *values) for values in (("-1", "0"), ("0", "nan"), ("inf", "0"))),
        ("--max-calls", "0"),
        *(("--max-cost", value) for value in ("0", "-1", "nan", "inf")),
        *(("--timeout", value) for value in ("0", "nan")),
        ("--retries", "-1"),
        ("--max-failed", "nan"),
        ("--limit", "0"),
        ("--concurrency", "0"),
        ("--repeats", "0"),
    ],
)
def test_a_number_out_of_range_is_wrong_usage(
    cli: Run, server: ModelServer, served: tuple[str, ...], pairs: Path, option: tuple[str, ...]
) -> None:
    ran = cli("evaluate", *served, "--pairs", pairs, "--orders", "both", *option)
    assert ran.code == 2
    line, step = ran.err.splitlines()
    assert line.startswith(f"error: Invalid value for '{option[0]}': ")
    assert step == "       openrubrics evaluate --help"
    assert server.bodies == []


@pytest.mark.parametrize(
    ("arguments", "line", "step"),
    [
        (["judge", "--colour"], "error: No such option", "openrubrics judge --help"),
        (["jugde"], "error: No such command 'jugde'.", "openrubrics --help"),
        (["curate"], "error: Missing option '--pairs'.", "openrubrics curate --help"),
    ],
)
def test_wrong_usage_is_one_line_and_a_step(cli: Run, arguments: list[str], line: str, step: str) -> None:
    ran = cli(*arguments)
    first, second = ran.err.splitlines()
    assert ran.code == 2
    assert first.startswith(line)
    assert second.strip() == step


def test_a_timeout_and_retries_reach_the_requests(cli: Run, server: ModelServer, served: tuple[str, ...]) -> None:
    server.delay = 5
    start = time.monotonic()
    ran = cli("rubric", *served, "--prompt", "P", "--timeout", 0.2, "--retries", 0)
    assert ran.code == 1
    assert time.monotonic() - start < 4
    assert len(server.bodies) == 1


def test_a_byte_order_mark_is_no_text(cli: Run, server: ModelServer, served: tuple[str, ...], tmp_path: Path) -> None:
    for name, text in (("prompt", "Say hi."), ("a", "Hi."), ("b", "Good day."), ("rubric", RUBRIC)):
        (tmp_path / name).write_text(text, encoding="utf-8-sig")
    files = [part for name in ("prompt", "a", "b") for part in (f"--{name}-file", tmp_path / name)]
    ran = cli("judge", *served, *files, "--rubric", tmp_path / "rubric")
    assert ran.code == 0, ran.err
    (body,) = server.bodies
    assert [section(body, name) for name in ("prompt", "response_a", "response_b")] == ["Say hi.", "Hi.", "Good day."]
    assert "\ufeff" not in body["messages"][-1]["content"]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_an_output_that_takes_no_more_is_one_line(as_json: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        command = [SCRIPT, "judge", "--lm", "embedded", *ONE, *as_json]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
    assert done.returncode == 2
    assert done.stderr == "error: the output cannot be written: No space left on device\n"


def test_a_dry_run_of_judge_tells_the_requests(
    cli: Run, server: ModelServer, served: tuple[str, ...], jsonl: Callable[..., Path]
) -> None:
    rows = [{"prompt": f"P{n // 2}", "response_a": "a", "response_b": "b" * (n + 1)} for n in range(4)]
    options = ("judge", *served, "--pairs", jsonl(rows), "--orders", "both")
    ran = cli(*options, "--dry-run")
    assert (ran.code, server.bodies) == (0, [])
    assert ran.out == (
        "comparisons: 4, different prompts: 2; about 2 requests for rubrics and 8 for judgments, 10 in all, "
        "without repeats after failures; nothing was asked\n"
    )
    enforced = cli(*options, "--enforce-checks", "--dry-run").out
    assert "without repeats after failures; none where code decides; nothing was asked" in enforced
    assert cli(*options).code == 0
    assert len(server.bodies) == 10


def test_repeats_are_foretold(cli: Run, server: ModelServer, served: tuple[str, ...], pairs: Path) -> None:
    options = ("evaluate", *served, "--pairs", pairs, "--repeats", 2)
    assert "at most 12 requests for rubrics and 12 for judgments, 24 in all" in cli(*options, "--dry-run").out
    cli(*options)
    assert len(server.bodies) == 24


@pytest.mark.parametrize("command", ["judge", "evaluate"])
def test_a_dry_run_checks_what_needs_no_request(
    cli: Run, server: ModelServer, served: tuple[str, ...], pairs: Path, tmp_path: Path, command: str
) -> None:
    what = ONE if command == "judge" else ("--pairs", pairs)
    (tmp_path / "text").write_text("nothing")
    GatekeeperJudge().save(tmp_path / "other.json")
    for code, said, options in (
        (2, "the template has no place for", ("--judge-template", tmp_path / "text")),
        (2, "the template has no place for", ("--rubric-template", tmp_path / "text")),
        (3, "program is 'GatekeeperJudge'", ("--compiled", tmp_path / "other.json")),
        (3, "not a rubric", ("--rubric", tmp_path / "text")),
        (2, "api_base 'localhost' is not ", ("--judge-api-base", "localhost")),
    ):
        ran = cli(command, *served, *what, *options, "--dry-run")
        assert (ran.code, ran.out) == (code, "")
        assert said in ran.err
    assert cli(command, *what, "--dry-run").err.startswith("error: no language model is set\n")
    assert server.bodies == []


def test_a_dry_run_of_rubric_checks_too(cli: Run, server: ModelServer, served: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "text").write_text("nothing")
    for options in (("--template", tmp_path / "text"), ("--answer", tmp_path / "text")):
        assert cli("rubric", *served, "--prompt", "P", *options, "--dry-run").code == 2
    assert server.bodies == []


def test_many_comparisons_stop_with_a_line_on_what_was_judged(
    cli: Run, server: ModelServer, served: tuple[str, ...], jsonl: Callable[..., Path]
) -> None:
    rows = [{"prompt": f"P{n}", "response_a": "a", "response_b": "bb"} for n in range(4)]
    ran = cli("judge", *served, "--pairs", jsonl(rows), "--max-calls", 5, "--concurrency", 1)
    assert ran.code == 4
    assert len(ran.out.splitlines()) == 2
    assert ran.err.splitlines()[-1].strip() == "2 of 4 comparisons were judged before that; they are printed above"


def test_help_says_what_belongs_to_many_comparisons(cli: Run) -> None:
    said = " ".join(cli("judge", "--help").out.split())
    assert "With --pairs every judgment is one JSON line, with or without --json" in said
    assert "--concurrency, --max-failed and --engine ray are for --pairs" in said
    assert "with several --votes the judge is asked at 0.7" in said


def test_a_rubric_file_that_is_no_json_is_told_without_an_empty_place(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text("{")
    ran = cli("judge", "--lm", "embedded", *ONE, "--rubric", tmp_path / "r.json")
    assert ran.code == 3
    assert ran.err.startswith(f"error: {tmp_path / 'r.json'}: not a rubric: Invalid JSON")


def test_a_key_for_each_role(cli: Run, server: ModelServer, other_server: ModelServer) -> None:
    options = ("--lm", "hosted_vllm/m", "--api-base", server.url, "--judge-api-base", other_server.url)
    ran = cli("judge", *options, "--api-key", "common", "--judge-api-key", "of-the-judge", *ONE)
    assert ran.code == 0, ran.err
    assert [received.headers["Authorization"] for received in server.received] == ["Bearer common"]
    assert [received.headers["Authorization"] for received in other_server.received] == ["Bearer of-the-judge"]
    assert all(map(asks_for_judgment, other_server.bodies))


def test_address_and_key_from_the_environment_stay_with_their_server(
    cli: Run, server: ModelServer, other_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENRUBRICS_API_BASE", server.url)
    monkeypatch.setenv("OPENRUBRICS_API_KEY", "key-of-the-server")
    monkeypatch.setenv("GROQ_API_KEY", "key-of-groq")
    monkeypatch.setenv("GROQ_API_BASE", other_server.url)  # stands in for the provider's own address
    cli("judge", "--lm", "hosted_vllm/writer", "--judge-lm", "groq/llama", "--retries", 0, *ONE)
    assert [body["model"] for body in server.bodies] == ["writer"]
    assert {body["model"] for body in other_server.bodies} == {"llama"}
    assert {received.headers["Authorization"] for received in other_server.received} == {"Bearer key-of-groq"}
