"""Splits by prompt: the same prompt is always in the same split, whatever else there is."""

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrubrics.data import check_disjoint, read_pairs, split_by_prompt
from openrubrics.signatures import DataError, Message, PreferencePair, Prompt, UsageError

SHARES = {"train": 0.6, "val": 0.3, "test": 0.1}
PROMPTS = st.lists(st.text(max_size=12), max_size=30)
SEEDS = st.integers(min_value=0, max_value=2**32)
WEIGHTS = st.lists(st.integers(min_value=1, max_value=9), min_size=1, max_size=4)


def pair(prompt: Prompt, name: str = "1") -> PreferencePair:
    return PreferencePair(id=name, prompt=prompt, chosen="good", rejected="bad")


def pairs(prompts: list[str]) -> list[PreferencePair]:
    return [pair(prompt, str(number)) for number, prompt in enumerate(prompts)]


def placed(splits: dict[str, list[PreferencePair]]) -> dict[str, str]:
    return {pair.id: name for name, found in splits.items() for pair in found}


@given(PROMPTS, WEIGHTS, SEEDS)
def test_every_pair_is_in_one_split_and_no_prompt_is_in_two(prompts: list[str], weights: list[int], seed: int) -> None:
    given = pairs([*prompts, *prompts[::2]])
    shares = {f"split {n}": weight / sum(weights) for n, weight in enumerate(weights)}
    splits = split_by_prompt(given, shares, seed)
    assert list(splits) == list(shares)
    assert sorted(int(pair.id) for found in splits.values() for pair in found) == list(range(len(given)))
    assert all(found == sorted(found, key=lambda pair: int(pair.id)) for found in splits.values())
    check_disjoint(splits)


@given(PROMPTS, PROMPTS, SEEDS, st.randoms())
def test_a_pair_stays_in_its_split_when_others_come_go_or_move(
    prompts: list[str], more: list[str], seed: int, order: Random
) -> None:
    given = pairs([*prompts, *more])
    before = placed(split_by_prompt(given[: len(prompts)], SHARES, seed))
    order.shuffle(given)
    assert placed(split_by_prompt(given, SHARES, seed)).items() >= before.items()


@given(st.text(max_size=20), st.text(max_size=20), SEEDS)
def test_white_space_letter_case_and_forms_of_characters_do_not_tell_prompts_apart(
    text: str, other: str, seed: int
) -> None:
    prompt = f"Ein Büro, 2 cafés: {text} ends {other}."
    written = f"\tEIN  Bu\u0308ro,\n２ ｃａｆés: {text}\u00a0\u3000ENDS {other}. "
    splits = split_by_prompt([pair(prompt, "a"), pair(written, "b")], {f"s{n}": 1 / 16 for n in range(16)}, seed)
    assert [len(found) for found in splits.values() if found] == [2]
    with pytest.raises(DataError, match="share 1 prompt;"):
        check_disjoint({"train": [pair(prompt)], "val": [pair(written)]})


def test_a_conversation_is_compared_as_the_text_that_a_model_reads() -> None:
    turns = (Message(role="user", content="Hi"), Message(role="assistant", content="Hi."))
    question = (*turns, Message(role="user", content="Why?"))
    transcript = "\n\nHuman: Hi\n\nAssistant: Hi.\n\nHuman: why?\n\nAssistant:"
    check_disjoint({"train": [pair(question)], "val": [pair("Why?")]})
    with pytest.raises(DataError, match="share 1 prompt;"):
        check_disjoint({"train": [pair(question)], "val": [pair(transcript)]})
    with pytest.raises(DataError, match="share 1 prompt;"):
        check_disjoint({"train": [pair((Message(role="user", content="Why?"),))], "val": [pair("Why?")]})


def test_the_division_is_the_same_on_every_machine_and_another_with_another_seed() -> None:
    given = pairs([f"Question {n}?" for n in range(8)])
    first = placed(split_by_prompt(given, {"train": 0.5, "val": 0.5}))
    assert "".join(first[str(n)][0] for n in range(8)) == "tvttvvvt"
    assert placed(split_by_prompt(given, {"train": 0.5, "val": 0.5}, seed=1)) != first


def test_many_prompts_come_near_the_shares() -> None:
    splits = split_by_prompt(pairs([f"Question {n}?" for n in range(5000)]), SHARES)
    assert {name: len(found) / 5000 for name, found in splits.items()} == pytest.approx(SHARES, abs=0.02)


@pytest.mark.parametrize(
    "shares",
    [{}, {"a": 0.5}, {"a": 0.7, "b": 0.7}, {"a": 1.0, "b": 0.0}, {"a": 1.5, "b": -0.5}, {"a": float("nan"), "b": 1}],
)
def test_shares_that_are_none_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="give shares above 0 that add up to 1"):
        split_by_prompt([], shares)


def test_shared_prompts_are_counted_and_the_first_is_named() -> None:
    train = [pair("One?", "t1"), pair("Two?", "t2"), pair("two?", "t3"), pair("Three " + "very " * 40 + "?", "t4")]
    splits = {"train": train, "val": [pair("Four?", "v1")], "test": [train[3], pair("TWO?", "x2"), pair("Two?", "x3")]}
    said = "train and test share 2 prompts; the first is that of pair 't2' of train and 'x2' of test: 'Two?' "
    with pytest.raises(DataError, match=re.escape(said) + r"\(leave .* out of train or test, or divide all pairs anew"):
        check_disjoint(splits)
    with pytest.raises(DataError, match=r"'t4' of train and 't4' of test: 'Three very .{60,70}\.\.\.' \("):
        check_disjoint(splits | {"test": splits["test"][:1]})
    check_disjoint({"train": train, "val": splits["val"]})
    check_disjoint({})


def test_the_starter_set_shares_no_prompt_and_can_be_divided() -> None:
    train, test = (list(read_pairs("starter", split=name)) for name in ("train", "test"))
    check_disjoint({"train": train, "test": test})
    splits = split_by_prompt(train, {"train": 0.75, "val": 0.25})
    check_disjoint(splits | {"test": test})
    assert {name: len(found) for name, found in splits.items()} == {"train": 76, "val": 36}
    assert len({pair.prompt for pair in train}) == 94
