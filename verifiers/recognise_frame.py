"""Find rules about how a response starts, ends, or is put together as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator

from openrubrics.verifiers.frame import ANSWERS
from openrubrics.verifiers.reading import ABOUT_CODE, OF_A_PART, QUOTED, Reading
from openrubrics.verifiers.recognised import Recognised, found

_FLAGS = re.IGNORECASE
_WHOLE = r"(?:(?:entire|whole|complete|full|own|final)\s++)?(?:response|answer|reply|output|message)"

_POSTSCRIPT = re.compile(
    rf"\b(?:(?:start|begin)\w{{0,4}}|add|includ\w{{1,3}}|with|postscript)\s++(?:with\s++)?(?:the\s++|an?\s++)?"
    rf"(?:\"?(?P<mark>P\.\s?(?:P\.\s?)?S)\b\.?|(?P<quoted>{QUOTED}))",
    _FLAGS,
)
_ADDED = re.compile(r"\bpostscript|\bnotes?\b|\bend\b|\badd|\binclud", _FLAGS)
_POSTSCRIPT_MARK = re.compile(r"p\.\s?(?:p\.\s?)?s\b", _FLAGS)
_BEFORE_MARKER = re.compile(r"postscript\s++(?:that\s++)?$", _FLAGS)
_SIX = re.compile(r"(?<!\*)\*{6,7}(?!\*)|\b(?:6|six)\s++asterisk", _FLAGS)
_DOUBLE_QUOTES = re.compile(r"\b(?:double\s++)?quot(?:es\b|ation\s++marks?)", _FLAGS)
_WRAPS = re.compile(
    rf"\b(?:wrap|enclos|surround|put|plac|insid|within)\w{{0,4}}\b|\b{_WHOLE}\s++(?:in|with|inside|within)\b", _FLAGS
)
_ENTIRELY = re.compile(rf"\b(?:entire|entirely|whole|all\s++of|complete|your\s++{_WHOLE}|the\s++{_WHOLE})\b", _FLAGS)
_JSON = re.compile(
    r"\b(?:in|as|into|be|is)\s++(?:an?\s++)?(?:valid\s++)?JSON\b(?:\s++(?:format|object|block|string|array))?|\bvalid\s++JSON\b",
    _FLAGS,
)
_ENDS = re.compile(
    rf"\b(?:end|finish|conclud)(?:e|s|es|ing)?\b[^.\n\"]{{0,60}}?\b(?:with|by|be|read)\b(?P<how>[^.\n\"]{{0,40}}?)"
    rf"(?P<phrase>{QUOTED})",
    _FLAGS,
)
_ENDS_UNQUOTED = re.compile(
    r"\b(?:end|finish)\s++(?:\w{1,12}\s++){0,4}?with(?::|\s++(?:this|the)\s++exact\s++phrase:?)\s++"
    r"(?P<phrase>[^\s\"][^\n\".!?]{2,120}[.!?]?)",
    _FLAGS,
)
_ENDS_ELSE = re.compile(
    r"\b(?:start|begin)\w{0,4}\s++(?:and|or)\s++$|\b(?:word|name|verb|line|sentence|paragraph|section)s?\s++(?:\w{1,6}\s++)?$",
    _FLAGS,
)
_LAST = re.compile(
    rf"\blast\s++(?:sentence|line|phrase|words?)\b[^.\n\"]{{0,40}}?\b(?:be|is|are|read)\s++(?:exactly\s*+)?:?\s*+(?P<phrase>{QUOTED})",
    _FLAGS,
)
_OTHER_END = re.compile(
    r"postscript|\bnote\b|\bp\.\s?s\b|\bstart|\bbegin|\beach\b|\bevery\b|\bone\s++of\b|\bin\b|\bas\b", _FLAGS
)
_STARTS = re.compile(
    rf"\b(?:(?:start|begin|open)\w{{0,4}}\s++(?:your|the|its)\s++{_WHOLE}|{_WHOLE}\s++(?:(?:must|should|needs?\s++to|has\s++to)\s++)?"
    rf"(?:start|begin|open)s?)\s++with\s++(?:the\s++)?(?:exact\s++)?(?:(?:text|phrase|words?|sentence):?\s*+)?(?P<text>{QUOTED})"
    r"(?P<any>,\s++in\s++upper\s++or\s++lower\s++case)?",
    _FLAGS,
)
_ANY_CASE = re.compile(r",\s++in\s++upper\s++or\s++lower\s++case", _FLAGS)


def find_postscript(reading: Reading) -> Iterator[Recognised]:
    """Find a postscript and what it starts with."""
    name = "detectable_content:postscript"
    for match in _POSTSCRIPT.finditer(reading.masked):
        marker = match["mark"] or reading.literal(*match.span("quoted"))
        letters = re.sub(r"[.\s]", "", marker).upper()
        added = match["mark"] or ("." in marker and _ADDED.search(reading.around(match.start())))
        if letters in {"PS", "PPS"} and added:
            yield found(name, match.span(), postscript_marker="P.S." if letters == "PS" else "P.P.S")
        elif match["quoted"] and _BEFORE_MARKER.search(reading.before(match.start(), 30)):
            yield found(name, match.span(), postscript_marker=marker)


def find_two_responses(reading: Reading) -> Iterator[Recognised]:
    """Find two responses separated by six asterisks."""
    for match in _SIX.finditer(reading.masked):
        yield found("combination:two_responses", match.span())


def find_constrained_response(reading: Reading) -> Iterator[Recognised]:
    """Find the three answers of which one must be given."""
    text = reading.plain.lower()
    places = [text.find(answer.lower()) for answer in ANSWERS]
    if min(places) >= 0:
        last = max(range(len(places)), key=places.__getitem__)
        span = min(places), places[last] + len(ANSWERS[last])
        yield found("detectable_format:constrained_response", span)


def find_quotation(reading: Reading) -> Iterator[Recognised]:
    """Find that the whole response is wrapped in double quotation marks."""
    for match in _DOUBLE_QUOTES.finditer(reading.masked):
        sentence = reading.around(match.start())
        if _WRAPS.search(sentence) and _ENTIRELY.search(sentence) and not OF_A_PART.search(sentence):
            yield found("startend:quotation", match.span())


def find_json(reading: Reading) -> Iterator[Recognised]:
    """Find that the response is JSON."""
    for match in _JSON.finditer(reading.masked):
        if not ABOUT_CODE.search(reading.around(match.start())):
            yield found("detectable_format:json_format", match.span())


def find_end(reading: Reading) -> Iterator[Recognised]:
    """Find the phrase, or the exact text, at the end."""
    for match in _ENDS.finditer(reading.masked):
        phrase = reading.literal(*match.span("phrase"))
        elsewhere = _ENDS_ELSE.search(reading.before(match.start(), 30))
        if elsewhere or _OTHER_END.search(match[0]) or _POSTSCRIPT_MARK.match(phrase) or not phrase.strip():
            continue
        if not match["how"].rstrip().lower().endswith("exact text"):
            yield found("startend:end_checker", match.span(), end_phrase=phrase)
        elif _ANY_CASE.match(reading.masked, match.end()):
            yield found("text:ends_with", match.span(), text=phrase, ignore_case=True)
        else:
            yield found("text:ends_with", match.span(), text=phrase)
    for match in _LAST.finditer(reading.masked):
        phrase = reading.literal(*match.span("phrase"))
        if not OF_A_PART.search(reading.around(match.start())) and not _OTHER_END.search(match[0]):
            yield found("startend:end_checker", match.span(), end_phrase=phrase)
    for match in _ENDS_UNQUOTED.finditer(reading.masked):
        yield found("startend:end_checker", match.span(), end_phrase=match["phrase"].strip())


def find_start(reading: Reading) -> Iterator[Recognised]:
    """Find the text at the start."""
    for match in _STARTS.finditer(reading.masked):
        text = reading.literal(*match.span("text"))
        if text.strip() and match["any"]:
            yield found("text:starts_with", match.span(), text=text, ignore_case=True)
        elif text.strip():
            yield found("text:starts_with", match.span(), text=text)
