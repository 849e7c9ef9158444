"""Reading preference pairs: what is accepted, and what a bad row is told."""

import gzip
import json
import tracemalloc
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from openrubrics.data import read_pairs
from openrubrics.signatures import DataError, Message, UsageError

ROW = {"id": "1", "prompt": "Say hi.", "chosen": "Hi.", "rejected": "No."}
USER = {"role": "user", "content": "Hi?"}
ASSISTANT = {"role": "assistant", "content": "Hi."}
PAIR_FILES = {
    "llmbar.jsonl": 154,
    "llmbar_extra.jsonl": 286,
    "judgebench.jsonl": 240,
    "ifeval_verified_pairs.jsonl": 464,
    "hhh_alignment.jsonl": 103,
    "pandalm_test.jsonl": 281,
    "tulu1_human.jsonl": 262,
}


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_row_with_every_field(tmp_path: Path) -> None:
    row = ROW | {"domain": "chat", "source": "me", "meta": {"votes": [1, 2]}}
    (pair,) = read_pairs(write(tmp_path / "p.jsonl", row))
    assert pair.model_dump() == row


def test_a_conversation_as_prompt(tmp_path: Path) -> None:
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi?"}]
    (pair,) = read_pairs(write(tmp_path / "p.jsonl", ROW | {"prompt": turns}))
    assert pair.prompt == (Message(role="system", content="Be brief."), Message(role="user", content="Hi?"))


def test_gzip_byte_order_mark_windows_lines_and_blank_lines(tmp_path: Path) -> None:
    text = "\r\n".join(["\ufeff" + json.dumps(ROW), "", json.dumps(ROW | {"id": "2"}), "  "])
    path = tmp_path / "p.jsonl.gz"
    path.write_bytes(gzip.compress(text.encode()))
    assert [pair.id for pair in read_pairs(path)] == ["1", "2"]


