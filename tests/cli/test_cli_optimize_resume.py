"""`openrubrics optimize` goes on where it was stopped, to the same program, and asks for nothing twice."""

import json
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_replies import Run
from kill_runs import asked, killed, repeats, started, wait_for
from planted import PlantedWorld, splits
from server_plugin import ModelServer

pytestmark = pytest.mark.slow

SPLITS = splits()
CONCURRENCY = 4
CALLS = 500
Jsonl = Callable[..., Path]


@pytest.fixture
def world(model_server: ModelServer) -> ModelServer:
    """A server with the models of the planted world, whose answers depend on nothing but the request."""
    model_server.text = PlantedWorld().serve
    return model_server


@pytest.fixture
def options(world: ModelServer, jsonl: Jsonl) -> tuple[object, ...]:
    """A search, without its folder and limit."""
    files = {
        name: jsonl([pair.model_dump(mode="json", exclude={"meta"}) for pair in pairs], f"{name}.jsonl")
        for name, pairs in SPLITS._asdict().items()
    }
    lm = ("--lm", "hosted_vllm/m", "--api-base", world.url, "--concurrency", CONCURRENCY)
    return ("optimize", *lm, "--train", files["train"], "--val", files["val"])


def card(out: Path) -> dict[str, Any]:
    """What the artifact says besides the time."""
    content = json.loads((out / "rubric-rm.json").read_text())["card"]
    assert content.pop("seconds") > 0
    return content


@pytest.mark.parametrize("optimizer", ["gepa", "bootstrap-rs"])
def test_a_killed_search_goes_on_to_the_same_program(
    cli: Run, world: ModelServer, options: tuple[object, ...], tmp_path: Path, optimizer: str
) -> None:
    options = (*options, "--optimizer", optimizer, "--max-calls", CALLS, "--set", _sizes(optimizer))
    assert cli(*options, "--out", tmp_path / "whole").code == 0
    whole = asked(world)
    world.received.clear()
    world.delay = 0.005
    out = tmp_path / "run"
    starts = [0]
    for after in (20, 90):
        assert killed(world, (*options, "--out", out), after=after)
        starts.append(len(world.received))
    ran = cli(*options, "--out", out)
    assert ran.code == 0
    assert ran.err.startswith(f"going on with what {out} holds\n")
    assert " from the folder)" in ran.err
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        assert repeats(world, start, end) <= CONCURRENCY
    assert asked(world).keys() == whole.keys()
    assert card(out) == card(tmp_path / "whole")
    assert (out / "candidates.jsonl").read_bytes() == (tmp_path / "whole" / "candidates.jsonl").read_bytes()


def _sizes(optimizer: str) -> str:
    return {"gepa": "reflection_minibatch_size=4", "bootstrap-rs": "num_candidate_programs=3"}[optimizer]


