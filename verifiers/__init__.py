"""Programmatic checks of hard rules: a registry of verifiers, and recognisers of the rules in plain text."""

from openrubrics.verifiers.contract import CheckResult, Verifier
from openrubrics.verifiers.registry import registry
from openrubrics.verifiers.verify import verify

__all__ = ["CheckResult", "Verifier", "registry", "verify"]
