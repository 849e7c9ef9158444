"""What a verifier is: a name, its arguments as a pydantic model, and a pure function of a response."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from openrubrics.signatures.values import Frozen

Relation = Literal["less than", "at least"]
"""How a count is compared: below the number, or not below it."""

Count = Annotated[int, Field(ge=0, le=1_000_000)]
"""A number of things asked for."""


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("expected text that is not blank")
    return text


Text = Annotated[str, AfterValidator(_not_blank)]
"""Text with something other than white space in it."""


class Arguments(BaseModel):
    """Base of the argument models; a verifier without arguments uses it as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CheckResult(Frozen):
    """What a check found in a response.

    Attributes:
        passed: True or False; None where it could not be decided, for example because a time bound was reached.
        detail: Why, in a few words, for a person to read.
    """

    passed: bool | None
    detail: str


ArgumentsT = TypeVar("ArgumentsT", bound=Arguments)


@dataclass(frozen=True)
class Verifier(Generic[ArgumentsT]):
    """A programmatic check of one hard rule.

    Attributes:
        name: The registry name, ``group:name``.
        arguments: Model of its arguments.
        function: Decides whether a response follows the rule; never raises on any text.
        description: What it checks, in one line.
    """

    name: str
    arguments: type[ArgumentsT]
    function: Callable[[ArgumentsT, str], CheckResult]
    description: str


AnyVerifier = Verifier[Any]
"""A verifier whose argument model is not known statically."""


def compare(count: int, relation: Relation, number: int, noun: str) -> CheckResult:
    """Compare a count of things with the number asked for."""
    passed = count < number if relation == "less than" else count >= number
    return CheckResult(passed=passed, detail=f"{counted(count, noun)}, {_asked(passed, relation, number)}")


def at_least(count: int, number: int, noun: str) -> CheckResult:
    """Compare a count of things with the minimum asked for."""
    return compare(count, "at least", number, noun)


def exactly(count: int, number: int, noun: str) -> CheckResult:
    """Compare a count of things with the only number allowed."""
    return CheckResult(passed=count == number, detail=f"{counted(count, noun)}, exactly {number} asked for")


def counted(count: int, noun: str) -> str:
    """Return the count with its noun, plural unless it is one."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _asked(passed: bool, relation: Relation, number: int) -> str:
    if relation == "less than":
        return f"{'' if passed else 'not '}fewer than {number} as asked for"
    return f"at least {number} asked for" if passed else f"fewer than the {number} asked for"
