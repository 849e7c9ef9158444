"""`--compiled`: every command takes the prompts of its own program, refuses those of others, and says what differs."""

import json
from pathlib import Path
from typing import Any

import dspy
import pytest
from cli_replies import RUBRIC, Run, asks_for_judgment
from server_plugin import ModelServer

from openrubrics.data import Manifest, sha256
from openrubrics.programs import ContrastiveRubricGenerator, ContrastiveRubricRM, GatekeeperJudge, RubricRM
from openrubrics.programs import RubricGenerator as AloneGenerator
from openrubrics.signatures import Rubric

Served = tuple[str, ...]
BREAD = "Think like a judge of bread."
ONE = ("--prompt", "Say hi.", "--a", "Hi.", "--b", "Good day to you all.")


def compiled(
    program: RubricRM | ContrastiveRubricRM, path: Path, text: str = BREAD, lms: dict[str, str] | None = None
) -> Path:
    """Save a program as a search leaves it: other instructions, a demonstration, and a card that names its LMs."""
    for predictor in program.bound_predictors().values():
        predictor.signature = predictor.task.with_instructions(text)
    shown = {"prompt": "Earlier?"} | ({"responses": ["x", "y"]} if isinstance(program, ContrastiveRubricRM) else {})
    program.generate.predict.demos.append(dspy.Example(**shown, rubric=Rubric.parse(RUBRIC)))
    program.save(path)
    if lms is not None:
        path.write_text(json.dumps(json.loads(path.read_text()) | {"card": {"lms": lms}}))
    return path


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    """A compiled program that judges new responses."""
    return compiled(RubricRM(), tmp_path / "rubric-rm.json")


@pytest.fixture
def contrastive(tmp_path: Path) -> Path:
    """A compiled program that curates."""
    return compiled(ContrastiveRubricRM(), tmp_path / "contrastive.json")


@pytest.fixture
def answers(tmp_path: Path) -> tuple[object, ...]:
    """The options that rank two answers."""
    (tmp_path / "good").write_text("Hi.")
    (tmp_path / "bad").write_text("Good day to you all.")
    return "--answer", tmp_path / "good", "--answer", tmp_path / "bad"


@pytest.fixture
def commands(pairs: Path, answers: tuple[object, ...]) -> dict[str, tuple[object, ...]]:
    """Every command that runs a program."""
    return {
        "judge": ("judge", *ONE),
        "evaluate": ("evaluate", "--pairs", pairs, "--limit", 1),
        "rubric": ("rubric", "--prompt", "Say hi."),
        "curate": ("curate", "--pairs", pairs, "--limit", 1, "--out", "curated"),
        "rubric by contrast": ("rubric", "--prompt", "Say hi.", *answers),
    }


Commands = dict[str, tuple[object, ...]]
ALONE = ("judge", "evaluate", "rubric")
CONTRASTIVE = ("curate", "rubric by contrast")


@pytest.mark.parametrize("name", [*ALONE, *CONTRASTIVE])
def test_the_prompts_of_the_file_are_those_that_are_asked(
    cli: Run, server: ModelServer, served: Served, commands: Commands, alone: Path, contrastive: Path, name: str
) -> None:
    path = alone if name in ALONE else contrastive
    ran = cli(*commands[name], *served, "--compiled", path)
    assert (ran.code, ran.err.count("warning")) == (0, 0), ran.err
    assert len(server.bodies) == (1 if name.startswith("rubric") else 2)
    assert all(body["messages"][0]["content"].startswith(BREAD) for body in server.bodies)
    assert [message["role"] for message in server.bodies[0]["messages"]] == ["user", "assistant", "user"]


def test_what_is_asked_is_what_the_program_that_was_saved_renders(
    cli: Run, server: ModelServer, served: Served, commands: Commands, contrastive: Path, tmp_path: Path
) -> None:
    program = ContrastiveRubricRM()
    compiled(program, tmp_path / "again.json")
    assert cli(*commands["curate"], *served, "--compiled", contrastive).code == 0
    wrote, judged = (body["messages"] for body in server.bodies)
    shown = ["Short.", "A much longer answer."]
    assert wrote == program.generate.predict.messages(prompt="Question 0?", responses=shown)
    judging = {"prompt": "Question 0?", "rubric": Rubric.parse(RUBRIC)}
    assert judged in [
        program.judge.predict.messages(**judging, response_a=a, response_b=b) for a, b in (shown, shown[::-1])
    ]


