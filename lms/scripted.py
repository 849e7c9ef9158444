"""A test LM that answers from a script."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from dspy.lm15 import Message, Request, Response, TokenLogprob, Usage

from openrubrics.lms.local import AsyncLocalEngine, LocalEngine
from openrubrics.lms.metering import Price
from openrubrics.lms.model import EngineLM
from openrubrics.lms.wire import FinishReason, Messages, chat_messages, request_options


@dataclass(frozen=True)
class Reply:
    """One sample of a scripted LM.

    Attributes:
        text: What the model writes.
        logprobs: Scores of the tokens, where the test needs them.
        finish_reason: ``length`` for a text that was cut.
    """

    text: str
    logprobs: Sequence[TokenLogprob] | None = None
    finish_reason: FinishReason = "stop"


Scripted = str | Reply | list[str] | list[Reply] | Exception
"""One entry of a script: a sample, all samples of one request, or an error to raise."""

Script = Iterable[Scripted] | Callable[[Messages, Request], Scripted]


@dataclass(frozen=True)
class Asked:
    """One request that a scripted LM received.

    Attributes:
        messages: Role and content of each message.
        options: Generation options by their names on the wire, without ``n``.
        n: Samples asked for.
    """

    messages: Messages
    options: dict[str, object]
    n: int


class ScriptExhaustedError(AssertionError):
    """A test asked a scripted LM for more than its script holds."""


class _Player:
    """Plays a script; shared by all copies of an LM."""

    def __init__(self, script: Script) -> None:
        self.requests: list[Asked] = []
        self._lock = threading.RLock()
        self._next = script if callable(script) else None
        self._entries = iter(()) if callable(script) else iter(script)

    def answer(self, request: Request, n: int) -> list[Response]:
        messages = chat_messages(request)
        with self._lock:
            self.requests.append(Asked(messages, request_options(request), n))
            replies = self._replies(messages, request, n)
        read = sum(len(message["content"].split()) for message in messages)
        return [_response(request.model, reply, read if i == 0 else 0) for i, reply in enumerate(replies)]

    def _replies(self, messages: Messages, request: Request, n: int) -> list[Reply]:
        replies: list[Reply] = []
        while len(replies) < n:
            entry = self._entry(messages, request)
            if isinstance(entry, Exception):
                raise entry
            if not isinstance(entry, list):
                replies.append(entry if isinstance(entry, Reply) else Reply(entry))
            elif replies or len(entry) != n:
                raise ScriptExhaustedError(f"the script answers {len(entry)} samples, but {n} were asked for")
            else:
                replies = [item if isinstance(item, Reply) else Reply(item) for item in entry]
        return replies

    def _entry(self, messages: Messages, request: Request) -> Scripted:
        if self._next is not None:
            return self._next(messages, request)
        for entry in self._entries:
            return entry
        raise ScriptExhaustedError(
            f"the script ran out: request {len(self.requests)} has no reply; it ends {messages[-1]['content'][-200:]!r}"
        )


def _response(model: str, reply: Reply, read: int) -> Response:
    return Response(
        id=None,
        model=model,
        message=Message.assistant(reply.text),
        finish_reason=reply.finish_reason,
        usage=Usage(input_tokens=read, output_tokens=len(reply.text.split())),
        logprobs=tuple(reply.logprobs) if reply.logprobs is not None else None,
    )


class ScriptedLM(EngineLM):
    """A `dspy.LM` for tests that answers from a script and remembers what it was asked.

    It goes through DSPy's real call path, without its answer cache. Tokens are counted as words between white space.
    It is safe to use from several threads; a deep copy is the LM itself.

    Args:
        replies: A list or iterator of replies, or a function of the messages and the request that returns one. A text
            or a `Reply` is one sample; a list holds all samples of one request; an exception is raised.
        model: Name the LM goes by.
        price: What a word costs, for tests of cost limits.
        options: Generation options, as for `openrubrics.lms.lm`.

    Attributes:
        requests: What was asked so far, one entry for each request; ``n`` samples are one request.

    Raises:
        LMUnexpectedError: From a call (DSPy's error, caused by `ScriptExhaustedError`) when the script has run out.
    """

    def __init__(
        self, replies: Script, *, model: str = "scripted", price: Price | None = None, **options: object
    ) -> None:
        self._player = _Player(replies)
        engine = LocalEngine(model, self._player, price)
        super().__init__(model, engine=engine, async_engine=AsyncLocalEngine(engine), cache=False, **options)

    @property
    def requests(self) -> list[Asked]:
        """What was asked so far."""
        return self._player.requests

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self
