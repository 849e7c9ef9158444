"""Files, folders of shards and data sets are read lazily, with places in every error, and bad rows can be skipped."""

import gzip
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from openrubrics.data import read_pairs, read_ranked
from openrubrics.signatures import DataError, RankedResponses, UsageError

Rows = list[dict[str, Any]]


def rows(*numbers: int) -> Rows:
    return [{"id": str(n), "prompt": f"p{n}", "chosen": "good", "rejected": "bad"} for n in numbers]


def jsonl(path: Path, content: Iterable[object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in content))
    return path


def parquet(path: Path, content: Rows, **options: Any) -> Path:  # noqa: ANN401 - pyarrow's
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(content), path, **options)
    return path


def ids(source: str | Path, **reading: Any) -> list[str]:  # noqa: ANN401 - see Reading
    return [pair.id for pair in read_pairs(source, **reading)]


def test_parquet_is_read_like_json_lines(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "Hi?"}]
    row = rows(1)[0] | {"prompt": messages, "domain": "chat", "meta": {"votes": [1, 2]}, "other column": 1.5}
    (pair,) = read_pairs(parquet(tmp_path / "p.parquet", [row], row_group_size=1))
    (same,) = read_pairs(jsonl(tmp_path / "p.jsonl", [row]), layout="pairs")
    assert pair == same
    assert pair.meta == {"votes": [1, 2]}


def test_messages_of_typed_tables_may_have_empty_extra_keys(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "Hi?", "name": None}, {"role": "assistant", "content": "Hello.", "name": None}]
    other = [said[0], {"role": "assistant", "content": "No.", "name": None}]
    schema = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string()), ("name", pa.string())]))
    table = pa.table({"chosen": pa.array([said], schema), "rejected": pa.array([other], schema)})
    pq.write_table(table, tmp_path / "p.parquet")
    (pair,) = read_pairs(tmp_path / "p.parquet")
    assert (pair.prompt, pair.chosen) == ("Hi?", "Hello.")


def test_a_bad_row_of_parquet_is_named(tmp_path: Path) -> None:
    path = parquet(tmp_path / "p.parquet", [*rows(*range(100)), {**rows(100)[0], "chosen": None}])
    with pytest.raises(DataError, match=r"p\.parquet, row 101: field 'chosen' is null; expected text"):
        ids(path)


