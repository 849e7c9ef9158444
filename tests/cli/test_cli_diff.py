"""`openrubrics diff`: what a person sees of two compiled programs."""

import json
from pathlib import Path

import pytest
from cli_replies import Run
from compiled_files import NO_GAIN, compiled, saved

from openrubrics.optimizers import Difference
from openrubrics.programs import GatekeeperJudge, RubricRM


def edited() -> RubricRM:
    """The shipped judge with one sentence replaced, one added at the end, and a demonstration."""
    shipped = RubricRM().judge.predict.task.instructions
    return compiled(
        shipped.replace("If the rubric holds no objective criterion, say so.", "If there is none, say so.")
        + " Count every word yourself.",
        ["Name a prime. Use one word."],
    )


def test_one_file_against_the_shipped_program(cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a short name, which no line breaks
    ran = cli("diff", saved(Path("a.json"), edited(), test=NO_GAIN))
    assert (ran.code, ran.err) == (0, "")
    lines = [line.rstrip() for line in ran.out.splitlines()]
    assert lines[:2] == ["- RubricRM as shipped", "+ a.json"]
    at = lines.index("judge.predict")
    assert lines[lines.index("generate.predict") + 1] == "instructions: the same"
    assert lines[at + 1] == "instructions, by sentence: 1 removed, 2 added, 13 kept"
    assert lines[at + 2 : at + 16] == [
        "  [... 3 kept]",
        "  A matter of taste cannot be the gatekeeper.",
        "- If the rubric holds no objective criterion, say so.",
        "+ If there is none, say so.",
        "  2. Analysis.",
        "  [... 7 kept]",
        "  Decide for A or B.",
        "+ Count every word yourself.",
        "demonstrations: 0 removed, 1 added, 0 kept",
        "+ prompt: Name a prime. Use one word.",
        "+ from the training pairs pair-1",
        "",
        "other differences",
        f"- fingerprint: {RubricRM().fingerprint}",
    ]
    assert " test              0.500 (0.404-0.596)   0.520 (0.423-0.615)" in lines
    assert "McNemar's p 0.500: no reliable gain" in " ".join(lines)
    said = " ".join(lines)
    assert "McNemar's p < 0.001: it chose the prompts, so this is biased upwards" in said
    assert "eliable gain" not in said.replace("no reliable gain", "")


def test_scores_that_do_not_compare_the_prompts_are_said_to_be_so(cli: Run, tmp_path: Path) -> None:
    a = saved(tmp_path / "a.json", compiled("One."))
    b = saved(tmp_path / "b.json", compiled("Two."), metric={"orders": "both"})
    said = " ".join(cli("diff", a, b).out.split())
    assert "test: measured on other pairs, in other orders, with other models or at another task, so these" in said
    assert "so these scores do not compare" not in " ".join(cli("diff", a, a).out.split())


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_no_line_is_wider_than_the_terminal(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    program = edited()
    wide = "漢字" * 60 + " and " + "x" * 300
    program.generate.predict.signature = program.generate.predict.task.with_instructions(wide)
    program.save(tmp_path / "a.json")
    monkeypatch.chdir(tmp_path)
    ran = cli("diff", "a.json")
    assert ran.code == 0
    assert max(sum(2 if ord(c) > 0x2E80 else 1 for c in line) for line in ran.out.splitlines()) <= columns
    assert (
        "".join(line.removeprefix("+ ") for line in ran.out.splitlines() if line.startswith("+ ")).count("漢字") == 60
    )


def test_two_files_as_json(cli: Run, tmp_path: Path) -> None:
    a, b = saved(tmp_path / "a.json", edited()), saved(tmp_path / "b.json", compiled())
    ran = cli("diff", a, b, "--json")
    assert ran.code == 0
    found = Difference.model_validate_json(ran.out)
    assert (found.before, found.after) == (str(a), str(b))
    assert found.predictors[1].demos.removed == ("Name a prime. Use one word.",)


def test_the_same_programs(cli: Run, tmp_path: Path) -> None:
    RubricRM().save(tmp_path / "a.json")
    ran = cli("diff", tmp_path / "a.json")
    assert ran.code == 0
    assert ran.out.endswith("\n\nThe instructions and demonstrations are the same.\n")


def test_other_programs_and_forms_are_said(cli: Run, tmp_path: Path) -> None:
    compiled("One. Two.").save(tmp_path / "a.json")
    GatekeeperJudge("v3").save(tmp_path / "b.json")
    compiled("One.\nTwo.").save(tmp_path / "c.json")
    ran = cli("diff", tmp_path / "a.json", tmp_path / "b.json")
    assert ran.code == 0
    assert "note: these are different programs: what has the same name is compared\n" in ran.out
    assert "\npredict\n+ a predictor that only this program has\n" in ran.out
    ran = cli("diff", tmp_path / "a.json", tmp_path / "c.json")
    assert "instructions: the same words, in other lines\n" in ran.out


def test_nothing_in_a_file_steers_the_terminal(cli: Run, tmp_path: Path) -> None:
    evil = "\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}[red]evil[/red]"
    program = compiled(f"Be {evil}.", [f"Name {evil}"])
    path = saved(tmp_path / "a.json", program, optimizer=evil, lms={f"judge{evil}": evil}, metric={evil: evil})
    for arguments in ([path], [path, path], [path, "--json"]):
        ran = cli("diff", *arguments)
        assert ran.code == 0
        assert "\x1b" not in ran.out + ran.err
    ran = cli("diff", path)
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in ran.out
    assert "[red]evil[/red]" in ran.out


def test_many_demonstrations_are_counted(cli: Run, tmp_path: Path) -> None:
    ran = cli("diff", saved(tmp_path / "a.json", compiled("Be strict.", [f"prompt {n}" for n in range(60)])))
    assert "demonstrations: 0 removed, 60 added, 0 kept\n" in ran.out
    assert "+ and 50 more; --json lists all\n" in ran.out
    assert "pair-50 and 10 more" in " ".join(ran.out.replace("\n+ ", " ").split())


def test_a_file_that_is_no_program(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"a": 1}))
    ran = cli("diff", tmp_path / "a.json")
    assert (ran.code, ran.out) == (3, "")
    assert "a.json: not a saved program" in ran.err
    assert cli("diff", tmp_path / "none.json").code == 2
    assert cli("diff").code == 2
