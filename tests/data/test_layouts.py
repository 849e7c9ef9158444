"""Rows of every common layout become pairs or rankings, and what is wrong with one is said by column."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from openrubrics.data import read_pairs, read_ranked
from openrubrics.signatures import DataError, Message, UsageError

Write = Callable[..., Path]
USER = {"role": "user", "content": "Hi?"}
GOOD = {"role": "assistant", "content": "Hello."}
BAD = {"role": "assistant", "content": "No."}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write rows to a file of JSON lines."""

    def rows(*rows: object) -> Path:
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return rows


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Hi?", "chosen": "Hello.", "rejected": "No."},
        {"instruction": "Hi?", "chosen": "Hello.", "rejected": "No."},
        {"chosen": [USER, GOOD], "rejected": [USER, BAD]},
        {"prompt": "Hi?", "chosen": [GOOD], "rejected": [BAD]},
        {"instruction": "Hi?", "response_a": "No.", "response_b": "Hello.", "winner": "Response B", "rubric": "1. x"},
        {"instruction": "Hi?", "response_a": "Hello.", "response_b": "No.", "winner": "response_a", "judge": "y"},
        {"question": "Hi?", "a": "Hello.", "b": "No.", "label": "A"},
        {"question": "Hi?", "a": "No.", "b": "Hello.", "label": 2},
        {"prompt": "Hi?", "responses": ["Hello.", "No."]},
        {"prompt": "Hi?", "responses": ["No.", "Hello."], "ranks": [2, 1]},
        {"prompt": "Hi?", "responses": ["So so.", "Hello.", "No."], "scores": [3, 4.5, 1]},
        {"prompt": "Hi?", "responses": [[USER, BAD], [USER, GOOD]], "scores": [-1, 0]},
        {"prompt": "Hi?", "responses": [BAD, GOOD], "scores": [-1, 0]},
    ],
)
def test_every_layout_is_told_by_its_columns(write: Write, row: dict[str, object]) -> None:
    (pair,) = read_pairs(write(row))
    assert (pair.prompt, pair.chosen, pair.rejected) == ("Hi?", "Hello.", "No.")
    (ranking,) = read_ranked(write(row))
    assert (ranking.prompt, ranking.responses, ranking.id) == ("Hi?", ("Hello.", "No."), pair.id)


def test_the_prompt_of_two_conversations_is_what_they_begin_with(write: Write) -> None:
    system = {"role": "system", "content": "Be brief."}
    (pair,) = read_pairs(write({"chosen": [system, USER, GOOD], "rejected": [system, USER, BAD]}))
    assert pair.prompt == (Message(role="system", content="Be brief."), Message(role="user", content="Hi?"))
    start = "\n\nHuman: Hi?\n\nAssistant: Yes?\n\nHuman: Who?\n\nAssistant:"
    (pair,) = read_pairs(write({"chosen": start + " Me.", "rejected": start + " Nobody."}))
    assert (pair.prompt, pair.chosen, pair.rejected) == (start, "Me.", "Nobody.")


@pytest.mark.parametrize(
    ("label", "chosen"), [("A>B", "x"), ("B > A", "y"), ("A<B", "y"), ("b<a", "x"), ("A>>B", "x"), ("A=B", None)]
)
def test_a_label_may_be_a_relation(write: Write, label: str, chosen: str | None) -> None:
    row = {"prompt": "Hi?", "response_a": "x", "response_b": "y"}
    skipped: Counter[str] = Counter()
    pairs = list(read_pairs(write(row | {"label": label}, row | {"prompt": "Ho?", "label": "A"}), skipped=skipped))
    assert [pair.chosen for pair in pairs] == [*([chosen] if chosen else []), "x"]
    assert skipped["a tie"] == (chosen is None)


def test_an_instruction_comes_with_its_input(write: Write) -> None:
    row = {"instruction": "Translate.", "input": "Hallo", "chosen": "Hello", "rejected": "Halo"}
    assert [pair.prompt for pair in read_pairs(write(row, row | {"input": " "}))] == [
        "Translate.\n\nHallo",
        "Translate.",
    ]
    with pytest.raises(DataError, match="field 'input' is unknown"):
        list(read_pairs(write({"prompt": "p", "input": "x", "chosen": "a", "rejected": "b"})))


