"""The folder of a run."""

import json
import resource
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from openrubrics.data import Manifest
from openrubrics.evaluation import EvaluatedPair, RunWriter, Summary, summarize
from openrubrics.signatures import Judgment, OrderOutcome, Usage, UsageError, Verdict, Vote

Judged = Callable[..., EvaluatedPair]
FILES = ["judgments.jsonl", "manifest.json", "summary.json"]
LEDGER = "unfinished.ledger"


@pytest.fixture
def results(judged: Judged) -> list[EvaluatedPair]:
    return [judged("A"), judged("t"), judged("f")]


def writer(folder: Path, *, seed: int = 0, overwrite: bool = False) -> RunWriter:
    return RunWriter(folder, identity={"seed": seed}, overwrite=overwrite)


def keep(run: RunWriter, results: list[EvaluatedPair], *places: int) -> None:
    for place in places or range(len(results)):
        run.ledger.finish(place, f"{place}", results[place % len(results)].line())
        run.replace()


def ends(results: list[EvaluatedPair]) -> tuple[Summary, Manifest]:
    usage = Usage(calls=3, prompt_tokens=5)
    manifest = Manifest(program="f", lms={"judge": "qwen"}, seed=0, seconds=1, usage=usage)
    return summarize(results, orders="single", lm="qwen", method="direct", usage=usage, seconds=1), manifest


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def read(path: Path) -> list[EvaluatedPair]:
    lines = path.read_bytes().split(b"\n")
    assert lines[-1] == b""
    return [EvaluatedPair.model_validate_json(line) for line in lines[:-1]]


def test_a_run_leaves_three_files_that_read_back(tmp_path: Path, results: list[EvaluatedPair]) -> None:
    folder = tmp_path / "deep" / "run"
    summary, manifest = ends(results)
    with writer(folder) as run:
        keep(run, results, 2, 0, 1)
        assert not set(names(folder)) & set(FILES)
        run.finish(summary, manifest)
    assert names(folder) == FILES
    assert read(folder / "judgments.jsonl") == results
    assert (folder / "judgments.jsonl").read_text().split("\n")[0] == results[0].model_dump_json()
    assert Summary.model_validate_json((folder / "summary.json").read_bytes()) == summary
    assert Manifest.model_validate_json((folder / "manifest.json").read_bytes()) == manifest


@pytest.mark.parametrize("name", FILES)
def test_a_folder_that_holds_a_run_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("precious")
    with pytest.raises(UsageError, match=rf"already holds {name} \(.* with --overwrite"):
        writer(tmp_path).__enter__()
    assert (tmp_path / name).read_text() == "precious"
    assert names(tmp_path) == [name]


def test_a_run_that_was_stopped_goes_on(tmp_path: Path, results: list[EvaluatedPair]) -> None:
    with suppress(KeyboardInterrupt), writer(tmp_path) as run:
        keep(run, results, 1)
        run.seconds = 2.5
        raise KeyboardInterrupt
    assert names(tmp_path) == [LEDGER]
    with pytest.raises(UsageError, match="begun otherwise: seed was 0 and is 1"):
        writer(tmp_path, seed=1).__enter__()
    with writer(tmp_path) as run:
        assert run.seconds == 2.5
        assert run.ledger.take(1, "1") == results[1].line()
        keep(run, results, 0, 2)
        run.finish(*ends(results))
    assert read(tmp_path / "judgments.jsonl") == results


def test_a_run_that_was_stopped_while_it_wrote_its_files_writes_them_anew(
    tmp_path: Path, results: list[EvaluatedPair]
) -> None:
    with writer(tmp_path) as run:
        keep(run, results)
    for name in ("judgments.jsonl", "manifest.json"):
        (tmp_path / name).write_text("half")
    with writer(tmp_path) as run:
        for place in range(3):
            run.ledger.take(place, f"{place}")
        run.finish(*ends(results))
    assert names(tmp_path) == FILES
    assert read(tmp_path / "judgments.jsonl") == results


def test_a_finished_run_does_not_go_on(tmp_path: Path, results: list[EvaluatedPair]) -> None:
    """Also where the ledger is still there, because the process died between its last two steps."""
    with writer(tmp_path) as run:
        keep(run, results)
    ledger = (tmp_path / LEDGER).read_bytes()
    (tmp_path / "summary.json").write_text("{}")
    with pytest.raises(UsageError, match=r"already holds summary\.json"):
        writer(tmp_path).__enter__()
    assert (tmp_path / LEDGER).read_bytes() == ledger


