"""Rules about length: words, sentences, paragraphs, characters and lines."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import Field, model_validator

from openrubrics.verifiers.contract import Arguments, CheckResult, Count, Relation, Text, Verifier, compare, counted
from openrubrics.verifiers.language import count_sentences, count_words

_DIVIDER = re.compile(r"\s?\*\*\*\s?")
_ENDS_FIRST_WORD = frozenset(".,?!'\"")

Position = Annotated[int, Field(ge=1, le=1_000_000)]


class NumberOfWords(Arguments):
    """How many words may or must be there."""

    num_words: Count
    relation: Relation


class NumberOfSentences(Arguments):
    """How many sentences may or must be there."""

    num_sentences: Count
    relation: Relation


class NumberOfParagraphs(Arguments):
    """The exact number of paragraphs, which are separated by ``***``."""

    num_paragraphs: Position


class ParagraphFirstWord(Arguments):
    """The exact number of paragraphs, which are separated by a blank line, and the first word of one of them."""

    num_paragraphs: Position
    nth_paragraph: Position
    first_word: Text


class Range(Arguments):
    """An inclusive range with at least one bound."""

    minimum: Count | None = None
    maximum: Count | None = None

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.minimum is None and self.maximum is None:
            raise ValueError("expected minimum, maximum or both")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError("expected a minimum that is not above the maximum")
        return self

    def __str__(self) -> str:
        if self.minimum == self.maximum:
            return f"exactly {self.minimum}"
        if self.maximum is None:
            return f"at least {self.minimum}"
        return f"at most {self.maximum}" if self.minimum is None else f"between {self.minimum} and {self.maximum}"


def _number_words(arguments: NumberOfWords, response: str) -> CheckResult:
    return compare(count_words(response), arguments.relation, arguments.num_words, "word")


def _number_sentences(arguments: NumberOfSentences, response: str) -> CheckResult:
    return compare(count_sentences(response), arguments.relation, arguments.num_sentences, "sentence")


def _number_paragraphs(arguments: NumberOfParagraphs, response: str) -> CheckResult:
    paragraphs = _DIVIDER.split(response)
    if any(not p.strip() for p in paragraphs[1:-1]):
        return CheckResult(passed=False, detail="an empty paragraph between two *** dividers")
    count = sum(1 for p in paragraphs if p.strip())
    detail = f"{counted(count, 'paragraph')} separated by ***, exactly {arguments.num_paragraphs} asked for"
    return CheckResult(passed=count == arguments.num_paragraphs, detail=detail)


def _nth_paragraph_first_word(arguments: ParagraphFirstWord, response: str) -> CheckResult:
    paragraphs = response.split("\n\n")
    count = sum(1 for p in paragraphs if p.strip())
    if count != arguments.num_paragraphs or arguments.nth_paragraph > count:
        asked = f"exactly {arguments.num_paragraphs} asked for and a first word for number {arguments.nth_paragraph}"
        return CheckResult(passed=False, detail=f"{counted(count, 'paragraph')}, {asked}")
    # IFEval counts filled paragraphs but looks the position up among all of them.
    word = _first_word(paragraphs[arguments.nth_paragraph - 1])
    passed = word == arguments.first_word.lower()
    detail = f"paragraph {arguments.nth_paragraph} starts with {word!r}, {arguments.first_word!r} asked for"
    return CheckResult(passed=passed, detail=detail)


def _first_word(paragraph: str) -> str:
    words = paragraph.split(maxsplit=1)
    if not words:
        return ""
    word = words[0].lstrip("'").lstrip('"')
    end = next((i for i, letter in enumerate(word) if letter in _ENDS_FIRST_WORD), len(word))
    return word[:end].lower()


def _within(arguments: Range, count: int, noun: str) -> CheckResult:
    low = arguments.minimum is None or count >= arguments.minimum
    high = arguments.maximum is None or count <= arguments.maximum
    return CheckResult(passed=low and high, detail=f"{counted(count, noun)}, {arguments} asked for")


def _word_range(arguments: Range, response: str) -> CheckResult:
    return _within(arguments, count_words(response), "word")


def _character_range(arguments: Range, response: str) -> CheckResult:
    return _within(arguments, len(response), "character")


def _line_range(arguments: Range, response: str) -> CheckResult:
    return _within(arguments, sum(1 for line in response.splitlines() if line.strip()), "line")


LENGTH_VERIFIERS = (
    Verifier("length_constraints:number_words", NumberOfWords, _number_words, "Enough or few enough words."),
    Verifier(
        "length_constraints:number_sentences", NumberOfSentences, _number_sentences, "Enough or few enough sentences."
    ),
    Verifier(
        "length_constraints:number_paragraphs",
        NumberOfParagraphs,
        _number_paragraphs,
        "An exact number of paragraphs separated by ***.",
    ),
    Verifier(
        "length_constraints:nth_paragraph_first_word",
        ParagraphFirstWord,
        _nth_paragraph_first_word,
        "An exact number of paragraphs, one of which starts with a given word.",
    ),
    Verifier("text:word_count", Range, _word_range, "A number of words within a range."),
    Verifier("text:character_count", Range, _character_range, "A number of characters, spaces too, within a range."),
    Verifier("text:line_count", Range, _line_range, "A number of lines that are not blank within a range."),
)
