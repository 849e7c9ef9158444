"""The text forms of an adaptive judge: criteria of its own, then two answers compared on each of them.

    --- Intent ---
    ...
    --- Differences ---
    ...
    --- Criteria ---
    1. The response ... [Core]
    2. The response ... [Critical]

    --- Comparison ---
    Evidence A: "..."
    Evidence B: "..."
    Justification: ...
    Criterion 1 [Core]: A 2

In the form with two calls the first reply ends before the comparison, and the second one is the comparison alone. A
comparison names the better response and by how much, from 0 to 2, or says tie; so who is better comes from the letter,
as in the released code of OpenRS, and never from the sign of a number (a sign that contradicts the letter makes the
line unreadable). Whatever else stands there is no comparison: both responses, a half point, a question; nor are two
comparisons of one criterion that contradict each other.

A criterion is a numbered line that ends with its type, or under its header begins with it; a line without a type is
text. Evidence and reason stand before their comparison, as asked for, or in the whole reply after it. Every part is
taken once, except that a new header "Intent" or "Criteria" starts over. What makes a line a criterion, a comparison or
a header is disarmed in all text under judgment (`openrubrics.signatures.markers`), so a reply that quotes what it
judges is still its own. The parser goes line by line with bounded patterns, in linear time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from openrubrics.signatures.adaptive_reader import Comparison, ListedCriterion, Reader
from openrubrics.signatures.errors import ParseError
from openrubrics.signatures.meta_rubric import CRITERION_TYPES, CriterionType
from openrubrics.signatures.model_text import answer_lines, excerpt, well_formed
from openrubrics.signatures.outcomes import Compared
from openrubrics.signatures.values import Frozen

TYPE_TAGS: dict[CriterionType, str] = {type_: type_.capitalize() for type_ in CRITERION_TYPES}


class AdaptiveTrace(Frozen):
    """An adaptive judge's whole reply, and what was read from it.

    Attributes:
        text: The reply, verbatim.
        intent: What the request is after; empty where the reply does not say.
        differences: How the answers differ.
        criteria: Distinct, in order; empty in a reply that only compares.
        comparisons: One for each criterion that has a readable one; empty in a reply that only writes criteria.
    """

    text: str
    intent: str = ""
    differences: str = ""
    criteria: tuple[ListedCriterion, ...] = ()
    comparisons: tuple[Comparison, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a reply that writes criteria and compares on each of them.

        Raises:
            ParseError: There are no criteria, or one of them has no readable comparison; the message names those.
        """
        reader = _read(text)
        trace = cls(
            text=well_formed(text),
            intent=reader.said("intent"),
            differences=reader.said("differences"),
            criteria=reader.criteria(),
            comparisons=reader.comparisons(),
        )
        trace.compared(trace.criteria)
        return trace

    @classmethod
    def parse_criteria(cls, text: str) -> Self:
        """Read a reply that writes criteria.

        Raises:
            ParseError: There are none, or too many; or one of them speaks of Response A or B by name, and so could not
                be applied to both orders.
        """
        reader = _read(text)
        criteria = reader.criteria()
        for number, criterion in enumerate(criteria, 1):
            if criterion.names_a_response:
                raise ParseError(
                    f"criterion {number} speaks of one of the responses by name: {excerpt(criterion.text)}",
                    "a criterion holds for both responses, and in both orders",
                )
        intent, differences = reader.said("intent"), reader.said("differences")
        return cls(text=well_formed(text), intent=intent, differences=differences, criteria=criteria)

    @classmethod
    def parse_comparisons(cls, text: str) -> Self:
        """Read a reply that compares on criteria that were given.

        Raises:
            ParseError: There is no readable comparison.
        """
        comparisons = _read(text).comparisons()
        if not comparisons:
            raise ParseError(f"no comparison in {excerpt(text)}", "expected lines such as 'Criterion 1 [Core]: A 2'")
        return cls(text=well_formed(text), comparisons=comparisons)

    def __str__(self) -> str:
        return self.text

    def compared(self, criteria: Sequence[ListedCriterion]) -> tuple[Compared, ...]:
        """Return what the reply says on each of these criteria, with the responses named as they were shown.

        Raises:
            ParseError: One of them has no readable comparison, or a comparison belongs to none; the message says which.
        """
        found = {one.criterion: one for one in self.comparisons}
        missing = [number for number in range(1, len(criteria) + 1) if number not in found]
        foreign = [number for number in found if number > len(criteria)]
        if missing or foreign:
            named = ", ".join(map(str, missing[:10]))
            message = (
                f"criterion {named} of {len(criteria)} has no readable comparison"
                if missing
                else f"{len(foreign)} comparisons are on no criterion of the list"
            )
            raise ParseError(message, "expected one line for each criterion, such as 'Criterion 1 [Core]: A 2'")
        return tuple(
            Compared(text=criterion.text, type=criterion.type, **found[number].model_dump(exclude={"criterion"}))
            for number, criterion in enumerate(criteria, 1)
        )


def render_list(criteria: Sequence[ListedCriterion]) -> str:
    """Return criteria as they are shown to a model that compares by them; the types stand before the texts."""
    return "\n".join(f"{i}. {TYPE_TAGS[one.type]}: {one.text}" for i, one in enumerate(criteria, 1))


def render_criteria_reply(intent: str, differences: str, criteria: Sequence[ListedCriterion]) -> str:
    """Write the reply that `AdaptiveTrace.parse_criteria` reads as this, white space collapsed."""
    listed = [f"{i}. {one.text} [{TYPE_TAGS[one.type]}]" for i, one in enumerate(criteria, 1)]
    return "\n".join(
        [
            "--- Intent ---",
            _line(intent),
            "",
            "--- Differences ---",
            _line(differences),
            "",
            "--- Criteria ---",
            *listed,
        ]
    )


def render_comparison_reply(compared: Sequence[Compared]) -> str:
    """Write the reply that `AdaptiveTrace.parse_comparisons` reads as this, white space collapsed."""
    blocks = [
        f"Evidence A: {_quoted(one.evidence_a)}\nEvidence B: {_quoted(one.evidence_b)}\n"
        f"Justification: {_line(one.reason)}\nCriterion {number} [{TYPE_TAGS[one.type]}]: {_margin(one)}"
        for number, one in enumerate(compared, 1)
    ]
    return "\n\n".join(["--- Comparison ---", *blocks])


def render_adaptive(intent: str, differences: str, compared: Sequence[Compared]) -> str:
    """Write the reply that `AdaptiveTrace.parse` reads as this, white space collapsed."""
    criteria = [ListedCriterion(text=one.text, type=one.type) for one in compared]
    return f"{render_criteria_reply(intent, differences, criteria)}\n\n{render_comparison_reply(compared)}"


def _quoted(evidence: str) -> str:
    return f'"{_line(evidence)}"' if evidence else "none"


def _margin(one: Compared) -> str:
    return ("Tie" if one.by == 0 else f"Tie {one.by}") if one.better == "tie" else f"{one.better} {one.by}"


def _line(text: str) -> str:
    return " ".join(text.split())


def _read(text: str) -> Reader:
    reader = Reader()
    for line in answer_lines(well_formed(text)):
        reader.read(line)
    return reader
