"""Roles and environment: which model and which server each request goes to."""

from pathlib import Path

import pytest
from cli_replies import Run, asks_for_judgment
from server_plugin import ModelServer

ONE = ("--prompt", "P", "--a", "x", "--b", "yy")


def test_each_role_goes_to_its_own_model_and_server(cli: Run, server: ModelServer, other_server: ModelServer) -> None:
    names = ("--rubric-lm", "hosted_vllm/writer", "--judge-lm", "hosted_vllm/judge")
    addresses = ("--rubric-api-base", server.url, "--judge-api-base", other_server.url)
    ran = cli("judge", *names, *addresses, *ONE)
    assert ran.code == 0, ran.err
    assert [(body["model"], asks_for_judgment(body)) for body in server.bodies] == [("writer", False)]
    assert [(body["model"], asks_for_judgment(body)) for body in other_server.bodies] == [("judge", True)]


def test_one_role_can_differ_from_the_rest(cli: Run, server: ModelServer, pairs: Path) -> None:
    options = ("--lm", "hosted_vllm/common", "--judge-lm", "hosted_vllm/judge", "--api-base", server.url)
    ran = cli("evaluate", *options, "--pairs", pairs, "--limit", 1, "--json")
    assert [body["model"] for body in server.bodies] == ["common", "judge"]
    assert '"lm": "hosted_vllm/judge + hosted_vllm/common"' in ran.out


def test_a_real_model_can_judge_rubrics_of_the_embedded_reader(cli: Run, server: ModelServer) -> None:
    ran = cli("judge", "--lm", "embedded", "--judge-lm", "openai/judge", "--api-base", server.url, *ONE)
    assert "Winner: Response A" in ran.out
    assert [body["model"] for body in server.bodies] == ["judge"]


def test_the_environment_names_model_server_and_key(
    cli: Run, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENRUBRICS_LM", "hosted_vllm/from-environment")
    monkeypatch.setenv("OPENRUBRICS_API_BASE", server.url)
    monkeypatch.setenv("OPENRUBRICS_API_KEY", "key-from-environment")
    assert cli("judge", *ONE).code == 0
    assert {body["model"] for body in server.bodies} == {"from-environment"}
    assert {received.headers["Authorization"] for received in server.received} == {"Bearer key-from-environment"}


def test_options_win_over_the_environment(
    cli: Run, server: ModelServer, other_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENRUBRICS_LM", "hosted_vllm/from-environment")
    monkeypatch.setenv("OPENRUBRICS_API_BASE", other_server.url)
    cli("judge", "--lm", "hosted_vllm/given", "--api-base", server.url, *ONE)
    assert {body["model"] for body in server.bodies} == {"given"}
    assert other_server.bodies == []
