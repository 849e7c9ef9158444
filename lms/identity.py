"""What makes two LMs answer alike."""

import itertools
import json
import threading
import weakref
from contextlib import suppress

import dspy

from openrubrics.lms.http import AsyncHttpEngine, HttpEngine
from openrubrics.lms.local import Deterministic, LocalEngine

_NOT_SAMPLING = ("api_key", "rollout_id", "cache", "timeout")


_LOCK = threading.Lock()
_NUMBERS: dict[int, tuple[weakref.ref[object], int]] = {}
_NEXT = itertools.count(1)


def address(engine: object) -> str:
    """Return the URL of the server behind an engine; empty where there is none."""
    return engine.endpoint.api_base if isinstance(engine, HttpEngine | AsyncHttpEngine) else ""


def lm_identity(lm: dspy.BaseLM) -> str:
    """Return a text that is equal for LMs of the same model, endpoint and sampling.

    Nothing is known about how an engine from elsewhere answers, so LMs with different engines of that kind differ;
    their texts hold for this process only.
    """
    sampling = {name: value for name, value in lm.kwargs.items() if name not in _NOT_SAMPLING}
    return json.dumps([lm.model, _engine_identity(lm), sampling], sort_keys=True, default=str)


def _engine_identity(lm: dspy.BaseLM) -> str | int:
    engine = getattr(lm, "engine", lm)  # an LM that is not a `dspy.LM` answers by itself
    if isinstance(engine, str) or (isinstance(engine, LocalEngine) and isinstance(engine.source, Deterministic)):
        return ""
    return address(engine) or _number(engine)


def _number(engine: object) -> int:
    """Return the number of an object, which no other object of this process gets."""
    with _LOCK:
        key = id(engine)
        known = _NUMBERS.get(key)
        if known is not None and known[0]() is engine:
            return known[1]
        number = next(_NEXT)
        with suppress(TypeError):  # what cannot be referred to weakly is never the same again
            _NUMBERS[key] = (weakref.ref(engine, lambda _: _NUMBERS.pop(key, None)), number)
        return number
