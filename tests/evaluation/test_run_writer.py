"""The folder of a run."""

import contextlib
import json
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from openrubrics.data import Manifest
from openrubrics.evaluation import EvaluatedPair, RunWriter, Summary, summarize
from openrubrics.signatures import Judgment, OrderOutcome, Usage, UsageError, Verdict, Vote

Judged = Callable[..., EvaluatedPair]
FILES = ["judgments.jsonl", "manifest.json", "summary.json"]


@pytest.fixture
def results(judged: Judged) -> list[EvaluatedPair]:
    return [judged("A"), judged("t"), judged("f")]


def ends(results: list[EvaluatedPair]) -> tuple[Summary, Manifest]:
    usage = Usage(calls=3, prompt_tokens=5)
    manifest = Manifest(program="f", lms={"judge": "qwen"}, seed=0, seconds=1, usage=usage)
    return summarize(results, orders="single", lm="qwen", method="direct", usage=usage, seconds=1), manifest


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_run_leaves_three_files_that_read_back(tmp_path: Path, results: list[EvaluatedPair]) -> None:
    folder = tmp_path / "deep" / "run"
    summary, manifest = ends(results)
    with RunWriter(folder) as run:
        for number, result in enumerate(results, start=1):
            run.write(result)
            assert len((folder / "judgments.jsonl").read_bytes().splitlines()) == number
        assert names(folder) == ["judgments.jsonl"]
        run.finish(summary, manifest)
    assert names(folder) == FILES
    lines = (folder / "judgments.jsonl").read_text(encoding="utf-8").split("\n")
    assert [EvaluatedPair.model_validate_json(line) for line in lines[:-1]] == results
    assert lines[-1] == ""
    assert lines[0] == results[0].model_dump_json()
    assert Summary.model_validate_json((folder / "summary.json").read_bytes()) == summary
    assert Manifest.model_validate_json((folder / "manifest.json").read_bytes()) == manifest


@pytest.mark.parametrize("name", FILES)
def test_a_folder_that_holds_a_run_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("precious")
    with pytest.raises(UsageError, match=rf"already holds {name} \(.* with --overwrite"):
        RunWriter(tmp_path).__enter__()
    assert (tmp_path / name).read_text() == "precious"


def test_overwriting_leaves_nothing_of_the_old_run(tmp_path: Path, results: list[EvaluatedPair]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for name in (*FILES, "judgments-2.jsonl", "judgments-3.jsonl"):
        (tmp_path / name).write_text("old")
    with RunWriter(tmp_path, overwrite=True) as run:
        run.write(results[0])
        assert run.path.read_text() == results[0].model_dump_json() + "\n"
    assert names(tmp_path) == ["judgments.jsonl", "notes.txt"]
    assert (tmp_path / "judgments.jsonl").read_text() == results[0].model_dump_json() + "\n"


def test_overwriting_waits_for_the_first_judgment(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).write_text("old")
    with pytest.raises(KeyboardInterrupt), RunWriter(tmp_path, overwrite=True):
        raise KeyboardInterrupt
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(FILES, "old")


def test_repeats_have_files_of_their_own(tmp_path: Path, results: list[EvaluatedPair]) -> None:
    with RunWriter(tmp_path) as run:
        for result in results:
            run.write(result)
            assert run.written == 1
            run.repeat()
        run.write(results[0])
    files = ["judgments.jsonl", *(f"judgments-{n}.jsonl" for n in (2, 3, 4))]
    expected = dict(zip(files, [*results, results[0]], strict=True))
    assert names(tmp_path) == sorted(expected)
    for name, result in expected.items():
        assert EvaluatedPair.model_validate_json((tmp_path / name).read_text()) == result


def test_checking_makes_nothing(tmp_path: Path) -> None:
    RunWriter(tmp_path / "run").check()
    assert names(tmp_path) == []
    (tmp_path / "manifest.json").write_text("")
    with pytest.raises(UsageError, match="already holds manifest"):
        RunWriter(tmp_path).check()
    RunWriter(tmp_path, overwrite=True).check()


def test_a_run_that_dies_keeps_what_it_judged_and_one_that_never_began_leaves_nothing(
    tmp_path: Path, results: list[EvaluatedPair]
) -> None:
    with pytest.raises(KeyboardInterrupt), RunWriter(tmp_path):
        raise KeyboardInterrupt
    assert names(tmp_path) == []
    with contextlib.suppress(KeyboardInterrupt), RunWriter(tmp_path) as run:
        run.write(results[0])
        raise KeyboardInterrupt
    assert (tmp_path / "judgments.jsonl").read_text() == results[0].model_dump_json() + "\n"


def test_a_killed_process_loses_no_finished_judgment(tmp_path: Path, results: list[EvaluatedPair]) -> None:
    code = (
        "import os, signal, sys, pathlib\n"
        "from openrubrics.evaluation import EvaluatedPair, RunWriter\n"
        "result = EvaluatedPair.model_validate_json(sys.argv[2])\n"
        "with RunWriter(pathlib.Path(sys.argv[1])) as run:\n"
        "    run.write(result)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    line = results[0].model_dump_json()
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path), line], check=False)  # noqa: S603
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "judgments.jsonl").read_text() == line + "\n"


def test_any_text_of_a_model_fits_one_line(tmp_path: Path) -> None:
    raw = "a\nb\r\u2028c\x00\x85é🙂\ud800"
    verdict = Verdict(preferred="A")
    orders = (OrderOutcome(order="AB", outcome=verdict, votes=(Vote(outcome=verdict, raw=raw),)),)
    result = EvaluatedPair(
        id="1",
        domain="d",
        source="s",
        chosen_slot="A",
        longer_slot=None,
        judgment=Judgment(outcome=verdict, orders=orders),
    )
    with RunWriter(tmp_path) as run:
        run.write(result)
        run.write(result)
    lines = (tmp_path / "judgments.jsonl").read_bytes().split(b"\n")
    assert len(lines) == 3
    read = EvaluatedPair.model_validate_json(lines[0])
    assert read.judgment.orders[0].votes[0].raw == raw.replace("\ud800", "?")


def test_a_place_that_is_no_folder_is_named_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(UsageError, match=f"cannot write {folder}: ") as caught:
            RunWriter(folder).__enter__()
        assert "\n" not in str(caught.value)


def test_a_full_disk_is_an_error_of_ours(tmp_path: Path, results: list[EvaluatedPair]) -> None:
    """A limit on the size of files stands in for the disk: writing fails in the same place."""
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    summary, manifest = ends(results)

    def fill(write: Callable[[RunWriter], None]) -> None:
        with RunWriter(tmp_path) as run:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, unlimited[1]))
            try:
                write(run)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)

    for write in (lambda run: run.write(results[0]), lambda run: run.finish(summary, manifest)):
        with pytest.raises(UsageError, match=r"cannot write .*: File too large"):
            fill(write)
        assert names(tmp_path) == []


def test_numbers_in_the_summary_are_plain_json(tmp_path: Path, results: list[EvaluatedPair]) -> None:
    with RunWriter(tmp_path) as run:
        run.finish(*ends(results))
    content = json.loads((tmp_path / "summary.json").read_text(), parse_constant=pytest.fail)
    assert content["accuracy_ci"] == pytest.approx([0.0615, 0.7923], abs=1e-4)
    assert content["consistent_accuracy"] is None
