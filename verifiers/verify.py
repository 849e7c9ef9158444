"""Decide a check on a response, strictly or loosely."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import ValidationError

from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.values import Check
from openrubrics.verifiers.contract import AnyVerifier, Arguments, CheckResult
from openrubrics.verifiers.registry import registry

Mode = Literal["strict", "loose"]
"""How a response is read: as it is, or forgiving framing lines and asterisks."""


def verify(check: Check, response: str, mode: Mode = "strict") -> CheckResult:
    """Decide whether a response follows a hard rule.

    Args:
        check: A registered name with its arguments; an argument that is None counts as not given.
        response: The text to check. An empty one fails every check.
        mode: ``strict`` checks the text as it is. ``loose`` passes if any of the eight variants of IFEval passes:
            with or without the first line, the last line and all asterisks.

    Raises:
        UsageError: The name is not registered, or an argument is missing, unknown or out of range.
    """
    verifier, arguments = resolve(check)
    result = _decide(verifier, arguments, response)
    if mode == "strict" or result.passed is not False:
        return result
    for variant in _variants(response):
        loose = _decide(verifier, arguments, variant)
        if loose.passed is not False:
            return loose.model_copy(update={"detail": f"{loose.detail} (read loosely)"})
    return result


def resolve(check: Check) -> tuple[AnyVerifier, Arguments]:
    """Return the verifier a check names and its validated arguments.

    Raises:
        UsageError: As for `verify`.
    """
    verifier = registry.get(check.name)
    if verifier is None:
        raise UsageError(f"check {check.name!r}: no such check", f"the names are {', '.join(sorted(registry))}")
    given = {name: value for name, value in check.arguments.items() if value is not None}
    try:
        return verifier, verifier.arguments.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "arguments"
        known = ", ".join(f.alias or name for name, f in verifier.arguments.model_fields.items()) or "none"
        message = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"check {check.name!r}: {field}: {message}", f"its arguments are: {known}") from None


def _decide(verifier: AnyVerifier, arguments: Arguments, response: str) -> CheckResult:
    if not response.strip():
        return CheckResult(passed=False, detail="the response is empty")
    return verifier.function(arguments, response)


def _variants(response: str) -> Iterator[str]:
    lines = response.split("\n")
    trimmed = ["\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1])]
    yield from trimmed
    yield response.replace("*", "")
    yield from (text.replace("*", "") for text in trimmed)
