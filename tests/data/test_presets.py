"""Every named source reads rows of the shape that its data card describes; the rows themselves were written here."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from openrubrics.data import read_pairs
from openrubrics.data.presets import PRESETS
from openrubrics.data.sources import read_questions
from openrubrics.signatures import UsageError


def completion(text: str, score: float) -> dict[str, Any]:
    mark = {"Rating": "4", "Rationale": "Fine."}
    return {
        "model": "some-model",
        "principle": "helpfulness",
        "custom_system_prompt": "Be of help.",
        "response": text,
        "annotations": {"instruction_following": mark, "honesty": mark, "truthfulness": mark, "helpfulness": mark},
        "critique": "Good.",
        "overall_score": score,
        "fine-grained_score": 9 - score,
    }


def said(*turns: tuple[str, str]) -> list[dict[str, str]]:
    return [{"content": text, "role": role} for role, text in turns]


ASKED = ("user", "Why is the sky blue?")
BETTER, WORSE = ("assistant", "Air scatters blue light most."), ("assistant", "It mirrors the sea.")

UPSTREAM: dict[str, list[dict[str, Any]]] = {
    "ultrafeedback": [
        {
            "source": source,
            "instruction": ASKED[1],
            "models": ["a", "b", "c", "d"],
            "completions": [
                completion("Because.", 5),
                completion(BETTER[1], 8),
                completion(WORSE[1], 1),
                completion("Light.", 8),
            ],
            "correct_answers": ["None"],
            "incorrect_answers": ["None"],
        }
        for source in ("flan_v2_cot", "sharegpt")
    ],
    "magpie": [
        {
            "uuid": "u-1",
            "instruction": ASKED[1],
            "task_category": "Information seeking",
            "responses": [BETTER[1], WORSE[1]],
            "chosen": said(ASKED, BETTER),
            "rejected": said(ASKED, WORSE),
        }
    ],
    "skywork": [
        {"chosen": said(ASKED, BETTER), "rejected": said(ASKED, WORSE), "source": source}
        for source in ("magpie_pro_llama3.1", "offset_bias", "wildguard")
    ],
    "tulu3-if": [
        {
            "id": "personas_IF_1",
            "prompt": ASKED[1],
            "constraints": ["length constraints:number of words"],
            "chosen": said(ASKED, BETTER),
            "rejected": said(ASKED, WORSE),
            "chonsen_model": "x",
            "rejected_model": "x",
        }
    ],
    "helpsteer3": [
        {
            "domain": "stem",
            "language": "english",
            "context": said(("user", "Hello"), ("assistant", "Hello!"), ASKED),
            "response1": WORSE[1],
            "response2": BETTER[1],
            "overall_preference": strength,
            "individual_preference": [{"score": 2, "reasoning": "r", "feedback1": "f", "feedback2": "g"}],
        }
        for strength in (0, 3)
    ],
    "openrubrics": [
        {
            "instruction": ASKED[1],
            "rubric": "1. The response is true. [Principle]",
            "source": "ultrafeedback_sharegpt",
            "judge": "Winner: Response A",
            "response_a": BETTER[1],
            "response_b": WORSE[1],
            "winner": "Response A",
        }
    ],
}
DOMAINS = {
    "ultrafeedback": "sharegpt",
    "magpie": "Information seeking",
    "skywork": "offset_bias",
    "tulu3-if": "instruction following",
    "helpsteer3": "stem",
    "openrubrics": "general",
}
LEFT_OUT = {
    "ultrafeedback": {"other parts than evol_instruct, sharegpt, truthful_qa, ultrachat": 1},
    "skywork": {"other parts than helpsteer2, offset_bias": 2},
    "helpsteer3": {"a tie": 1},
}
QUESTIONS: dict[str, dict[str, Any]] = {
    "megascience": {
        "question": ASKED[1],
        "answer": "Because of scattering.",
        "subject": "physics",
        "reference_answer": "scattering",
        "source": "textbook_reasoning",
    },
    "medical-o1": {"Question": ASKED[1], "Complex_CoT": "Hm.", "Response": "Because of scattering."},
}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_every_preset_is_tested_and_says_what_a_user_has_to_know() -> None:
    assert set(PRESETS) == {"starter", *UPSTREAM, *QUESTIONS}
    for preset in PRESETS.values():
        assert preset.licence
        assert preset.citation
        assert preset.taken
        assert preset.split in preset.splits


@pytest.mark.parametrize("name", UPSTREAM)
@pytest.mark.parametrize("file", ["rows.jsonl", "rows.parquet"])
def test_rows_of_the_upstream_shape_become_pairs(tmp_path: Path, name: str, file: str) -> None:
    skipped: Counter[str] = Counter()
    (pair,) = read_pairs(write(tmp_path / file, UPSTREAM[name]), layout=name, skipped=skipped)
    assert (pair.chosen, pair.rejected) == (BETTER[1], WORSE[1])
    assert pair.domain == DOMAINS[name]
    assert skipped == LEFT_OUT.get(name, {})
    if name == "helpsteer3":
        assert [turn.content for turn in pair.prompt if not isinstance(turn, str)] == ["Hello", "Hello!", ASKED[1]]
        assert pair.meta == {"strength": 3}
    else:
        assert pair.prompt == ASKED[1]
    if name in {"magpie", "tulu3-if"}:
        assert pair.id == ("u-1" if name == "magpie" else "personas_IF_1")
    if name == "openrubrics":
        assert pair.source == "ultrafeedback_sharegpt"


def test_another_column_can_be_named_instead(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", UPSTREAM["ultrafeedback"])
    (pair,) = read_pairs(path, layout="ultrafeedback", columns={"scores": "completions.fine-grained_score"})
    assert (pair.chosen, pair.rejected) == (WORSE[1], BETTER[1])


@pytest.mark.parametrize("name", QUESTIONS)
def test_sources_of_questions_give_prompts_and_say_what_to_do(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "rows.jsonl", [QUESTIONS[name]])
    (question,) = read_questions(path, layout=name)
    assert question.prompt == ASKED[1]
    assert question.domain == ("physics" if name == "megascience" else "medicine")
    for source, layout in ((name, None), (str(path), name)):
        with pytest.raises(UsageError, match=r"hold no preference.*sample several responses to each prompt.*data rank"):
            read_pairs(source, layout=layout)


@pytest.mark.parametrize("part", ["offsetbias", "OffsetBias", "HelpSteer2"])
def test_a_part_is_taken_however_its_name_is_written(tmp_path: Path, part: str) -> None:
    row = UPSTREAM["skywork"][0] | {"source": part}
    (pair,) = read_pairs(write(tmp_path / "rows.jsonl", [row]), layout="skywork")
    assert pair.chosen == BETTER[1]


def test_the_prompts_of_pairs_can_be_read_too(tmp_path: Path) -> None:
    for name in ("skywork", "tulu3-if", "ultrafeedback"):
        (question,) = read_questions(write(tmp_path / "rows.jsonl", UPSTREAM[name]), layout=name)
        assert question.prompt == ASKED[1]
    (question,) = read_questions(write(tmp_path / "rows.jsonl", [{"query": "Hi?", "anything": 1}]))
    assert question.prompt == "Hi?"


def test_our_own_set_comes_with_the_package_split_by_prompt() -> None:
    train, test = (list(read_pairs("starter", split=split)) for split in ("train", "test"))
    assert min(len(train), len(test)) >= 20
    assert not {pair.prompt for pair in train} & {pair.prompt for pair in test}
    assert list(read_pairs("starter")) == train


def test_our_own_set_has_no_other_split_and_no_configuration() -> None:
    with pytest.raises(UsageError, match=r"starter has no split 'dev' \(splits are train, test\)"):
        read_pairs("starter", split="dev")
    with pytest.raises(UsageError, match="starter has no configurations"):
        read_pairs("starter", config="kept")
