"""Rubrics are read, kept and shared; failures are neither."""

import asyncio
import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Event
from typing import Any

import dspy
import pytest
from dspy.lm15 import AuthError, Request, ServerError
from judge_world import GARBAGE, RUBRIC, RUBRIC_TEXT, call

from openrubrics.lms import EndpointError, ScriptedLM, lm
from openrubrics.lms.identity import lm_identity
from openrubrics.lms.scripted import Messages
from openrubrics.programs import ContrastiveRubricGenerator, RubricGenerator, RubricRM
from openrubrics.signatures import Failed, GenerateRubric, Message, UsageError

both_speeds = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])


@both_speeds
def test_the_reply_is_read_as_a_rubric(asynchronous: bool) -> None:
    script = ScriptedLM([f"Here it is:\n{RUBRIC_TEXT}"])
    assert call(RubricGenerator(), asynchronous, script, prompt="Write a haiku.") == RUBRIC
    (asked,) = script.requests
    assert asked.messages[-1]["content"].endswith("<prompt>\nWrite a haiku.\n</prompt>")


def test_a_conversation_is_shown_as_a_transcript() -> None:
    script = ScriptedLM([RUBRIC_TEXT])
    turns = (Message(role="user", content="Hi"), Message(role="assistant", content="Hello"))
    call(RubricGenerator(), False, script, prompt=(*turns, Message(role="user", content="Bye")))
    assert (
        "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: Bye\n\nAssistant:\n" in script.requests[0].messages[-1]["content"]
    )


@both_speeds
def test_garbage_is_failed_with_the_text_and_is_not_kept(asynchronous: bool) -> None:
    script = ScriptedLM([GARBAGE, RUBRIC_TEXT])
    generator = RubricGenerator()
    failed = call(generator, asynchronous, script, prompt="p")
    assert isinstance(failed, Failed)
    assert failed.raw == GARBAGE
    assert "no criterion found" in failed.reason
    assert call(generator, asynchronous, script, prompt="p") == RUBRIC


@both_speeds
def test_a_request_that_fails_for_its_own_reasons_is_failed_and_is_not_kept(asynchronous: bool) -> None:
    script = ScriptedLM([ServerError("overloaded"), RUBRIC_TEXT])
    generator = RubricGenerator()
    failed = call(generator, asynchronous, script, prompt="p")
    assert isinstance(failed, Failed)
    assert "overloaded" in failed.reason
    assert call(generator, asynchronous, script, prompt="p") == RUBRIC


def test_a_known_prompt_asks_nothing_at_either_speed() -> None:
    script = ScriptedLM([RUBRIC_TEXT, "1. The response is another. [Principle]"])
    generator = RubricGenerator()
    for asynchronous in (False, True, False):
        assert call(generator, asynchronous, script, prompt="p") == RUBRIC
    assert call(generator, False, script, prompt="q") != RUBRIC
    assert len(script.requests) == 2


def _other_instructions(generator: RubricGenerator) -> RubricGenerator:
    generator.predict.signature = GenerateRubric.with_instructions("Write less.")
    return generator


def _with_demonstration(generator: RubricGenerator) -> RubricGenerator:
    generator.predict.demos = [dspy.Example(prompt="earlier", rubric=RUBRIC)]
    return generator


def _with_template(generator: RubricGenerator) -> RubricGenerator:
    other = RubricGenerator(template="Rubric for: {prompt}")
    other.cache = generator.cache
    return other


@pytest.mark.parametrize("change", [_other_instructions, _with_demonstration, _with_template])
def test_another_program_asks_again(change: Callable[[RubricGenerator], RubricGenerator]) -> None:
    script = ScriptedLM(lambda messages, request: RUBRIC_TEXT)
    generator = RubricGenerator()
    call(generator, False, script, prompt="p")
    call(change(generator), False, script, prompt="p")
    assert len(script.requests) == 2


