"""Loading one part of a saved program: it is checked by itself, and what belongs to the others does not matter."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openrubrics.programs import ContrastiveRubricGenerator, GatekeeperJudge, RubricGenerator, RubricRM
from openrubrics.signatures import DataError

TOLD = "Write rubrics about bread."


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A compiled program whose judge has a template and a form of its own."""
    judge = GatekeeperJudge("v3", template="{instructions} {prompt} {rubric} {response_a} {response_b}")
    program = RubricRM(judge=judge)
    program.generate.predict.signature = program.generate.predict.task.with_instructions(TOLD)
    program.judge.predict.signature = program.judge.predict.task.with_instructions("Be strict.")
    program.save(tmp_path / "program.json")
    return tmp_path / "program.json"


def damaged(path: Path, damage: Callable[[dict[str, Any]], object]) -> Path:
    content = json.loads(path.read_text(encoding="utf-8"))
    damage(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_a_part_is_what_was_saved_whatever_the_others_are(path: Path) -> None:
    generator = RubricGenerator()
    generator.load(path, part="generate")
    assert generator.predict.task.instructions == TOLD
    judge = GatekeeperJudge("v3", template="{instructions} {prompt} {rubric} {response_a} {response_b}")
    judge.load(path, part="judge")
    assert judge.predict.task.instructions == "Be strict."
    with pytest.raises(DataError, match="contracts is"):
        RubricRM().load(path)


def test_a_part_that_was_changed_is_refused_and_a_change_elsewhere_does_not_matter(path: Path) -> None:
    def changed(name: str) -> Callable[[dict[str, Any]], object]:
        return lambda content: content["state"][name]["signature"].update(instructions="Always A.")

    generator = RubricGenerator()
    generator.load(damaged(path, changed("judge.predict")), part="generate")
    before = generator.fingerprint
    with pytest.raises(DataError, match=r"program\.json: the fingerprint is '\w+', but the prompts read from it"):
        generator.load(damaged(path, changed("generate.predict")), part="generate")
    assert generator.fingerprint == before


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content["manifest"].pop("parts"), "it tells of no part 'generate'"),
        (lambda content: content["manifest"].update(parts=["generate"]), "it tells of no part 'generate'"),
        (lambda content: content["manifest"]["parts"].update(generate="RubricGenerator"), "it tells of no part"),
        (lambda content: content["manifest"]["parts"]["generate"].pop("fingerprint"), "the fingerprint is None"),
        (lambda content: content["manifest"].update(fields=[]), "fields is None"),
        (lambda content: content["state"].pop("generate.predict"), "this program has predict"),
    ],
)
def test_a_file_that_does_not_tell_of_the_part_is_refused(
    path: Path, damage: Callable[[dict[str, Any]], object], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        RubricGenerator().load(damaged(path, damage), part="generate")


def test_the_part_of_another_program_is_refused(path: Path) -> None:
    with pytest.raises(DataError, match="program is 'RubricGenerator', but this program has 'Contrastive"):
        ContrastiveRubricGenerator().load(path, part="generate")
    with pytest.raises(DataError, match="it tells of no part 'rank'"):
        RubricGenerator().load(path, part="rank")
