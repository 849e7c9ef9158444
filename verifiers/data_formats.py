"""Rules about machine-readable text: JSON, JSON Schema and regular expressions.

Schemas and patterns may come from a model, so neither may reach the network or run without a bound: references to
other documents are not followed, and every pattern is matched with a time limit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import regex
from pydantic import Field, JsonValue, field_validator

from openrubrics.verifiers.contract import Arguments, CheckResult, Verifier

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

REGEX_SECONDS = 0.5
"""Longest time for which one pattern is matched against one response."""

_FENCES = ("```json", "```Json", "```JSON", "```")


class Pattern(Arguments):
    """A pattern of the `regex` library, searched for anywhere, and whether it must or must not match."""

    pattern: Annotated[str, Field(min_length=1, max_length=1000)]
    mode: Literal["match", "no match"] = "match"

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            regex.compile(pattern)
        except (regex.error, RecursionError, OverflowError) as error:
            raise ValueError(f"expected a regular expression: {error}") from None
        return pattern


class Schema(Arguments):
    """A JSON Schema of any draft (2020-12 where it names none), without ``patternProperties``."""

    definition: Annotated[dict[str, JsonValue], Field(alias="schema")]

    @field_validator("definition")
    @classmethod
    def _is_a_schema(cls, schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
        from jsonschema import Draft202012Validator, SchemaError
        from jsonschema.validators import validator_for

        if _has_key(schema, "patternProperties"):
            raise ValueError("expected a schema without patternProperties")
        try:
            validator_for(schema, default=Draft202012Validator).check_schema(schema)
        except SchemaError as error:
            raise ValueError(f"expected a JSON Schema: {error.message}") from None
        return schema


def _has_key(value: JsonValue, key: str) -> bool:
    if isinstance(value, dict):
        return key in value or any(_has_key(v, key) for v in value.values())
    return isinstance(value, list) and any(_has_key(v, key) for v in value)


def _regex(arguments: Pattern, response: str) -> CheckResult:
    try:
        found = regex.search(arguments.pattern, response, timeout=REGEX_SECONDS) is not None
    except TimeoutError:
        return CheckResult(passed=None, detail=f"the pattern took longer than {REGEX_SECONDS} seconds")
    detail = "the pattern matches" if found else "the pattern does not match"
    return CheckResult(passed=found == (arguments.mode == "match"), detail=detail)


def _fenced_json(arguments: Arguments, response: str) -> CheckResult:
    """Decide as IFEval does: a code fence around it and the constants NaN and Infinity are allowed."""
    text = response.strip()
    for fence in _FENCES:
        text = text.removeprefix(fence)
    return _loads(text.removesuffix("```").strip(), strict=False)[0]


def _bare_json(arguments: Arguments, response: str) -> CheckResult:
    return _loads(response, strict=True)[0]


def _json_schema(arguments: Schema, response: str) -> CheckResult:
    result, value = _loads(response, strict=True)
    if not result.passed:
        return result
    from jsonschema import ValidationError
    from referencing.exceptions import Unresolvable

    try:
        _validator(arguments.definition).validate(value)
    except ValidationError as error:
        return CheckResult(passed=False, detail=f"{error.json_path}: {error.message[:200]}")
    except TimeoutError:
        return CheckResult(passed=None, detail=f"a pattern took longer than {REGEX_SECONDS} seconds")
    except RecursionError:
        return CheckResult(passed=None, detail="the schema or the response is nested too deeply")
    except Unresolvable as error:
        return CheckResult(passed=None, detail=f"the schema refers to something outside it: {error}")
    return CheckResult(passed=True, detail="valid against the schema")


def _loads(text: str, strict: bool) -> tuple[CheckResult, JsonValue]:
    try:
        value: JsonValue = json.loads(text, parse_constant=_refuse if strict else None)
    except ValueError as error:
        return CheckResult(passed=False, detail=f"not JSON: {error}"), None
    except RecursionError:
        return CheckResult(passed=None, detail="nested too deeply to be read"), None
    return CheckResult(passed=True, detail="valid JSON"), value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _validator(schema: dict[str, JsonValue]) -> Validator:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend, validator_for
    from referencing import Registry

    bounded = extend(validator_for(schema, default=Draft202012Validator), {"pattern": _bounded_pattern})
    return bounded(schema, registry=Registry())


def _bounded_pattern(validator: object, pattern: str, instance: JsonValue, schema: object) -> Iterator[Exception]:
    """Check the keyword ``pattern`` with a time limit, which jsonschema does not have."""
    from jsonschema import ValidationError

    if isinstance(instance, str) and not regex.search(pattern, instance, timeout=REGEX_SECONDS):
        yield ValidationError(f"{instance[:80]!r} does not match {pattern!r}")


FORMAT_VERIFIERS = (
    Verifier("detectable_format:json_format", Arguments, _fenced_json, "The response is JSON, in a code fence or not."),
    Verifier("text:json", Arguments, _bare_json, "The response is JSON and nothing else."),
    Verifier("text:json_schema", Schema, _json_schema, "The response is JSON that fits a schema."),
    Verifier("text:regex", Pattern, _regex, "A pattern matches, or does not match."),
)
