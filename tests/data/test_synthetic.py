"""Synthetic pairs: code confirms every label, and nothing on the surface gives it away."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice

import pytest

from openrubrics.data import synthetic_pairs
from openrubrics.evaluation import evaluate, measure
from openrubrics.lms import lm
from openrubrics.programs import RubricRM
from openrubrics.signatures import Check, PreferencePair, UsageError
from openrubrics.verifiers import recognise, registry, stated_rules, verify

SEEDS = (0, 1, 2, 3)
ODD = ("{}", "  ", "..", ".'.", '.".', '?".', "None")
PRINT = """\
from openrubrics.data import synthetic_pairs
for pair in synthetic_pairs(40, 11):
    print(pair.model_dump_json())
"""
CUES: dict[str, Callable[[str], int]] = {
    "characters": len,
    "words": lambda text: len(text.split()),
    "commas": lambda text: text.count(","),
    "lines": lambda text: text.count("\n"),
    "capital letters": lambda text: sum(letter.isupper() for letter in text),
    "asterisks": lambda text: text.count("*"),
    "exclamation marks": lambda text: text.count("!"),
    "digits": lambda text: sum(letter.isdigit() for letter in text),
    "quotation marks": lambda text: text.count('"'),
    "brackets": lambda text: text.count("[") + text.count("("),
}


@pytest.fixture(scope="module", params=[100, pytest.param(500, marks=pytest.mark.slow)])
def pairs(request: pytest.FixtureRequest) -> list[PreferencePair]:
    """Pairs of four seeds: 400, and 2,000 in the long run."""
    return [pair for seed in SEEDS for pair in synthetic_pairs(request.param, seed)]


def checks(pair: PreferencePair, key: str) -> list[Check]:
    found = pair.meta[key]
    assert isinstance(found, list)
    return [Check.model_validate(check) for check in found]


def score(pairs: Sequence[PreferencePair], cue: Callable[[str], int]) -> float:
    """Return how often the response with more of something is the chosen one; as much of it counts half."""
    differences = [cue(pair.chosen) - cue(pair.rejected) for pair in pairs]
    return sum((d > 0) + (d == 0) / 2 for d in differences) / len(differences)


def as_bytes(pairs: Sequence[PreferencePair]) -> bytes:
    return b"\n".join(pair.model_dump_json().encode() for pair in pairs)


def test_the_chosen_response_passes_every_check(pairs: list[PreferencePair]) -> None:
    wrong = [
        (pair.id, check) for pair in pairs for check in checks(pair, "checks") if not verify(check, pair.chosen).passed
    ]
    assert wrong == []
    assert {len(checks(pair, "checks")) for pair in pairs} == {1, 2, 3}


def test_the_rejected_response_fails_exactly_what_is_recorded(pairs: list[PreferencePair]) -> None:
    for pair in pairs:
        failed = [check for check in checks(pair, "checks") if verify(check, pair.rejected).passed is False]
        assert failed == checks(pair, "broken"), pair.id
        assert failed, pair.id
        edits = pair.meta["edits"]
        assert isinstance(edits, dict)
        assert sorted(edits) == sorted(check.name for check in failed)
        assert all(edits.values())


def test_every_rule_of_the_registry_is_stated_and_broken(pairs: list[PreferencePair]) -> None:
    stated = Counter(check.name for pair in pairs for check in checks(pair, "checks"))
    broken = Counter(check.name for pair in pairs for check in checks(pair, "broken"))
    assert set(stated) == set(broken) == {name for name in registry if not name.startswith("guard:")}


def test_every_pair_is_another_one(pairs: list[PreferencePair]) -> None:
    assert len({pair.id for pair in pairs}) == len(pairs)
    assert len({(pair.prompt, pair.chosen) for pair in pairs}) == len(pairs)
    assert len({str(pair.meta["topic"]) for pair in pairs}) == 42


def test_requests_read_like_requests(pairs: list[PreferencePair]) -> None:
    for pair in pairs:
        prompt = str(pair.prompt)
        assert str(pair.meta["topic"]) in prompt
        assert [odd for odd in ODD if odd in prompt.replace("...", "")] == [], prompt


def test_no_request_wants_exact_words_and_other_letters(pairs: list[PreferencePair]) -> None:
    exact = {"combination:repeat_prompt", "startend:end_checker", "text:ends_with", "text:starts_with"}
    letters = {"change_case:english_capital", "change_case:english_lowercase"}
    for pair in pairs:
        names = {check.name for check in checks(pair, "checks")}
        assert not (names & exact and names & letters), pair.prompt


def test_no_response_is_a_single_sentence(pairs: list[PreferencePair]) -> None:
    for pair in pairs:
        for text in (pair.chosen, pair.rejected):
            assert len(re.findall(r"[.!?]", text)) >= 2, (pair.id, text)


def test_a_request_that_was_repeated_somewhere_is_not_said_to_be_missing(pairs: list[PreferencePair]) -> None:
    for pair in pairs:
        for check in checks(pair, "broken"):
            if check.name == "combination:repeat_prompt":
                wanted = str(check.arguments["prompt_to_repeat"])
                place = pair.rejected.find(wanted)
                assert place == -1 or place > len(wanted), pair.rejected


def test_one_sentence_in_the_usual_case_is_one(pairs: list[PreferencePair]) -> None:
    for pair in pairs:
        edits = pair.meta["edits"]
        if isinstance(edits, dict) and edits.get("change_case:english_capital") == "one sentence in the usual case":
            assert sum(letter.isupper() for letter in pair.rejected) > 0.3 * sum(map(str.isalpha, pair.rejected))


@pytest.mark.parametrize("cue", CUES)
def test_no_surface_gives_the_label_away(pairs: list[PreferencePair], cue: str) -> None:
    # The length of a pair is decided by a coin: 0.5 with a standard error of 0.025 for 400 pairs and 0.011 for 2,000.
    band = 0.05 if cue in {"characters", "words"} else 0.1
    assert score(pairs, CUES[cue]) == pytest.approx(0.5, abs=band)


def test_most_rules_but_not_all_are_worded_so_that_recognisers_find_them(pairs: list[PreferencePair]) -> None:
    stated = [(str(pair.prompt), check) for pair in pairs for check in checks(pair, "checks")]
    found = [check in [one.check for one in recognise(prompt)] for prompt, check in stated]
    assert 0.6 < sum(found) / len(found) < 0.8


def test_a_recognised_rule_never_contradicts_the_label(pairs: list[PreferencePair]) -> None:
    for pair in pairs:
        for rule in stated_rules(str(pair.prompt)):
            assert rule.check
            assert verify(rule.check, pair.chosen).passed is not False, (pair.prompt, rule.text, pair.chosen)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_in_every_process() -> None:
    runs = [
        subprocess.run(  # noqa: S603
            [sys.executable, "-c", PRINT], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1] == as_bytes([*synthetic_pairs(40, 11)]) + b"\n"


def test_a_larger_count_only_adds_pairs() -> None:
    assert [*synthetic_pairs(5, 3)] == [*islice(synthetic_pairs(50, 3), 5)]


def test_another_seed_gives_other_pairs() -> None:
    first, second = [*synthetic_pairs(20, 1)], [*synthetic_pairs(20, 2)]
    assert not {pair.id for pair in first} & {pair.id for pair in second}
    assert not {pair.chosen for pair in first} & {pair.chosen for pair in second}


def test_pairs_are_made_one_at_a_time() -> None:
    assert next(synthetic_pairs(10**15)).id == "synthetic-0-0"
    assert [*synthetic_pairs(0)] == []


@pytest.mark.parametrize(("count", "seed", "message"), [(-1, 0, "count is -1"), (1, -2, "seed is -2")])
def test_a_negative_number_is_wrong_usage_at_once(count: int, seed: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        synthetic_pairs(count, seed)


@pytest.mark.slow
def test_the_embedded_reader_finds_most_of_the_labels() -> None:
    pairs = [*synthetic_pairs(200, 7)]
    rm = RubricRM()
    rm.set_lm(lm("embedded"))
    figures = measure(evaluate(rm, pairs), orders="single")
    assert figures.accuracy > 0.7
    assert figures.accuracy > figures.length_baseline + 0.15
    assert figures.failed == 0
