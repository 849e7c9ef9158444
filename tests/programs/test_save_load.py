"""Programs are saved as JSON, without their models, and loaded only into their like."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dspy
import pytest
from judge_world import RUBRIC, judges, reply

from openrubrics.lms import ScriptedLM, lm
from openrubrics.programs import ContrastiveRubricGenerator, GatekeeperJudge, Program, RubricGenerator, RubricRM
from openrubrics.signatures import DataError, Failed, JudgeTrace, Rubric, UsageError

PAIR = {"response_a": "Hello!", "response_b": "Go away."}


def compiled() -> RubricRM:
    """A program as an optimizer leaves it: other instructions, demonstrations that hold our values."""
    program = RubricRM()
    for predictor in program.bound_predictors().values():
        predictor.signature = predictor.task.with_instructions("Be strict. “Really.”\nZeile zwei – 漢字")
    program.generate.predict.demos = [dspy.Example(prompt="earlier", rubric=RUBRIC, augmented=True)]
    program.judge.predict.demos = [
        dspy.Example(prompt="earlier", rubric=RUBRIC, judgment=JudgeTrace.parse(reply("B")), **PAIR),
        dspy.Example(prompt="no judgment, so it is not shown", label="A", **PAIR),
        dspy.Example(prompt="failed, so it is not shown", rubric=RUBRIC, judgment=Failed(reason="cut"), **PAIR),
    ]
    return program


def rendered(program: RubricRM) -> list[list[dict[str, str]]]:
    return [
        program.generate.predict.messages(prompt="now"),
        program.judge.predict.messages(prompt="now", rubric=RUBRIC, **PAIR),
    ]


def test_loaded_prompts_are_the_same_byte_for_byte(tmp_path: Path) -> None:
    program = compiled()
    program.save(tmp_path / "program.json")
    loaded = RubricRM()
    assert rendered(loaded) != rendered(program)
    loaded.load(tmp_path / "program.json")
    assert rendered(loaded) == rendered(program)
    assert loaded.fingerprint == program.fingerprint != RubricRM().fingerprint


def test_demonstrations_are_earlier_turns_with_our_values(tmp_path: Path) -> None:
    compiled().save(tmp_path / "program.json")
    loaded = RubricRM()
    loaded.load(tmp_path / "program.json")
    generate, judge = rendered(loaded)
    assert [message["role"] for message in generate] == ["user", "assistant", "user"]
    assert generate[1]["content"] == str(RUBRIC)
    assert [message["role"] for message in judge] == ["user", "assistant", "user"]
    assert judge[1]["content"] == reply("B")
    assert f"<rubric>\n{RUBRIC}\n</rubric>" in judge[0]["content"]


def test_a_loaded_program_runs(tmp_path: Path) -> None:
    compiled().save(tmp_path / "program.json")
    loaded = RubricRM()
    loaded.load(tmp_path / "program.json")
    script = ScriptedLM([str(RUBRIC), *judges("A")])
    with dspy.context(lm=script):
        assert loaded(prompt="now", **PAIR).preferred == "A"
    assert [asked.messages for asked in script.requests] == rendered(compiled())


def test_saving_what_was_loaded_gives_the_same_file(tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    compiled().save(first)
    loaded = RubricRM()
    loaded.load(first)
    loaded.save(second)
    assert second.read_bytes() == first.read_bytes()


def test_the_manifest_says_what_the_file_is(tmp_path: Path) -> None:
    program = compiled()
    program.save(tmp_path / "program.json")
    manifest = json.loads((tmp_path / "program.json").read_text(encoding="utf-8"))["manifest"]
    assert manifest == {
        "format": 1,
        "program": "RubricRM",
        "fingerprint": program.fingerprint,
        "fields": {
            "generate.predict": ["prompt", "rubric"],
            "judge.predict": ["prompt", "rubric", "response_a", "response_b", "judgment"],
        },
        "contracts": {"generate.predict": "rubric", "judge.predict": "judgment-seed"},
        "settings": {
            "judge": {"votes": 1, "temperature": 0.7, "probabilities": False},
            "orders": "single",
            "enforce_checks": False,
            "rubric": None,
        },
        "parts": {
            "generate": {"program": "RubricGenerator", "fingerprint": program.generate.fingerprint},
            "judge": {"program": "GatekeeperJudge", "fingerprint": program.judge.fingerprint},
        },
        "dspy": dspy.__version__,
    }


def test_settings_are_recorded_for_the_reader_and_never_loaded(tmp_path: Path) -> None:
    program = RubricRM(votes=3, orders="both", rubric=RUBRIC, enforce_checks=True)
    program.save(tmp_path / "program.json")
    manifest = json.loads((tmp_path / "program.json").read_text(encoding="utf-8"))["manifest"]
    assert manifest["settings"] == program.settings
    assert Rubric.model_validate(manifest["settings"]["rubric"]) == RUBRIC
    assert manifest["settings"]["judge"]["votes"] == 3
    loaded = RubricRM()
    loaded.load(tmp_path / "program.json")
    assert loaded.settings == RubricRM().settings != program.settings
    assert loaded.fingerprint == program.fingerprint


@pytest.mark.parametrize(
    "model",
    [
        lm("hosted_vllm/secret-name", api_base="http://127.0.0.1:1/v1", api_key="secret-key"),
        lm("openai/secret-name", api_key="secret-key"),
        ScriptedLM([], model="secret-name"),
    ],
    ids=["served", "provider", "scripted"],
)
def test_models_are_not_in_the_file_and_stay_attached(model: dspy.LM, tmp_path: Path) -> None:
    program = compiled()
    program.set_lm(model)
    assert program.fingerprint == compiled().fingerprint
    program.save(tmp_path / "program.json")
    assert "secret" not in (tmp_path / "program.json").read_text(encoding="utf-8")
    assert program.generate.predict.lm is model
    program.load(tmp_path / "program.json")
    assert program.generate.predict.lm is program.judge.predict.lm is model


def test_compiled_parts_are_saved_too(tmp_path: Path) -> None:
    """DSPy passes over parts that were optimized by themselves."""
    program = compiled()
    program.judge._compiled = True
    program.save(tmp_path / "program.json")
    loaded = RubricRM()
    loaded.load(tmp_path / "program.json")
    assert rendered(loaded) == rendered(compiled())
    assert program.fingerprint == compiled().fingerprint


def _v3() -> Program:
    return RubricRM(judge=GatekeeperJudge(form="v3"))


def _with_template() -> Program:
    return RubricRM(RubricGenerator(template="Rubric for {prompt}"))


def _another_field() -> Program:
    program = RubricRM()
    predictor = program.judge.predict
    predictor.signature = predictor.task.append("note", dspy.InputField(), str)
    return program


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (GatekeeperJudge, "program is 'RubricRM', but this program has 'GatekeeperJudge'"),
        (RubricGenerator, "program is 'RubricRM', but this program has 'RubricGenerator'"),
        (ContrastiveRubricGenerator, "program is 'RubricRM'"),
        (
            _v3,
            r"contracts is .*judgment-seed.* but this program has .*judgment-v3.*\(build the judge with form='seed'\)",
        ),
        (_with_template, "the fingerprint is .*another template"),
        (_another_field, "fields is .* but this program has .*'note'"),
    ],
)
def test_another_program_is_refused_with_the_difference(
    other: Callable[[], Program], difference: str, tmp_path: Path
) -> None:
    compiled().save(tmp_path / "program.json")
    program = other()
    before = program.fingerprint
    with pytest.raises(DataError, match=difference):
        program.load(tmp_path / "program.json")
    assert program.fingerprint == before


def _without_state(artifact: dict[str, Any]) -> object:
    return {"manifest": artifact["manifest"]}


def _without_judge(artifact: dict[str, Any]) -> object:
    del artifact["state"]["judge.predict"]
    return artifact


def _without_signature(artifact: dict[str, Any]) -> object:
    del artifact["state"]["judge.predict"]["signature"]
    return artifact


def _with_other_instructions(artifact: dict[str, Any]) -> object:
    artifact["state"]["judge.predict"]["signature"]["instructions"] = "Prefer the longer one."
    return artifact


def _with_other_demonstrations(artifact: dict[str, Any]) -> object:
    artifact["state"]["judge.predict"]["demos"].pop()
    return artifact


def _without_fingerprint(artifact: dict[str, Any]) -> object:
    del artifact["manifest"]["fingerprint"]
    return artifact


def _of_the_future(artifact: dict[str, Any]) -> object:
    artifact["manifest"]["format"] = 2
    return artifact


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_without_state, "not a saved program"),
        (lambda artifact: artifact["state"], "not a saved program"),
        (lambda artifact: [artifact], "not a saved program"),
        (_without_judge, "judge.predict"),
        (_without_signature, "signature"),
        (lambda artifact: artifact | {"state": [1]}, "cannot be read"),
        (_of_the_future, "format is 2"),
        (_with_other_instructions, "the file was changed"),
        (_with_other_demonstrations, "the file was changed"),
        (_without_fingerprint, "the fingerprint is None"),
    ],
)
def test_a_damaged_file_is_refused_and_changes_nothing(
    damage: Callable[[dict[str, Any]], object], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "program.json"
    compiled().save(path)
    path.write_text(json.dumps(damage(json.loads(path.read_text(encoding="utf-8")))), encoding="utf-8")
    program = RubricRM()
    before = rendered(program)
    with pytest.raises(DataError, match=message) as raised:
        program.load(path)
    assert "program.json" in str(raised.value)
    assert rendered(program) == before


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"null"])
def test_what_is_not_json_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "program.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"program\.json: not a"):
        RubricRM().load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"missing\.json: there is no such file"):
        RubricRM().load(tmp_path / "missing.json")


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        RubricRM().save(tmp_path / "nowhere" / "program.json")


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.json").mkdir()
    for place in (tmp_path / "file" / "program.json", tmp_path / "folder.json", tmp_path / f"{'x' * 300}.json"):
        with pytest.raises(UsageError, match="cannot write"):
            RubricRM().save(place)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.json"]


def test_the_form_of_a_file_is_said(tmp_path: Path) -> None:
    GatekeeperJudge(form="v3").save(tmp_path / "judge.json")
    with pytest.raises(DataError, match="build the judge with form='v3'"):
        GatekeeperJudge().load(tmp_path / "judge.json")


@pytest.mark.parametrize("name", ["program.pkl", "program", "program.json.gz"])
def test_only_json_is_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.json files only"):
        RubricRM().save(tmp_path / name)
    with pytest.raises(UsageError, match=r"\.json files only"):
        RubricRM().save(tmp_path / "program.json", save_program=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["allow_pickle", "allow_unsafe_lm_state"])
def test_pickles_and_models_are_never_loaded(option: str, tmp_path: Path) -> None:
    path = tmp_path / "program.json"
    compiled().save(path)
    asked: dict[str, Any] = {option: True}
    with pytest.raises(UsageError, match="never loaded"):
        RubricRM().load(path, **asked)


def test_a_failed_save_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "program.json"
    compiled().save(path)
    before = path.read_bytes()
    broken = RubricRM()
    broken.judge.predict.demos = [dspy.Example(prompt="lone \ud800 surrogate", rubric=RUBRIC, judgment="x", **PAIR)]
    with pytest.raises(UnicodeEncodeError):
        broken.save(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["program.json"]
