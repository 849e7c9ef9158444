"""Why each sample ended reaches those who read it, and one bad sample does not take the others with it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import dspy
import pytest
from dspy.lm15 import Message, Request, Response
from server_plugin import ModelServer

from openrubrics.lms import Reply, ScriptedLM, lm, lm_error, usage_meter
from openrubrics.signatures import RUBRIC, Failed, GenerateRubric, Rubric, VerbatimAdapter

pytestmark = pytest.mark.filterwarnings("ignore:Passing OpenAI-style message:DeprecationWarning")

MESSAGES = [{"role": "user", "content": "hi"}]
WHOLE = {"message": {"content": "whole"}, "finish_reason": "stop"}
LOST = {"text": "", "finish_reason": "no_text"}


def judge(server: ModelServer, cache: bool = False) -> dspy.LM:
    return lm("hosted_vllm/judge", api_base=server.url, retries=0, cache=cache)


def ask(model: dspy.LM, asynchronous: bool, n: int = 1) -> list[dict[str, object]]:
    call: dict[str, Any] = {"messages": MESSAGES, "n": n}
    return asyncio.run(model.acall(**call)) if asynchronous else model(**call)


def reply(*choices: dict[str, Any]) -> str:
    return json.dumps({"choices": list(choices)})


@pytest.mark.parametrize("asynchronous", [False, True])
def test_each_sample_says_why_it_ended_also_from_the_cache(model_server: ModelServer, asynchronous: bool) -> None:
    model_server.text = "sample {index}"
    model_server.finish_reason = ["stop", "length", "content_filter"]
    model = judge(model_server, cache=True)
    expected = [
        {"text": "sample 0", "finish_reason": "stop"},
        {"text": "sample 1", "finish_reason": "length"},
        {"text": "sample 2", "finish_reason": "content_filter"},
    ]
    assert [ask(model, asynchronous, n=3) for _ in range(2)] == [expected, expected]
    assert len(model_server.received) == 1


@pytest.mark.parametrize("asynchronous", [False, True])
def test_one_sample_says_why_it_ended_also_from_the_cache(model_server: ModelServer, asynchronous: bool) -> None:
    model_server.text, model_server.finish_reason = "half of", "length"
    model = judge(model_server, cache=True)
    assert [ask(model, asynchronous) for _ in range(2)] == 2 * [[{"text": "half of", "finish_reason": "length"}]]
    assert len(model_server.received) == 1


def test_a_scripted_reply_says_why_it_ended() -> None:
    model = ScriptedLM([[Reply("a"), Reply("b", finish_reason="length")]])
    assert [output["finish_reason"] for output in model(messages=MESSAGES, n=2)] == ["stop", "length"]


def test_a_provider_that_dspy_reaches_itself_says_so_too(model_server: ModelServer) -> None:
    model_server.finish_reason = "length"
    model = lm("groq/judge", api_base=model_server.url, api_key="k", retries=0)
    assert model(messages=MESSAGES)[0]["finish_reason"] == "length"


def test_scores_come_along(model_server: ModelServer) -> None:
    (output,) = judge(model_server)(messages=MESSAGES, logprobs=True)
    assert set(output) == {"text", "finish_reason", "logprobs"}
    assert output["logprobs"].content[0].token == "0"


def test_a_plain_prompt_gives_plain_texts(model_server: ModelServer) -> None:
    model_server.text = "sample {index}"
    assert judge(model_server)("hi", n=2) == ["sample 0", "sample 1"]


@pytest.mark.parametrize("disabled", [False, True])
def test_dspys_own_adapters_and_the_history_are_as_ever(model_server: ModelServer, disabled: bool) -> None:
    model_server.finish_reason = "length"
    model = judge(model_server)
    with dspy.context(lm=model, disable_history=disabled):
        assert dspy.Predict("question -> answer")(question="why?").answer == "sample 0"
    assert [entry["response"].finish_reason for entry in model.history] == ([] if disabled else ["length"])


def test_a_cut_sample_is_told_once_and_not_logged(model_server: ModelServer, caplog: pytest.LogCaptureFixture) -> None:
    model_server.finish_reason = "length"
    model = judge(model_server)
    ask(model, asynchronous=False, n=2)
    ask(model, asynchronous=True)
    told = list(caplog.records)
    model("a plain prompt has no other way to tell")
    assert told == []
    assert len(caplog.records) == 1


def test_a_cut_rubric_is_a_failure_and_not_a_shorter_rubric(model_server: ModelServer) -> None:
    model_server.text = "1. The response names the bread. [Hard Rule]\n2. The response is"
    write = dspy.Predict(GenerateRubric)
    rubrics: list[object] = []
    for model_server.finish_reason in ("stop", "length"):
        with dspy.context(lm=judge(model_server), adapter=VerbatimAdapter(RUBRIC)):
            rubrics.append(write(prompt="Which bread?").rubric)
    assert [type(rubric) for rubric in rubrics] == [Rubric, Failed]


def test_a_refusal_keeps_its_reason(model_server: ModelServer) -> None:
    refusal = {"message": {"content": None, "refusal": "I cannot judge this."}, "finish_reason": "stop"}
    model_server.says(reply(refusal)).says(reply(refusal))
    model = judge(model_server)
    assert model(messages=MESSAGES) == [{"text": "I cannot judge this.", "finish_reason": "refusal"}]
    response = model(Request(model=model.model, messages=(Message.user("hi"),)))
    assert isinstance(response, Response)
    assert (response.text, response.finish_reason) == ("I cannot judge this.", "content_filter")


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_sample_that_broke_off_leaves_the_others(model_server: ModelServer, asynchronous: bool) -> None:
    broken = {"message": {"content": "half"}, "finish_reason": "abort"}
    model_server.says(reply(broken, WHOLE, broken))
    lost = {"text": "", "finish_reason": "abort"}
    assert ask(judge(model_server), asynchronous, n=3) == [lost, {"text": "whole", "finish_reason": "stop"}, lost]
    assert len(model_server.received) == 1


@pytest.mark.parametrize("asynchronous", [False, True])
def test_samples_that_never_arrive_leave_those_that_did(model_server: ModelServer, asynchronous: bool) -> None:
    model_server.says(reply(WHOLE)).fails(400)
    with usage_meter() as meter:
        outputs = ask(judge(model_server), asynchronous, n=3)
    assert outputs == [{"text": "whole", "finish_reason": "stop"}, LOST, LOST]
    assert len(model_server.received) == meter.usage.calls == 2


def test_a_lost_sample_of_a_plain_prompt_is_no_empty_text(model_server: ModelServer) -> None:
    model_server.says(reply(WHOLE)).fails(400)
    assert judge(model_server)("hi", n=2) == [{"text": "whole", "finish_reason": "stop"}, LOST]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_where_no_sample_arrives_the_call_fails(model_server: ModelServer, asynchronous: bool) -> None:
    model_server.fails(400, "no samples today")
    with pytest.raises(dspy.LMError) as raised:
        ask(judge(model_server), asynchronous, n=3)
    error = lm_error(raised.value)
    assert error is not None
    assert "no samples today" in error.message
