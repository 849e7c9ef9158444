"""The student of `openrubrics quickstart`: left out with a reason, foretold, trained, gone on with."""

import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import click
import pytest
from cli_replies import Run
from rich.console import Console

from openrubrics.cli.options import LMOptions
from openrubrics.cli.quickstart import quickstart
from openrubrics.cli.quickstart_student import Report, show_student
from openrubrics.cli.run_quickstart import Quickstart, run
from openrubrics.data import synthetic_pairs
from openrubrics.signatures.errors import UsageError
from openrubrics.train.from_nothing import Recipe, train_from_nothing
from openrubrics.train.rubric_figures import WriterFigures
from openrubrics.train.summary import TrainProgress

TINY = Recipe(60, hidden=64, layers=1, vocab=600, steps=4, batch=8, learning_rate=3e-3)
NO_LMS = LMOptions(**dict.fromkeys(LMOptions.__dataclass_fields__) | {"cache": False})  # pyright: ignore[reportArgumentType] - by name


def tiny(out: Path, **changes: object) -> Quickstart:
    start = Quickstart(out, False, True, 0, 16, NO_LMS, recipe=TINY)
    return replace(start, **changes)


def started(start: Quickstart, *, as_json: bool) -> int:
    """Run it as the command does, but with a recipe of its own."""
    with click.Context(quickstart):
        return run(start, as_json=as_json)


@pytest.mark.slow
def test_without_the_extra_the_rest_is_done_and_a_line_says_what_is_missing(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "trl", None)
    ran = cli("quickstart", "--out", tmp_path, "--json")
    assert ran.code == 0
    assert json.loads(ran.out)["student"] is None
    said = ran.err.partition("4. A student of its own\n")[2].splitlines()
    assert said[0] == "left out; it needs torch and TRL: pip install 'openrubrics[train]'"
    assert not (tmp_path / "student").exists()


def test_a_dry_run_says_what_would_be_trained(cli: Run, tmp_path: Path) -> None:
    ran = cli("quickstart", "--out", tmp_path, "--dry-run")
    assert ran.code == 0
    line = ran.out.splitlines()[2]
    assert line.startswith("distill a rubric student from random weights: ")
    assert line.endswith("nothing was trained")
    assert not list(tmp_path.iterdir())


def test_all_three_are_shown_with_what_such_a_model_is_worth() -> None:
    teacher, student, untrained = (
        WriterFigures(well_formed=share, interval=(share / 2, share), hard_rule_f1=f1, seconds=seconds)
        for share, f1, seconds in ((1.0, 0.79, 0.04), (0.9, 0.27, 3.2), (0.0, 0.0, 12.0))
    )
    report = Report(
        prompts=220,
        teacher=teacher,
        student=student,
        untrained=untrained,
        weights=163_000,
        records=1641,
        steps=360,
        seed=0,
        seconds_training=61,
    )
    out = io.StringIO()
    show_student(Console(file=out, width=100), report)
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert ["teacher", "220", "1.000", "(0.500-1.000)", "0.790", "0.0"] in lines
    assert ["student", "220", "0.900", "(0.450-0.900)", "0.270", "3.2"] in lines
    assert ["untrained", "220", "0.000", "(0.000-0.000)", "0.000", "12.0"] in lines
    assert "A model this small is of no use." in out.getvalue()
    assert "0.2 million random weights" in out.getvalue()


@pytest.mark.slow
def test_it_trains_and_goes_on_where_it_was_stopped_and_not_once_it_is_done(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fresh = tmp_path / "fresh"
    assert started(tiny(fresh), as_json=True) == 0
    said = capfd.readouterr()
    report = json.loads(said.out)["student"]
    assert report == json.loads((fresh / "student" / "summary.json").read_text())
    assert (report["steps"], report["teacher"]["well_formed"], report["untrained"]["well_formed"]) == (4, 1, 0)
    assert "step 1 of 4: loss " in said.err
    assert "%|" not in said.err, "libraries show no bars"
    out = tmp_path / "out"
    assert started(tiny(out, with_student=False), as_json=False) == 0

    def stop(progress: TrainProgress) -> None:
        if progress.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_from_nothing("rubric", TINY, synthetic_pairs, out / "student", on_progress=stop)
    judged = {path: path.stat().st_mtime_ns for path in (out / "judged").iterdir()}
    capfd.readouterr()
    assert started(tiny(out), as_json=True) == 0
    said = capfd.readouterr()
    assert "step 1 of 4" not in said.err
    assert {path: path.stat().st_mtime_ns for path in (out / "judged").iterdir()} == judged
    one, two = (folder / "student" / "student" / "model.safetensors" for folder in (fresh, out))
    assert one.read_bytes() == two.read_bytes()
    with pytest.raises(UsageError, match=r"judged already holds summary.json"):
        started(tiny(out), as_json=True)
    with pytest.raises(UsageError, match="seed was 0 and is 1"):
        started(tiny(out, seed=1), as_json=True)
    assert started(tiny(out, seed=1, overwrite=True), as_json=True) == 0
    assert one.read_bytes() != two.read_bytes()
    assert json.loads(capfd.readouterr().out)["student"]["seed"] == 1