@pytest.mark.parametrize("dry_run", [(), ("--dry-run",)])
@pytest.mark.parametrize("name", [*ALONE, *CONTRASTIVE])
def test_a_file_of_the_other_program_is_refused_with_its_commands_and_the_way_to_the_right_one(
    cli: Run,
    server: ModelServer,
    served: Served,
    commands: Commands,
    alone: Path,
    contrastive: Path,
    name: str,
    dry_run: tuple[str, ...],
) -> None:
    path, found, wanted, taken, target = (
        (contrastive, "ContrastiveRubricRM", "RubricRM", "curate, and rubric with --answer, take", "rubric-rm")
        if name in ALONE
        else (
            alone,
            "RubricRM",
            "ContrastiveRubricRM",
            "judge, evaluate, and rubric without --answer take",
            "contrastive",
        )
    )
    ran = cli(*commands[name], *served, "--compiled", path, *dry_run)
    assert (ran.code, ran.out, server.bodies) == (3, "", [])
    assert ran.err.splitlines() == [
        f"error: {path}: program is '{found}', but this command takes '{wanted}'",
        f"       {taken} this file; one for this command is made by openrubrics optimize --target {target}",
    ]


@pytest.mark.parametrize("program", [GatekeeperJudge, AloneGenerator, ContrastiveRubricGenerator])
def test_a_file_of_no_command_is_refused_with_the_way_to_the_right_one(
    cli: Run, served: Served, commands: Commands, program: type[GatekeeperJudge], tmp_path: Path
) -> None:
    program().save(tmp_path / "part.json")
    for name in (*ALONE, *CONTRASTIVE):
        ran = cli(*commands[name], *served, "--compiled", tmp_path / "part.json")
        assert ran.code == 3
        target = "rubric-rm" if name in ALONE else "contrastive"
        assert (
            ran.err.splitlines()[1] == f"       one for this command is made by openrubrics optimize --target {target}"
        )


@pytest.mark.parametrize("name", [*ALONE, *CONTRASTIVE])
@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"manifest": {}, "state": {}}'])
def test_a_file_that_is_no_program_is_wrong_data(
    cli: Run, server: ModelServer, served: Served, commands: Commands, tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / "c.json").write_text(content)
    ran = cli(*commands[name], *served, "--compiled", tmp_path / "c.json")
    assert ran.code == 3
    assert ran.err.startswith(f"error: {tmp_path / 'c.json'}: ")
    assert server.bodies == []


@pytest.mark.parametrize("name", ["judge", "evaluate", "curate"])
def test_another_form_is_refused_and_the_right_one_is_named(
    cli: Run, server: ModelServer, served: Served, commands: Commands, tmp_path: Path, name: str
) -> None:
    judge = GatekeeperJudge(form="v3")
    program = ContrastiveRubricRM(judge=judge) if name == "curate" else RubricRM(judge=judge)
    path = compiled(program, tmp_path / "v3.json")
    ran = cli(*commands[name], *served, "--compiled", path)
    assert (ran.code, server.bodies) == (3, [])
    assert ran.err.splitlines() == [
        f"error: {path}: its judge writes judgments in form v3, but this command asks for form seed",
        "       give --form v3",
    ]
    assert cli(*commands[name], *served, "--compiled", path, "--form", "v3").code == 0


@pytest.mark.parametrize(
    "judge",
    [GatekeeperJudge(form="v3"), GatekeeperJudge(template="{prompt} {rubric} {response_a} {response_b}")],
    ids=["form", "template"],
)
@pytest.mark.parametrize("name", ["rubric", "rubric by contrast"])
def test_a_rubric_is_written_whatever_the_form_and_template_of_the_judge(
    cli: Run,
    server: ModelServer,
    served: Served,
    commands: Commands,
    tmp_path: Path,
    name: str,
    judge: GatekeeperJudge,
) -> None:
    program = RubricRM(judge=judge) if name == "rubric" else ContrastiveRubricRM(judge=judge)
    ran = cli(*commands[name], *served, "--compiled", compiled(program, tmp_path / "v3.json"), "--json")
    assert Rubric.model_validate_json(ran.out) == Rubric.parse(RUBRIC)
    assert server.bodies[0]["messages"][0]["content"].startswith(BREAD)


def test_a_template_belongs_to_the_file(
    cli: Run, server: ModelServer, served: Served, commands: Commands, tmp_path: Path
) -> None:
    template = tmp_path / "t.txt"
    template.write_text("Contrast {prompt} {responses}")
    program = ContrastiveRubricRM(ContrastiveRubricGenerator(template.read_text()))
    path = compiled(program, tmp_path / "templated.json")
    for name, option in (("curate", "--rubric-template"), ("rubric by contrast", "--template")):
        server.received.clear()
        ran = cli(*commands[name], *served, "--compiled", path)
        assert (ran.code, server.bodies) == (3, [])
        assert "saved under another template" in ran.err
        assert cli(*commands[name], *served, "--compiled", path, option, template).code == 0
        assert server.bodies[0]["messages"][-1]["content"].startswith("Contrast ")


