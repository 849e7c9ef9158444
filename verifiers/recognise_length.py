"""Find rules about length: words, sentences, characters, lines and paragraphs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from openrubrics.verifiers.quantities import Quantity
from openrubrics.verifiers.reading import ABOUT_CODE, OF_A_PART, QUOTED, Reading
from openrubrics.verifiers.recognised import Recognised, found, measured

_FLAGS = re.IGNORECASE
_PART_BEFORE = re.compile(
    r"\b(?:(?:sentence|paragraph|heading|line|section|stanza|name|title|point|item|word)s"
    r"|title|headline|heading|slogan|caption|chorus|introduction|conclusion)\b(?:(?!\band\b)[^,;]){0,30}$",
    _FLAGS,
)
_RESPONSE = re.compile(r"\b(?:response|answer|reply|output)\b", _FLAGS)
_FEW = 5
_NARROWED = (
    r"(?!\s++(?:(?:in|with|of|using)\s++(?:all\s++|only\s++)?(?:capital|caps|upper)|that\b|which\b|(?:start|begin|end)(?:s|ing|ning)?\b|from\b"
    r"|per\b|in\s++(?:each|every)\b|each\b))"
)
_WORDS = re.compile(rf"[\s-]++(?:total\s++|english\s++)?words?\b{_NARROWED}", _FLAGS)
_SENTENCES = re.compile(rf"[\s-]++(?:\w{{1,12}}\s++)?sentences?\b{_NARROWED}", _FLAGS)
_COUNT_OF = re.compile(
    r"\b(?:number\s++of\s++(?P<of>word|sentence)s|(?P<noun>word|sentence)\s++count)\b[^.,;\n\d]{0,40}$", _FLAGS
)
_CHARACTERS = re.compile(rf"[\s-]++(?:total\s++)?characters\b{_NARROWED}", _FLAGS)
_LINES = re.compile(rf"[\s-]++lines\b{_NARROWED}", _FLAGS)
_PARAGRAPHS = re.compile(r"[\s-]++(?:\w{1,12}\s++)?(?:paragraph|section|stanza|part|verse)s?\b", _FLAGS)
_DIVIDER = re.compile(r"(?<!\*)\*{3}(?!\*)|\b(?:3|three)\s++asterisk|\bmarkdown\s++divider", _FLAGS)

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_ORDINAL = rf"(?:(?P<name>{'|'.join(_ORDINALS)})|(?P<nth>\d{{1,3}})(?:st|nd|rd|th))\s++paragraph"
_PARAGRAPH = rf"(?:{_ORDINAL}|paragraph\s++(?:number\s++)?(?P<number>\d{{1,3}}))"
_WORD = rf"with\s++(?:the\s++)?(?:exact\s++)?(?:word\s++)?:?\s?(?P<word>{QUOTED}|\w{{1,40}})"
_FIRST_WORD = (
    re.compile(rf"\b{_PARAGRAPH}\s++(?:\w{{1,8}}\s++){{0,3}}?(?:start|begin)(?:s|ning|ing)?\s++{_WORD}", _FLAGS),
    re.compile(rf"\b(?:start|begin)(?:s|ning|ing)?\s++(?:the\s++)?{_PARAGRAPH}\s++{_WORD}", _FLAGS),
)


def find_counts(reading: Reading) -> Iterator[Recognised]:
    """Find least and greatest numbers of words and of sentences, of the response as a whole."""
    for quantity, unit in measured(reading, _WORDS):
        if _of_the_whole(reading, quantity):
            yield from _counts(quantity, max(unit.end(), quantity.end), "words")
    for quantity, unit in measured(reading, _SENTENCES):
        if _of_the_whole(reading, quantity):
            yield from _counts(quantity, max(unit.end(), quantity.end), "sentences")
    for quantity in reading.quantities:
        named = _COUNT_OF.search(reading.before(quantity.start, 80))
        if named and not OF_A_PART.search(reading.around(quantity.start)):
            yield from _counts(quantity, quantity.end, f"{(named['of'] or named['noun']).lower()}s")


def _counts(quantity: Quantity, end: int, unit: str) -> Iterator[Recognised]:
    for relation, number in quantity.relations():
        arguments = {f"num_{unit}": number, "relation": relation}
        yield found(f"length_constraints:number_{unit}", (quantity.start, end), **arguments)


def find_ranges(reading: Reading) -> Iterator[Recognised]:
    """Find ranges of characters and of lines."""
    for name, pattern in (("text:character_count", _CHARACTERS), ("text:line_count", _LINES)):
        for quantity, unit in measured(reading, pattern):
            bounds = {"minimum": quantity.minimum, "maximum": quantity.maximum}
            stated = {key: value for key, value in bounds.items() if value is not None}
            about_code = ABOUT_CODE.search(reading.around(quantity.start))
            if stated and not about_code and _of_the_whole(reading, quantity):
                yield found(name, (quantity.start, max(unit.end(), quantity.end)), **stated)


def find_paragraphs(reading: Reading) -> Iterator[Recognised]:
    """Find an exact number of paragraphs, where the text also says what separates them."""
    exact = [(q, unit) for q, unit in measured(reading, _PARAGRAPHS) if q.exact]
    if not exact:
        return
    words = list(_first_words(reading))
    if words:
        counts = [(q, unit) for q, unit in exact if "paragraph" in unit[0].lower()]
        for quantity, _ in counts[:1]:
            for span, nth, word in words:
                yield found(
                    "length_constraints:nth_paragraph_first_word",
                    (min(quantity.start, span[0]), max(quantity.end, span[1])),
                    num_paragraphs=quantity.number,
                    nth_paragraph=nth,
                    first_word=word,
                )
    elif _DIVIDER.search(reading.masked):
        quantity, unit = exact[0]
        span = quantity.start, unit.end()
        yield found("length_constraints:number_paragraphs", span, num_paragraphs=quantity.number)


def _first_words(reading: Reading) -> Iterator[tuple[tuple[int, int], int, str]]:
    for pattern in _FIRST_WORD:
        for match in pattern.finditer(reading.masked):
            name = match["name"]
            nth = _ORDINALS.index(name.lower()) + 1 if name else int(match["nth"] or match["number"])
            word = match["word"]
            text = reading.literal(*match.span("word")) if word.startswith('"') else word
            yield match.span(), nth, text


def _of_the_whole(reading: Reading, quantity: Quantity) -> bool:
    sentence = reading.around(quantity.start)
    if OF_A_PART.search(sentence) or _PART_BEFORE.search(reading.before(quantity.start, 50)):
        return False
    return quantity.minimum is None or quantity.minimum > _FEW or _RESPONSE.search(sentence) is not None
