"""Find, in plain text, the constraints that code can decide.

The text is a request to a model, or a criterion of a rubric. Recognisers aim at not being wrong: what they are not
sure of they leave alone. They never raise, and take time linear in the length of the text.
"""

from __future__ import annotations

from openrubrics.signatures.errors import UsageError
from openrubrics.verifiers.binding import binds
from openrubrics.verifiers.reading import Reading
from openrubrics.verifiers.recognise_frame import (
    find_constrained_response,
    find_end,
    find_json,
    find_postscript,
    find_quotation,
    find_start,
    find_two_responses,
)
from openrubrics.verifiers.recognise_layout import (
    find_bullets,
    find_highlights,
    find_placeholders,
    find_sections,
    find_title,
)
from openrubrics.verifiers.recognise_length import find_counts, find_paragraphs, find_ranges
from openrubrics.verifiers.recognise_repeat import find_repeat_prompt
from openrubrics.verifiers.recognise_style import find_case, find_language, find_no_comma
from openrubrics.verifiers.recognise_words import find_capital_words, find_frequencies, find_keywords, find_no_letter
from openrubrics.verifiers.recognised import Recognised, Recogniser
from openrubrics.verifiers.verify import resolve

_RECOGNISERS: tuple[Recogniser, ...] = (
    find_bullets,
    find_capital_words,
    find_case,
    find_constrained_response,
    find_counts,
    find_end,
    find_frequencies,
    find_highlights,
    find_json,
    find_keywords,
    find_language,
    find_no_comma,
    find_no_letter,
    find_paragraphs,
    find_placeholders,
    find_postscript,
    find_quotation,
    find_ranges,
    find_repeat_prompt,
    find_sections,
    find_start,
    find_title,
    find_two_responses,
)


def recognise(text: str) -> tuple[Recognised, ...]:
    """Return the constraints that a text states for the answer, in the order of their places, each check once.

    Conditional rules, and rules for something else than the answer, are left out (`openrubrics.verifiers.binding`).
    """
    reading = Reading(text)
    distinct: dict[str, Recognised] = {}
    for one in sorted((r for find in _RECOGNISERS for r in find(reading)), key=lambda r: (r.start, r.end)):
        if _is_valid(one) and binds(reading, one):
            distinct.setdefault(one.check.model_dump_json(), one)
    return tuple(distinct.values())


def _is_valid(one: Recognised) -> bool:
    """Whether the stated numbers are possible: a text may ask for paragraph 0."""
    try:
        resolve(one.check)
    except UsageError:
        return False
    return True
