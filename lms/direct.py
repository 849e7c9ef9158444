"""Samples of an LM with as little as possible in between.

For an LM of this room the request's options are worked out once, by DSPy itself, and kept; then only the messages
change, and they go straight to the engine. Every other LM is called as DSPy calls it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import dspy
from dspy.clients.errors import error_boundary
from dspy.lm15 import Message, Request, Response, Usage

from openrubrics.lms.http import AsyncHttpEngine
from openrubrics.lms.identity import call_identity
from openrubrics.lms.local import AsyncLocalEngine
from openrubrics.lms.metering import Meter, meters_for_threads, task_meter, usage_meter
from openrubrics.lms.model import EngineLM
from openrubrics.lms.samples import LMReply, sample_of
from openrubrics.lms.wire import Messages, request_options
from openrubrics.signatures.adapter import ask


class Route(Protocol):
    """A way to ask one LM with one set of options.

    Attributes:
        key: Equal for routes of the same LM and options, so that equal messages mean an equal request.
        lasting: Whether later calls with equal options can take it too.
    """

    @property
    def key(self) -> str:
        """See `Route`."""
        ...

    @property
    def lasting(self) -> bool:
        """See `Route`."""
        ...

    async def ask(self, messages: Messages) -> LMReply:
        """Return the samples, and what they cost.

        Raises:
            Exception: What `dspy.LM.acall` raises.
        """
        ...


class Routes:
    """Finds the way to an LM, and remembers it."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str, str], tuple[dspy.BaseLM, Route]] = {}

    def to(self, lm: dspy.BaseLM, options: Mapping[str, Any]) -> Route:
        """Return the way to ask an LM with these options of the call.

        Raises:
            dspy.utils.exceptions.LMError: DSPy refuses the options.
        """
        place = (id(lm), repr(lm.kwargs), repr(options))
        known = self._known.get(place)
        if known is not None:
            return known[1]
        route = _route(lm, options)
        if route.lasting:
            # The LM is kept, so that its id is not given to another one.
            self._known[place] = lm, route
        return route


def _route(lm: dspy.BaseLM, options: Mapping[str, Any]) -> Route:
    n = {**lm.kwargs, **options}.get("n")
    try:
        json.dumps([lm.kwargs, options])
    except (TypeError, ValueError):  # options that are objects, such as a class for the response format
        return _Call(lm, options)
    if not isinstance(lm, EngineLM) or not _is_plain(lm) or not (n is None or (type(n) is int and n >= 1)):
        return _Call(lm, options)
    engine = lm.async_engine
    if not isinstance(engine, AsyncHttpEngine | AsyncLocalEngine):
        return _Call(lm, options)
    request = _canonical(lm, options)
    scored = bool({**lm.kwargs, **options}.get("logprobs"))
    key = call_identity(lm, options)
    if isinstance(engine, AsyncHttpEngine):
        return _Http(key, engine, request.model, request_options(request), n or 1, scored)
    return _Local(key, engine, request, n or 1, scored)


def _is_plain(lm: EngineLM) -> bool:
    """Whether nothing of DSPy's takes part in a call but its passage: no cache, callbacks or method of a subclass."""
    own = all(getattr(type(lm), name) is getattr(EngineLM, name) for name in ("acall", "aforward", "_folded"))
    return own and not (lm.cache or lm.callbacks or {"acall", "aforward"} & vars(lm).keys())


class _Catch:
    """An engine that answers nothing and keeps the request that DSPy made."""

    supports_response_schema = AsyncHttpEngine.supports_response_schema
    supported_params = AsyncHttpEngine.supported_params

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def complete(self, request: Request) -> Response:
        self.requests.append(request)
        return Response(
            id=None, model=request.model, message=Message.assistant(""), finish_reason="stop", usage=Usage()
        )


def _canonical(lm: EngineLM, options: Mapping[str, Any]) -> Request:
    """Return the request that DSPy makes of these options."""
    catch = _Catch()
    copy = lm.copy(engine=catch, async_engine=None)
    with dspy.context(disable_history=True, usage_tracker=None, callbacks=[], send_stream=None):
        copy("", **options)
    return catch.requests[0]


def _check_unicode(messages: Messages) -> None:
    """Refuse text that no server can receive, with the error that DSPy raises too.

    Raises:
        ValueError: A message holds half of a surrogate pair.
    """
    for message in messages:
        message["content"].encode()


@dataclass(frozen=True)
class _Http:
    key: str
    engine: AsyncHttpEngine
    model: str
    options: Mapping[str, object]
    n: int
    scored: bool
    lasting = True

    async def ask(self, messages: Messages) -> LMReply:
        _check_unicode(messages)
        spent = Meter()
        try:
            samples = await self.engine.endpoint.sample(
                self.model, messages, self.options, self.n, scored=self.scored, meter=spent
            )
        except Exception:  # every error goes through DSPy's boundary, which is entered only where there is one
            with error_boundary(self.model, unexpected=True):
                raise
        return LMReply(samples, spent.usage)


@dataclass(frozen=True)
class _Local:
    key: str
    engine: AsyncLocalEngine
    request: Request
    n: int
    scored: bool
    lasting = True

    async def ask(self, messages: Messages) -> LMReply:
        _check_unicode(messages)
        turns = {"user": Message.user, "assistant": Message.assistant}
        request = replace(self.request, messages=tuple(turns[m["role"]](m["content"]) for m in messages))
        with task_meter() as spent, error_boundary(request.model, unexpected=True):
            samples = self.engine.engine.sample(request, self.n, scored=self.scored)
        return LMReply(samples, spent.usage)


class _Call:
    """The way through `dspy.LM.acall`."""

    lasting = False

    def __init__(self, lm: dspy.BaseLM, options: Mapping[str, Any]) -> None:
        self.key = call_identity(lm, options)
        self.lm = lm
        self.options = options

    async def ask(self, messages: Messages) -> LMReply:
        with meters_for_threads(), usage_meter() as spent:
            outputs = await ask(self.lm, messages, self.options)
        return LMReply([sample_of(output) for output in outputs], spent.usage)
