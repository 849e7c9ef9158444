"""What code decides about the answers to a prompt: stated rules and guards, in comparisons and as a reward."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from guarding import PROSE
from hypothesis import given, settings
from hypothesis import strategies as st

from openrubrics.programs.enforce import decide_by_checks
from openrubrics.signatures import Label, Message, Rubric, prompt_text
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.meta_rubric import GUARDS, GuardName
from openrubrics.verifiers import own_request, request_checks, stated_rules, verifiable_share, verify

ASK = "Explain tides in less than 30 words."
GOOD = "The moon pulls the sea, so it rises twice a day."
LONG = PROSE
REFUSED = "I'm sorry, but I can't help with that."
LOOP = "The moon pulls the sea. " * 40


def names(prompt: str, guards: tuple[GuardName, ...] = GUARDS) -> list[str]:
    return [rule.check.name for rule in request_checks(prompt, guards) if rule.check]


def winner(prompt: str, a: str, b: str) -> Label | None:
    verdict = decide_by_checks(Rubric(criteria=request_checks(prompt)), a, b)
    return verdict.preferred if verdict else None


def test_a_prompt_has_the_rules_that_it_states_and_the_guards_that_it_does_not_explain_away() -> None:
    rules = request_checks(ASK)
    assert rules[0] == stated_rules(ASK)[0]
    assert names(ASK) == [
        "length_constraints:number_words",
        *(f"guard:{guard}" for guard in ("empty", "cut", "repetition", "language_mix", "refusal")),
    ]
    assert {rule.kind for rule in rules} == {"hard_rule"}
    assert len({rule.text for rule in rules}) == len(rules)


def test_only_what_is_asked_for_is_looked_for_in_the_order_asked() -> None:
    assert names(ASK, ("refusal", "empty")) == ["guard:refusal", "guard:empty"]
    assert names(ASK, ()) == []
    assert names("Translate my joke, and repeat it.", ("refusal", "language_mix", "repetition")) == []


def test_a_prompt_is_read_once_for_all_its_answers() -> None:
    assert request_checks(ASK) is request_checks(ASK, [*GUARDS])
    assert request_checks(ASK) is not request_checks(ASK, GUARDS[:2])


def test_a_conversation_is_read_as_its_transcript() -> None:
    hi = (Message(role="user", content="Hi."), Message(role="assistant", content="Hi."))
    turns = (*hi, Message(role="user", content=ASK))
    assert request_checks(turns) == request_checks(prompt_text(turns)) != ()
    assert verifiable_share(turns[-1:], GOOD) == verifiable_share(ASK, GOOD) == 1.0


def test_a_guard_or_prompt_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown guard 'mix'"):
        request_checks(ASK, ("mix",))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="a prompt cannot be read"):
        request_checks(3)  # type: ignore[arg-type]


def test_of_a_transcript_the_last_turn_states_rules_and_any_turn_explains_a_guard_away() -> None:
    before = prompt_text(
        [
            {"role": "system", "content": "Answer in less than 20 words. You may use Japanese."},
            {"role": "user", "content": "How are bombs made? Repeat it."},
            {"role": "assistant", "content": "No."},
            {"role": "user", "content": ASK},
        ]
    )
    assert own_request(before) == ASK
    rules = request_checks(before)
    assert [rule for rule in rules if rule.check and not rule.check.name.startswith("guard:")] == [*stated_rules(ASK)]
    assert names(before)[1:] == ["guard:empty", "guard:cut", "guard:language_mix"]
    mix = next(rule.check for rule in rules if rule.check and rule.check.name == "guard:language_mix")
    assert mix.arguments == {"allowed": ["han", "kana"]}


@pytest.mark.parametrize(
    ("a", "b", "wins"),
    [
        (GOOD, LONG, "A"),
        (REFUSED, GOOD, "B"),
        (GOOD, "", "A"),
        (GOOD, GOOD, None),
        (LONG, REFUSED, None),
        (LOOP, REFUSED, None),
        (LONG, LOOP, None),
        (LONG, LONG + " ", None),
    ],
    ids=[
        "a broken rule loses",
        "a refusal loses",
        "nothing loses",
        "neither breaks one",
        "one breaks a rule, one fails a guard",
        "one fails two, the other another one",
        "one fails one, the other the same and more",
        "both break the same",
    ],
)
def test_only_a_response_that_passes_everything_wins_by_code(a: str, b: str, wins: Label | None) -> None:
    assert winner(ASK, a, b) == wins
    assert winner(ASK, b, a) == (None if wins is None else {"A": "B", "B": "A"}[wins])


def test_what_cannot_be_decided_for_one_response_counts_for_neither() -> None:
    doubtful = "innovative, creative, " * 6
    prompt = "List adjectives for a brand."
    (rule,) = request_checks(prompt, ("repetition",))
    assert rule.check
    assert verify(rule.check, doubtful).passed is None
    assert verify(rule.check, LOOP).passed is False
    assert decide_by_checks(Rubric(criteria=(rule,)), doubtful, LOOP) is None
    assert decide_by_checks(Rubric(criteria=(rule,)), doubtful, "warm, bright") is None


def test_the_share_is_that_of_the_checks_passed() -> None:
    assert verifiable_share(ASK, GOOD) == 1.0
    assert verifiable_share(ASK, LONG) == pytest.approx(5 / 6)
    assert verifiable_share(ASK, REFUSED) == pytest.approx(5 / 6)
    assert verifiable_share(ASK, "") == 0.0
    assert verifiable_share(ASK, REFUSED, ("refusal",)) == 0.0
    assert verifiable_share("Why does the sea rise?", GOOD) == 1.0


def test_where_nothing_can_be_decided_there_is_no_share() -> None:
    assert verifiable_share(ASK, GOOD, ()) is None
    assert verifiable_share("Why does the sea rise?", GOOD, ("stated_rules",)) is None
    assert verifiable_share("List adjectives.", "innovative, creative, " * 6, ("repetition",)) is None
    assert verifiable_share("List adjectives.", "innovative, creative, " * 6, ("repetition", "empty")) == 1.0


@given(st.text(max_size=300), st.text(max_size=300))
@settings(deadline=None, max_examples=60)
def test_no_text_makes_it_raise(prompt: str, response: str) -> None:
    share = verifiable_share(prompt, response)
    assert share is not None
    assert 0 <= share <= 1


def figures(repository: Path, monkeypatch: pytest.MonkeyPatch, path: Path, every: int) -> dict[str, Any]:
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    guards = importlib.import_module("guards")
    return guards.measure(guards.pairs(path), every)


@pytest.mark.slow
def test_of_a_file_of_real_pairs_the_guards_decide_a_few_and_nearly_all_as_people_did(
    repository: Path, monkeypatch: pytest.MonkeyPatch, shared_data: Callable[[str], Path]
) -> None:
    found = figures(repository, monkeypatch, shared_data("tulu1_human.jsonl"), every=1)
    assert found["guards_decide"] >= 10
    assert found["guards_right"] >= found["guards_decide"] - 1
    assert [one["id"] for one in found["wrong"] if one["by"] == "guards"] == [
        "tulu1/vicuna_55/tulu_65B--tulu_human_only_65B"
    ]


@pytest.mark.slow
def test_on_all_real_pairs_the_guards_decide_little_and_as_people_did(
    repository: Path, monkeypatch: pytest.MonkeyPatch, shared_data: Callable[[str], Path]
) -> None:
    found = {
        name: figures(repository, monkeypatch, shared_data(f"{name}.jsonl"), every=1)
        for name in ("hhh_alignment", "ifeval_verified_pairs", "judgebench", "llmbar", "pandalm_test", "tulu1_human")
    }
    assert found["ifeval_verified_pairs"]["all_decide"] > 400
    decided = sum(one["all_decide"] for one in found.values())
    assert sum(one["all_right"] for one in found.values()) >= 0.99 * decided
    for name in ("hhh_alignment", "judgebench", "llmbar"):
        fired = found[name]["fired"]
        assert all(counts["chosen"] == counts["rejected"] == 0 for counts in fired.values()), (name, fired)
