"""Progress of a search for prompts on the error output."""

import contextlib
import io
import sys
import time

import pytest
from rich.text import Text

from openrubrics.cli.optimize_progress import search_progress
from openrubrics.lms import Budget
from openrubrics.optimizers import Progress
from openrubrics.signatures import Usage

LIMIT = Budget(max_calls=12_345)
Capture = pytest.CaptureFixture[str]


def at(runs: int, best: float | None = None, phase: str = "search", replayed: int = 0) -> Progress:
    """How far a search is after so many runs."""
    usage = Usage(calls=2 * runs, prompt_tokens=83_800, cost=0.0878)
    content = {"phase": phase, "runs": runs, "candidates": 7, "candidate": "0123abcd", "best": best, "usage": usage}
    return Progress.model_validate(content | {"base": best and 0.4, "replayed": replayed})


def test_a_line_is_written_for_a_new_phase_and_for_a_better_candidate(capsys: Capture) -> None:
    with search_progress(LIMIT, kept="") as tell:
        for progress in (
            at(1, phase="validation before"),
            at(2, phase="validation before"),
            at(3, best=0.4),
            at(4, best=0.4),
            at(5, best=0.5),
            at(6, best=0.5),
            at(7, best=0.75),
        ):
            tell(progress)
    lines = [line.partition(" of 12345 calls")[0] for line in capsys.readouterr().err.splitlines()]
    assert lines == [
        "validation before: 2",
        "search: best 0.400 (base 0.400), 6",
        "search: better candidate found: best 0.500 (base 0.400), 10",
        "search: better candidate found: best 0.750 (base 0.400), 14",
    ]


def test_a_line_is_written_now_and_then(capsys: Capture) -> None:
    with search_progress(Budget(max_cost=1), kept="", every=0) as tell:
        tell(at(1, replayed=2))
        tell(at(2))
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(
        "search: 2 calls (2 from the folder), 83.8k tokens, $0.0878, candidate 0123abcd of 7, 1 runs"
    )
    assert second.startswith("search: 4 calls, ")


def test_lines_go_where_the_errors_went_when_it_began(capsys: Capture) -> None:
    with search_progress(LIMIT, kept="") as tell, contextlib.redirect_stderr(io.StringIO()) as other:
        tell(at(1))
        assert sys.stderr is other
    assert other.getvalue() == ""
    assert capsys.readouterr().err.startswith("search: ")


@pytest.mark.parametrize(
    ("width", "seen"),
    [
        (
            140,
            "best 0.500 (base 0.400), 4000 of 12345 calls, 83.8k tokens, $0.0878, candidate 0123abcd of 7, 2000 runs",
        ),
        (80, "best 0.500 (base 0.400), 4000 of 12345 calls, "),
    ],
)
def test_a_terminal_has_one_line_that_shows_score_and_calls_first(
    width: int, seen: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    with search_progress(LIMIT, kept="") as tell, contextlib.redirect_stderr(io.StringIO()) as other:
        tell(at(2000, best=0.5))
        time.sleep(0.3)  # the line is drawn ten times a second
    assert other.getvalue() == ""
    last = Text.from_ansi(capsys.readouterr().err).plain.rpartition("search")[2].splitlines()[0]
    assert seen in last
    assert len(f"search{last}") <= width


def test_what_stops_a_search_says_how_much_was_done() -> None:
    done = "5 program runs, 10 calls, best score on validation 0.500; all is here"
    for last, note in ((at(5, best=0.5), done), (None, "no program run was done")):
        with pytest.raises(KeyboardInterrupt) as caught, search_progress(LIMIT, kept="all is here") as tell:  # noqa: PT012
            if last:
                tell(last)
            raise KeyboardInterrupt
        assert caught.value.__notes__ == [note]
