"""The scripted LM, as other tests use it."""

import asyncio
import copy
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import dspy
import pytest
from dspy.lm15 import RateLimitError, Request, TokenLogprob, TopLogprob

from openrubrics.lms import Reply, ScriptedLM, ScriptExhaustedError, is_systemic, lm_error, usage_meter

ANSWER = dspy.Predict("question -> answer")


def says(text: str) -> str:
    return f"[[ ## answer ## ]]\n{text}\n\n[[ ## completed ## ]]"


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_list_answers_in_order_and_remembers_what_was_asked(asynchronous: bool) -> None:
    model = ScriptedLM([says("one"), says("two")], temperature=0.5)
    with dspy.context(lm=model):
        for expected in ("one", "two"):
            config = {"config": {"structured_outputs": {"choice": [expected]}}}
            prediction = (
                asyncio.run(ANSWER.acall(question=expected, **config))
                if asynchronous
                else ANSWER(question=expected, **config)
            )
            assert prediction.answer == expected
    first, second = model.requests
    assert [message["role"] for message in first.messages] == ["system", "user"]
    assert "two" in second.messages[-1]["content"]
    assert second.options == {"temperature": 0.5, "structured_outputs": {"choice": ["two"]}}


def test_a_function_sees_messages_and_request() -> None:
    def echo(messages: list[dict[str, str]], request: Request) -> str:
        return f"{messages[-1]['content']} at {request.config.temperature}"

    assert ScriptedLM(echo, temperature=0.25)("hi") == ["hi at 0.25"]


@pytest.mark.parametrize("script", [["a", "b", "c"], [["a", "b", "c"]], [[Reply("a"), Reply("b"), Reply("c")]]])
def test_samples_are_one_request_however_the_script_gives_them(script: list[str]) -> None:
    model = ScriptedLM(script)
    with usage_meter() as meter:
        assert model("hi there", n=3) == ["a", "b", "c"]
    assert [asked.n for asked in model.requests] == [3]
    assert (meter.usage.calls, meter.usage.prompt_tokens, meter.usage.completion_tokens) == (1, 2, 3)


def test_scores_and_finish_reason_come_with_a_reply() -> None:
    scores = [TokenLogprob("A", -0.1, top=(TopLogprob("B", -2.4),))]
    model = ScriptedLM([Reply("A", logprobs=scores, finish_reason="length")])
    (output,) = model("hi", logprobs=True, top_logprobs=2)
    assert output["logprobs"].content[0].top_logprobs[0].token == "B"


def test_a_script_that_runs_out_fails_loudly_and_not_as_one_bad_item() -> None:
    model = ScriptedLM(["only"])
    model("first")
    with pytest.raises(dspy.LMUnexpectedError, match=r"script ran out: request 2 has no reply.*second") as raised:
        model("second")
    assert isinstance(raised.value.__cause__, ScriptExhaustedError)
    error = lm_error(raised.value)
    assert error is not None
    assert is_systemic(error)


def test_a_list_of_the_wrong_length_is_an_error() -> None:
    with pytest.raises(dspy.LMUnexpectedError, match="answers 2 samples, but 1"):
        ScriptedLM([["a", "b"]])("hi")


def test_an_exception_in_the_script_is_raised_once_without_repeating() -> None:
    model = ScriptedLM([RateLimitError("slow down", status=429), "later"])
    with pytest.raises(dspy.LMRateLimitError):
        model("hi")
    assert model("hi") == ["later"]
    assert len(model.requests) == 2


def test_equal_questions_are_not_cached() -> None:
    model = ScriptedLM(["one", "two"])
    assert [model("same"), model("same")] == [["one"], ["two"]]


def test_copies_play_the_same_script() -> None:
    model = ScriptedLM(["one", "two", "three"])
    assert copy.deepcopy(model) is model
    assert [model("a"), model.copy(temperature=1.0)("b")] == [["one"], ["two"]]
    assert [asked.options for asked in model.requests] == [{}, {"temperature": 1.0}]


def test_each_thread_gets_its_own_reply() -> None:
    def slow() -> Iterator[str]:
        for i in range(64):
            time.sleep(0.001)
            yield str(i)

    model = ScriptedLM(slow())
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda _: model("hi")[0], range(64)))
    assert sorted(replies, key=int) == [str(i) for i in range(64)]
    assert len(model.requests) == 64