def test_control_c_says_what_was_done_and_how_to_go_on(
    cli: Run, world: ModelServer, options: tuple[object, ...], tmp_path: Path
) -> None:
    world.delay = 0.05
    out = tmp_path / "run"
    options = (*options, "--max-calls", CALLS, "--out", out)
    with started(options) as process:
        wait_for(world, 150, process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130
    stopped, note = err.splitlines()[-2:]
    assert stopped == "stopped"
    assert "Traceback" not in err
    assert " program runs, " in note
    assert " calls, best score on validation 0." in note
    assert note.endswith(f"; the replies are kept in {out}; the same command goes on from there")
    assert not (out / "rubric-rm.json").exists()
    world.delay = 0
    before = len(world.received)
    assert cli(*options).code == 0
    assert repeats(world, before) == 0


def test_a_finished_search_is_repeated_without_a_request(
    cli: Run, world: ModelServer, options: tuple[object, ...], tmp_path: Path
) -> None:
    options = (*options, "--max-calls", CALLS, "--out", tmp_path / "run")
    assert cli(*options).code == 0
    log = tmp_path / "run" / "optimizer.log"
    before, first, said = len(world.received), card(tmp_path / "run"), log.stat().st_size
    assert cli(*options).code == 0
    assert len(world.received) == before
    assert card(tmp_path / "run") == first
    assert abs(log.stat().st_size - said) < 0.1 * said


def test_a_limit_holds_for_all_starts_together(
    cli: Run, world: ModelServer, options: tuple[object, ...], tmp_path: Path
) -> None:
    options = (*options, "--max-calls", 300, "--out", tmp_path / "run")
    world.delay = 0.005
    assert killed(world, options, after=120)
    assert cli(*options).code == 0
    assert card(tmp_path / "run")["usage"]["calls"] <= 300
    assert len(world.received) <= 300 + CONCURRENCY
    assert cli(*options, "--max-calls", CALLS).code == 0
    assert 300 < card(tmp_path / "run")["usage"]["calls"] <= CALLS


def test_another_search_does_not_go_on_there(
    cli: Run, world: ModelServer, options: tuple[object, ...], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    options = (*options, "--max-calls", CALLS, "--out", out)
    assert cli(*options).code == 0
    before = len(world.received)
    for others, differs in {
        ("--seed", "1"): "seed was 0 and is 1",
        ("--optimizer", "copro"): 'optimizer was "gepa" and is "copro"',
        ("--set", "use_merge=false"): "options was {} and is ",
        ("--no-demos",): "demos was true and is false",
        ("--length-penalty", "0.5"): "length penalty was 0.0 and is 0.5",
        ("--form", "v3"): "prompts was ",
        ("--temperature", "0.5"): "judge.predict temperature was not set and is 0.5",
        ("--judge-lm", "hosted_vllm/other"): 'model was "hosted_vllm/m" and is "hosted_vllm/other"',
        ("--reflection-lm", "hosted_vllm/other"): 'reflection model was "hosted_vllm/m" and is "hosted_vllm/other"',
        ("--limit", "20"): "train pairs was ",
    }.items():
        for more in ((), ("--dry-run",)):
            ran = cli(*options, "--max-calls", 9000, *others, *more)
            assert ran.code == 2, (others, ran.err)
            assert f"error: {out} holds a run that was begun otherwise: " in ran.err
            assert differs in ran.err
            assert "begin anew with --overwrite" in ran.err
    assert len(world.received) == before
    assert cli(*options, "--seed", 1, "--overwrite").code == 0
    assert card(out)["seed"] == 1


def test_a_search_keeps_others_out_of_its_folder(
    cli: Run, world: ModelServer, options: tuple[object, ...], tmp_path: Path
) -> None:
    world.delay = 0.05
    options = (*options, "--max-calls", CALLS, "--out", tmp_path / "run")
    with started(options) as first:
        wait_for(world, 20, first)
        for more in ((), ("--overwrite",), ("--dry-run",)):
            second = cli(*options, *more)
            assert second.code == 2
            assert f"error: another run is writing in {tmp_path / 'run'}\n" in second.err


def test_a_full_disk_stops_a_search_that_can_go_on(
    cli: Run, world: ModelServer, options: tuple[object, ...], tmp_path: Path
) -> None:
    """A limit on the size of files stands in for the disk: writing fails in the same place."""
    out = tmp_path / "run"
    options = (*options, "--max-calls", CALLS, "--out", out)
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, unlimited[1]))
    try:
        ran = cli(*options)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert ran.code == 2
    error = ran.err[ran.err.index("error: ") :]
    assert error.startswith(f"error: cannot write {out / 'optimize.ledger'}: ")
    assert f"the replies are kept in {out}; the same command goes on from there" in error
    before = len(world.received)
    assert 20 < before < CALLS
    assert cli(*options).code == 0
    assert repeats(world, before) <= CONCURRENCY


def test_a_server_that_goes_away_stops_a_search_that_can_go_on(
    cli: Run, world: ModelServer, options: tuple[object, ...], tmp_path: Path
) -> None:
    options = (*options, "--max-calls", CALLS, "--retries", 0, "--out", tmp_path / "run")
    world.answers(150).fails(401, "the key was revoked", times=1000)
    ran = cli(*options)
    assert ran.code == 4
    assert "the key was revoked" in ran.err
    assert "the same command goes on from there" in ran.err
    world._script.clear()
    assert cli(*options).code == 0


def test_overwriting_begins_anew(cli: Run, world: ModelServer, options: tuple[object, ...], tmp_path: Path) -> None:
    options = (*options, "--max-calls", CALLS, "--out", tmp_path / "run")
    assert cli(*options).code == 0
    first = len(world.received)
    assert cli(*options, "--overwrite").code == 0
    assert len(world.received) == 2 * first
