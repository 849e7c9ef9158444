"""The examples run offline as they stand, and with a server where one line is changed, as they say."""

import importlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_replies import shorter_wins
from server_plugin import ModelServer

from openrubrics import RubricRM
from openrubrics.optimizers import read_card

FOLDER = Path(__file__).parent.parent / "examples"
SIMULATED = "STUDENT, REFLECTION = simulated()\n"
SCRIPTED = "LM = scripted()\n"

Example = Callable[[Path], str]


@pytest.fixture
def run(tmp_path: Path) -> Example:
    """Run a script of examples in a folder of its own, and return what it prints."""

    def run(script: Path) -> str:
        command = [sys.executable, str(script), str(tmp_path / "out")]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def accuracies(printed: str) -> dict[str, list[float]]:
    """Return the figures before and after by split."""
    found = re.findall(r"^(\w+) \(.*\n  before ([\d.]+) \[.*\]\n  after  ([\d.]+) \[", printed, re.MULTILINE)
    return {split: [float(before), float(after)] for split, before, after in found}


@pytest.mark.slow
def test_the_example_finds_what_its_simulation_hides(run: Example, tmp_path: Path) -> None:
    printed = run(FOLDER / "compile_prompts.py")
    assert printed.startswith("The models are simulated: a gain shows that the machinery works, and nothing about")
    measured = accuracies(printed)
    assert list(measured) == ["validation", "test"]
    assert all(before < 0.7 and after == 1.0 for before, after in measured.values())
    assert "verdict: reliable gain, after " in printed
    assert "people prefer Response A, the loaded program A: " in printed

    path = tmp_path / "out" / "rubric-rm.json"
    card = read_card(path)
    assert card is not None
    assert card.test is not None
    assert [round(card.test.before.accuracy, 3), card.test.after.accuracy] == measured["test"]
    assert set(card.lms.values()) == {"simulated (not a language model)"}
    assert card.usage.calls <= 1500
    program = RubricRM()
    program.load(path)
    assert program.fingerprint == card.program != card.base


@pytest.mark.slow
def test_one_line_makes_it_real(run: Example, tmp_path: Path, model_server: ModelServer) -> None:
    """The line that stands beside the simulation, with the address of a server."""

    def model(body: dict[str, Any]) -> str:
        if body["messages"][0]["role"] == "system":
            return "[[ ## new_instruction ## ]]\nDo it well.\n\n[[ ## completed ## ]]"
        return shorter_wins(body)

    model_server.text = model
    script = (FOLDER / "compile_prompts.py").read_text(encoding="utf-8")
    assert script.count(SIMULATED) == 1
    simulated, real = script[script.index(SIMULATED) :].splitlines(keepends=True)[:2]
    assert real.startswith("# STUDENT = REFLECTION = openrubrics.lm(")
    swapped = re.sub(r'api_base="[^"]*"', f'api_base="{model_server.url}"', real.removeprefix("# "))
    shutil.copy(FOLDER / "simulated.py", tmp_path)
    (tmp_path / "example.py").write_text(script.replace(simulated + real, swapped), encoding="utf-8")
    printed = run(tmp_path / "example.py")
    assert "simulated" not in printed
    assert "verdict: no reliable gain" in printed
    assert {body["model"] for body in model_server.bodies} == {"Qwen/Qwen3-8B"}
    assert 0 < len(model_server.received) <= 1500 + 2


@pytest.mark.slow
def test_the_scripted_judge_shows_what_decides_and_what_is_paid(run: Example) -> None:
    printed = run(FOLDER / "openrs.py")
    assert printed.startswith("The model is scripted: this shows how the parts work together, and nothing about")
    assert re.findall(r"^Better: (\w+), decided by (\w+)\.", printed, re.MULTILINE) == [
        ("A", "judge"),
        ("A", "judge"),
        ("A", "checks"),
    ]
    assert printed.count("under the part health of the meta-rubric") == 2
    scores = re.findall(r"^Score by the (\w+) rule: (\S+)$", printed, re.MULTILINE)
    assert scores == [("symmetric", "+0.75"), ("released", "+2.00"), ("symmetric", "+1.00"), ("released", "+2.00")]
    assert printed.count("(does not occur in the answer)") == 1
    assert "  BRPO: good +1.00, vague +0.00, wrong -1.00, long -1.00\n" in printed
    assert re.search(r"graded, checks added: good \+1\.25, vague \+0\.50, wrong -0\.50, long -0\.60\n", printed)


@pytest.mark.slow
def test_one_line_makes_the_judge_real(
    run: Example, tmp_path: Path, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(FOLDER)
    reply = importlib.import_module("scripted").reply
    model_server.text = lambda body: reply(body["messages"])
    script = (FOLDER / "openrs.py").read_text(encoding="utf-8")
    _, after = script.split(SCRIPTED)
    real = after.splitlines(keepends=True)[0]
    assert real.startswith("# LM = openrubrics.lm(")
    swapped = re.sub(r'api_base="[^"]*"', f'api_base="{model_server.url}"', real.removeprefix("# "))
    shutil.copy(FOLDER / "scripted.py", tmp_path)
    (tmp_path / "example.py").write_text(script.replace(SCRIPTED + real, swapped), encoding="utf-8")
    printed = run(tmp_path / "example.py")
    assert "scripted" not in printed
    assert "  BRPO: good +1.00, vague +0.00, wrong -1.00, long -1.00\n" in printed
    assert {body["model"] for body in model_server.bodies} == {"Qwen/Qwen3-8B"}


def test_the_page_quotes_the_lines_of_the_examples() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    quoted = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    expected: list[str] = []
    for name, line in (("compile_prompts.py", SIMULATED), ("openrs.py", SCRIPTED)):
        script = (FOLDER / name).read_text(encoding="utf-8")
        expected += [line, script[script.index(line) :].splitlines(keepends=True)[1].removeprefix("# ")]
    assert quoted == expected