def test_with_a_fixed_rubric_the_judge_of_the_file_is_used_alone(
    cli: Run, server: ModelServer, served: Served, commands: Commands, tmp_path: Path
) -> None:
    (tmp_path / "r.txt").write_text("1. The response rhymes. [Hard Rule]")
    path = compiled(
        RubricRM(), tmp_path / "c.json", lms={"generate.predict": "w", "judge.predict": "hosted_vllm/judge"}
    )
    ran = cli(*commands["judge"], *served, "--compiled", path, "--rubric", tmp_path / "r.txt")
    assert (ran.code, ran.err) == (0, "")
    (body,) = server.bodies
    assert asks_for_judgment(body)
    assert body["messages"][0]["content"].startswith(BREAD)


@pytest.mark.parametrize("name", [*ALONE, *CONTRASTIVE])
def test_other_models_than_those_it_was_compiled_for_are_a_line(
    cli: Run, served: Served, commands: Commands, tmp_path: Path, name: str
) -> None:
    program = RubricRM() if name in ALONE else ContrastiveRubricRM()
    lms = {"generate.predict": "hosted_vllm/red\x1b[31m\nsecond line", "judge.predict": "hosted_vllm/judge"}
    path = compiled(program, tmp_path / "red\x1b[31m.json", lms=lms)
    ran = cli(*commands[name], *served, "--compiled", path)
    assert ran.code == 0
    (line,) = (line for line in ran.err.splitlines() if line.startswith("warning: "))
    shown = str(path).replace("\x1b", "\N{REPLACEMENT CHARACTER}")
    assert line.startswith(f"warning: {shown}: generate.predict was compiled for 'hosted_vllm/red")
    assert "'hosted_vllm/judge' is attached" in line
    assert "\x1b" not in ran.err
    assert "UserWarning" not in ran.err
    lms["generate.predict"] = "hosted_vllm/judge"
    path = compiled(program, tmp_path / "same.json", lms=lms)
    assert "warning" not in cli(*commands[name], *served, "--compiled", path, *_fresh(name)).err


def _fresh(name: str) -> tuple[str, ...]:
    return ("--overwrite",) if name == "curate" else ()


def test_every_warning_is_said_once_in_a_command(cli: Run, served: Served, commands: Commands, tmp_path: Path) -> None:
    path = compiled(RubricRM(), tmp_path / "c.json", lms={"generate.predict": "w", "judge.predict": "j"})
    for _ in range(2):
        ran = cli(*commands["evaluate"], *served, "--repeats", 3, "--compiled", path)
        said = [line.partition(" was compiled")[0] for line in ran.err.splitlines() if line.startswith("warning: ")]
        assert said == [f"warning: {path}: generate.predict", f"warning: {path}: judge.predict"]


@pytest.mark.parametrize("name", ["evaluate", "curate"])
def test_a_folder_is_not_gone_on_with_under_other_prompts(
    cli: Run, server: ModelServer, served: Served, pairs: Path, tmp_path: Path, name: str
) -> None:
    kind = RubricRM if name == "evaluate" else ContrastiveRubricRM
    command = (name, *served, "--pairs", pairs, "--out", tmp_path / "out")
    first, second = (compiled(kind(), tmp_path / f"{text}.json", text) for text in ("Be strict.", "Be kind."))
    assert cli(*command, "--max-calls", 5, "--concurrency", 1, "--compiled", first).code == 4
    asked = len(server.bodies)
    for others in ((), ("--compiled", second)):
        ran = cli(*command, *others)
        assert (ran.code, len(server.bodies)) == (2, asked)
        assert "holds a run that was begun otherwise: prompts was " in ran.err
    moved = first.rename(tmp_path / "moved.json")
    assert cli(*command, "--compiled", moved).code == 0
    assert len(server.bodies) == 12


@pytest.mark.parametrize("name", ["evaluate", "curate"])
def test_the_manifest_names_the_file_and_its_content(
    cli: Run, served: Served, pairs: Path, alone: Path, contrastive: Path, tmp_path: Path, name: str
) -> None:
    path = alone if name == "evaluate" else contrastive
    assert cli(name, *served, "--pairs", pairs, "--out", tmp_path / "out", "--compiled", path).code == 0
    manifest = Manifest.model_validate_json((tmp_path / "out" / "manifest.json").read_text())
    assert manifest.data == {str(pairs): sha256(pairs), str(path): sha256(path)}
    assert manifest.extras["compiled"] == str(path)
    saved: dict[str, Any] = json.loads(path.read_text())["manifest"]
    assert manifest.program == saved["fingerprint"]
