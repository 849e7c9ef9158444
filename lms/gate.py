"""A gate that every synchronous call of an LM of this room passes, wherever in DSPy it is made.

DSPy's optimizers ask LMs in many places and threads, and take every `Exception` for a wrong answer. A gate stands where
no optimizer can pass it: it may answer a call itself, and may end a run with an exception that nothing swallows.
"""

import functools
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

import dspy
from dspy.lm15 import Request

Messages = list[dict[str, Any]]
Outputs = list[Any]

_SETTING = "openrubrics_gate"


class Gate(Protocol):
    """Stands between all callers and all LMs of this room."""

    def call(self, lm: dspy.LM, messages: Messages, options: Mapping[str, Any], ask: Callable[[], Outputs]) -> Outputs:
        """Return the outputs for a call.

        Args:
            lm: The LM that is called.
            messages: Role and content of each.
            options: Options of this call alone.
            ask: Asks the LM.

        Returns:
            What `ask` returns: for each sample a text, or a dict with ``text`` and ``finish_reason``.
        """
        ...


def gated(gate: Gate) -> AbstractContextManager[Any]:
    """Let all calls inside, also those in the threads of DSPy, pass a gate; asynchronous calls do not."""
    return dspy.context(**{_SETTING: gate})


def passes_gate(call: Callable[..., Outputs]) -> Callable[..., Outputs]:
    """Return the ``__call__`` of an LM class with the gate before it."""

    @functools.wraps(call)
    def gated_call(self: dspy.LM, prompt: Any = None, *, messages: Any = None, **options: Any) -> Outputs:  # noqa: ANN401
        gate: Gate | None = dspy.settings.get(_SETTING)
        if gate is None or isinstance(prompt, Request):
            return call(self, prompt, messages=messages, **options)

        def ask() -> Outputs:
            with dspy.context(**{_SETTING: None}):
                return call(self, prompt, messages=messages, **options)

        outputs = gate.call(self, messages or [{"role": "user", "content": prompt}], options, ask)
        return outputs if messages is not None else [_plain(output) for output in outputs]

    return gated_call


def _plain(output: object) -> object:
    """Return a whole sample as the text that DSPy returns for a plain prompt."""
    whole = isinstance(output, Mapping) and output.get("finish_reason", "stop") == "stop"
    return output["text"] if isinstance(output, Mapping) and whole else output
