"""Reading pairs of responses without a label."""

import json
from collections import Counter
from pathlib import Path

import pytest

from openrubrics.data import read_comparisons
from openrubrics.signatures import DataError

ROW = {"prompt": "Say hi.", "response_a": "Hi.", "response_b": "No."}


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_rows_with_and_without_an_id(tmp_path: Path) -> None:
    swapped = ROW | {"response_a": "No.", "response_b": "Hi."}
    named, bare, other = read_comparisons(write(tmp_path / "c.jsonl", ROW | {"id": "1"}, ROW, swapped))
    assert named.model_dump() == ROW | {"id": "1"}
    assert (bare.prompt, bare.response_a, bare.response_b) == ("Say hi.", "Hi.", "No.")
    assert len({named.id, bare.id, other.id}) == 3


def test_two_equal_responses_can_be_compared(tmp_path: Path) -> None:
    (row,) = read_comparisons(write(tmp_path / "c.jsonl", ROW | {"response_b": "Hi."}))
    assert row.response_a == row.response_b


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"prompt": "p", "response_a": "a"}, "field 'response_b' is missing; expected text"),
        (ROW | {"chosen": "Hi."}, "field 'chosen' is unknown; expected id, prompt, response_a, response_b"),
        (ROW | {"prompt": []}, "field 'prompt' has no messages"),
        (ROW, "repeats line 1 (remove one of them, or give each an id)"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: object, said: str) -> None:
    path = write(tmp_path / "c.jsonl", ROW, row)
    with pytest.raises(DataError) as caught:
        list(read_comparisons(path))
    assert str(caught.value).startswith(f"{path}, line 2: ")
    assert said in str(caught.value)


def test_bad_rows_are_skipped_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "c.jsonl", ROW | {"response_b": 5}, ROW | {"id": "1"}, ROW | {"id": "1"})
    skipped: Counter[str] = Counter()
    assert [row.id for row in read_comparisons(path, on_error="skip", skipped=skipped)] == ["1"]
    assert skipped == {"field 'response_b' is not as expected": 1, "repeated id": 1}
