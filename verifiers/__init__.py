"""Programmatic checks of hard rules: a registry of verifiers, and recognisers of the rules in plain text."""

from openrubrics.verifiers.attach import attach_checks, stated_rules
from openrubrics.verifiers.contract import CheckResult, Verifier
from openrubrics.verifiers.conversation import own_request
from openrubrics.verifiers.describe import describe
from openrubrics.verifiers.guards import request_checks, verifiable_share
from openrubrics.verifiers.recognise import recognise
from openrubrics.verifiers.recognised import Recognised
from openrubrics.verifiers.registry import registry
from openrubrics.verifiers.verify import verify

__all__ = [
    "CheckResult",
    "Recognised",
    "Verifier",
    "attach_checks",
    "describe",
    "own_request",
    "recognise",
    "registry",
    "request_checks",
    "stated_rules",
    "verifiable_share",
    "verify",
]
