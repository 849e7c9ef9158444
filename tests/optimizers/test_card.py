"""The card of a compiled program: kept beside the prompts, and said plainly."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from compiled_files import GAIN, LOSS, NO_GAIN, card_for, compiled, saved, scores

from openrubrics.lms.embedded import NAME as EMBEDDED
from openrubrics.optimizers import Card, Demos, card_text, read_card, save_compiled
from openrubrics.programs import RubricRM
from openrubrics.signatures import DataError, Usage, UsageError


def test_a_card_comes_back_and_the_program_loads(tmp_path: Path) -> None:
    program = compiled(prompts=["Name a prime."])
    card = card_for(program)
    save_compiled(program, card, tmp_path / "rubric-rm.json")
    assert read_card(tmp_path / "rubric-rm.json") == card
    loaded = RubricRM()
    loaded.load(tmp_path / "rubric-rm.json")
    assert loaded.fingerprint == program.fingerprint
    content = json.loads((tmp_path / "rubric-rm.json").read_text(encoding="utf-8"))
    assert list(content) == ["manifest", "card", "state"]
    program.save(tmp_path / "bare.json")
    bare = json.loads((tmp_path / "bare.json").read_text(encoding="utf-8"))
    assert (content["manifest"], content["state"]) == (bare["manifest"], bare["state"])


def test_a_program_without_a_card_has_none(tmp_path: Path) -> None:
    compiled().save(tmp_path / "program.json")
    assert read_card(tmp_path / "program.json") is None


def test_the_card_of_another_program_is_refused(tmp_path: Path) -> None:
    program = compiled()
    with pytest.raises(UsageError, match="the card is of program"):
        save_compiled(RubricRM(), card_for(program), tmp_path / "program.json")
    RubricRM().save(tmp_path / "program.json", card=card_for(program).model_dump(mode="json"))
    with pytest.raises(DataError, match=f"the card is of program '{program.fingerprint}', but the file holds"):
        read_card(tmp_path / "program.json")


def _dropped(key: str) -> Callable[[dict[str, Any]], object]:
    return lambda card: {name: value for name, value in card.items() if name != key}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_dropped("seed"), "card.seed: Field required"),
        (lambda card: card | {"target": "other"}, "card.target: Input should be"),
        (lambda card: card | {"extra": 1}, "card.extra: Extra inputs"),
        (lambda card: card | {"lms": ["x"]}, "card.lms: "),
        (lambda card: card | {"val": card["val"] | {"change": {}}}, "card.val.change.pairs: Field required"),
        (lambda card: card | {"seconds": -1}, "card.seconds: "),
        (lambda card: [card], "card: Input should be"),
        (lambda card: "gepa", "card: Input should be"),
    ],
)
def test_a_damaged_card_is_named(damage: Callable[[dict[str, Any]], object], message: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "program.json", compiled())
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | {"card": damage(content["card"])}), encoding="utf-8")
    with pytest.raises(DataError, match=re.escape(message)) as raised:
        read_card(path)
    assert str(raised.value).startswith(f"{path}: ")


def test_a_failed_save_keeps_the_old_file(tmp_path: Path) -> None:
    path = saved(tmp_path / "program.json", compiled())
    before = path.read_bytes()
    program = compiled(prompts=["lone \ud800 surrogate"])
    with pytest.raises(UnicodeEncodeError):
        save_compiled(program, card_for(program), path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["program.json"]


def _text(**changed: Any) -> str:  # noqa: ANN401 - fields of a card
    return card_text(card_for(compiled(prompts=["Name a prime."]), **changed))


def test_a_reliable_gain_is_said_with_its_figures() -> None:
    text = _text()
    assert "**Reliable gain on the test pairs.** On test, accuracy went from 0.500 to 0.700: +0.200 (95 %" in text
    assert "Of 100 pairs 20 became right and 0 wrong (McNemar's exact p < 0.001)" in text
    assert "Validation chose the prompts, so its gain is biased upwards; the test gain is the one to report." in text
    assert "| test | 100 | before | 0.500 (0.404 to 0.596) | not asked | 0 | 0 |" in text
    assert "| validation | 100 | after | 0.700 (" in text


def test_no_reliable_gain_is_said_as_such() -> None:
    text = _text(test=NO_GAIN)
    assert "**No reliable gain on the test pairs.**" in text
    assert "(McNemar's exact p = 0.500)" in text
    assert "Nor does it show that there is none" in text
    assert "**Reliable" not in text


def test_a_loss_is_said_as_such() -> None:
    assert "**Reliable loss on the test pairs.**" in _text(test=LOSS)
    assert "use the program as it was" in _text(test=LOSS)


def test_without_test_pairs_nothing_is_claimed() -> None:
    text = _text(test=None, verdict="not tested", sizes={"train": 40, "val": 100, "test": 0})
    assert "**Not tested: there were no test pairs.**" in text
    assert "biased upwards" in text
    assert "eliable gain" not in text
    assert "**Not tested: the limit did not last for judging the test pairs again.**" in _text(test=None)


def test_where_nothing_better_was_found_nothing_is_claimed() -> None:
    """The two scorings of one program differ by sampling alone."""
    program = RubricRM()
    text = card_text(card_for(program, test=GAIN))
    assert "**Nothing was gained: the prompts are those of before.**" in text
    assert "eliable gain" not in text


def test_both_orders_have_their_share() -> None:
    both = scores([True, False] * 20, [True] * 40, orders="both")
    # One order of each pair is there; the other one failed.
    assert "| test | 40 | after | 0.500 (0.352 to 0.648) | 0.000 | 0 | 40 |" in _text(test=both)


def test_demonstrations_are_told_with_their_pairs() -> None:
    text = _text()
    assert "This file contains the text of 1 training prompt with the responses or rubrics" in text
    assert ": ids pair-1. Their licence" in text
    assert "| judge.predict | 1 | 13 |" in text
    many = Demos(predictor="judge.predict", count=60, pairs=tuple(f"p{n}" for n in range(60)), characters=9)
    assert "p49, and 10 more" in _text(demos=(many,))
    assert "p50" not in _text(demos=(many,))


def test_without_demonstrations_the_card_says_so_and_what_may_be_quoted() -> None:
    text = card_text(card_for(compiled()))
    assert "There are no demonstrations: the file holds instructions only." in text
    assert "This file contains the text" not in text
    assert "hosted\\_vllm/writer wrote instructions after reading training pairs, and may have quoted them" in text
    assert "Read the instructions before you use them: `openrubrics diff rubric-rm.json`" in text
    assert "may have quoted" not in card_text(card_for(compiled(), reflection_lm=None))


def test_the_card_says_how_it_was_made_and_how_to_use_it() -> None:
    text = _text(options={"minibatch": 3})
    for part in (
        "| optimizer | gepa, seed 7 |",
        "| its options | minibatch 3 |",
        "| metric | orders single, length penalty 0.0, position penalty 0.0 |",
        "| model of judge.predict | hosted\\_vllm/judge |",
        "| sampling of judge.predict | temperature 0.0, max\\_tokens 4000 |",
        f"| val | 100 pairs, SHA-256 {'2' * 64} |",
        "| spent | 1480 calls, 1200000 tokens, cost 1.2500 US dollars; 61 s in the last start |",
        "openrubrics evaluate --pairs PAIRS --compiled rubric-rm.json --lm hosted_vllm/judge --api-base URL\n",
        'program.load("rubric-rm.json")',
        "| versions | openrubrics 0.1.0, dspy 3.4.1, python 3.11.9 |",
    ):
        assert part in text
    assert "cost unknown" in _text(usage=Usage(calls=1))


@pytest.mark.parametrize(
    ("changed", "options"),
    [
        ({"lms": {"generate.predict": "openai/w", "judge.predict": "j:x"}}, "--rubric-lm openai/w --judge-lm j:x\n"),
        ({"lms": dict.fromkeys(("generate.predict", "judge.predict"), EMBEDDED)}, "--lm embedded\n"),
        ({"metric": {"orders": "both"}}, "--lm hosted_vllm/judge --api-base URL --orders both\n"),
        ({"lms": dict.fromkeys(("generate.predict", "judge.predict"), "a; `b`\n```")}, "--lm MODEL\n"),
    ],
)
def test_the_command_to_use_it_asks_as_it_was_measured(changed: dict[str, Any], options: str) -> None:
    assert f"\nopenrubrics evaluate --pairs PAIRS --compiled rubric-rm.json {options}" in _text(**changed)


def test_a_setting_that_is_not_sent_is_said_as_such() -> None:
    assert "temperature not sent, n 1" in _text(sampling={"judge.predict": {"temperature": None, "n": 1}})


def test_a_contrastive_program_is_not_called_a_judge_of_new_responses() -> None:
    text = _text(target="contrastive")
    assert "not how well unseen responses are judged" in text
    assert "openrubrics curate --pairs PAIRS --out DIR --compiled contrastive.json" in text
    assert "program = ContrastiveRubricRM()" in text


def test_names_from_elsewhere_stay_text() -> None:
    evil = "x](http://evil)|\n\n# Verdict\n<script>`**reliable gain**`\x1b[2J$x$"
    text = _text(
        optimizer=evil,
        lms={"judge.predict": evil},
        reflection_lm=evil,
        stopped=evil,
        options={evil: evil},
        sampling={evil: {evil: evil}},
        demos=(Demos(predictor=evil, count=1, pairs=(evil,), characters=1),),
        versions={evil: evil},
        metric={evil: evil},
        sizes={"train": 1},
        data={"train": evil},
    )
    assert "\x1b" not in text
    assert not re.search(r"(?m)^#+ Verdict", text)
    assert "<script>" not in text.replace("\\<", "")
    assert "](http" not in text.replace("\\]", "")
    for line in text.splitlines():
        if line.startswith("| "):
            assert len(re.findall(r"(?<!\\)\|", line)) in (3, 4, 8)


def test_a_card_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        card_for(compiled()).seed = 3
    assert Card.model_validate_json(card_for(compiled()).model_dump_json()) == card_for(compiled())
