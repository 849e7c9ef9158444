"""Control-C half-way: exit code 130, one line, and what was finished stays."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cli_replies import Run
from server_plugin import ModelServer

SCRIPT = Path(sys.executable).with_name("openrubrics")


def interrupted(server: ModelServer, arguments: list[str], done: Callable[[], bool]) -> tuple[int, str, str]:
    """Start the installed script, interrupt it once something is done, and return exit code and output."""
    options = ["--lm", "hosted_vllm/judge", "--api-base", server.url, "--concurrency", "2"]
    process = subprocess.Popen(  # noqa: S603
        [SCRIPT, *arguments, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        deadline = time.monotonic() + 60
        while not done() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    return process.returncode, out, err


def test_evaluate_keeps_finished_judgments_and_goes_on(
    cli: Run, server: ModelServer, served: tuple[str, ...], pairs: Path, tmp_path: Path
) -> None:
    server.delay = 0.3
    out = tmp_path / "run"
    arguments = ["evaluate", "--pairs", str(pairs), "--out", str(out)]
    code, _, err = interrupted(server, arguments, lambda: len(server.received) >= 6)
    assert code == 130
    stopped, note = err.strip().splitlines()
    assert stopped == "stopped"
    judged = re.fullmatch(rf"       ([1-5]) of 6 pairs were judged before that; they are kept in {out}; (.*)", note)
    assert judged
    assert judged[2] == "the same command goes on from there"
    assert [path.name for path in out.iterdir()] == ["unfinished.ledger"]
    server.delay = 0
    before = len(server.received)
    ran = cli("evaluate", *served, "--pairs", pairs, "--out", out)
    assert ran.code == 0
    assert ran.err == f"going on with the unfinished run in {out}\n"
    assert len(server.received) <= before + 12 - 2 * int(judged[1])
    assert len((out / "judgments.jsonl").read_text().splitlines()) == 6


def test_judge_has_printed_finished_judgments(server: ModelServer, jsonl: Callable[..., Path], tmp_path: Path) -> None:
    server.delay = 0.3
    rows = [{"prompt": f"P{n}", "response_a": "a", "response_b": "bb"} for n in range(8)]
    code, out, err = interrupted(server, ["judge", "--pairs", str(jsonl(rows))], lambda: len(server.received) >= 6)
    assert code == 130
    judged = len([json.loads(line) for line in out.splitlines()])
    assert 2 <= judged < 8
    note = f"       {judged} of 8 comparisons were judged before that; they are printed above"
    assert err.strip().splitlines() == ["stopped", note]
