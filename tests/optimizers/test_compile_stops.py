"""Runs that are interrupted or killed: they end soon, leave nothing behind, and go on where they were."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from compiling import PAIRS, compiled, student
from kill_runs import asked
from planted import PlantedWorld

from openrubrics.lms import Budget, EndpointError, lm
from openrubrics.optimizers import Compiled

if TYPE_CHECKING:
    from tests.server_plugin import ModelServer

pytestmark = pytest.mark.slow


class Served:
    """A planted world behind a server, and compilations in it."""

    def __init__(self, server: ModelServer) -> None:
        self.server = server
        self.world = PlantedWorld()
        self.interrupt_at = 0
        self._replies = 0
        server.text = self._text

    def __call__(self, folder: Path, **options: Any) -> Compiled:  # noqa: ANN401
        served = lm("hosted_vllm/planted", api_base=self.server.url)
        run: dict[str, Any] = {"reflection_lm": served, "pairs": PAIRS, "test": (), "limit": Budget(max_calls=600)}
        return compiled(student(served), folder=folder, **run | options)

    def begin(self) -> None:
        self.server.received.clear()
        self.world.forget()
        self._replies = 0

    def _text(self, body: dict[str, Any]) -> str:
        self._replies += 1
        if self._replies == self.interrupt_at:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return self.world.serve(body)


@pytest.fixture
def run(model_server: ModelServer) -> Served:
    return Served(model_server)


def content(result: Compiled) -> dict[str, Any]:
    return result.card.model_dump(exclude={"seconds"})


@pytest.mark.parametrize(("at", "concurrency"), [(20, 4), (100, 1), (100, 4)])
def test_an_interrupt_sends_nothing_more_and_loses_nothing(
    run: Served, at: int, concurrency: int, tmp_path: Path
) -> None:
    run.server.delay = 0.002
    whole = run(tmp_path / "whole", concurrency=concurrency)
    once = asked(run.server)
    run.begin()
    run.interrupt_at = at
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped", concurrency=concurrency)
    assert at <= len(run.server.received) < at + 3 * concurrency
    run.interrupt_at = 0
    again = run(tmp_path / "stopped", concurrency=concurrency)
    assert asked(run.server) == once
    assert content(again) == content(whole)


def test_what_failed_is_not_repeated_once_the_run_is_over(run: Served, tmp_path: Path) -> None:
    run.server.fails(500, headers={"Retry-After": "0.5"}).fails(401)
    with pytest.raises(EndpointError):
        run(tmp_path, concurrency=2)
    time.sleep(1)
    assert len(run.server.received) == 2


def test_a_run_after_one_that_was_interrupted_works_in_the_same_process(run: Served, tmp_path: Path) -> None:
    streams = sys.stdout, sys.stderr
    run.interrupt_at = 120
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "one", concurrency=16)
    run.begin()
    run.interrupt_at = 0
    result = run(tmp_path / "two", concurrency=16)
    assert result.card.usage.calls == len(run.server.received)
    assert (sys.stdout, sys.stderr) == streams


_CHILD = """
import json, pathlib, sys
sys.path[:0] = sys.argv[4:]
from compiling import MANY, PAIRS, compiled, student
from openrubrics.lms import lm
url, folder, options = sys.argv[1], pathlib.Path(sys.argv[2]), json.loads(sys.argv[3])
served = lm("hosted_vllm/planted", api_base=url)
author = {} if options["optimizer"] == "bootstrap-rs" else {"reflection_lm": served}
result = compiled(student(served), PAIRS, folder=folder, test=PAIRS.test[:8], limit=MANY, **author, **options)
result.save(folder / "program.json")
"""

SMALL_SEARCHES: dict[str, dict[str, Any]] = {
    "gepa": {},
    "miprov2": {"num_candidates": 3, "num_trials": 4},
    "simba": {"bsize": 8, "num_candidates": 3, "max_steps": 2},
    "bootstrap-rs": {"num_candidate_programs": 2, "max_bootstrapped_demos": 2},
    "copro": {"breadth": 3, "depth": 1},
}


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", SMALL_SEARCHES)
def test_a_run_that_was_killed_goes_the_same_way(run: Served, optimizer: str, tmp_path: Path) -> None:
    """Processes differ in their hashes; only what was in flight is asked again."""
    concurrency = 1 if optimizer == "simba" else 8  # the samples of the planted world depend on their order
    options = {"optimizer": optimizer, "options": SMALL_SEARCHES[optimizer], "concurrency": concurrency}
    run.server.delay = 0.01

    def start(folder: str, hash_seed: int) -> subprocess.Popen[bytes]:
        arguments = [run.server.url, str(tmp_path / folder), json.dumps(options), *sys.path[:4]]
        environment = os.environ | {"PYTHONHASHSEED": str(hash_seed)}
        return subprocess.Popen([sys.executable, "-c", _CHILD, *arguments], env=environment)  # noqa: S603

    def artifact(folder: str) -> dict[str, Any]:
        found = json.loads((tmp_path / folder / "program.json").read_bytes())
        found["card"].pop("seconds")
        return found

    assert start("whole", 1).wait() == 0
    once, sent = asked(run.server), len(run.server.received)
    run.begin()
    for stop, hash_seed in ((0.3, 2), (0.8, 3)):
        process = start("killed", hash_seed)
        while len(run.server.received) < stop * sent:
            assert process.poll() is None
            time.sleep(0.001)
        process.kill()
        process.wait()
    assert start("killed", 4).wait() == 0
    assert artifact("killed") == artifact("whole")
    repeated = asked(run.server) - once
    assert not once - asked(run.server)
    assert Counter(repeated).total() <= 2 * concurrency