def _named(name: str = "scripted", **options: Any) -> ScriptedLM:  # noqa: ANN401
    return ScriptedLM(lambda messages, request: RUBRIC_TEXT, model=name, **options)


@pytest.mark.parametrize(
    ("change", "asks"),
    [
        (lambda one: _named("another"), True),
        (lambda one: one.copy(temperature=0.3), True),
        (lambda one: one.copy(rollout_id=7), True),
        (lambda one: one.copy(), False),
        (lambda one: one.copy(callbacks=[]), False),
    ],
    ids=["name", "sampling", "rollout", "same", "nothing that matters"],
)
def test_another_model_asks_again(change: Callable[[ScriptedLM], ScriptedLM], asks: bool) -> None:
    one, generator = _named(), RubricGenerator()
    other = change(one)
    call(generator, False, one, prompt="p")
    call(generator, False, other, prompt="p")
    asked = one.requests if other.requests is one.requests else one.requests + other.requests
    assert len(asked) == 1 + asks


def test_the_sampling_of_the_predictor_asks_again() -> None:
    lm = _named()
    generator = RubricGenerator()
    for config in ({"temperature": 0.1}, {"temperature": 0.9}, {"temperature": 0.1}, {"stop": ["x"], "rollout_id": 2}):
        generator.predict.config = config
        call(generator, False, lm, prompt="p")
    assert [asked.options.get("temperature") for asked in lm.requests] == [0.1, 0.9, None]


@both_speeds
@pytest.mark.parametrize("prompt", [1, None, [], [{"role": "user"}]])
def test_a_prompt_of_another_kind_is_refused_before_any_request(prompt: object, asynchronous: bool) -> None:
    script = ScriptedLM([])
    with pytest.raises(UsageError, match="prompt"):
        call(RubricGenerator(), asynchronous, script, prompt=prompt)
    with pytest.raises(UsageError, match="prompt"):
        call(ContrastiveRubricGenerator(), asynchronous, script, prompt=prompt, responses=["good", "bad"])
    assert script.requests == []


@both_speeds
@pytest.mark.parametrize(
    ("responses", "message"),
    [("good", "responses is 'good' of type str"), (["good", 1], r"responses\[1\] is 1"), (None, "responses is None")],
)
def test_a_contrast_takes_texts_only(responses: object, message: str, asynchronous: bool) -> None:
    script = ScriptedLM([])
    with pytest.raises(UsageError, match=message):
        call(ContrastiveRubricGenerator(), asynchronous, script, prompt="p", responses=responses)
    assert script.requests == []


def test_two_servers_under_one_model_name_are_two_models() -> None:
    here = lm_identity(lm("hosted_vllm/m", api_base="http://127.0.0.1:1/v1"))
    assert lm_identity(lm("hosted_vllm/m", api_base="http://127.0.0.1:1/v1/", api_key="k")) == here
    assert lm_identity(lm("hosted_vllm/m", api_base="http://127.0.0.1:2/v1")) != here


def test_a_deep_copy_shares_what_is_known() -> None:
    script = ScriptedLM([RUBRIC_TEXT])
    program = RubricRM()
    call(program.generate, False, script, prompt="p")
    copied = copy.deepcopy(program)
    assert copied.generate is not program.generate
    assert call(copied.generate, False, script, prompt="p") == RUBRIC


def test_a_known_rubric_still_shows_in_the_trace() -> None:
    script = ScriptedLM([RUBRIC_TEXT])
    generator = RubricGenerator()
    traces = []
    for _ in range(2):
        with dspy.context(trace=[]):
            call(generator, False, script, prompt="p")
            traces.append(list(dspy.settings.trace))
    (first,), (second,) = traces
    assert first[0] is second[0] is generator.predict
    assert first[1] == second[1] == {"prompt": "p"}
    assert first[2].rubric == second[2].rubric == RUBRIC


