"""What reaches the server, and what comes back from it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import Any

import dspy
import pytest
from dspy.lm15 import Config, Message, Request, Response
from pydantic import BaseModel
from server_plugin import ModelServer, running

from openrubrics.lms import HttpEngine, candidates, lm, usage_meter
from openrubrics.signatures.errors import UsageError

ANSWER = dspy.Predict("question -> answer")
SAMPLING = {"n": 3, "logprobs": True, "top_logprobs": 5, "structured_outputs": {"choice": ["A", "B"]}}


def judge(server: ModelServer, **options: object) -> dspy.LM:
    given: dict[str, Any] = options
    return lm("hosted_vllm/org/judge", api_base=server.url, cache=False, **given)


def ask(model: dspy.LM, asynchronous: bool, **config: object) -> dspy.Prediction:
    with dspy.context(lm=model):
        call = {"question": "why?", "config": config}
        return asyncio.run(ANSWER.acall(**call)) if asynchronous else ANSWER(**call)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_three_samples_are_one_request_with_the_scores_of_each(model_server: ModelServer, asynchronous: bool) -> None:
    with usage_meter() as meter, dspy.track_usage() as tracked:
        prediction = ask(judge(model_server), asynchronous, **SAMPLING)
    (body,) = model_server.bodies
    assert body["n"] == 3
    assert body["structured_outputs"] == {"choice": ["A", "B"]}
    assert (body["logprobs"], body["top_logprobs"]) == (True, 5)
    assert prediction.completions is not None
    assert list(prediction.completions.answer) == ["sample 0", "sample 1", "sample 2"]
    tokens = [scores.content[0] for scores in dict(prediction.completions.items())["logprobs"]]
    assert [token.token for token in tokens] == ["0", "1", "2"]
    assert [len(token.top_logprobs) for token in tokens] == [5, 5, 5]
    assert (meter.usage.calls, meter.usage.prompt_tokens, meter.usage.completion_tokens) == (1, 7, 15)
    assert tracked.get_total_tokens()["hosted_vllm/org/judge"]["prompt_tokens"] == 7


def test_every_option_reaches_the_wire_and_nothing_else(model_server: ModelServer) -> None:
    options = {
        "temperature": 0.6,
        "top_p": 0.95,
        "top_k": 20,
        "min_p": 0.1,
        "repetition_penalty": 1.05,
        "seed": 7,
        "stop": ["END"],
        "max_tokens": 50,
        "chat_template_kwargs": {"enable_thinking": False},
        "logit_bias": {"12": -5},
        "user": "me",
        "metadata": {"run": "1"},
        "reasoning_effort": "low",
        "response_format": {"type": "json_object"},
    }
    ask(judge(model_server, extra_body={"use_beam_search": True}, **options), asynchronous=False)
    body = dict(model_server.bodies[0])
    assert body.pop("model") == "org/judge"
    assert [message["role"] for message in body.pop("messages")] == ["system", "user"]
    assert body == {**options, "use_beam_search": True}


def test_without_options_only_model_and_messages_are_sent(model_server: ModelServer) -> None:
    ask(judge(model_server), asynchronous=False)
    assert set(model_server.bodies[0]) == {"model", "messages"}


def test_options_of_a_call_override_those_of_the_lm_and_none_removes_one(model_server: ModelServer) -> None:
    model = judge(model_server, min_p=0.1, repetition_penalty=1.1, metadata={"run": "1"})
    ask(model, asynchronous=False, min_p=0.2, repetition_penalty=None)
    body = model_server.bodies[0]
    assert body["min_p"] == 0.2
    assert body["metadata"] == {"run": "1"}
    assert "repetition_penalty" not in body


def test_a_pydantic_response_format_is_sent_as_a_json_schema(model_server: ModelServer) -> None:
    class Winner(BaseModel):
        winner: str

    ask(judge(model_server), asynchronous=False, response_format=Winner)
    form = model_server.bodies[0]["response_format"]
    assert form["type"] == "json_schema"
    assert form["json_schema"]["name"] == "Winner"
    assert form["json_schema"]["schema"]["required"] == ["winner"]


def test_an_unknown_option_is_an_error_and_nothing_is_sent(model_server: ModelServer) -> None:
    with pytest.raises(UsageError, match="'tempreature'"):
        judge(model_server, tempreature=0.1)
    with pytest.raises(dspy.LMUnsupportedFeatureError, match="tempreature"):
        ask(judge(model_server), asynchronous=False, tempreature=0.1)
    with pytest.raises(UsageError, match="messages"):
        ask(judge(model_server), asynchronous=False, extra_body={"messages": []})
    assert not model_server.received


def test_options_that_differ_are_not_the_same_to_the_cache(model_server: ModelServer) -> None:
    model = lm("hosted_vllm/org/cached", api_base=model_server.url, cache=True)
    for choice in ("A", "A", "B"):
        ask(model, asynchronous=False, structured_outputs={"choice": [choice]})
    assert [body["structured_outputs"]["choice"] for body in model_server.bodies] == [["A"], ["B"]]


def test_a_cached_answer_costs_nothing(model_server: ModelServer) -> None:
    model = lm("hosted_vllm/org/cached", api_base=model_server.url, cache=True)
    ask(model, asynchronous=False)
    with usage_meter() as meter:
        ask(model, asynchronous=False)
    assert (len(model_server.received), meter.usage.calls) == (1, 0)


def test_an_answer_is_reused_only_when_asked_for(model_server: ModelServer) -> None:
    for name in ("hosted_vllm/org/judge", "groq/judge"):
        model = lm(name, api_base=model_server.url, api_key="k")
        model("same")
        model("same")
    assert len(model_server.received) == 4


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("explicit", [False, True])
def test_servers_under_one_name_do_not_share_cached_answers(
    model_server: ModelServer, asynchronous: bool, explicit: bool
) -> None:
    request = Request(model="hosted_vllm/judge", messages=(Message.user("hi"),))

    def answer(server: ModelServer) -> object:
        model = lm("hosted_vllm/judge", api_base=server.url, cache=True)
        question: Any = request if explicit else "hi"
        output = asyncio.run(model.acall(question)) if asynchronous else model(question)
        return output.text if isinstance(output, Response) else output[0]

    with running() as other:
        model_server.text, other.text = "first", "second"
        assert [answer(model_server), answer(other), answer(model_server)] == ["first", "second", "first"]
        assert (len(model_server.received), len(other.received)) == (1, 1)
        assert set(other.bodies[0]) == {"model", "messages"}


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_server_that_ignores_n_is_asked_again_for_what_is_missing(
    model_server: ModelServer, asynchronous: bool
) -> None:
    model_server.samples = 1
    prediction = ask(judge(model_server), asynchronous, n=3)
    assert [body.get("n") for body in model_server.bodies] == [3, 2, None]
    assert prediction.completions is not None
    assert len(prediction.completions) == 3


def test_equal_explicit_requests_share_one_request_inside_candidates(model_server: ModelServer) -> None:
    model = judge(model_server)
    request = Request(model=model.model, messages=(Message.user("hi"),), config=Config(max_tokens=9))
    with candidates(2):
        texts = [model(request).text for _ in range(3)]
    model(request)
    assert [body.get("n") for body in model_server.bodies] == [2, 2, None]
    assert "sample 0" in texts[0]
    assert "sample 1" in texts[1]


def test_a_cut_answer_says_so(model_server: ModelServer) -> None:
    model_server.finish_reason = "length"
    model = judge(model_server)
    response = model(Request(model=model.model, messages=(Message.user("hi"),)))
    assert isinstance(response, Response)
    assert response.finish_reason == "length"


def test_the_key_is_sent_and_shown_nowhere(model_server: ModelServer) -> None:
    model = judge(model_server, api_key="secret-key")
    ask(model, asynchronous=False)
    assert model_server.received[0].headers["Authorization"] == "Bearer secret-key"
    assert isinstance(model.engine, HttpEngine)
    assert "secret-key" not in repr(vars(model)) + repr(model.engine.endpoint)


def test_address_and_key_come_from_the_environment(model_server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENRUBRICS_API_BASE", model_server.url + "/")
    monkeypatch.setenv("OPENRUBRICS_API_KEY", "from-environment")
    ask(lm("openai/judge", cache=False), asynchronous=False)
    assert model_server.bodies[0]["model"] == "judge"
    assert model_server.received[0].headers["Authorization"] == "Bearer from-environment"


def test_a_copy_of_an_lm_with_another_model_asks_for_that_model(model_server: ModelServer) -> None:
    ask(judge(model_server).copy(model="hosted_vllm/org/tuned", min_p=0.3), asynchronous=False)
    assert (model_server.bodies[0]["model"], model_server.bodies[0]["min_p"]) == ("org/tuned", 0.3)


def test_importing_the_room_stays_light() -> None:
    heavy = "litellm", "openai", "torch", "transformers"
    check = f"import sys, openrubrics.lms; print([m for m in {heavy!r} if m in sys.modules])"

    done = subprocess.run(  # noqa: S603
        [sys.executable, "-P", "-c", check], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.strip() == "[]"
