"""Numbers with the relation that a text states about them: "at least 3", "no more than ten", "20 to 25", "300+"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

_NAMES = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty
"""
_VALUES = {name: value for value, name in enumerate(_NAMES.split())} | {
    "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100, "once": 1, "twice": 2, "thrice": 3
}  # fmt: skip

_RELATIONS = {
    "at least": r"at\s++least|at\s++minimum|no(?:t)?\s++(?:fewer|less)\s++than|(?:a\s++)?minimum(?:\s++of)?",
    "above": r"(?:more|longer|greater)\s++than|over|above|exceed(?:s|ing)?",
    "below": r"(?:less|fewer|shorter)\s++than|under|below",
    "at most": r"at\s++most|at\s++maximum|no(?:t)?\s++(?:more|longer)\s++than|up\s++to|(?:a\s++)?maximum(?:\s++of)?"
    r"|within|not\s++(?:to\s++)?exceed(?:ing)?",
    "only": r"only|just",
    "exactly": r"exactly|precisely",
    "between": r"between|from",
}
_ORDER = ("at least", "at most", "above", "below", "only", "exactly", "between")
_NUMBER = r"(?:\d{1,3}(?:,\d{3}){1,2}|\d{1,7}|" + "|".join(sorted(_VALUES, key=len, reverse=True)) + r")"
_QUANTITY = re.compile(
    rf"(?<![\w.,$-])(?:(?:{'|'.join(f'({_RELATIONS[name]})' for name in _ORDER)})\s++(?:a\s++total\s++of\s++)?)?"
    rf"(?P<low>{_NUMBER})(?:\s?(?:-|–|to|and)\s?(?P<high>{_NUMBER}))?(?P<plus>\+)?(?![\w%])"
    r"(?:\s++or\s++(?:(?P<more>more)|(?P<fewer>fewer|less)))?",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"(?:\b(?:not|never|cannot|avoid|without)\b|n't\b)(?!\s++only)(?:(?!\b(?:and|but|or)\b)[^.,;:?!\n]){0,40}$",
    re.IGNORECASE,
)
_TRAILING = re.compile(
    r"\s++(?:(?P<least>or\s++(?:more|longer|above)|(?:at\s++)?minimum|at\s++least)"
    r"|(?P<most>or\s++(?:less|fewer|under|shorter|below)|(?:at\s++)?max(?:imum)?|at\s++most))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Quantity:
    """A number or range in a text.

    Attributes:
        start: Where it starts, its relation included.
        end: Where it ends.
        number: The number itself, the lower one of a range.
        minimum: The least number that is allowed, where one is stated.
        maximum: The greatest number that is allowed, where one is stated.
        adverb: Whether it is "once", "twice" or "thrice", which need no unit.
    """

    start: int
    end: int
    number: int
    minimum: int | None
    maximum: int | None
    adverb: bool = False

    @property
    def bare(self) -> bool:
        """Whether no relation is stated."""
        return self.minimum is None and self.maximum is None

    @property
    def exact(self) -> bool:
        """Whether exactly this number is meant: so stated, or stated without any relation."""
        return self.bare or (self.maximum == self.number and self.minimum in (self.number, None))

    @property
    def reaches(self) -> int | None:
        """The number that must be reached, a bare number included; None for a mere upper bound."""
        return self.number if self.bare else self.minimum

    def relations(self) -> Iterator[tuple[str, int]]:
        """Yield the bounds as IFEval states them: "at least" a number, "less than" a number."""
        if self.minimum is not None:
            yield "at least", self.minimum
        if self.maximum is not None:
            yield "less than", self.maximum + 1


def scan_quantities(text: str) -> Iterator[Quantity]:
    """Yield the quantities of a masked text, from left to right."""
    for match in _QUANTITY.finditer(text):
        relation = next((name for name, found in zip(_ORDER, match.groups(), strict=False) if found), None)
        low, high = _value(match["low"]), _value(match["high"]) if match["high"] else None
        adverb = match["low"].lower() in {"once", "twice", "thrice"}
        quantity = Quantity(match.start(), match.end(), low, None, None, adverb)
        if high is not None:
            yield _ranged(quantity, relation, high, match)
        elif relation is not None and relation != "between":
            before = text[max(0, match.start() - 60) : match.start()]
            yield _bounded(quantity, relation, negated=_NEGATED.search(before) is not None)
        elif match["plus"] or match["more"]:
            yield replace(quantity, minimum=low)
        else:
            yield replace(quantity, maximum=low) if match["fewer"] else quantity


def trailing(quantity: Quantity, text: str, position: int) -> Quantity:
    """Return the quantity with a relation that follows its unit ("300 words or more"), where one does."""
    match = _TRAILING.match(text, position) if quantity.bare else None
    if match is None:
        return quantity
    if match["least"]:
        return replace(quantity, end=match.end(), minimum=quantity.number)
    return replace(quantity, end=match.end(), maximum=quantity.number)


def _value(text: str) -> int:
    word = text.lower()
    return _VALUES[word] if word in _VALUES else int(word.replace(",", ""))


def _ranged(quantity: Quantity, relation: str | None, high: int, match: re.Match[str]) -> Quantity:
    joined_by_and = "and" in match[0][match.end("low") - match.start() : match.start("high") - match.start()].lower()
    if high < quantity.number or (joined_by_and and relation != "between"):
        return replace(quantity, start=match.start("high"), number=high)
    return replace(quantity, minimum=quantity.number, maximum=high)


def _bounded(quantity: Quantity, relation: str, negated: bool) -> Quantity:
    number = quantity.number
    if negated and relation in {"above", "below"}:
        return replace(quantity, maximum=number) if relation == "above" else replace(quantity, minimum=number)
    if relation in {"at least", "above"}:
        return replace(quantity, minimum=number + (relation == "above"))
    if relation in {"at most", "below", "only"}:
        return replace(quantity, maximum=number - (relation == "below"))
    return replace(quantity, minimum=number, maximum=number)
