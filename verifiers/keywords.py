"""Rules about words and letters that must or must not be there (IFEval ``keywords:*``).

A keyword is literal text and its case does not matter. An existing keyword may be part of a longer word, a forbidden
one counts only as a whole word, as in IFEval.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from openrubrics.verifiers.contract import Arguments, CheckResult, Count, Relation, Text, Verifier, compare


class Keywords(Arguments):
    """Keywords that must all be there."""

    keywords: Annotated[tuple[Text, ...], Field(min_length=1)]


class ForbiddenWords(Arguments):
    """Words none of which may be there."""

    forbidden_words: Annotated[tuple[Text, ...], Field(min_length=1)]


class KeywordFrequency(Arguments):
    """How often a keyword may or must occur."""

    keyword: Text
    frequency: Count
    relation: Relation


class LetterFrequency(Arguments):
    """How often a letter, in either case, may or must occur."""

    letter: Annotated[str, Field(min_length=1, max_length=1)]
    let_frequency: Count
    let_relation: Relation


def _existence(arguments: Keywords, response: str) -> CheckResult:
    missing = [k for k in arguments.keywords if not re.search(re.escape(k), response, re.IGNORECASE)]
    detail = f"missing: {', '.join(missing)}" if missing else "all keywords are there"
    return CheckResult(passed=not missing, detail=detail)


def _forbidden_words(arguments: ForbiddenWords, response: str) -> CheckResult:
    found = [
        word
        for word in arguments.forbidden_words
        if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", response, re.IGNORECASE)
    ]
    detail = f"found: {', '.join(found)}" if found else "no forbidden word found"
    return CheckResult(passed=not found, detail=detail)


def _frequency(arguments: KeywordFrequency, response: str) -> CheckResult:
    count = sum(1 for _ in re.finditer(re.escape(arguments.keyword), response, re.IGNORECASE))
    return compare(count, arguments.relation, arguments.frequency, "occurrence")


def _letter_frequency(arguments: LetterFrequency, response: str) -> CheckResult:
    count = response.lower().count(arguments.letter.lower())
    return compare(count, arguments.let_relation, arguments.let_frequency, "occurrence")


KEYWORD_VERIFIERS = (
    Verifier("keywords:existence", Keywords, _existence, "All keywords occur."),
    Verifier("keywords:forbidden_words", ForbiddenWords, _forbidden_words, "No forbidden word occurs."),
    Verifier("keywords:frequency", KeywordFrequency, _frequency, "A keyword occurs often or seldom enough."),
    Verifier(
        "keywords:letter_frequency", LetterFrequency, _letter_frequency, "A letter occurs often or seldom enough."
    ),
)
