"""Control-C half-way: exit code 130, one line, and what was finished stays."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

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


def test_evaluate_keeps_finished_judgments(server: ModelServer, pairs: Path, tmp_path: Path) -> None:
    server.delay = 0.3
    lines = tmp_path / "run" / "judgments.jsonl"

    def two_are_written() -> bool:
        return lines.exists() and lines.read_text().count("\n") >= 2

    arguments = ["evaluate", "--pairs", str(pairs), "--out", str(tmp_path / "run")]
    code, _, err = interrupted(server, arguments, two_are_written)
    assert code == 130
    kept = [json.loads(line) for line in lines.read_text().splitlines()]
    assert 2 <= len(kept) < 6
    note = f"       {len(kept)} of 6 pairs were judged before that; they are in {lines}"
    assert err.strip().splitlines() == ["stopped", note]
    assert not (tmp_path / "run" / "summary.json").exists()


def test_judge_has_printed_finished_judgments(server: ModelServer, jsonl: Callable[..., Path], tmp_path: Path) -> None:
    server.delay = 0.3
    rows = [{"prompt": f"P{n}", "response_a": "a", "response_b": "bb"} for n in range(8)]
    code, out, err = interrupted(server, ["judge", "--pairs", str(jsonl(rows))], lambda: len(server.received) >= 6)
    assert code == 130
    judged = len([json.loads(line) for line in out.splitlines()])
    assert 2 <= judged < 8
    note = f"       {judged} of 8 comparisons were judged before that; they are printed above"
    assert err.strip().splitlines() == ["stopped", note]
