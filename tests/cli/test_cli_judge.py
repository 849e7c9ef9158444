"""`openrubrics judge`: where texts come from, what is shown, and what reaches the model."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_replies import JUDGMENT, RUBRIC, Run, asks_for_judgment, section
from server_plugin import ModelServer

from openrubrics.programs import GatekeeperJudge, RubricRM
from openrubrics.signatures import Failed, Judgment, Rubric, Verdict

ONE = ("--prompt", "Say hi.", "--a", "Hi.", "--b", "Good day to you all.")
OFFLINE = ("--lm", "embedded")


def judgment(text: str) -> Judgment:
    return Judgment.model_validate_json(text)


def test_texts_from_flags_reach_the_model_as_they_are(cli: Run, server: ModelServer, served: tuple[str, ...]) -> None:
    ran = cli("judge", *served, "--json", *ONE)
    assert ran.code == 0, ran.err
    assert judgment(ran.out).preferred == "A"
    assert judgment(ran.out).rubric == Rubric.parse(RUBRIC)
    rubric, verdict = server.bodies
    assert section(rubric, "prompt") == section(verdict, "prompt") == "Say hi."
    assert (section(verdict, "response_a"), section(verdict, "response_b")) == ("Hi.", "Good day to you all.")


def test_texts_from_files(cli: Run, server: ModelServer, served: tuple[str, ...], tmp_path: Path) -> None:
    options: list[object] = []
    for name, text in (("prompt", "Grüße?"), ("a", "line 1\nline 2"), ("b", "ok")):
        path = tmp_path / f"{name}.txt"
        path.write_text(text, encoding="utf-8")
        options += [f"--{name}-file", path]
    ran = cli("judge", *served, "--json", *options)
    assert judgment(ran.out).preferred == "B"
    assert section(server.bodies[1], "response_a") == "line 1\nline 2"
    assert section(server.bodies[1], "prompt") == "Grüße?"


def test_many_comparisons_are_json_lines(
    cli: Run, server: ModelServer, served: tuple[str, ...], jsonl: Callable[..., Path]
) -> None:
    rows = [{"id": f"c{n}", "prompt": "P", "response_a": "a" * (n + 1), "response_b": "bbb"} for n in range(4)]
    ran = cli("judge", *served, "--pairs", jsonl(rows), "--limit", 3)
    lines = {line["id"]: line["judgment"]["outcome"] for line in map(json.loads, ran.out.splitlines())}
    assert {name: outcome["preferred"] for name, outcome in lines.items()} == {"c0": "A", "c1": "A", "c2": "B"}
    assert ran.code == 0
    assert "3 judged, 0 failed" in ran.err


def test_a_person_can_check_what_is_shown(cli: Run, served: tuple[str, ...]) -> None:
    out = cli("judge", *served, *ONE).out
    for shown in (
        "1. The response is short. [Hard Rule]",
        "2. The response is polite. [Principle]",
        "Gatekeeper: The response is short.",
        "A has few words.",
        "B is curt.",
        "Justification: Only Response A does it.",
        "Winner: Response A",
    ):
        assert shown in out
    assert out.index("Hard Rule") < out.index("Gatekeeper") < out.index("few words") < out.index("Winner")


def test_both_orders_are_shown_and_a_contradiction_is_a_tie(
    cli: Run, server: ModelServer, served: tuple[str, ...]
) -> None:
    server.text = lambda body: JUDGMENT.format(winner="A") if asks_for_judgment(body) else RUBRIC
    ran = cli("judge", *served, "--orders", "both", *ONE)
    assert "With Response A shown first: Response A" in ran.out
    assert "With Response B shown first: Response B" in ran.out
    assert "Tie: the orders disagree" in ran.out
    assert ran.code == 0


def test_votes_share_one_rubric_and_are_shown(cli: Run, server: ModelServer, served: tuple[str, ...]) -> None:
    ran = cli("judge", *served, "--votes", 5, *ONE)
    assert "votes Response A 3" in ran.out
    assert [body.get("n", 1) for body in server.bodies] == [1, 3]
    assert [body.get("temperature") for body in server.bodies] == [None, 0.7]


def test_a_temperature_that_was_asked_for_holds_for_votes_too(
    cli: Run, server: ModelServer, served: tuple[str, ...]
) -> None:
    cli("judge", *served, "--votes", 3, "--temperature", 1.1, *ONE)
    assert [body["temperature"] for body in server.bodies] == [1.1, 1.1]
    ran = cli("judge", *served, "--votes", 3, "--temperature", 0, *ONE)
    assert ran.code == 2
    assert ran.err == "error: 3 votes at temperature 0.0 would all be the same\n       raise temperature\n"


def test_sampling_options_reach_the_server(cli: Run, server: ModelServer, served: tuple[str, ...]) -> None:
    cli("judge", *served, "--max-tokens", 77, "--no-thinking", "--temperature", 0.3, *ONE)
    for body in server.bodies:
        assert (body["max_tokens"], body["temperature"]) == (77, 0.3)
        assert body["chat_template_kwargs"] == {"enable_thinking": False}


@pytest.mark.parametrize("hostile", ["\x1b[31mred\x1b[0m", "\x9b31mred", "\u202egnp.exe", "bell\x07", "a\rb"])
def test_text_of_a_model_does_not_steer_the_terminal(
    cli: Run, server: ModelServer, served: tuple[str, ...], hostile: str
) -> None:
    rubric = f"1. The response is {hostile} here. [Hard Rule]\n2. The response is polite. [Principle]"
    verdict = JUDGMENT.format(winner="A").replace("A greets.", f"see {hostile} there")
    server.text = lambda body: verdict if asks_for_judgment(body) else rubric
    ran = cli("judge", *served, *ONE)
    assert "Winner: Response A" in ran.out
    assert "there" in ran.out
    assert not any(c in ran.out for c in "\x1b\x9b\u202e\x07\r")


def test_markup_in_text_of_a_model_is_only_text(cli: Run, server: ModelServer, served: tuple[str, ...]) -> None:
    rubric = "1. The response uses [bold]no[/bold] markup :smile: [link=http://x]y[/link]. [Hard Rule]\n2. It is kind."
    verdict = JUDGMENT.format(winner="A").replace("A greets.", "[red]good[/red]")
    server.text = lambda body: verdict if asks_for_judgment(body) else rubric
    out = cli("judge", *served, *ONE).out
    assert "[bold]no[/bold] markup :smile:" in out
    assert "[red]good[/red]" in out


def test_a_reply_that_is_no_judgment_fails_and_says_why(cli: Run, server: ModelServer, served: tuple[str, ...]) -> None:
    server.text = lambda body: "I like both \x1b[2J." if asks_for_judgment(body) else RUBRIC
    ran = cli("judge", *served, *ONE)
    assert ran.code == 1
    assert "Failed, no verdict: " in ran.out
    assert "\x1b" not in ran.out
    ran = cli("judge", *served, "--json", *ONE)
    assert ran.code == 1
    assert isinstance(judgment(ran.out).outcome, Failed)


def test_a_share_of_failures_decides_the_exit_code(
    cli: Run, server: ModelServer, served: tuple[str, ...], jsonl: Callable[..., Path]
) -> None:
    rows = [{"prompt": "P", "response_a": f"a{n}", "response_b": "bb"} for n in range(4)]
    server.text = lambda body: "?" if section(body, "response_a") == "a2" else JUDGMENT.format(winner="B")
    rubric = jsonl([Rubric.parse(RUBRIC).model_dump()], "rubric.json")
    options = (*served, "--rubric", rubric, "--pairs", jsonl(rows))
    ran = cli("judge", *options)
    assert ran.code == 1
    assert ran.err.splitlines() == [
        "4 judged, 1 failed",
        "1 of 4 comparisons failed (25.0 %), more than --max-failed 0.05 allows",
    ]
    assert cli("judge", *options, "--max-failed", 0.25).code == 0
    assert cli("judge", *options, "--max-failed", 0.24).code == 1


@pytest.mark.parametrize("suffix", [".txt", ".json"])
def test_a_fixed_rubric_is_used_and_none_is_written(
    cli: Run, server: ModelServer, served: tuple[str, ...], tmp_path: Path, suffix: str
) -> None:
    rubric = Rubric.parse("1. The response rhymes. [Hard Rule]")
    path = tmp_path / f"rubric{suffix}"
    path.write_text(rubric.model_dump_json() if suffix == ".json" else str(rubric))
    ran = cli("judge", *served, "--json", "--rubric", path, *ONE)
    assert judgment(ran.out).rubric == rubric
    assert len(server.bodies) == 1
    assert section(server.bodies[0], "rubric") == "1. The response rhymes. [Hard Rule]"


def test_templates_replace_the_prompts(cli: Run, server: ModelServer, served: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("Criteria for {prompt}!")
    (tmp_path / "j.txt").write_text("{prompt}|{rubric}|{response_a}|{response_b}|Who?")
    server.text = lambda body: JUDGMENT.format(winner="B") if body["messages"][0]["content"][-4:] == "Who?" else RUBRIC
    ran = cli("judge", *served, "--rubric-template", tmp_path / "r.txt", "--judge-template", tmp_path / "j.txt", *ONE)
    assert "Winner: Response B" in ran.out
    asked = [body["messages"][0]["content"] for body in server.bodies]
    assert asked == ["Criteria for Say hi.!", f"Say hi.|{RUBRIC}|Hi.|Good day to you all.|Who?"]


@pytest.mark.parametrize(
    ("option", "text", "missing"),
    [("--rubric-template", "Criteria!", "{prompt}"), ("--judge-template", "{prompt} {rubric}", "{response_a}, {resp")],
)
def test_a_template_without_a_slot_is_wrong_usage(
    cli: Run, tmp_path: Path, option: str, text: str, missing: str
) -> None:
    (tmp_path / "t.txt").write_text(text)
    ran = cli("judge", *OFFLINE, option, tmp_path / "t.txt", *ONE)
    assert ran.code == 2
    assert f"the template has no place for {missing}" in ran.err


def test_a_compiled_program_brings_its_instructions(
    cli: Run, server: ModelServer, served: tuple[str, ...], tmp_path: Path
) -> None:
    program = RubricRM()
    for predictor in (program.generate.predict, program.judge.predict):
        predictor.signature = predictor.task.with_instructions("Think like a judge of bread.")
    program.save(tmp_path / "compiled.json")
    ran = cli("judge", *served, "--compiled", tmp_path / "compiled.json", *ONE)
    assert ran.code == 0, ran.err
    assert all(body["messages"][0]["content"].startswith("Think like a judge of bread.") for body in server.bodies)


def test_a_compiled_program_of_another_kind_is_wrong_data(cli: Run, tmp_path: Path) -> None:
    GatekeeperJudge().save(tmp_path / "judge.json")
    ran = cli("judge", *OFFLINE, "--compiled", tmp_path / "judge.json", *ONE)
    assert ran.code == 3
    assert "program is 'GatekeeperJudge', but this command takes 'RubricRM'" in ran.err


def test_hard_rules_that_code_can_check_need_no_judge(cli: Run, server: ModelServer, served: tuple[str, ...]) -> None:
    texts = ("--prompt", "Name a prime. Do not use any commas.", "--a", "Seven.", "--b", "3, 5")
    ran = cli("judge", *served, "--enforce-checks", *texts)
    assert "Winner: Response A (decided by code)" in ran.out
    assert server.bodies == []


def test_the_embedded_reader_judges_offline(cli: Run) -> None:
    ran = cli("judge", *OFFLINE, "--json", "--prompt", "Name a prime. Use no commas.", "--a", "Seven.", "--b", "3, 5")
    assert isinstance(judgment(ran.out).outcome, Verdict)
    assert judgment(ran.out).preferred == "A"


def test_bad_comparisons_are_skipped_and_counted(cli: Run, jsonl: Callable[..., Path]) -> None:
    rows = [{"prompt": "P", "response_a": "a", "response_b": b} for b in (5, "x")]
    ran = cli("judge", "--lm", "embedded", "--pairs", jsonl(rows), "--on-error", "skip", "--max-failed", 1)
    assert ran.code == 0
    assert "1 judged, " in ran.err
    assert "1 skipped: field 'response_b' is not as expected\n" in ran.err
