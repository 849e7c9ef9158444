"""The engine pair for OpenAI-compatible servers: real samples, retries, usage, on one aiohttp session."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self

import aiohttp
import orjson
from dspy.lm15 import RETRYABLE_ERRORS, LM15Error, Request, Response

from openrubrics.lms.backoff import wait_before
from openrubrics.lms.candidates import pending_samples
from openrubrics.lms.failures import status_error, transport_error
from openrubrics.lms.metering import Price, record, reserve, usage_of
from openrubrics.lms.names import OPENAI_COMPATIBLE
from openrubrics.lms.options import READ_BY_DSPY
from openrubrics.lms.sessions import loop_session, run_in_background
from openrubrics.lms.wire import chat_messages, read_completion, request_options

TIMEOUT = 600.0
CONNECT_TIMEOUT = 10.0
RETRIES = 5


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible server.

    Attributes:
        api_base: URL up to and including ``/v1``.
        api_key: Sent as a bearer token.
        timeout: Seconds for one request from its first to its last byte.
        connect_timeout: Seconds to make a connection.
        retries: How often a request is repeated after rate limits, timeouts, server errors, broken connections and
            unreadable replies. Never after another error of the 400s.
        price: What the model charges; None where unknown.
        sleep: Waits between attempts.
    """

    api_base: str
    api_key: str | None = field(default=None, repr=False)
    timeout: float = TIMEOUT
    connect_timeout: float = CONNECT_TIMEOUT
    retries: int = RETRIES
    price: Price | None = None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def ask(self, request: Request, n: int) -> list[Response]:
        """Send one request for `n` samples, and again where that may help.

        Returns:
            At least one and at most `n` samples: some servers ignore ``n``.

        Raises:
            LM15Error: What went wrong in the last attempt.
            BudgetError: A limit was reached before an attempt.
        """
        body = orjson.dumps(_body(request, n))
        attempt = 0
        while True:
            try:
                return (await self._attempt(body, request))[:n]
            except RETRYABLE_ERRORS as error:
                wait = wait_before(attempt, error.retry_after)
                if attempt >= self.retries or wait is None:
                    raise
            attempt += 1
            await self.sleep(wait)

    async def _attempt(self, body: bytes, request: Request) -> list[Response]:
        reserve(request.model, priced=self.price is not None)
        usage = usage_of(0, 0, self.price)
        try:
            responses = read_completion(await self._post(body), request)
            counts = responses[0].usage
            usage = usage_of(counts.input_tokens, counts.output_tokens, self.price)
            return responses
        finally:
            record(usage)

    async def _post(self, body: bytes) -> bytes:
        session = await loop_session()
        headers = {"Content-Type": "application/json"}
        if self.api_key is not None:
            headers["Authorization"] = f"Bearer {self.api_key}"
        try:
            async with session.post(
                f"{self.api_base}/chat/completions",
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self.timeout, sock_connect=self.connect_timeout),
            ) as reply:
                content = await reply.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise transport_error(error, self.api_base, self.timeout) from error
        if reply.status != 200:
            raise status_error(reply.status, reply.headers, content, self.api_base)
        return content

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self


def _body(request: Request, n: int) -> dict[str, object]:
    prefix = next((p for p in OPENAI_COMPATIBLE if request.model.startswith(p)), "")
    samples = {"n": n} if n > 1 else {}
    return {
        "model": request.model.removeprefix(prefix),
        "messages": chat_messages(request),
        **request_options(request),
        **samples,
    }


class HttpEngine:
    """Answers `dspy.LM.__call__` from any thread, through the background loop."""

    supports_response_schema = True
    supported_params = READ_BY_DSPY

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def complete(self, request: Request) -> Response:
        """Answer one request of DSPy."""
        pending = pending_samples(self, request)
        if ready := pending.take():
            return ready
        try:
            return pending.add(run_in_background(self.endpoint.ask(request, pending.missing)))
        except LM15Error:
            if lost := pending.give_up():
                return lost
            raise

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self


class AsyncHttpEngine:
    """Answers `dspy.LM.acall` inside the running loop."""

    supports_response_schema = True
    supported_params = READ_BY_DSPY

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    async def complete(self, request: Request) -> Response:
        """Answer one request of DSPy."""
        pending = pending_samples(self, request)
        if ready := pending.take():
            return ready
        try:
            return pending.add(await self.endpoint.ask(request, pending.missing))
        except LM15Error:
            if lost := pending.give_up():
                return lost
            raise

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self