@pytest.mark.parametrize("damage", [lambda whole: b"PAR1 and no more", lambda whole: whole[: len(whole) // 2]])
def test_a_damaged_parquet_file_is_an_error(tmp_path: Path, damage: Any) -> None:  # noqa: ANN401
    path = parquet(tmp_path / "p.parquet", rows(*range(50)))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=r"p\.parquet, row 1: cannot be read as Parquet: "):
        ids(path, on_error="skip")


def test_a_json_array_is_read(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text("\ufeff " + json.dumps([*rows(1, 2), [1]]))
    with pytest.raises(DataError, match=r"p\.json, item 3: expected a JSON object, found \[1\]"):
        ids(path)
    assert ids(path, on_error="skip") == ["1", "2"]
    assert ids(jsonl(path, rows(3, 4))) == ["3", "4"]
    path.write_text("[{")
    with pytest.raises(DataError, match=r"p\.json: not valid JSON: "):
        ids(path)


def test_shards_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    parquet(tmp_path / "all" / "b.parquet", rows(2))
    jsonl(tmp_path / "all" / "a.jsonl", rows(1))
    (tmp_path / "all" / "c").mkdir()
    (tmp_path / "all" / "c" / "d.jsonl.gz").write_bytes(gzip.compress(json.dumps(rows(3)[0]).encode()))
    jsonl(tmp_path / "all" / ".hidden" / "e.jsonl", rows(4))
    jsonl(tmp_path / "all" / "_state.jsonl", rows(5))
    (tmp_path / "all" / "README.md").write_text("Three shards.")
    assert ids(tmp_path / "all") == ["1", "2", "3"]
    assert ids(f"{tmp_path}/all/**/*.gz") == ["3"]
    assert ids(f"{tmp_path}/all/[ab].*") == ["1", "2"]
    with pytest.raises(DataError, match=r"no file matches .*/\*\.csv"):
        read_pairs(f"{tmp_path}/*.csv")


def test_an_id_that_another_shard_has_names_both_places(tmp_path: Path) -> None:
    first = jsonl(tmp_path / "a.jsonl", rows(1, 2))
    second = jsonl(tmp_path / "b.jsonl", rows(3, 2))
    with pytest.raises(DataError) as caught:
        ids(tmp_path)
    assert str(caught.value).startswith(f"{second}, line 2: field 'id' is '2', which {first}, line 2 has too")


def test_a_data_set_on_disk_is_read(tmp_path: Path) -> None:
    train, test = datasets.Dataset.from_list(rows(1, 2)), datasets.Dataset.from_list(rows(3))
    datasets.DatasetDict({"train": train, "test": test}).save_to_disk(str(tmp_path / "dict"))
    train.save_to_disk(str(tmp_path / "one"))
    assert ids(tmp_path / "dict") == ids(tmp_path / "dict", split="train") == ids(tmp_path / "one") == ["1", "2"]
    assert ids(tmp_path / "dict", split="test") == ["3"]
    with pytest.raises(UsageError, match=r"has no split 'dev' \(give --split with one of train, test\)"):
        ids(tmp_path / "dict", split="dev")


CARD = """\
---
configs:
- config_name: kept
  data_files:
  - split: train
    path: kept/*.parquet
  - split: test
    path: test/*.parquet
- config_name: rejected
  data_files:
  - split: everything
    path: rejected.parquet
---
"""


@pytest.fixture
def carded(tmp_path: Path) -> Path:
    """A folder with a data card of two configurations."""
    folder = tmp_path / "carded"
    parquet(folder / "kept" / "0.parquet", rows(1))
    parquet(folder / "kept" / "1.parquet", rows(2))
    parquet(folder / "test" / "0.parquet", rows(3))
    parquet(folder / "rejected.parquet", rows(4))
    (folder / "README.md").write_text(CARD)
    return folder


def test_a_folder_with_a_data_card_is_read_by_configuration_and_split(carded: Path) -> None:
    assert ids(carded, config="kept") == ["1", "2"]
    assert ids(carded, config="kept", split="test", streaming=True) == ["3"]
    assert ids(carded, config="rejected") == ["4"]


def test_a_configuration_or_split_that_is_not_there(carded: Path) -> None:
    with pytest.raises(DataError, match=r"carded: the data set cannot be loaded: .*'kept', 'rejected'"):
        ids(carded, config="other")
    with pytest.raises(UsageError, match=r"has no split 'dev' \(give --split with one of train, test\)"):
        ids(carded, config="kept", split="dev")


def test_a_bad_row_of_a_data_set_is_named(carded: Path) -> None:
    parquet(carded / "rejected.parquet", [*rows(4), rows(5)[0] | {"rejected": "good"}])
    with pytest.raises(DataError) as caught:
        ids(carded, config="rejected", split="everything")
    assert str(caught.value).startswith(f"{carded}, rejected, everything, row 2: chosen and rejected are the same text")


def test_plain_files_have_no_configuration(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "p.jsonl", rows(1))
    with pytest.raises(UsageError, match="read as plain files, which have no configuration and no split"):
        read_pairs(path, split="train")


def test_a_name_of_the_hub_without_network_says_what_was_tried() -> None:
    with pytest.raises(DataError, match=r"nobody/nothing: the data set cannot be loaded: .*no file or folder here"):
        read_pairs("nobody/nothing")


def test_a_name_that_nothing_has_lists_the_presets() -> None:
    with pytest.raises(UsageError, match=r"nothing does not exist \(expected a file, a folder, a preset \(starter, "):
        read_pairs("nothing")


def test_bad_rows_are_skipped_and_counted_by_reason(tmp_path: Path) -> None:
    bad = [
        rows(1)[0] | {"chosen": 5},
        rows(1)[0] | {"chosen": 6},
        {"id": "2", "prompt": "p", "chosen": "a"},
        rows(3)[0] | {"oops": 1},
        rows(4)[0] | {"rejected": "good"},
        rows(0)[0],
        [],
    ]
    path = jsonl(tmp_path / "p.jsonl", [rows(0)[0], *bad])
    with path.open("a") as file:
        file.write("{\n" + json.dumps(rows(9)[0]))
    skipped: Counter[str] = Counter()
    assert ids(path, on_error="skip", skipped=skipped) == ["0", "9"]
    assert skipped == {
        "field 'chosen' is not as expected": 2,
        "field 'rejected' is missing": 1,
        "field 'oops' is unknown": 1,
        "chosen and rejected are the same text, so there is no preference to learn from": 1,
        "repeated id": 1,
        "not a JSON object": 1,
        "not valid JSON": 1,
    }


def test_a_source_of_bad_rows_alone_is_an_error(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "p.jsonl", [{"text": "x"}, {"text": "y"}])
    with pytest.raises(DataError, match=r"none of its 2 rows can be used; the first: .*line 1: no layout has the col"):
        ids(path, on_error="skip")
    tie = {"prompt": "p", "response1": "x", "response2": "y", "preference": 0}
    with pytest.raises(DataError, match="none of its 2 rows can be used; a tie: 2"):
        ids(jsonl(path, [tie, tie | {"prompt": "q"}]))


def test_skipping_does_not_hide_a_file_that_ends_too_soon(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl.gz"
    content = "\n".join(json.dumps(row) for row in rows(*range(2000)))
    path.write_bytes(gzip.compress(content.encode())[:-200])
    with pytest.raises(DataError, match="cannot be read: "):
        ids(path, on_error="skip")


def test_the_limit_counts_what_comes_through(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "p.jsonl", [{"bad": 1}, *rows(1, 2, 3)])
    assert ids(path, on_error="skip", limit=2) == ["1", "2"]
    with pytest.raises(UsageError, match="limit is 0"):
        read_ranked(path, limit=0)


def test_bytes_where_text_belongs_are_a_bad_row(tmp_path: Path) -> None:
    table = pa.table({"prompt": pa.array([b"\xff\xfe", b"q"]), "chosen": ["x", "y"], "rejected": ["z", "w"]})
    pq.write_table(table, tmp_path / "p.parquet")
    with pytest.raises(DataError, match=r"row 1: field 'prompt' is .*; expected text"):
        list(read_pairs(tmp_path / "p.parquet"))


def test_whole_numbers_of_a_column_with_nulls_are_labels(tmp_path: Path) -> None:
    row = {"prompt": "Hi?", "response_a": "No.", "response_b": "Hello.", "label": 2.0}
    (pair,) = read_pairs(parquet(tmp_path / "p.parquet", [row]))
    assert pair.chosen == "Hello."
    with pytest.raises(DataError, match=r"field 'label' is 1\.5"):
        list(read_pairs(parquet(tmp_path / "q.parquet", [row | {"label": 1.5}])))


@pytest.mark.parametrize("text", ["[1]", '[\n{"prompt": 1}]', "prompt,chosen\na,b\n", '{\n"prompt": 1}'])
def test_a_file_of_another_form_is_told_the_form(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(text)
    with pytest.raises(DataError) as raised:
        list(read_pairs(path))
    assert "one JSON object a line" in raised.value.hint


@pytest.mark.parametrize("start", [b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\x00", b"BZh9", b"ARROW1\x00\x00"])
def test_other_formats_are_told_by_their_first_bytes(tmp_path: Path, start: bytes) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(start + b"\x00" * 20)
    with pytest.raises(DataError, match="its first bytes look like"):
        list(read_pairs(path))


def test_a_blank_prompt_is_a_bad_row(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "p.jsonl", [rows(1)[0], rows(2)[0] | {"prompt": " \n"}])
    with pytest.raises(DataError, match="line 2: field 'prompt' is blank; expected text"):
        list(read_pairs(path))


def test_meta_may_be_nested_as_deep_as_can_be_read_again(tmp_path: Path) -> None:
    lists: list[object] = [[]]
    while len(lists) < 100:
        lists.append([lists[-1]])
    path = jsonl(tmp_path / "p.jsonl", [rows(n)[0] | {"meta": {"x": lists[n]}} for n in (98, 99)])
    skipped: Counter[str] = Counter()
    (pair,) = read_pairs(path, on_error="skip", skipped=skipped)
    assert RankedResponses.model_validate_json(RankedResponses.of(pair).model_dump_json()).pairs()
    assert skipped == {"field 'meta' is nested more than 100 levels deep": 1}


@pytest.mark.parametrize("media", [datasets.Image(), datasets.Audio()])
def test_images_and_sounds_beside_a_pair_are_not_decoded(
    tmp_path: Path, media: datasets.Image | datasets.Audio
) -> None:
    text = datasets.Value("string")
    features = datasets.Features({"prompt": text, "chosen": text, "rejected": text, "media": media})
    row = {"prompt": "q", "chosen": "a", "rejected": "b", "media": {"bytes": b"neither", "path": None}}
    datasets.Dataset(pa.Table.from_pylist([row], features.arrow_schema)).save_to_disk(tmp_path / "set")
    (pair,) = read_pairs(tmp_path / "set")
    assert pair.chosen == "a"


def test_a_data_card_that_is_not_yaml_is_told(tmp_path: Path) -> None:
    jsonl(tmp_path / "set" / "a.jsonl", rows(1))
    (tmp_path / "set" / "README.md").write_text("---\nconfigs:\n- config_name: [default\n---\n")
    with pytest.raises(DataError, match="the data set cannot be loaded: while parsing a flow sequence"):
        list(read_pairs(tmp_path / "set"))
