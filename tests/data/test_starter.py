"""The starter set: what its datasheet promises, and that every label has a reason that can be read."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from openrubrics.data import read_pairs
from openrubrics.signatures import PreferencePair, prompt_text
from openrubrics.verifiers import stated_rules, verify

SPLITS = ("train", "test")
DOMAINS = {
    "coding",
    "dialogue",
    "factual",
    "health",
    "instruction following",
    "reasoning",
    "safety",
    "writing",
}
TRAPS = {"longer", "prettier", "formatted", "confident", "flattering", "none"}


def split(name: str) -> list[PreferencePair]:
    return list(read_pairs("starter", split=name))


def everything() -> list[PreferencePair]:
    return [pair for name in SPLITS for pair in split(name)]


def words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def group(pair: PreferencePair) -> str:
    return str(pair.meta["prompt_group"])


def longer(pairs: list[PreferencePair]) -> float:
    return sum(len(pair.chosen) > len(pair.rejected) for pair in pairs) / len(pairs)


def test_there_are_pairs_of_eight_domains_with_ids_of_their_own() -> None:
    pairs = everything()
    assert len(pairs) >= 150
    assert len({pair.id for pair in pairs}) == len(pairs)
    assert {pair.domain for pair in pairs} == DOMAINS
    assert {pair.source for pair in pairs} == {"openrubrics starter set"}


def test_every_domain_is_as_strong_in_each_split() -> None:
    for name in SPLITS:
        counts = Counter(pair.domain for pair in split(name))
        assert set(counts) == DOMAINS
        assert len(set(counts.values())) == 1, name
    train, test = map(len, map(split, SPLITS))
    assert 0.25 < test / (train + test) < 0.4


def test_every_pair_says_why_its_label_is_right() -> None:
    for pair in everything():
        assert set(pair.meta) == {"note", "trap", "subtle", "prompt_group"}, pair.id
        assert len(str(pair.meta["note"]).split()) >= 8, pair.id
        assert pair.meta["trap"] in TRAPS, pair.id
        assert isinstance(pair.meta["subtle"], bool), pair.id
        if pair.meta["trap"] == "longer":
            assert len(pair.rejected) > len(pair.chosen), pair.id


def test_the_splits_share_no_prompt_in_whatever_form() -> None:
    train, test = map(split, SPLITS)
    assert not set(map(group, train)) & set(map(group, test))
    assert not {words(prompt_text(pair.prompt)) for pair in train} & {words(prompt_text(pair.prompt)) for pair in test}


def test_a_prompt_group_is_the_pairs_of_one_prompt() -> None:
    pairs = everything()
    groups = {(group(pair), words(prompt_text(pair.prompt))) for pair in pairs}
    assert len(groups) == len({name for name, _ in groups}) == len({prompt for _, prompt in groups})


def test_answers_differ_within_a_pair_and_between_pairs() -> None:
    pairs = everything()
    answers = [words(answer) for pair in pairs for answer in (pair.chosen, pair.rejected)]
    same = [answer for answer, count in Counter(answers).items() if count > 1]
    exact = Counter(answer for pair in pairs for answer in (pair.chosen, pair.rejected))
    assert max(exact.values()) == 1
    # One order is given as JSON on one line, and by its sibling, where that is right too, with indentation.
    assert len(same) <= 1, same


@pytest.mark.parametrize("name", SPLITS)
def test_length_says_little_about_the_label(name: str) -> None:
    assert 0.4 <= longer(split(name)) <= 0.55


def test_most_pairs_are_subtle() -> None:
    pairs = everything()
    assert sum(bool(pair.meta["subtle"]) for pair in pairs) > len(pairs) / 2


def test_chosen_answers_pass_every_rule_that_code_finds_in_their_prompts() -> None:
    checked = 0
    for pair in everything():
        for rule in stated_rules(prompt_text(pair.prompt)):
            assert rule.check is not None
            assert verify(rule.check, pair.chosen).passed, f"{pair.id}: {rule.text}"
            checked += 1
    assert checked >= 20


def test_the_datasheet_gives_the_figures_that_the_files_have(repository: Path) -> None:
    sheet = (repository / "data" / "starter" / "DATASHEET.md").read_text(encoding="utf-8")
    train, test = map(split, SPLITS)
    pairs = train + test
    assert f"{len(pairs)} preference pairs" in sheet
    assert f"`train.jsonl` ({len(train)} pairs)" in sheet
    assert f"`test.jsonl` ({len(test)})" in sheet
    assert f"There are {len(set(map(group, pairs)))} prompts" in sheet
    for name in (*DOMAINS, "all"):
        of = [[pair for pair in part if name in (pair.domain, "all")] for part in (pairs, train, test)]
        subtle = sum(bool(pair.meta["subtle"]) for pair in of[0])
        shares = " | ".join(f"{longer(part):.3f}" for part in of)
        assert f"| {name} | {len(of[0])} | {subtle} | {shares} |" in sheet, name
    traps = Counter(str(pair.meta["trap"]) for pair in pairs)
    names = re.search(r"\| trap \|(.*)\|\n.*\n\| pairs \|(.*)\|", sheet)
    assert names is not None
    listed = {name.strip(): int(count) for name, count in zip(names[1].split("|"), names[2].split("|"), strict=True)}
    assert listed == traps


def test_files_are_plain_json_lines_of_known_fields(repository: Path) -> None:
    for name in SPLITS:
        for line in (repository / "data" / "starter" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            assert list(row) == ["id", "prompt", "chosen", "rejected", "domain", "source", "meta"]
