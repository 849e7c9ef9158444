"""The verifiers by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from openrubrics.verifiers.contract import AnyVerifier
from openrubrics.verifiers.data_formats import FORMAT_VERIFIERS
from openrubrics.verifiers.frame import FRAME_VERIFIERS
from openrubrics.verifiers.guard_form import FORM_GUARDS
from openrubrics.verifiers.guard_refusal import REFUSAL_GUARDS
from openrubrics.verifiers.guard_repetition import REPETITION_GUARDS
from openrubrics.verifiers.guard_scripts import SCRIPT_GUARDS
from openrubrics.verifiers.keywords import KEYWORD_VERIFIERS
from openrubrics.verifiers.layout import LAYOUT_VERIFIERS
from openrubrics.verifiers.length import LENGTH_VERIFIERS
from openrubrics.verifiers.style import STYLE_VERIFIERS

_ALL: tuple[AnyVerifier, ...] = (
    *KEYWORD_VERIFIERS,
    *LENGTH_VERIFIERS,
    *LAYOUT_VERIFIERS,
    *FRAME_VERIFIERS,
    *STYLE_VERIFIERS,
    *FORMAT_VERIFIERS,
    *FORM_GUARDS,
    *REPETITION_GUARDS,
    *SCRIPT_GUARDS,
    *REFUSAL_GUARDS,
)

registry: Mapping[str, AnyVerifier] = MappingProxyType({verifier.name: verifier for verifier in _ALL})
"""Every verifier by its name: the 25 instruction types of IFEval under their own names, ours under ``text:``, and ours
against degenerate output under ``guard:``."""
