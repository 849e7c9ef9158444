"""What makes two LMs answer alike."""

import json
import threading
import uuid
import weakref
from contextlib import suppress

import dspy

from openrubrics.lms.http import AsyncHttpEngine, HttpEngine
from openrubrics.lms.local import Deterministic, LocalEngine

_NOT_SAMPLING = ("api_key", "rollout_id", "cache", "timeout")
_encode = json.JSONEncoder(sort_keys=True, default=str).encode

_LOCK = threading.Lock()
_NAMES: dict[int, tuple[weakref.ref[object], str]] = {}


def address(engine: object) -> str:
    """Return the URL of the server behind an engine; empty where there is none."""
    return engine.endpoint.api_base if isinstance(engine, HttpEngine | AsyncHttpEngine) else ""


def lm_identity(lm: dspy.BaseLM) -> str:
    """Return a text that is equal for LMs of the same model, endpoint and sampling.

    Nothing is known about how an engine from elsewhere answers, so LMs with different engines of that kind differ;
    in another process they have other texts, so nothing that is kept of them is ever taken for an answer of theirs.
    """
    sampling = {name: value for name, value in lm.kwargs.items() if name not in _NOT_SAMPLING}
    return _encode([lm.model, _engine_identity(lm), sampling])


def _engine_identity(lm: dspy.BaseLM) -> str:
    engine = getattr(lm, "engine", lm)  # an LM that is not a `dspy.LM` answers by itself
    if isinstance(engine, str) or (isinstance(engine, LocalEngine) and isinstance(engine.source, Deterministic)):
        return ""
    return address(engine) or _name(engine)


def _name(engine: object) -> str:
    """Return the name of an object, which no other object gets, here or in any other process."""
    with _LOCK:
        key = id(engine)
        known = _NAMES.get(key)
        if known is not None and known[0]() is engine:
            return known[1]
        name = uuid.uuid4().hex
        with suppress(TypeError):  # what cannot be referred to weakly is never the same again
            _NAMES[key] = (weakref.ref(engine, lambda _: _NAMES.pop(key, None)), name)
        return name
