"""Language models: the factory, the HTTP engine, usage and budgets, and the scripted LM for tests."""

from openrubrics.lms.candidates import candidates
from openrubrics.lms.errors import EndpointError, is_systemic, lm_error
from openrubrics.lms.factory import lm
from openrubrics.lms.http import AsyncHttpEngine, Endpoint, HttpEngine
from openrubrics.lms.identity import lm_identity
from openrubrics.lms.metering import Budget, Meter, Price, budget, usage_meter
from openrubrics.lms.model import EngineLM
from openrubrics.lms.scripted import Asked, Reply, ScriptedLM, ScriptExhaustedError

__all__ = [
    "Asked",
    "AsyncHttpEngine",
    "Budget",
    "Endpoint",
    "EndpointError",
    "EngineLM",
    "HttpEngine",
    "Meter",
    "Price",
    "Reply",
    "ScriptExhaustedError",
    "ScriptedLM",
    "budget",
    "candidates",
    "is_systemic",
    "lm",
    "lm_error",
    "lm_identity",
    "usage_meter",
]
