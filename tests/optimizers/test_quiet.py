"""What is written while an optimizer runs, by whom, and where it goes."""

import logging
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from openrubrics.optimizers.quiet import said_to
from openrubrics.signatures import UsageError


def say(text: str) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.write(f"{text}\n")


def test_a_thread_that_is_aloud_leaves_the_others_quiet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    is_aloud, done = threading.Event(), threading.Event()

    def tell() -> None:
        with aloud():
            is_aloud.set()
            done.wait(10)
            say("heard")
        say("unheard")

    with said_to(tmp_path / "log") as aloud:
        thread = threading.Thread(target=tell)
        thread.start()
        assert is_aloud.wait(10)
        say("unheard")
        done.set()
        thread.join()
    assert capsys.readouterr() == ("heard\n", "heard\n")
    assert (tmp_path / "log").read_text() == 4 * "unheard\n"


def test_a_thread_that_is_aloud_when_the_run_ends_changes_nothing_later(tmp_path: Path) -> None:
    before = sys.stdout, sys.stderr
    aloud: Callable[[], AbstractContextManager[None]] = nullcontext
    is_aloud, ended = threading.Event(), threading.Event()

    def tell() -> None:
        with aloud():
            is_aloud.set()
            ended.wait(10)

    thread = threading.Thread(target=tell)

    def run() -> None:
        nonlocal aloud
        with said_to(tmp_path / "log") as aloud:
            thread.start()
            assert is_aloud.wait(10)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    ended.set()
    thread.join()
    assert (sys.stdout, sys.stderr) == before


def test_a_library_that_took_hold_of_the_stream_meanwhile_can_use_it_afterwards(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = logging.getLogger("a library")
    logger.propagate = False
    with said_to(tmp_path / "log"):
        logger.addHandler(logging.StreamHandler())
        logger.warning("unheard")
    logger.warning("heard")
    assert capsys.readouterr().err == "heard\n"
    assert (tmp_path / "log").read_text() == "unheard\n"


def test_a_log_that_cannot_be_written_stops_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    with said_to(Path("/dev/full")):
        say("nothing")
    assert capsys.readouterr() == ("", "")


def test_a_log_in_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    before = sys.stdout, sys.stderr
    with pytest.raises(UsageError, match="cannot write"), said_to(tmp_path / "none" / "log"):
        pass
    assert (sys.stdout, sys.stderr) == before


def test_bars_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with said_to(tmp_path / "log"):
        say("\r 3%")
        say("said")
    assert capsys.readouterr() == ("", "")
    assert "3%" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize("first", [0, 1])
def test_runs_side_by_side_leave_the_streams_as_they_were(first: int, tmp_path: Path) -> None:
    before = sys.stdout, sys.stderr
    runs = [said_to(tmp_path / name) for name in ("one", "two")]
    for run in runs:
        run.__enter__()
    runs.pop(first).__exit__(None, None, None)
    say("unheard")
    runs.pop().__exit__(None, None, None)
    assert (sys.stdout, sys.stderr) == before
    assert (tmp_path / ("two", "one")[first]).read_text() == 2 * "unheard\n"
