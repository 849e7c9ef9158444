"""LMs that DSPy reaches through its own clients: samples, retries, budgets."""

from __future__ import annotations

import asyncio
from typing import Any

import dspy
import pytest
from server_plugin import ModelServer

from openrubrics.lms import Budget, budget, lm, lm_error, usage_meter
from openrubrics.signatures.errors import BudgetError

ROUTES = ["groq/judge", "together_ai/judge"]
"""One provider that DSPy reaches with its native client, and one that it reaches through LiteLLM."""


def judge(server: ModelServer, name: str = "groq/judge", retries: int = 0, cache: bool = False) -> dspy.LM:
    server.text = "sample"
    return lm(name, api_base=server.url, api_key="k", retries=retries, cache=cache)


def ask(model: dspy.LM, asynchronous: bool, n: int = 1) -> list[Any]:
    call: dict[str, Any] = {"n": n}
    return asyncio.run(model.acall("hi", **call)) if asynchronous else model("hi", **call)


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_each_sample_counts_as_the_request_that_it_is(model_server: ModelServer, name: str, asynchronous: bool) -> None:
    with usage_meter() as meter:
        assert ask(judge(model_server, name), asynchronous, n=3) == ["sample", "sample", "sample"]
    assert len(model_server.received) == 3
    assert (meter.usage.calls, meter.usage.prompt_tokens, meter.usage.completion_tokens) == (3, 21, 15)


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_no_more_samples_are_sent_than_the_budget_holds(
    model_server: ModelServer, name: str, asynchronous: bool
) -> None:
    with budget(Budget(max_calls=2)) as spent, pytest.raises(BudgetError):
        ask(judge(model_server, name), asynchronous, n=5)
    assert len(model_server.received) == spent.usage.calls == 2


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_repeated_requests_count_and_are_limited(model_server: ModelServer, name: str, asynchronous: bool) -> None:
    model_server.fails(503, times=9)
    with budget(Budget(max_calls=2)) as spent, pytest.raises(BudgetError):
        ask(judge(model_server, name, retries=5), asynchronous)
    assert len(model_server.received) == spent.usage.calls == 2


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_failed_request_is_repeated_as_often_as_allowed(model_server: ModelServer, asynchronous: bool) -> None:
    model_server.fails(503, times=2)
    assert ask(judge(model_server, retries=2), asynchronous) == ["sample"]
    model_server.fails(503, times=2)
    with pytest.raises(dspy.LMServerError):
        ask(judge(model_server, retries=1), asynchronous)
    model_server.fails(401)
    with pytest.raises(dspy.LMAuthError):
        ask(judge(model_server, retries=5), asynchronous)
    assert len(model_server.received) == 6


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_sample_that_fails_leaves_those_that_arrived(model_server: ModelServer, asynchronous: bool) -> None:
    model_server.answers().fails(400)
    outputs = ask(judge(model_server), asynchronous, n=3)
    assert outputs == [{"text": "sample"}, *2 * [{"text": "", "finish_reason": "no_text"}]]
    assert len(model_server.received) == 2


@pytest.mark.parametrize("name", ROUTES)
def test_samples_of_a_seeded_call_have_seeds_of_their_own(model_server: ModelServer, name: str) -> None:
    judge(model_server, name)("hi", n=3, seed=7)
    assert [body["seed"] for body in model_server.bodies] == [7, 8, 9]


def test_cached_samples_stay_different_samples(model_server: ModelServer) -> None:
    model = judge(model_server, cache=True)
    model_server.text = lambda body: f"reply {len(model_server.received)}"
    first = model("hi", n=3)
    assert first == ["reply 1", "reply 2", "reply 3"]
    assert model("hi", n=3) == first
    assert len(model_server.received) == 3
    assert "rollout_id" not in model_server.bodies[1]


def test_retries_survive_saving() -> None:
    model = lm("groq/judge", api_key="k", retries=4)
    assert type(model).load_state(model.dump_state()).dump_state()["num_retries"] == 4


def test_address_and_key_of_openai_compatible_servers_are_not_given_to_other_providers(
    model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENRUBRICS_API_BASE", model_server.url)
    monkeypatch.setenv("OPENRUBRICS_API_KEY", "not-for-groq")
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    model = lm("groq/x", retries=0)
    assert "not-for-groq" not in repr(vars(model))
    with pytest.raises(dspy.LMNotConfiguredError) as raised:
        model("hi")
    error = lm_error(raised.value)
    assert error is not None
    assert error.hint == "set GROQ_API_KEY or --api-key"
    assert model_server.received == []