def test_a_ranking_keeps_its_order_and_a_pair_is_its_ends(write: Write) -> None:
    row = {"id": "r", "prompt": "Hi?", "responses": ["a", "b", "c"], "domain": "chat", "source": "me", "meta": {"k": 1}}
    (ranking,) = read_ranked(write(row))
    assert ranking.model_dump() == row | {"responses": ("a", "b", "c")}
    (pair,) = read_pairs(write(row))
    assert (pair.id, pair.chosen, pair.rejected, pair.domain, pair.meta) == ("r", "a", "c", "chat", {"k": 1})


def test_of_scores_the_extremes_are_taken_or_one_of_every_score(write: Write) -> None:
    path = write({"prompt": "p", "responses": ["b", "a", "c", "a2", "d"], "scores": [3, 5, 1, 5, 1], "meta": {"k": 1}})
    (extremes,) = read_ranked(path)
    assert (extremes.responses, extremes.meta) == (("a", "c"), {"k": 1, "scores": [5.0, 1.0]})
    (every,) = read_ranked(path, take="all")
    assert (every.responses, every.meta["scores"]) == (("a", "b", "c"), [5.0, 3.0, 1.0])


def test_a_text_that_comes_twice_in_a_scored_list_is_taken_once(write: Write) -> None:
    path = write({"prompt": "p", "responses": ["a", "b", "a"], "scores": [3, 2, 2.5]})
    (every,) = read_ranked(path, take="all")
    assert every.responses == ("a", "b")


def test_rows_without_a_preference_are_passed_over_and_counted(write: Write) -> None:
    scored = {"prompt": "p", "responses": ["a", "b"]}
    skipped: Counter[str] = Counter()
    path = write(
        scored | {"scores": [1, 1]},
        scored | {"scores": [2, 1]},
        {"prompt": "q", "responses": ["a", "b", "a"], "scores": [3, 2, 1]},
    )
    assert len(list(read_pairs(path, skipped=skipped))) == 1
    assert skipped == {"all scores are equal": 1, "best and worst response are the same text": 1}

    compared = {"prompt": "p", "response1": "a", "response2": "b"}
    skipped.clear()
    strengths = [compared | {"preference": strength} for strength in (0, -2, 0)]
    (pair,) = read_pairs(write(*strengths), skipped=skipped)
    assert (pair.chosen, pair.meta, skipped) == ("a", {"strength": 2}, {"a tie": 2})
    labels = [compared | {"label": label} for label in ("Tie", "tie (both bad)", "B")]
    (pair,) = read_pairs(write(*labels))
    assert pair.chosen == "b"


def test_columns_are_mapped_to_fields(write: Write) -> None:
    row = {
        "input": {"text": "Hi?", "lang": "en"},
        "outputs": [{"body": {"text": "No."}, "mark": 1}, {"body": {"text": "Hello."}, "mark": 2}],
        "dotted.name": "chat",
    }
    columns = {
        "prompt": "input.text",
        "responses": "outputs.body.text",
        "scores": "outputs.mark",
        "domain": "dotted.name",
    }
    (pair,) = read_pairs(write(row), columns=columns)
    assert (pair.prompt, pair.chosen, pair.rejected, pair.domain) == ("Hi?", "Hello.", "No.", "chat")


