"""A model server on loopback that behaves as a test says, and remembers what it was asked."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

Behaviour = Callable[["ModelServer", web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]
"""What to do with one request; the last argument is its JSON body."""


@dataclass
class Received:
    """One request as it arrived."""

    body: dict[str, Any]
    headers: dict[str, str]


@dataclass
class ModelServer:
    """An OpenAI-compatible server.

    Each request takes the next entry of `script`; when it is empty, `default` answers.
    """

    url: str = ""
    text: str = "[[ ## answer ## ]]\nsample {index}\n\n[[ ## completed ## ]]"
    script: list[Behaviour] = field(default_factory=list)
    default: Behaviour = field(default_factory=lambda: reply())
    received: list[Received] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    dropped: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.received.append(Received(body, dict(request.headers)))
        behave = self.script.pop(0) if self.script else self.default
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await behave(self, request, body)
        except asyncio.CancelledError:
            self.dropped += 1
            raise
        finally:
            self.in_flight -= 1

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [received.body for received in self.received]

    def completion(self, body: dict[str, Any], finish_reason: str = "stop") -> dict[str, Any]:
        """A reply with as many samples as were asked for; 7 tokens read, 5 written for each sample."""
        n = body.get("n", 1)
        return {
            "id": "reply-1",
            "object": "chat.completion",
            "model": body["model"],
            "choices": [
                {
                    "index": index,
                    "message": {"role": "assistant", "content": self.text.format(index=index)},
                    "finish_reason": finish_reason,
                    "logprobs": _logprobs(index, body) if body.get("logprobs") else None,
                }
                for index in range(n)
            ],
            "usage": {"prompt_tokens": 7, "completion_tokens": 5 * n, "total_tokens": 7 + 5 * n},
        }


def _logprobs(index: int, body: dict[str, Any]) -> dict[str, Any]:
    others = [{"token": f"t{k}", "logprob": -1.0 - k, "bytes": None} for k in range(body.get("top_logprobs", 0))]
    return {"content": [{"token": str(index), "logprob": -0.1, "bytes": [48 + index], "top_logprobs": others}]}


def reply(delay: float = 0.0, finish_reason: str = "stop", samples: int | None = None) -> Behaviour:
    """Answer properly; `samples` overrides the number that was asked for."""

    async def behave(server: ModelServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        await asyncio.sleep(delay)
        asked = body if samples is None else {**body, "n": samples}
        return web.json_response(server.completion(asked, finish_reason))

    return behave


def status(code: int, message: str = "no", headers: dict[str, str] | None = None, **error: str) -> Behaviour:
    """Answer with an error in the form of vLLM and OpenAI."""

    async def behave(server: ModelServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return web.json_response({"error": {"message": message, **error}}, status=code, headers=headers)

    return behave


def raw(content: str, code: int = 200, content_type: str = "application/json") -> Behaviour:
    """Answer with exactly this content."""

    async def behave(server: ModelServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return web.Response(text=content, status=code, content_type=content_type)

    return behave


def reset() -> Behaviour:
    """Close the connection without a reply."""

    async def behave(server: ModelServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    return behave


def stall() -> Behaviour:
    """Send headers and the start of a reply, then nothing more."""

    async def behave(server: ModelServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'{"choices": [')
        await asyncio.sleep(30)
        return response

    return behave


def truncate() -> Behaviour:
    """Announce a whole reply and close after half of it."""

    async def behave(server: ModelServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        content = json.dumps(server.completion(body)).encode()
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(content))})
        await response.prepare(request)
        await response.write(content[: len(content) // 2])
        assert request.transport is not None
        request.transport.close()
        return response

    return behave


def _serve(server: ModelServer, ready: threading.Event, loop: asyncio.AbstractEventLoop) -> None:
    async def start() -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", server.handle)
        # Handlers are cancelled when the client goes away, so that a test can see it.
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        return runner

    runner = loop.run_until_complete(start())
    ready.set()
    loop.run_forever()
    loop.run_until_complete(runner.cleanup())
    loop.close()


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    """A running model server, in a thread of its own."""
    server, ready, loop = ModelServer(), threading.Event(), asyncio.new_event_loop()
    thread = threading.Thread(target=_serve, args=(server, ready, loop), daemon=True)
    thread.start()
    assert ready.wait(5)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
