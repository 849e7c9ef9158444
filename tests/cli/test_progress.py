"""Progress on the error output where that is no terminal."""

import pytest
from rich.text import Text

from openrubrics.cli.progress import duration, progress, spent
from openrubrics.signatures import Usage


def test_lines_come_now_and_then_with_what_is_to_be_seen(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(3, "curating", items="items", kept="", figures=lambda: "kept 50.0 %", every=0) as advance:
        for _ in range(3):
            advance()
    lines = capsys.readouterr().err.splitlines()
    assert [line.rpartition(", about ")[0] for line in lines] == [
        f"curating: {n} of 3 items, kept 50.0 %" for n in (1, 2, 3)
    ]
    assert lines[-1].endswith("about 0 s left")


def test_without_a_known_number_there_is_a_pace_instead_of_an_end(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(None, "curating", items="items", kept="", every=0) as advance:
        advance()
    line = capsys.readouterr().err
    assert line.startswith("curating: 1 items, ")
    assert line.endswith(" a second\n")


def test_a_short_run_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(2, "curating", items="items", kept="") as advance:
        advance()
        advance()
    assert capsys.readouterr().err == ""


def test_an_exception_says_how_much_was_done() -> None:
    def fail(total: int | None, after: int) -> None:
        with progress(total, "x", items="items", done="curated", kept="all here") as advance:
            for _ in range(after):
                advance()
            raise KeyError

    for total, after, note in (
        (None, 1, "1 items were curated before that; all here"),
        (5, 2, "2 of 5 items were curated before that; all here"),
        (2, 0, "nothing was curated"),
    ):
        with pytest.raises(KeyError) as caught:
            fail(total, after)
        assert caught.value.__notes__ == [note]


def test_times_and_costs_are_short() -> None:
    assert [duration(seconds) for seconds in (0, 59.6, 98, 600, 36_000)] == ["0 s", "60 s", "98 s", "10 min", "10.0 h"]
    assert spent(Usage(calls=1, prompt_tokens=700, completion_tokens=50, cost=0.01234)) == "750 tokens, $0.0123"
    assert spent(Usage(calls=1, prompt_tokens=1_250_000, cost=12.5)) == "1.2M tokens, $12.50"
    assert spent(Usage(calls=1, prompt_tokens=640_000)) == "640k tokens"


@pytest.mark.parametrize(
    ("width", "seen"),
    [
        (120, "kept 50.0 %, 43 failed, 83.8k tokens, $0.0878"),
        (80, "kept 50.0 %, 43 failed, 83.8k tokens, $"),
        (40, "k"),
    ],
)
def test_a_narrow_terminal_shows_the_counts_whole(
    width: int, seen: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    total = 12_345
    figures = "kept 50.0 %, 43 failed, 83.8k tokens, $0.0878"
    with progress(total, "curating", items="items", kept="", figures=lambda: figures) as advance:
        for _ in range(total):
            advance()
    last = Text.from_ansi(capsys.readouterr().err).plain.rpartition("curating")[2].splitlines()[0]
    assert "12345/12345" in last
    assert seen in last
    assert len("curating" + last.rstrip()) <= width