def test_line_separators_inside_text_do_not_end_a_line(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(json.dumps(ROW | {"chosen": "a\u2028b\x85c"}, ensure_ascii=False), encoding="utf-8")
    assert next(read_pairs(path)).chosen == "a\u2028b\x85c"


def test_a_missing_id_comes_from_the_content(tmp_path: Path) -> None:
    bare = {key: ROW[key] for key in ("prompt", "chosen", "rejected")}
    other = bare | {"rejected": "Never."}
    first, second = read_pairs(write(tmp_path / "p.jsonl", bare, other))
    assert first.id != second.id
    again, _ = read_pairs(write(tmp_path / "q.jsonl", bare | {"domain": "chat"}, other))
    assert again.id == first.id == "8de702ae4887dd5f"


def test_a_whole_number_is_an_id(tmp_path: Path) -> None:
    path = write(tmp_path / "p.jsonl", ROW | {"id": 7}, ROW | {"id": 8})
    assert [pair.id for pair in read_pairs(path)] == ["7", "8"]
    with pytest.raises(DataError, match="line 2: field 'id' is '7', which line 1 has too"):
        list(read_pairs(write(path, ROW | {"id": 7}, ROW | {"id": "7"})))


def test_null_is_as_good_as_absent_in_an_optional_field(tmp_path: Path) -> None:
    bare = {key: ROW[key] for key in ("prompt", "chosen", "rejected")}
    nulls = dict.fromkeys(("id", "domain", "source", "meta"))
    (with_nulls,) = read_pairs(write(tmp_path / "p.jsonl", bare | nulls))
    (without,) = read_pairs(write(tmp_path / "p.jsonl", bare))
    assert with_nulls == without


def test_a_repeated_row_without_an_id_is_told_by_its_line(tmp_path: Path) -> None:
    bare = {key: ROW[key] for key in ("prompt", "chosen", "rejected")}
    path = write(tmp_path / "p.jsonl", bare, bare | {"domain": "chat"})
    with pytest.raises(DataError) as caught:
        list(read_pairs(path))
    assert str(caught.value) == f"{path}, line 2: repeats line 1 (remove one of them, or give each an id)"


@pytest.mark.parametrize("prompt", ["Hi?", [USER]])
@pytest.mark.parametrize("before", [[], [USER]])
def test_responses_as_conversations(tmp_path: Path, prompt: object, before: list[object]) -> None:
    row = {"prompt": prompt, "chosen": [*before, ASSISTANT], "rejected": [*before, ASSISTANT | {"content": "No."}]}
    (pair,) = read_pairs(write(tmp_path / "p.jsonl", row))
    (plain,) = read_pairs(write(tmp_path / "p.jsonl", {"prompt": prompt, "chosen": "Hi.", "rejected": "No."}))
    assert pair == plain
    assert pair.chosen == "Hi."


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (json.dumps(ROW).encode("utf-16"), "look like UTF-16 (save it as UTF-8)"),
        (json.dumps(ROW).encode("utf-16-le"), "look like UTF-16 (save it as UTF-8)"),
        (json.dumps(ROW).encode("utf-16-be"), "look like UTF-16 (save it as UTF-8)"),
        (gzip.compress(json.dumps(ROW).encode()), "look like gzip (name it .jsonl.gz)"),
        (b"PAR1\x15\x04", "look like Parquet (name it .parquet)"),
    ],
    ids=["utf-16", "utf-16-le", "utf-16-be", "gzip", "parquet"],  # by content they would change with the clock
)
def test_another_format_is_recognised(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        list(read_pairs(path))
    assert str(caught.value) == f"{path} is not JSON Lines: its first bytes {said}"


def test_limit_stops_before_the_next_row_is_looked_at(tmp_path: Path) -> None:
    path = write(tmp_path / "p.jsonl", ROW, ROW | {"id": "2"}, {"broken": True})
    assert [pair.id for pair in read_pairs(path, limit=2)] == ["1", "2"]
    with pytest.raises(UsageError, match="limit is 0"):
        read_pairs(path, limit=0)


@pytest.mark.parametrize(
    ("second_line", "said"),
    [
        ("{", "not valid JSON: "),
        ('{"prompt": "\\ud800"}', "not valid JSON: "),
        ("[" * 5000, "not valid JSON: "),
        ("[1, 2]", "expected a JSON object, found [1,2]"),
        (
            json.dumps(ROW | {"id": 7.5}),
            "field 'id' is 7.5; expected text or a whole number that is unique in the file",
        ),
        (json.dumps(ROW | {"id": True}), "field 'id' is true; expected text"),
        (
            json.dumps({"id": "2", "chosen": "a", "rejected": "b"}),
            "field 'prompt' is missing; expected text, or a list",
        ),
        (json.dumps({"chosen": "a", "rejected": "b"}), "field 'prompt' is missing"),
        (json.dumps(ROW | {"chosen": None}), "field 'chosen' is null; expected text"),
        (json.dumps(ROW | {"rejected": ["a"]}), "field 'rejected' is [\"a\"]; expected text"),
        (json.dumps(ROW | {"chosen": 5.5}), "field 'chosen' is 5.5; expected text"),
        (json.dumps(ROW | {"domain": 3}), "field 'domain' is 3; expected text"),
        (json.dumps(ROW | {"meta": "x"}), "field 'meta' is 'x'; expected an object"),
        (json.dumps(ROW | {"prompt": []}), "field 'prompt' has no messages; expected the user's at least"),
        (json.dumps(ROW | {"prompt": 1}), "field 'prompt' is 1; expected text, or a list of {role, content}"),
        *(
            (json.dumps(ROW | {"prompt": [USER, *messages]}), said)
            for messages, said in (
                ([{"role": "bot", "content": "x"}], "message 2 of field 'prompt': 'role' is 'bot'; expected system, u"),
                ([{"content": "x"}, USER], "message 2 of field 'prompt': 'role' is missing"),
                ([USER, {"role": "user", "content": None}], "message 3 of field 'prompt': 'content' is null; expected"),
                ([USER | {"name": "me"}], "message 2 of field 'prompt': 'name' is unknown; expected role and content"),
                (["Hi?"], "message 2 of field 'prompt': found 'Hi?'; expected an object with role and content"),
                ([ASSISTANT], "the last message of field 'prompt' is of role 'assistant'; expected 'user'"),
            )
        ),
        *(
            (json.dumps(ROW | {"chosen": messages}), "; expected text, or a list of messages that ends with the assist")
            for messages in ([], [USER], [USER, ASSISTANT], [ASSISTANT | {"content": None}], [ASSISTANT, "Hi."])
        ),
        (json.dumps(ROW | {"label": 1}), "field 'label' is unknown; expected id, prompt, chosen, rejected"),
        (json.dumps(ROW | {"label": None}), "(put it under 'meta', or name the layout, pairs, to pass other c"),
        (json.dumps(ROW | {"prompt": None}), "field 'prompt' is null; expected text"),
        (json.dumps(ROW | {"meta": "x" * 1000}), "field 'meta' is '" + "x" * 59 + "...; expected an object"),
        (json.dumps(ROW | {"rejected": "Hi."}), "chosen and rejected are the same text"),
        (json.dumps(ROW), "field 'id' is '1', which line 1 has too"),
    ],
)
def test_a_bad_row_is_named_in_one_line(tmp_path: Path, second_line: str, said: str) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(json.dumps(ROW) + "\n" + second_line + "\n")
    rows = read_pairs(path)
    assert next(rows).id == "1"
    with pytest.raises(DataError) as caught:
        next(rows)
    message = str(caught.value)
    assert message.startswith(f"{path}, line 2: ")
    assert said in message
    assert "\n" not in message
    assert len(message) < len(str(path)) + 320


def test_invalid_bytes_are_named(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(json.dumps(ROW).encode() + b'\n{"id": "\xff"}\n')
    with pytest.raises(DataError, match=r"line 2: not valid JSON"):
        list(read_pairs(path))


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_an_empty_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"p\.jsonl is empty \(expected one JSON object a line\)"):
        next(read_pairs(path))


def test_a_missing_file_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing\.jsonl does not exist"):
        read_pairs(tmp_path / "nothing.jsonl")


def test_a_folder_without_data_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no data \(expected files that end in \.jsonl"):
        next(read_pairs(tmp_path))


@pytest.mark.parametrize("damage", [lambda whole: whole[: len(whole) // 2], lambda whole: b"no gzip" + whole])
def test_a_damaged_archive_is_an_error(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "p.jsonl.gz"
    path.write_bytes(damage(gzip.compress(json.dumps(ROW).encode())))
    with pytest.raises(DataError, match=r"p\.jsonl\.gz, line 1: cannot be read"):
        list(read_pairs(path))


def test_memory_does_not_hold_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    with path.open("w") as file:
        file.writelines(json.dumps(ROW | {"id": str(n), "prompt": "x" * 20_000}) + "\n" for n in range(1000))
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_pairs(path)) == 1000
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("name", "rows"), PAIR_FILES.items())
def test_real_files_are_read_whole(shared_data: Callable[[str], Path], name: str, rows: int) -> None:
    path = shared_data(name)
    pairs = list(read_pairs(path))
    assert len(pairs) == rows
    with path.open() as file:
        for pair, line in zip(pairs, islice(file, rows), strict=True):
            assert pair.model_dump() == json.loads(line)
