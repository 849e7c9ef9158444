"""Repeats and prompts of evaluation files are found, with the row they were found in, and nothing else is."""

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from openrubrics.data import read_pairs
from openrubrics.data.overlap import EvaluationPrompts, LeaveOut, Overlap
from openrubrics.data.pairs import Question
from openrubrics.data.repeats import FirstPlaces
from openrubrics.data.sources import read_questions
from openrubrics.signatures import Message, UsageError

LONG = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
WORDS = LONG.split()


def write(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def pair(prompt: str, chosen: str = "good", **more: str) -> dict[str, object]:
    return {"prompt": prompt, "chosen": chosen, "rejected": "bad", **more}


@pytest.fixture
def evaluation(tmp_path: Path) -> EvaluationPrompts:
    """A short and a long prompt."""
    rows = {"id": "short", "prompt": "What is 2 + 2?", "answer": 4}, {"id": "long", "instruction": LONG, "x": None}
    return EvaluationPrompts.read([write(tmp_path / "eval.jsonl", *rows)])


def test_prompts_of_the_same_words_are_found(evaluation: EvaluationPrompts, tmp_path: Path) -> None:
    found = evaluation.find("what is\n 2+2", "mine")
    assert found == Overlap(id="mine", file=str(tmp_path / "eval.jsonl"), row="short", share=1, exact=True)
    assert evaluation.find("What is 2 + 3?") is None
    assert evaluation.find("Tell me: what is 2 + 2?") is None
    assert len(evaluation) == 2


@pytest.mark.parametrize(
    ("prompt", "share"),
    [
        (f"Please read this. {LONG.upper()}! Then sum up.", 1.0),
        (" ".join(WORDS[:15]) + " and then some other words that follow", 3 / 5),
        (" ".join(WORDS[:14]) + " and then some other words that follow", None),
        (" ".join(WORDS[1:14]), 1.0),
        (" ".join(WORDS[:12]), None),
        (" ".join(reversed(WORDS)), None),
    ],
)
def test_prompts_are_found_by_n_grams(evaluation: EvaluationPrompts, prompt: str, share: float | None) -> None:
    found = evaluation.find(prompt)
    if share is None:
        assert found is None
    else:
        assert found is not None
        assert (found.row, found.share, found.exact) == ("long", share, False)


def test_words_of_scripts_without_spaces_are_characters() -> None:
    prompts = EvaluationPrompts()
    text = "请用三句话解释为什么天空是蓝色的并且举一个例子"
    prompts.add(Question(id="zh", prompt=text), "zh.jsonl")
    found = prompts.find(f"你好。{text[:-2]}。谢谢")
    assert found is not None
    assert found.share > 0.7


def test_a_message_a_text_and_a_transcript_that_say_the_same_are_the_same() -> None:
    prompts = EvaluationPrompts()
    prompts.add(Question(id="1", prompt="What is 2 + 2?"), "e.jsonl")
    turns = (
        Message(role="user", content="Hi!"),
        Message(role="assistant", content="Yes?"),
        Message(role="user", content=LONG),
    )
    prompts.add(Question(id="2", prompt=turns), "e.jsonl")
    for number, prompt in (
        ("1", (Message(role="user", content="What is 2+2?"),)),
        ("1", "\n\nHuman: What is 2 + 2?\n\nAssistant:"),
        ("2", f"Hi! Yes? {LONG}"),
        ("2", f"\n\nHuman: Hi!\n\nAssistant: Yes?\n\nHuman: {LONG}\n\nAssistant:"),
    ):
        found = prompts.find(prompt)
        assert found is not None, prompt
        assert (found.row, found.exact) == (number, True)


def test_a_row_repeats_another_in_whatever_form_its_prompt_is(tmp_path: Path) -> None:
    message = {"role": "user", "content": "Hello?"}
    rows = pair("Hello?"), pair("") | {"prompt": [message]}, pair("\n\nHuman: Hello?\n\nAssistant:")
    skipped: Counter[str] = Counter()
    kept = list(read_pairs(write(tmp_path / "p.jsonl", *rows), leave_out=LeaveOut(repeats=True), skipped=skipped))
    assert (len(kept), skipped) == (1, {"repeats an earlier row": 2})


def test_a_conversation_is_compared_as_a_whole() -> None:
    prompts = EvaluationPrompts()
    turns = (
        Message(role="user", content="Hi"),
        Message(role="assistant", content="Yes?"),
        Message(role="user", content="Who?"),
    )
    prompts.add(Question(id="1", prompt=turns), "e.jsonl")
    assert prompts.find(turns) is not None
    assert prompts.find("Who?") is None
    empty = EvaluationPrompts()
    empty.add(Question(id="1", prompt="???"), "e.jsonl")
    assert empty.find("???") is not None
    assert empty.find("!!!") is None


def test_the_row_with_the_greatest_share_is_named() -> None:
    prompts = EvaluationPrompts(words=2, share=0.3)
    prompts.add(Question(id="half", prompt="a b c x y"), "e.jsonl")
    prompts.add(Question(id="more", prompt="a b c d y"), "e.jsonl")
    found = prompts.find("a b c d e")
    assert found is not None
    assert (found.row, found.share) == ("more", 3 / 4)


FORM = " ".join(f"form{n}" for n in range(60))


def body(number: int) -> str:
    return " ".join(f"{word}{number}" for word in ["ask", "this", "of", "the", "reader", "now", "please"])


def test_a_long_form_that_all_prompts_are_put_into_hits_nothing() -> None:
    prompts = EvaluationPrompts()
    for number in range(30):
        prompts.add(Question(id=str(number), prompt=f"{FORM} {body(number)}"), "e.jsonl")
    assert prompts.find(f"{FORM} {body(99)}") is None
    assert prompts.find(FORM) is None
    for number in (0, 29):
        found = prompts.find(f"Well then. {FORM} {body(number)} Thank you.")
        assert found is not None
        assert (found.row, found.exact) == (str(number), False)
    exact = prompts.find(f"{FORM} {body(7)}")
    assert exact is not None
    assert (exact.row, exact.exact) == ("7", True)


def test_rows_of_one_prompt_are_no_form() -> None:
    prompts = EvaluationPrompts()
    for number in range(30):
        prompts.add(Question(id=str(number), prompt=LONG), "e.jsonl")
    found = prompts.find(f"So: {LONG}")
    assert found is not None
    assert found.row == "0"
    assert len(prompts) == 30


@pytest.mark.parametrize(("words", "share"), [(0, 0.5), (13, 0), (13, 1.5)])
def test_arguments_out_of_range_are_refused(words: int, share: float) -> None:
    with pytest.raises(UsageError, match="expected at least 1, and above 0"):
        EvaluationPrompts(words=words, share=share)


def test_repeats_and_evaluation_prompts_are_left_out_and_counted(evaluation: EvaluationPrompts, tmp_path: Path) -> None:
    rows = (
        pair("Hello?"),
        pair("hello?  "),
        pair("Hello?"),
        pair("Hello?", chosen="other"),
        pair("What is 2 + 2", id="leak"),
        pair(f"So: {LONG}", id="leak2"),
    )
    skipped: Counter[str] = Counter()
    overlaps: list[Overlap] = []
    leave_out = LeaveOut(repeats=True, evaluation=evaluation, on_overlap=overlaps.append)
    kept = list(read_pairs(write(tmp_path / "p.jsonl", *rows), leave_out=leave_out, skipped=skipped))
    assert [one.chosen for one in kept] == ["good", "other"]
    assert skipped == {"repeats an earlier row": 2, f"its prompt is in {tmp_path / 'eval.jsonl'}": 2}
    assert [(one.id, one.row, one.exact) for one in overlaps] == [("leak", "short", True), ("leak2", "long", False)]


def test_first_places_are_kept_for_many_keys() -> None:
    places = FirstPlaces()
    assert [places.note(str(n), n) for n in range(20_000)] == [None] * 20_000
    assert [places.note(str(n), 0) for n in range(20_000)] == list(range(20_000))
    assert len(places) == 20_000


def task(name: str) -> str:
    found = re.search(r"user_oriented_task_\d+", name)
    return found[0] if found else ""


def test_prompts_that_two_public_sets_share_are_found_and_no_others(shared_data: Callable[[str], Path]) -> None:
    """Both take prompts from the same user-oriented tasks, and keep their numbers in their ids."""
    evaluation = EvaluationPrompts.read([shared_data("infobench_raw.jsonl")])
    known = {task(question.id) for question in read_questions(shared_data("infobench_raw.jsonl"))} - {""}
    common = hits = wrong = 0
    for one in read_pairs(shared_data("tulu1_human.jsonl")):
        found = evaluation.find(one.prompt, one.id)
        common += task(one.id) in known
        hits += found is not None and task(found.row) == task(one.id)
        wrong += found is not None and task(found.row) != task(one.id)
    assert common > 100
    assert wrong == 0
    assert hits >= 0.95 * common
