"""What is refused before anything is sent, and what makes LMs alike."""

from __future__ import annotations

import copy
import math
import runpy
from typing import Any

import dspy
import pytest
from dspy.lm15 import Message, Request, Response, Usage

from openrubrics.lms import Price, ScriptedLM, identity, lm, lm_identity
from openrubrics.signatures.errors import UsageError

HERE = "http://127.0.0.1:1/v1"


@pytest.mark.parametrize(
    ("name", "options", "hint"),
    [
        ("", {}, "--lm embedded"),
        ("hosted_vllm/m", {}, "--api-base"),
        ("hosted_vllm/", {"api_base": HERE}, "MODEL"),
        ("embeded", {}, "did you mean embedded? a name is hosted_vllm/MODEL"),
        ("Embedded", {}, "did you mean embedded?"),
        ("qwen", {}, "a name is hosted_vllm/MODEL"),
        ("openai/gpt\n", {"api_base": HERE}, "a name is"),
        ("groq/m ", {}, "a name is"),
    ],
)
def test_a_name_that_means_nothing_says_what_to_do(name: str, options: dict[str, Any], hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        lm(name, **options)
    assert hint in raised.value.hint


@pytest.mark.parametrize(
    "address",
    [
        "http:///v1",
        "localhost:8000",
        "http://localhost:99999/v1",
        "http://localhost:0/v1",
        "http://localhost:port/v1",
        "http://[::1/v1",
        "http://local host/v1",
        "http://localhost/v1\n",
        "http://localhost/v1?a=b",
        "http://localhost/v1#a",
        "ftp://localhost/v1",
    ],
)
@pytest.mark.parametrize("name", ["hosted_vllm/m", "groq/m"])
def test_an_address_that_is_no_server_is_refused(name: str, address: str) -> None:
    with pytest.raises(UsageError, match="is not the URL of a server"):
        lm(name, api_base=address)


@pytest.mark.parametrize("key", ["secret\n", "sec\0ret", "sec ret", "s\u00e9cret"])
@pytest.mark.parametrize("name", ["hosted_vllm/m", "groq/m"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(name: str, key: str) -> None:
    with pytest.raises(UsageError, match="API key holds") as raised:
        lm(name, api_base=HERE, api_key=key)
    assert "ret" not in str(raised.value).replace("break", "")


def test_a_key_of_the_environment_is_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENRUBRICS_API_KEY", "secret\n")
    with pytest.raises(UsageError, match="API key holds"):
        lm("openai/m")


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("temperature", -1, "a number from 0 to 2"),
        ("temperature", 2.5, "a number from 0 to 2"),
        ("temperature", math.nan, "a number from 0 to 2"),
        ("temperature", "0.5", "a number from 0 to 2"),
        ("temperature", True, "a number from 0 to 2"),
        ("max_tokens", 0, "a whole number from 1"),
        ("max_tokens", 10.5, "a whole number from 1"),
        ("max_completion_tokens", 0, "a whole number from 1"),
        ("top_p", 0, "a number above 0 to 1"),
        ("top_p", 1.1, "a number above 0 to 1"),
        ("min_p", 1.1, "a number from 0 to 1"),
        ("n", 0, "a whole number from 1"),
        ("top_k", -2, "a whole number from -1"),
        ("top_logprobs", -1, "a whole number from 0"),
        ("repetition_penalty", 0, "a number above 0"),
        ("repetition_penalty", math.inf, "a number above 0"),
        ("presence_penalty", 3, "a number from -2 to 2"),
        ("frequency_penalty", math.inf, "a number from -2 to 2"),
        ("timeout", 0, "a number of seconds above 0"),
        ("timeout", -1, "a number of seconds above 0"),
        ("timeout", math.nan, "a number of seconds above 0"),
        ("retries", -1, "a whole number from 0"),
        ("retries", 1.5, "a whole number from 0"),
    ],
)
@pytest.mark.parametrize("name", ["hosted_vllm/m", "groq/m", "embedded"])
def test_an_option_out_of_its_range_is_refused(name: str, option: str, value: object, allowed: str) -> None:
    given: dict[str, Any] = {option: value}
    with pytest.raises(UsageError) as raised:
        lm(name, api_base=HERE, **given)
    assert raised.value.message == f"{option} is {value!r}, but must be {allowed}"


def test_options_at_the_ends_of_their_ranges_are_taken() -> None:
    for options in ({"temperature": 0, "top_p": 1, "n": 1, "top_k": -1}, {"temperature": 2.0, "max_tokens": 1}):
        given: dict[str, Any] = options
        assert lm("hosted_vllm/m", api_base=HERE, retries=0, timeout=0.1, **given).kwargs.items() >= options.items()


@pytest.mark.parametrize("prices", [(-1, 0), (0, -0.1), (math.nan, 0), (0, math.inf)])
def test_an_amount_that_is_no_price_is_refused(prices: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match="but a price must be a number from 0"):
        Price(*prices)


class Elsewhere:
    """An engine of somebody else."""

    def complete(self, request: Request) -> Response:
        """Answer a request."""
        return Response(None, request.model, Message.assistant("hi"), "stop", Usage())


def test_engines_that_may_answer_differently_are_not_alike() -> None:
    first, second = ScriptedLM(["a"]), ScriptedLM(["b"])
    assert lm_identity(first) == lm_identity(first)
    assert lm_identity(first) != lm_identity(second)
    assert lm_identity(copy.deepcopy(first)) == lm_identity(first.copy()) == lm_identity(first)
    assert lm_identity(first.copy(temperature=1.0)) != lm_identity(first)
    foreign = [dspy.LM("theirs", engine=Elsewhere()) for _ in range(2)]
    assert lm_identity(foreign[0]) != lm_identity(foreign[1])


def test_names_of_engines_are_never_given_again() -> None:
    assert len({lm_identity(ScriptedLM(["a"])) for _ in range(50)}) == 50


def test_an_engine_from_elsewhere_is_never_like_one_of_another_process() -> None:
    # Run anew, the module knows no more of what was named before than in a process of its own.
    texts = {runpy.run_path(identity.__file__)["lm_identity"](ScriptedLM(["a"])) for _ in range(2)}
    assert len(texts) == 2


def test_the_same_server_and_the_embedded_reader_are_alike_wherever_they_are_made() -> None:
    assert lm_identity(lm("embedded")) == lm_identity(lm("embedded"))
    assert lm_identity(lm("hosted_vllm/m", api_base=HERE)) == lm_identity(lm("hosted_vllm/m", api_base=f"{HERE}/"))
    assert lm_identity(lm("groq/m")) == lm_identity(lm("groq/m"))
