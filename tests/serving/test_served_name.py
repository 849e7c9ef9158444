"""Two checkpoints share a served name only if they give the same answers."""

import shutil
from pathlib import Path

import pytest

from openrubrics.serving import served_name
from openrubrics.signatures.errors import DataError


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "here" / "judge"
    path.mkdir(parents=True)
    (path / "config.json").write_text("{}")
    (path / "tokenizer.json").write_text("{}")
    (path / "chat_template.jinja").write_text("{{ messages }}")
    (path / "model.safetensors").write_bytes(b"weights")
    return path


def test_is_the_folder_name_and_eight_digits_of_content(checkpoint: Path, tmp_path: Path) -> None:
    name = served_name(checkpoint)
    stem, _, digits = name.rpartition("-")
    assert stem == "judge"
    assert len(bytes.fromhex(digits)) == 4
    moved = shutil.copytree(checkpoint, tmp_path / "there" / "judge")
    assert served_name(moved) == name


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja"])
def test_changes_with_all_that_decides_the_answers(checkpoint: Path, file: str) -> None:
    before = served_name(checkpoint)
    with (checkpoint / file).open("a") as stream:
        stream.write(" ")
    assert served_name(checkpoint) != before


def test_content_that_moves_between_files_changes_it(checkpoint: Path) -> None:
    before = served_name(checkpoint)
    (checkpoint / "model.safetensors").rename(checkpoint / "model-1.safetensors")
    assert served_name(checkpoint) != before


def test_files_of_the_training_run_do_not_matter(checkpoint: Path) -> None:
    before = served_name(checkpoint)
    (checkpoint / "trainer_state.json").write_text("{}")
    (checkpoint / "README.md").write_text("a judge")
    assert served_name(checkpoint) == before


def test_odd_characters_of_the_folder_are_replaced(checkpoint: Path) -> None:
    odd = checkpoint.rename(checkpoint.with_name("my judge/é".replace("/", ":")))
    assert served_name(odd).startswith("my-judge---")


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_folder_that_is_no_checkpoint_is_refused(checkpoint: Path, missing: str) -> None:
    (checkpoint / missing).unlink()
    with pytest.raises(DataError, match="not a checkpoint"):
        served_name(checkpoint)
