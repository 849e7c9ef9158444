"""What a rule of a synthetic request is: how it is worded, obeyed and broken.

`openrubrics.verifiers.verify` alone decides whether a text obeys a rule; what stands here only proposes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from pydantic import JsonValue

from openrubrics.data.synthetic_draft import Draft, Topic
from openrubrics.signatures.values import Check
from openrubrics.verifiers import verify

Edit = Callable[[Random, Draft, Check], Draft]
"""Proposes a changed draft for a rule."""


def unchanged(rng: Random, draft: Draft, check: Check) -> Draft:
    """Leave the draft alone: the rule is obeyed by choosing other sentences."""
    return draft


def any_topic(topic: Topic) -> bool:
    """Take every topic."""
    return True


@dataclass(frozen=True)
class Rule:
    """One kind of constraint that a request may state.

    Attributes:
        slots: What of the response it decides; two rules that share a slot never meet in one request.
        draw: Chooses the arguments so that drafts like the given one can obey them; None where that cannot be.
        wordings: Ways to state the check in the request, with the same meaning each.
        keep: Shapes a draft so that it obeys; sentences are exchanged afterwards until it does.
        breaks: Edits that break the rule and little else, by their names.
        by_content: Whether exchanging sentences can break it.
        suits: Whether texts on a topic can obey it.
        yes_or_no: Whether the request must be a question that can be answered by yes or no.
    """

    slots: frozenset[str]
    draw: Callable[[Random, Draft], Check | None]
    wordings: Callable[[Check], Sequence[str]]
    keep: Edit = unchanged
    breaks: Mapping[str, Edit] = field(default_factory=dict)
    by_content: bool = False
    suits: Callable[[Topic], bool] = any_topic
    yes_or_no: bool = False


def slots(names: str) -> frozenset[str]:
    """Return slots from their names in one text."""
    return frozenset(names.split())


def check(name: str, **arguments: JsonValue) -> Check:
    """Build a check."""
    return Check(name=name, arguments=arguments)


def number(one: Check, name: str) -> int:
    """Return an argument that is a whole number."""
    value = one.arguments[name]
    if not isinstance(value, int):
        raise TypeError(f"{one.name}: {name} is {value!r}")
    return value


def text(one: Check, name: str) -> str:
    """Return an argument that is text."""
    return str(one.arguments[name])


def failing(checks: Sequence[Check], response: str) -> tuple[int, ...]:
    """Return the places of the checks that a response does not pass."""
    return tuple(place for place, one in enumerate(checks) if verify(one, response).passed is not True)
