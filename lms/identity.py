"""What makes two LMs answer alike."""

import json

import dspy

from openrubrics.lms.http import HttpEngine

_NOT_SAMPLING = ("api_key", "rollout_id", "cache", "timeout")


def lm_identity(lm: dspy.BaseLM) -> str:
    """Return a text that is equal for LMs of the same model, endpoint and sampling.

    DSPy's own cache key leaves the endpoint out, so two servers under one model name would share answers there.
    """
    engine = getattr(lm, "engine", None)  # only `dspy.LM` has one
    where = engine.endpoint.api_base if isinstance(engine, HttpEngine) else ""
    sampling = {name: value for name, value in lm.kwargs.items() if name not in _NOT_SAMPLING}
    return json.dumps([lm.model, where, sampling], sort_keys=True, default=str)