def test_other_columns_are_passed_over_where_the_layout_is_named(write: Write) -> None:
    path = write({"prompt": "p", "chosen": "a", "rejected": "b", "prompt_id": "x"})
    with pytest.raises(DataError, match=r"field 'prompt_id' is unknown; expected id, prompt, .* name the layout"):
        list(read_pairs(path))
    (pair,) = read_pairs(path, layout="pairs")
    assert pair.chosen == "a"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"prompt": "p", "responses": "a", "scores": [1]}, "'responses' is 'a'; expected a list of two or more resp"),
        ({"prompt": "p", "responses": ["a"], "scores": [1]}, "'responses' is [\"a\"]; expected a list of two or more"),
        ({"prompt": "p", "responses": ["a"]}, "'responses' is [\"a\"]; expected a list of two or more responses"),
        ({"prompt": "p", "responses": ["a", 5]}, "'responses' (2) is 5; expected text, or messages that end with"),
        ({"prompt": "p", "responses": ["a", "a"]}, "two of the responses are the same text"),
        ({"prompt": "p", "responses": ["a", "b"], "scores": [1]}, "'scores' is [1]; expected a list of 2 numbers"),
        ({"prompt": "p", "responses": ["a", "b"], "scores": [1, None]}, "'scores' (2) is null; expected a number"),
        ({"prompt": "p", "responses": ["a", "b"], "scores": [1, True]}, "'scores' (2) is true; expected a number"),
        ({"prompt": "p", "responses": ["a", "b"], "scores": ["4", "5"]}, "'scores' (1) is '4'; expected a number"),
        ({"prompt": "p", "responses": ["a", "b"], "ranks": [1, "x"]}, "'ranks' (2) is 'x'; expected a number"),
        ({"prompt": "p", "a": "x", "b": "y", "label": "C"}, "'label' is 'C'; expected A, B, Response A"),
        ({"prompt": "p", "a": "x", "b": 1, "label": "B"}, "'b' is 1; expected text, or a list of messages"),
        ({"prompt": "p", "a": "x", "b": "y", "label": 0}, "'label' is 0, which can mean the first response or a tie"),
        ({"prompt": "p", "response1": "x", "response2": "y", "preference": "A"}, "'preference' is 'A'; expected a num"),
        ({"instruction": 3, "response_a": "x", "response_b": "y", "winner": "A"}, "'instruction' is 3; expected text"),
        ({"question": [], "chosen": "x", "rejected": "y"}, "field 'question' has no messages"),
        ({"chosen": [USER, GOOD], "rejected": [GOOD, BAD]}, "'chosen' and 'rejected' differ before their last message"),
        ({"chosen": "\n\nAssistant: x", "rejected": "y"}, "'chosen' and 'rejected' differ before their last message"),
        ({"chosen": "x", "rejected": "y"}, "field 'prompt' is missing; expected text, or a list of"),
        ({"text": "x"}, "no layout has the columns text; expected pairs: chosen, rejected; openrubrics: prompt, resp"),
    ],
)
def test_what_is_wrong_is_said_by_column(write: Write, row: dict[str, object], said: str) -> None:
    path = write(row)
    with pytest.raises(DataError) as caught:
        list(read_ranked(path))
    assert str(caught.value).startswith(f"{path}, line 1: ")
    assert said in str(caught.value)


def test_a_label_whose_meaning_is_unclear_is_never_skipped(write: Write) -> None:
    row = {"prompt": "p", "a": "x", "b": "y"}
    path = write(row | {"label": 1}, row | {"label": 0})
    with pytest.raises(DataError, match=r"line 2: field 'label' is 0"):
        list(read_pairs(path, on_error="skip"))


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        ({"layout": "poem"}, "layout 'poem' is unknown (layouts are pairs, openrubrics"),
        ({"layout": "candidates"}, "rows of layout candidates hold no preference"),
        ({"columns": {"chosn": "x"}}, "no field 'chosn' to map a column to (fields are chosen, domain, "),
        ({"layout": "pairs", "columns": {"scores": "x"}}, "no field 'scores' to map a column to"),
    ],
)
def test_what_cannot_be_asked_for(write: Write, reading: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_pairs(write({"prompt": "p", "chosen": "a", "rejected": "b"}), **reading)  # pyright: ignore[reportArgumentType]
    assert said in str(caught.value)


def test_a_mapped_column_that_is_not_there_is_named(write: Write) -> None:
    path = write({"prompt": "p", "rejected": "b", "best": {"text": "a"}})
    with pytest.raises(DataError, match=r"line 1: field 'best\.txt' is missing; expected text"):
        list(read_pairs(path, columns={"chosen": "best.txt"}))
