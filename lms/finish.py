"""Why each sample of a call ended, told to those who read the sample.

DSPy gives an adapter the text of a sample and not whether it is whole. The LMs of this room take the reasons from the
history entry that DSPy writes for every call, also for an answer from its cache, and add them to the outputs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

import dspy
from dspy.lm15 import Message, Response, Usage

NO_TEXT = "no_text"
"""Finish reason of a sample that was asked for and never arrived."""

REASON = "openrubrics.finish_reason"
"""Field of ``provider_data`` for a reason that DSPy has no word for."""


@dataclass
class _Call:
    """One call on its way through DSPy."""

    chat: bool
    keep_history: bool
    reasons: list[str] = field(default_factory=list)
    complete: bool = True


_CALL: ContextVar[_Call | None] = ContextVar("openrubrics_call", default=None)


def lost_sample(model: str, reason: str = NO_TEXT) -> Response:
    """Return what stands for a sample of which no whole text arrived."""
    return Response(
        id=None,
        model=model,
        message=Message.assistant(""),
        finish_reason="error",
        usage=Usage(),
        provider_data={REASON: reason},
    )


def veiled(response: Response) -> Response:
    """Keep DSPy from logging a warning for a cut sample where the outputs will say that it is cut."""
    call = _CALL.get()
    if call is None or not call.chat or response.finish_reason != "length":
        return response
    return replace(response, finish_reason="stop", provider_data={REASON: "length"})


def _unveiled(response: Response) -> Response:
    if finish_reason(response) != "length":
        return response
    return replace(response, finish_reason="length", provider_data=None)


def finish_reason(response: Response) -> str:
    """Return why a sample ended, in the words of `FinishLM`."""
    told = (response.provider_data or {}).get(REASON)
    return told if isinstance(told, str) else response.finish_reason


def _responses(answer: object) -> tuple[Response, ...]:
    items = answer if isinstance(answer, tuple) else (answer,)
    return tuple(item for item in items if isinstance(item, Response))


def _reasons(answer: object) -> list[str]:
    """Return why each sample ended, from whichever form of an answer the history entry holds."""
    choices = getattr(answer, "choices", None) or []
    return [
        *map(finish_reason, _responses(answer)),
        *(str(getattr(choice, "finish_reason", None) or "stop") for choice in choices),
    ]


class FinishLM(dspy.LM):
    """A `dspy.LM` whose outputs say why each sample ended.

    A call with ``messages``, as adapters make it, returns a dict for each sample, in order: ``text``, ``finish_reason``
    (``stop``, ``length`` for a text that was cut, ``content_filter``, ``refusal``, otherwise the server's own word, or
    ``no_text`` for a sample that never arrived), and ``logprobs`` and what else DSPy adds. A call with a plain prompt
    returns texts as DSPy does, unless a sample is lost.
    """

    def __call__(self, prompt=None, *, messages=None, **options):  # noqa: ANN001, ANN003, ANN204
        """Answer like `dspy.LM`."""
        with _watched(chat=messages is not None) as call:
            return _told(super().__call__(prompt, messages=messages, **options), call)

    async def acall(self, prompt=None, *, messages=None, **options):  # noqa: ANN001, ANN003, ANN201
        """Answer like `dspy.LM.acall`."""
        with _watched(chat=messages is not None) as call:
            return _told(await super().acall(prompt, messages=messages, **options), call)

    def update_history(self, entry: dict[str, Any]) -> None:
        """Take the reasons from the history entry of the call."""
        call, answer = _CALL.get(), entry.get("response")
        if isinstance(answer, Response):
            entry["response"] = _unveiled(answer)
        elif isinstance(answer, tuple):
            entry["response"] = tuple(map(_unveiled, _responses(answer)))
        if call is not None:
            call.reasons = _reasons(answer)
            call.complete = all(r.finish_reason != "error" for r in _responses(answer))
        if call is None or call.keep_history:
            super().update_history(entry)


@contextmanager
def _watched(*, chat: bool) -> Iterator[_Call]:
    call = _Call(chat, keep_history=not dspy.settings.disable_history)
    token = _CALL.set(call)
    try:
        with dspy.context(disable_history=False):
            yield call
    finally:
        _CALL.reset(token)


def _told(outputs: Any, call: _Call) -> Any:  # noqa: ANN401
    if not isinstance(outputs, list) or len(outputs) != len(call.reasons):
        return outputs
    if not call.chat and call.complete:
        return outputs
    dicts = [output if isinstance(output, dict) else {"text": output} for output in outputs]
    return [{**output, "finish_reason": reason} for output, reason in zip(dicts, call.reasons, strict=True)]
