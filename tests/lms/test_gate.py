"""A gate sees every synchronous call of an LM, wherever in DSPy it is made, and may answer it itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import dspy
import pytest
from dspy.lm15 import Message, Request

from openrubrics.lms import ScriptedLM, lm
from openrubrics.lms.gate import gated

if TYPE_CHECKING:
    from tests.server_plugin import ModelServer

ANSWER = dspy.Predict("question -> answer")
REPLY = "[[ ## answer ## ]]\nyes\n\n[[ ## completed ## ]]"


class Watching:
    """Notes the calls, and answers them from what it is given before it lets any through."""

    def __init__(self, *known: list[Any]) -> None:
        self.known = list(known)
        self.seen: list[tuple[str, str, dict[str, Any]]] = []

    def call(
        self, lm: dspy.LM, messages: list[dict[str, Any]], options: Mapping[str, Any], ask: Callable[[], list[Any]]
    ) -> list[Any]:
        self.seen.append((lm.model, messages[-1]["content"], dict(options)))
        return self.known.pop(0) if self.known else ask()


class Flown(BaseException):
    """What no optimizer catches."""


class Shut:
    def call(
        self, lm: dspy.LM, messages: list[dict[str, Any]], options: Mapping[str, Any], ask: Callable[[], list[Any]]
    ) -> list[Any]:
        raise Flown


def test_a_gate_sees_the_calls_of_threads_and_of_copies() -> None:
    gate, model = Watching(), ScriptedLM(lambda messages, request: REPLY)
    examples = [dspy.Example(question=str(i), answer="yes").with_inputs("question") for i in range(6)]
    evaluate = dspy.Evaluate(devset=examples, metric=lambda example, pred: 1.0, num_threads=3, display_progress=False)
    with gated(gate), dspy.context(lm=model.copy(rollout_id=1, temperature=1.0)):
        evaluate(ANSWER)
    assert len(gate.seen) == len(model.requests) == 6
    assert not [seen for seen in gate.seen if seen[0] != "scripted"]


def test_what_a_gate_answers_is_not_asked() -> None:
    model = ScriptedLM([])
    with gated(Watching([{"text": REPLY, "finish_reason": "stop"}])), dspy.context(lm=model):
        assert ANSWER(question="?").answer == "yes"
    assert model.requests == []


def test_a_plain_prompt_gets_plain_texts() -> None:
    whole, cut = {"text": "two", "finish_reason": "stop"}, {"text": "tw", "finish_reason": "length"}
    model = ScriptedLM(["one"])
    with gated(Watching([whole], [cut])):
        assert model("hi") == ["two"]
        assert model("hi") == [cut]
        assert model("hi") == ["one"]


def test_several_samples_of_a_call_pass_together(model_server: ModelServer) -> None:
    gate = Watching()
    with gated(gate):
        outputs = lm("hosted_vllm/m", api_base=model_server.url)("hi", n=3)
    assert len(outputs) == 3
    assert [options for _, _, options in gate.seen] == [{"n": 3}]
    assert len(model_server.received) == 1


def test_several_samples_of_a_provider_pass_together(model_server: ModelServer) -> None:
    gate = Watching()
    provider = lm("together_ai/m", api_base=model_server.url, api_key="x")
    with gated(gate):
        assert len(provider("hi", n=2)) == 2
    assert len(gate.seen) == 1
    assert len(model_server.received) == 2


def test_what_a_gate_raises_passes_what_takes_every_exception_for_a_wrong_answer() -> None:
    examples = [dspy.Example(question="?", answer="yes").with_inputs("question")]
    evaluate = dspy.Evaluate(devset=examples, metric=lambda example, pred: 1.0, num_threads=2, display_progress=False)
    optimizer = dspy.BootstrapFewShot(metric=lambda example, pred, trace=None: True)
    with gated(Shut()), dspy.context(lm=ScriptedLM([])):
        with pytest.raises(Flown):
            evaluate(ANSWER)
        with pytest.raises(Flown):
            optimizer.compile(ANSWER, trainset=examples)


def test_a_request_of_dspy_and_calls_outside_pass_by() -> None:
    gate, model = Watching(), ScriptedLM(["one", "two"])
    with gated(gate):
        model(Request(model=model.model, messages=(Message.user("hi"),)))
    model("hi")
    assert gate.seen == []
    assert len(model.requests) == 2
