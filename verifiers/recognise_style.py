"""Find rules about commas, case and language."""

from __future__ import annotations

import re
from collections.abc import Iterator

from openrubrics.verifiers.language import LANGUAGES
from openrubrics.verifiers.reading import ABOUT_CODE, NEGATION, OF_A_PART, Reading
from openrubrics.verifiers.recognise_words import CAPITAL_WORDS
from openrubrics.verifiers.recognised import Recognised, found

_FLAGS = re.IGNORECASE
_COMMA = re.compile(r"\bcommas?\b", _FLAGS)
_FORBIDS_COMMA = re.compile(
    rf"(?:{NEGATION}|\bfree\s++of\b|\bzero\b|\babsence\s++of\b)(?!\s++forget)[^.\n;:]{{0,40}}$", _FLAGS
)
_COMMA_FORBIDDEN = re.compile(
    r"(?:\s++(?:is|are|were|be|must|should|may|can)\s?(?:not\b|n't\b|forbidden|prohibited|banned)|-free\b|\s++cannot\b)",
    _FLAGS,
)

_UPPER = (
    r"(?:capitals|capital(?:i[sz]ed)?(?:\s++letters?)?|caps(?!\s++lock)|upper-?\s?case(?:\s++letters?)?"
    r"|capitali[sz]ation)"
)
_LOWER = r"(?:lower-?\s?case(?:\s++letters?)?|small\s++letters)"
_CASE = re.compile(
    rf"\b(?P<how>(?:all|only|entirely|completely|fully|just|english,?(?:\s++and)?)[\s-]++(?:(?:in|of|use)\s++)?(?:all\s++|only\s++|the\s++)?(?:english\s++)?)?"
    rf"(?:(?P<upper>{_UPPER})|(?P<lower>{_LOWER}))\b(?!\s++(?:and|or)\s++(?:numbers|digits|symbols|upper|lower|small)|\s++english)",
    _FLAGS,
)
_CAPITAL_WORDS = re.compile(CAPITAL_WORDS, _FLAGS)
_RESPONSE_IN = re.compile(
    r"\b(?:response|answer|reply|output|everything)\s++(?:\w{1,10}\s++){0,3}in\s++(?:the\s++)?$", _FLAGS
)
_FORBIDS_CASE = re.compile(rf"{NEGATION}(?:\s++\w{{1,12}}){{0,6}}\s++$", _FLAGS)

_NAMES = {**LANGUAGES, "Farsi": "fa", "Chinese": "zh-cn"}
_LANGUAGE = re.compile(
    rf"\b(?:in|using|use|except|than)\s++(?:only\s++)?(?:the\s++)?(?P<name>{'|'.join(_NAMES)})\b", _FLAGS
)
_ONLY = re.compile(
    r"\b(?:only|entirely|completely|fully|solely|exclusively|entire|whole|all\s++in)\b|\bno\s++other\s++lang"
    r"|\b(?:response|answer|reply|output)\s++(?:must|should|is|has\s++to)\b",
    _FLAGS,
)
_REPLY_IN = re.compile(r"\b(?:reply|respond|answer)\s++(?:\w{1,10}\s++){0,2}$", _FLAGS)
_CODES = {name.lower(): code for name, code in _NAMES.items()}


def find_no_comma(reading: Reading) -> Iterator[Recognised]:
    """Find that commas are not allowed."""
    for match in _COMMA.finditer(reading.masked):
        before, after = reading.before(match.start(), 60), reading.after(match.end(), 30)
        if _FORBIDS_COMMA.search(before) or _COMMA_FORBIDDEN.match(after):
            yield found("punctuation:no_comma", match.span())


def find_case(reading: Reading) -> Iterator[Recognised]:
    """Find that all letters are capital letters, or lowercase letters."""
    for match in _CASE.finditer(reading.masked):
        before = reading.before(match.start(), 60)
        counted = reading.masked[max(0, match.start() - 30) : match.end() + 12]
        sentence = reading.around(match.start())
        if any(pattern.search(sentence) for pattern in (ABOUT_CODE, OF_A_PART)) or _CAPITAL_WORDS.search(counted):
            continue
        forbidden = _FORBIDS_CASE.search(before + (match["how"] or "")) is not None
        if not forbidden and not match["how"] and not _RESPONSE_IN.search(before):
            continue
        upper = (match["upper"] is not None) != forbidden
        yield found(f"change_case:english_{'capital' if upper else 'lowercase'}", match.span())


def find_language(reading: Reading) -> Iterator[Recognised]:
    """Find that the response is in one language only."""
    for match in _LANGUAGE.finditer(reading.masked):
        sentence = reading.around(match.start())
        code = _CODES[match["name"].lower()]
        cased = re.search(rf"{_UPPER}|{_LOWER}", sentence, _FLAGS)
        reply = code != "en" and _REPLY_IN.search(reading.before(match.start(), 40))
        if (reply or _ONLY.search(sentence)) and not OF_A_PART.search(sentence) and not (code == "en" and cased):
            yield found("language:response_language", match.span(), language=code)