def test_overwriting_leaves_nothing_of_the_old_run(tmp_path: Path, results: list[EvaluatedPair]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with writer(tmp_path, seed=5) as run:
        keep(run, results)
    for name in (*FILES, "judgments-2.jsonl", "judgments-3.jsonl"):
        (tmp_path / name).write_text("old")
    with writer(tmp_path, overwrite=True) as run:
        keep(run, results, 0)
        assert set(names(tmp_path)) == {LEDGER, f"{LEDGER}-wal", "notes.txt"}
    assert names(tmp_path) == ["notes.txt", LEDGER]
    with writer(tmp_path) as run:
        assert run.ledger.take(0, "0") is not None
        run.finish(*ends(results[:1]))
    assert names(tmp_path) == sorted([*FILES, "notes.txt"])
    assert read(tmp_path / "judgments.jsonl") == results[:1]


def test_overwriting_waits_for_the_first_judgment(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).write_text("old")
    with pytest.raises(KeyboardInterrupt), writer(tmp_path, overwrite=True):
        raise KeyboardInterrupt
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(FILES, "old")


def test_repeats_have_files_of_their_own(tmp_path: Path, results: list[EvaluatedPair]) -> None:
    with writer(tmp_path) as run:
        for repeat in range(3):
            for place, result in enumerate(results[repeat:] + results[:repeat]):
                run.ledger.finish((repeat << 40) + place, f"{repeat} {place}", result.line())
        run.finish(*ends(results), records=len(results))
    assert names(tmp_path) == sorted([*FILES, "judgments-2.jsonl", "judgments-3.jsonl"])
    assert read(tmp_path / "judgments.jsonl") == results
    assert read(tmp_path / "judgments-2.jsonl") == results[1:] + results[:1]
    assert read(tmp_path / "judgments-3.jsonl") == results[2:] + results[:2]


def test_checking_makes_nothing(tmp_path: Path, results: list[EvaluatedPair]) -> None:
    writer(tmp_path / "run").check()
    assert names(tmp_path) == []
    (tmp_path / "manifest.json").write_text("")
    with pytest.raises(UsageError, match="already holds manifest"):
        writer(tmp_path).check()
    writer(tmp_path, overwrite=True).check()
    (tmp_path / "manifest.json").unlink()
    with writer(tmp_path) as run:
        keep(run, results)
    writer(tmp_path).check()
    with pytest.raises(UsageError, match="begun otherwise"):
        writer(tmp_path, seed=1).check()
    assert names(tmp_path) == [LEDGER]


@pytest.mark.slow
def test_one_run_at_a_time(tmp_path: Path, results: list[EvaluatedPair]) -> None:
    with writer(tmp_path) as run:
        keep(run, results, 0)
        for overwrite in (False, True):
            with pytest.raises(UsageError, match=f"another run is writing in {tmp_path}"):
                writer(tmp_path, overwrite=overwrite).__enter__()
        keep(run, results, 1, 2)
        run.finish(*ends(results), records=len(results))
    assert read(tmp_path / "judgments.jsonl") == results


def test_who_waits_while_a_run_finishes_does_not_begin_anew(tmp_path: Path, results: list[EvaluatedPair]) -> None:
    def wait() -> None:
        with pytest.raises(UsageError, match=r"already holds summary\.json"):
            writer(tmp_path).__enter__()

    with writer(tmp_path) as run, ThreadPoolExecutor() as pool:
        keep(run, results)
        later = pool.submit(wait)
        time.sleep(0.1)
        run.finish(*ends(results))
        later.result()
    assert names(tmp_path) == FILES


def test_a_run_that_never_began_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), writer(tmp_path):
        raise KeyboardInterrupt
    assert names(tmp_path) == []


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
    with writer(tmp_path) as run:
        keep(run, [result], 0, 1)
        run.finish(*ends([result] * 2))
    first, second = read(tmp_path / "judgments.jsonl")
    assert first == second
    assert first.judgment.orders[0].votes[0].raw == raw.replace("\ud800", "?")


def test_a_place_that_is_no_folder_is_named_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(UsageError, match=f"cannot write {folder}: ") as caught:
            writer(folder).__enter__()
        assert "\n" not in str(caught.value)


def test_a_full_disk_is_an_error_of_ours_and_costs_nothing(tmp_path: Path, results: list[EvaluatedPair]) -> None:
    """A limit on the size of files stands in for the disk: writing fails in the same place."""
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    with writer(tmp_path) as run:
        keep(run, results)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, unlimited[1]))
        try:
            with pytest.raises(UsageError, match=r"cannot write .*judgments\.jsonl: File too large"):
                run.finish(*ends(results))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        assert not set(names(tmp_path)) & set(FILES)
        run.finish(*ends(results))
    assert names(tmp_path) == FILES
    assert read(tmp_path / "judgments.jsonl") == results


def test_numbers_in_the_summary_are_plain_json(tmp_path: Path, results: list[EvaluatedPair]) -> None:
    with writer(tmp_path) as run:
        keep(run, results)
        run.finish(*ends(results))
    content = json.loads((tmp_path / "summary.json").read_text(), parse_constant=pytest.fail)
    assert content["accuracy_ci"] == pytest.approx([0.0615, 0.7923], abs=1e-4)
    assert content["consistent_accuracy"] is None
