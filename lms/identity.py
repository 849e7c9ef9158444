"""What makes two LMs answer alike."""

import json

import dspy

from openrubrics.lms.http import HttpEngine

_NOT_SAMPLING = ("api_key", "rollout_id", "cache", "timeout")


def address(engine: object) -> str:
    """Return the URL of the server behind an engine; empty where there is none."""
    return engine.endpoint.api_base if isinstance(engine, HttpEngine) else ""


def lm_identity(lm: dspy.BaseLM) -> str:
    """Return a text that is equal for LMs of the same model, endpoint and sampling."""
    where = address(getattr(lm, "engine", None))  # only `dspy.LM` has one
    sampling = {name: value for name, value in lm.kwargs.items() if name not in _NOT_SAMPLING}
    return json.dumps([lm.model, where, sampling], sort_keys=True, default=str)
