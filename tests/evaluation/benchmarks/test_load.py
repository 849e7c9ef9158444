"""Benchmarks are read from local files in the upstream format; what differs from the published set is said."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from toy_benchmark import TOY

from openrubrics.evaluation.benchmarks.benchmark import Source
from openrubrics.evaluation.benchmarks.load import load
from openrubrics.signatures import DataError, UsageError


def write(path: Path, *rows: Mapping[str, object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


PLAIN = ({"id": 1}, {"id": 2}, {"id": 3, "subset": "odd"})


def test_the_published_numbers_of_cases_are_no_difference(tmp_path: Path) -> None:
    path = write(tmp_path / "toy.jsonl", *PLAIN, {"id": 4, "tie": True})
    loaded = load(TOY, path)
    assert loaded.counts == {"plain": 2, "odd": 1}
    assert loaded.differences == ()
    assert loaded.left_out == {"a tie": 1}
    assert loaded.files == (path,)
    assert not loaded.cut


def test_other_numbers_are_said_by_subset(tmp_path: Path) -> None:
    loaded = load(TOY, write(tmp_path / "toy.jsonl", {"id": 1}, {"id": 2, "subset": "new"}))
    assert loaded.differences == ("plain: 1 of 2 cases", "odd: 0 of 1 cases", "new: 1 of 0 cases")


def test_a_limit_takes_the_first_of_every_subset_in_turn(tmp_path: Path) -> None:
    rows = [{"id": number, "subset": subset} for number, subset in enumerate(["a"] * 5 + ["b"] * 3 + ["c"])]
    loaded = load(TOY, write(tmp_path / "toy.jsonl", *rows), limit=5)
    assert [one.id for one in loaded.cases] == ["case 0", "case 1", "case 5", "case 6", "case 8"]
    assert loaded.cut
    assert not load(TOY, tmp_path / "toy.jsonl", limit=9).cut


@pytest.mark.parametrize(
    ("rows", "error"),
    [([{"id": 1}, {"id": 1}], "id 'case 1' comes twice"), ([{"id": 1, "tie": True}], "there is no case of Toy in it")],
)
def test_cases_that_cannot_be_used_are_refused(tmp_path: Path, rows: list[dict[str, object]], error: str) -> None:
    with pytest.raises(DataError, match=error):
        load(TOY, write(tmp_path / "toy.jsonl", *rows))


def test_responses_are_needed_or_refused(tmp_path: Path) -> None:
    path, answers = write(tmp_path / "toy.jsonl", {"id": 1}), write(tmp_path / "said.jsonl", {"id": 1, "response": "x"})
    empty = replace(TOY, responses="id and response")
    assert load(empty, path, responses=answers).cases[0].responses == ("x", "s")
    assert load(empty, path).cases[0].responses == ("long", "s"), "rows may bring their own"
    none = write(tmp_path / "none.jsonl", {"id": 1, "tie": True})
    with pytest.raises(UsageError, match="toy needs responses") as needed:
        load(empty, none)
    assert "id and response" in needed.value.hint
    with pytest.raises(DataError, match="there is no case of Toy in it; 1 rows left out: a tie"):
        load(empty, none, responses=answers)
    with pytest.raises(UsageError, match="toy comes with responses"):
        load(TOY, path, responses=answers)


def test_without_a_file_it_must_be_on_the_hub() -> None:
    with pytest.raises(UsageError, match=r"Toy is not on the hub.*--path"):
        load(TOY)


def test_files_of_the_hub_are_not_there_without_network() -> None:
    gone = replace(TOY, source=Source("nobody/nothing", files=("toy.jsonl",), revision="c" * 40))
    with pytest.raises(DataError, match=r"nobody/nothing: toy.jsonl cannot be fetched: .*the hub needs the network"):
        load(gone)


def test_where_no_number_is_published_no_run_is_official(tmp_path: Path) -> None:
    loaded = load(replace(TOY, counts={}), write(tmp_path / "toy.jsonl", *PLAIN))
    assert loaded.differences == ("how many cases were published is not known here",)