class _Slow:
    """A script whose first request waits until it is let go; what it then does is given."""

    def __init__(self, first: str | Exception = RUBRIC_TEXT) -> None:
        self.first = first
        self.asked = Event()
        self.go = Event()

    def __call__(self, messages: Messages, request: Request) -> str | Exception:
        first = not self.asked.is_set()
        self.asked.set()
        if not first:
            return RUBRIC_TEXT
        assert self.go.wait(10)
        return self.first


def test_threads_that_want_the_same_rubric_ask_once() -> None:
    slow = _Slow()
    script = ScriptedLM(slow)
    generator = RubricGenerator()
    with dspy.context(lm=script), ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(copy_context().run, generator, prompt="p") for _ in range(4)]
        assert slow.asked.wait(10)
        slow.go.set()
        assert [run.result(10) for run in runs] == [RUBRIC] * 4
    assert len(script.requests) == 1


def test_tasks_that_want_the_same_rubric_ask_once() -> None:
    script = ScriptedLM([RUBRIC_TEXT])
    generator = RubricGenerator()

    async def all_at_once() -> list[object]:
        return await asyncio.gather(*(generator.acall(prompt="p") for _ in range(4)))

    with dspy.context(lm=script):
        assert asyncio.run(all_at_once()) == [RUBRIC] * 4


@both_speeds
def test_an_endpoint_that_answers_nobody_raises_and_is_asked_again(asynchronous: bool) -> None:
    script = ScriptedLM([AuthError("no such key", status=401), RUBRIC_TEXT])
    generator = RubricGenerator()
    with pytest.raises(EndpointError, match="no such key"):
        call(generator, asynchronous, script, prompt="p")
    assert call(generator, asynchronous, script, prompt="p") == RUBRIC


@both_speeds
def test_without_a_model_the_error_says_how_to_set_one(asynchronous: bool) -> None:
    with pytest.raises(UsageError, match="--lm"):
        call(RubricGenerator(), asynchronous, None, prompt="p")


def test_a_template_without_the_request_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no place for \{prompt\}"):
        RubricGenerator(template="Write a rubric.")


@both_speeds
@pytest.mark.parametrize("responses", [["good", "bad"], ["best", "good", "fair", "bad"]])
def test_a_contrast_shows_all_responses_best_first(responses: list[str], asynchronous: bool) -> None:
    script = ScriptedLM([RUBRIC_TEXT])
    rubric = call(ContrastiveRubricGenerator(), asynchronous, script, prompt="p", responses=responses)
    assert rubric == RUBRIC
    sections = "\n".join(f"<response_{i}>\n{text}\n</response_{i}>" for i, text in enumerate(responses, 1))
    assert script.requests[0].messages[-1]["content"].endswith(f"<responses>\n{sections}\n</responses>")


@both_speeds
@pytest.mark.parametrize("responses", [[], ["only one"], ["same", "same"]])
def test_a_contrast_needs_a_difference(responses: list[str], asynchronous: bool) -> None:
    script = ScriptedLM([])
    with pytest.raises(UsageError, match="at least two different"):
        call(ContrastiveRubricGenerator(), asynchronous, script, prompt="p", responses=responses)
    assert script.requests == []


@both_speeds
def test_a_contrast_that_gives_no_rubric_is_failed(asynchronous: bool) -> None:
    script = ScriptedLM([GARBAGE, ServerError("overloaded"), AuthError("no such key", status=401)])
    contrast = ContrastiveRubricGenerator()
    inputs = {"prompt": "p", "responses": ["good", "bad"]}
    garbage, overloaded = (call(contrast, asynchronous, script, **inputs) for _ in range(2))
    assert isinstance(garbage, Failed)
    assert garbage.raw == GARBAGE
    assert isinstance(overloaded, Failed)
    assert "overloaded" in overloaded.reason
    with pytest.raises(EndpointError, match="no such key"):
        call(contrast, asynchronous, script, **inputs)
