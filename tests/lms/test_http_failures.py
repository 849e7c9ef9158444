"""A server that fails: what is tried again, how long after, and what is raised in the end."""

from __future__ import annotations

import asyncio
import email.utils
import errno
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import dspy
import pytest
from aiohttp.client_reqrep import ConnectionKey

from openrubrics.lms import (
    AsyncHttpEngine,
    Endpoint,
    EngineLM,
    HttpEngine,
    ScriptedLM,
    is_systemic,
    lm,
    lm_error,
    usage_meter,
)
from openrubrics.lms.failures import transport_error
from openrubrics.signatures.errors import LMError

if TYPE_CHECKING:
    from tests.server_plugin import ModelServer

WEB_PAGE = "<!DOCTYPE html><html><body>502 Bad Gateway</body></html>"


class Waits(list[float]):
    """Notes how long it should wait, and does not."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def model_at(url: str, waits: Waits | None = None, retries: int = 3, timeout: float = 5.0) -> dspy.LM:
    endpoint = Endpoint(url, timeout=timeout, retries=retries, sleep=waits if waits is not None else Waits())
    return EngineLM(
        "hosted_vllm/judge", engine=HttpEngine(endpoint), async_engine=AsyncHttpEngine(endpoint), cache=False
    )


def failure(model: dspy.LM) -> LMError:
    with pytest.raises(dspy.LMError) as raised:
        model("hi")
    error = lm_error(raised.value)
    assert error is not None
    return error


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_rate_limit_is_tried_again_after_the_time_the_server_asks_for(
    model_server: ModelServer, asynchronous: bool
) -> None:
    model_server.fails(429, headers={"Retry-After": "7"}).answers()
    waits = Waits()
    model = model_at(model_server.url, waits)
    outputs = asyncio.run(model.acall("hi")) if asynchronous else model("hi")
    assert "sample 0" in outputs[0]
    assert len(model_server.received) == 2
    assert len(waits) == 1
    assert 7 <= waits[0] <= 7.5


def test_a_date_says_when_to_try_again_too(model_server: ModelServer) -> None:
    model_server.fails(503, headers={"Retry-After": email.utils.formatdate(time.time() + 20, usegmt=True)})
    waits = Waits()
    model_at(model_server.url, waits)("hi")
    assert 18 <= waits[0] <= 20.6


def test_a_wait_that_is_too_long_is_not_waited_for(model_server: ModelServer) -> None:
    model_server.fails(429, headers={"Retry-After": "86400"})
    waits = Waits()
    assert failure(model_at(model_server.url, waits)).status == 429
    assert waits == []


def test_waits_grow_without_being_alike(model_server: ModelServer) -> None:
    model_server.fails(500, times=20)
    waits = Waits()
    failure(model_at(model_server.url, waits, retries=12))
    assert len(waits) == 12
    assert all(0 <= wait <= min(30, 0.5 * 2**attempt) for attempt, wait in enumerate(waits))
    assert len(set(waits)) == 12


BAD_REPLIES = {
    "not JSON": "Sorry?",
    "a web page": WEB_PAGE,
    "half of a reply": '{"choices": [{"message": {"content": "hal',
    "no choices": '{"choices": []}',
    "choices of a wrong type": '{"choices": {"message": "hi"}}',
    "content of a wrong type": '{"choices": [{"message": {"content": 3}}]}',
    "usage of a wrong type": '{"choices": [{"message": {"content": "hi"}}], "usage": {"prompt_tokens": -1}}',
    "a sample that broke off": '{"choices": [{"message": {"content": "hi"}, "finish_reason": "abort"}]}',
    "null": "null",
    "nothing": "",
}


@pytest.mark.parametrize("content", BAD_REPLIES.values(), ids=BAD_REPLIES.keys())
def test_an_unreadable_reply_is_tried_again_and_never_an_answer(model_server: ModelServer, content: str) -> None:
    model_server.says(content).says(content)
    assert "sample 0" in model_at(model_server.url, retries=2)("hi")[0]
    model_server.says(content)
    error = failure(model_at(model_server.url, retries=0))
    assert error.retryable
    assert not is_systemic(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize("kind", ["resets", "truncates"])
def test_a_broken_connection_is_tried_again(model_server: ModelServer, kind: str) -> None:
    getattr(model_server, kind)()
    getattr(model_server, kind)()
    assert "sample 0" in model_at(model_server.url, retries=2)("hi")[0]
    assert len(model_server.received) == 3
    getattr(model_server, kind)()
    error = failure(model_at(model_server.url, retries=0))
    assert error.retryable
    assert not is_systemic(error)
    assert model_server.url in error.message


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_stall_is_cut(model_server: ModelServer, asynchronous: bool) -> None:
    model_server.stalls().stalls()
    model = model_at(model_server.url, retries=1, timeout=0.1)
    started = time.monotonic()
    with pytest.raises(dspy.LMTimeoutError, match="within 0"):
        asyncio.run(model.acall("hi")) if asynchronous else model("hi")
    assert time.monotonic() - started < 5
    assert len(model_server.received) == 2


def test_server_errors_end_in_a_typed_error(model_server: ModelServer) -> None:
    model_server.fails(500, "out of memory", times=4)
    with usage_meter() as meter:
        error = failure(model_at(model_server.url, retries=3))
    assert (error.status, error.retryable, len(model_server.received)) == (500, True, 4)
    assert meter.usage.calls == 4
    assert error.message == f"hosted_vllm/judge at {model_server.url}: HTTP 500: out of memory"


def test_a_web_page_in_place_of_an_error_is_named_not_quoted(model_server: ModelServer) -> None:
    model_server.says(WEB_PAGE, status=502, content_type="text/html")
    assert failure(model_at(model_server.url, retries=0)).message.endswith(
        "a web page, not an answer of a model server"
    )


LASTING = {
    "wrong key": (401, {"message": "bad key"}, True, "OPENRUBRICS_API_KEY"),
    "no permission": (403, {"message": "no"}, True, "OPENRUBRICS_API_KEY"),
    "no credit": (429, {"message": "pay first", "code": "insufficient_quota"}, True, "credit"),
    "unknown model": (404, {"message": "The model `judge` does not exist."}, True, "other models"),
    "wrong path": (404, {"message": "Not Found"}, True, "/v1"),
    "too long": (400, {"message": "This model's maximum context length is 64 tokens."}, False, "longer"),
    "too long for vLLM": (400, {"message": "longer than the maximum model length of 64."}, False, "longer"),
    "bad option": (422, {"message": "top_k is unknown"}, False, ""),
}


@pytest.mark.parametrize(("status", "content", "systemic", "hint"), LASTING.values(), ids=LASTING.keys())
def test_other_errors_are_not_tried_again(
    model_server: ModelServer, status: int, content: dict[str, Any], systemic: bool, hint: str
) -> None:
    model_server.fails(status, **content)
    error = failure(model_at(model_server.url))
    assert len(model_server.received) == 1
    assert (error.status, error.retryable, is_systemic(error)) == (status, False, systemic)
    assert hint in error.hint
    assert error.message.endswith(f"HTTP {status}: {content['message']}")


def test_a_redirect_is_not_followed_with_the_key_in_hand(model_server: ModelServer) -> None:
    model_server.fails(307, headers={"Location": f"{model_server.url}/chat/completions"})
    error = failure(model_at(model_server.url))
    assert error.status == 307
    assert is_systemic(error)
    assert error.message.endswith(f"sends requests on to {model_server.url}/chat/completions")
    assert "--api-base" in error.hint
    assert len(model_server.received) == 1


def test_no_server_at_the_address_is_tried_again_and_then_concerns_every_item() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
    waits = Waits()
    error = failure(model_at(url, waits, retries=2))
    assert len(waits) == 2
    assert is_systemic(error)
    assert error.message.endswith(f"no connection to {url}: connection refused")
    assert error.hint == f"is the server running at {url}?"


def test_https_where_the_server_speaks_http_concerns_every_item(model_server: ModelServer) -> None:
    url = model_server.url.replace("http://", "https://")
    error = failure(model_at(url, retries=0))
    assert is_systemic(error)
    assert "SSL" in error.message
    assert "not permitted" not in error.message
    assert error.hint.startswith(f"check http or https in {url}")


KEY = ConnectionKey("judge.invalid", 443, True, True, None, None, None)
NO_CONNECTION = {
    "unknown host": (
        aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(-2, "Name or service not known")),
        "the host name is unknown: Name or service not known",
        "check the address of the server, https://judge.invalid/v1",
    ),
    "bad certificate": (
        aiohttp.ClientConnectorCertificateError(KEY, ssl.SSLCertVerificationError(1, "certificate has expired")),
        "certificate has expired",
        "check http or https in https://judge.invalid/v1, and the certificate of the server",
    ),
    "no route": (
        aiohttp.ClientConnectorError(KEY, OSError(errno.EHOSTUNREACH, "No route to host")),
        "No route to host",
        "is the server running at https://judge.invalid/v1?",
    ),
    "no answer": (
        aiohttp.ConnectionTimeoutError(),
        "the connection timed out",
        "is the server running at https://judge.invalid/v1?",
    ),
}


@pytest.mark.parametrize(("error", "reason", "hint"), NO_CONNECTION.values(), ids=NO_CONNECTION)
def test_why_there_is_no_connection_is_said_in_plain_words(error: Exception, reason: str, hint: str) -> None:
    url = "https://judge.invalid/v1"
    model = ScriptedLM([transport_error(error, url, timeout=1)])
    told = failure(model)
    assert told.message.endswith(f"no connection to {url}: {reason}")
    assert told.hint == hint
    assert is_systemic(told)


def test_an_address_that_is_no_url_concerns_every_item() -> None:
    assert is_systemic(failure(model_at("http://judge:99999/v1", retries=0)))


def test_a_fault_of_the_program_concerns_every_item() -> None:
    def fault(messages: object, request: object) -> str:
        raise TypeError("a fault in the engine")

    error = failure(ScriptedLM(fault))
    assert is_systemic(error)
    assert "a fault in the engine" in error.message


def test_a_name_that_nobody_knows_is_one_line_that_concerns_every_item() -> None:
    error = failure(lm("hosted_vlm/judge", retries=0))
    assert is_systemic(error)
    assert error.message == "there is no language model 'hosted_vlm/judge'"
    assert error.hint.startswith("did you mean hosted_vllm/judge? a name is ")


def test_a_provider_without_a_key_names_its_own_variable() -> None:
    error = failure(lm("openai/gpt-4o", retries=0))
    assert is_systemic(error)
    assert (error.message, error.hint) == (
        "openai/gpt-4o: no API key is set",
        "set OPENAI_API_KEY or --api-key",
    )


def test_a_provider_that_refuses_the_key_is_not_told_of_ours(model_server: ModelServer) -> None:
    model_server.fails(401)
    error = failure(lm("groq/judge", api_base=model_server.url, api_key="k", retries=0))
    assert is_systemic(error)
    assert "no API key is set" not in error.message
    assert error.hint == "set GROQ_API_KEY or --api-key"


def test_what_is_not_about_the_lm_is_not_mapped() -> None:
    assert lm_error(ValueError("other")) is None


def test_mapping_an_error_of_ours_changes_nothing() -> None:
    error = LMError("as it was", retryable=True)
    assert lm_error(error) is error
