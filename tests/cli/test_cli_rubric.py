"""`openrubrics rubric`: from a request alone, or by contrast."""

from pathlib import Path

import pytest
from cli_replies import RUBRIC, Run, section
from server_plugin import ModelServer

from openrubrics.signatures import Failed, Rubric


def test_from_a_request_alone(cli: Run, server: ModelServer, served: tuple[str, ...]) -> None:
    ran = cli("rubric", *served, "--prompt", "Say hi.")
    assert ran.code == 0
    assert [line.strip() for line in ran.out.splitlines()] == RUBRIC.splitlines()
    assert section(server.bodies[0], "prompt") == "Say hi."


def test_by_contrast_with_answers_best_first(
    cli: Run, server: ModelServer, served: tuple[str, ...], tmp_path: Path
) -> None:
    options: list[object] = []
    for name in ("good", "fair", "bad"):
        (tmp_path / name).write_text(f"a {name} answer")
        options += ["--answer", tmp_path / name]
    ran = cli("rubric", *served, "--prompt", "P", *options, "--json")
    assert Rubric.model_validate_json(ran.out) == Rubric.parse(RUBRIC)
    shown = [section(server.bodies[0], f"response_{n}") for n in (1, 2, 3)]
    assert shown == ["a good answer", "a fair answer", "a bad answer"]


def test_a_template(cli: Run, server: ModelServer, served: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("Criteria for {prompt}!")
    cli("rubric", *served, "--prompt", "Say hi.", "--template", tmp_path / "t.txt")
    assert server.bodies[0]["messages"] == [{"role": "user", "content": "Criteria for Say hi.!"}]


@pytest.mark.parametrize("as_json", [False, True])
def test_a_reply_that_is_no_rubric(cli: Run, server: ModelServer, served: tuple[str, ...], as_json: bool) -> None:
    server.text = "\x1b[2JSorry."
    ran = cli("rubric", *served, "--prompt", "P", *(["--json"] if as_json else []))
    assert ran.code == 1
    assert ran.err.startswith("error: no rubric: ")
    assert "\x1b" not in ran.err + ran.out
    assert Failed.model_validate_json(ran.out).raw.endswith("Sorry.") if as_json else ran.out == ""


def test_a_dry_run_asks_nothing(cli: Run, server: ModelServer, served: tuple[str, ...]) -> None:
    ran = cli("rubric", *served, "--prompt", "P", "--dry-run")
    assert (ran.code, ran.out) == (0, "1 request, without repeats after failures; nothing was asked\n")
    judge = cli("judge", *served, "--prompt", "P", "--a", "x", "--b", "y", "--votes", 3, "--dry-run")
    assert judge.code == 0
    assert "at most 1 requests for rubrics and 2 for judgments, 3 in all" in judge.out
    assert server.bodies == []


def test_the_embedded_reader_finds_a_hard_rule(cli: Run) -> None:
    ran = cli("rubric", "--lm", "embedded", "--prompt", "Explain rain. Use at most 50 words.", "--json")
    assert len(Rubric.model_validate_json(ran.out).hard_rules) == 1
