"""What makes two LMs answer alike."""

import json
import threading
import uuid
import weakref
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import dspy
from pydantic import BaseModel

from openrubrics.lms.http import AsyncHttpEngine, HttpEngine
from openrubrics.lms.local import Deterministic, LocalEngine
from openrubrics.lms.transformers_engine import TransformersEngine

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
    return _encode([lm.model, _engine_identity(lm), sampling(lm)])


def sampling(lm: dspy.BaseLM) -> dict[str, Any]:
    """Return the generation options of an LM: what an answer depends on besides model and server."""
    return {name: value for name, value in lm.kwargs.items() if name not in _NOT_SAMPLING}


def call_identity(lm: dspy.BaseLM, options: Mapping[str, Any]) -> str:
    """Return a text that is equal for calls that differ in nothing but their messages.

    Args:
        lm: The LM that is called; its rollout id, which `lm_identity` leaves out, is a part.
        options: Options of the call.
    """
    return json.dumps([lm_identity(lm), lm.kwargs.get("rollout_id"), dict(options)], sort_keys=True, default=_plain)


def _plain(value: object) -> object:
    """Return what stands for an option that is an object: the schema of a class for the response format."""
    if isinstance(value, type) and issubclass(value, BaseModel):
        return value.model_json_schema()
    return str(value)


def _engine_identity(lm: dspy.BaseLM) -> str:
    engine = getattr(lm, "engine", lm)  # an LM that is not a `dspy.LM` answers by itself
    if isinstance(engine, str | TransformersEngine):  # the name of a local checkpoint holds its hash
        return ""
    if isinstance(engine, LocalEngine) and isinstance(engine.source, Deterministic):
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
