"""Find rules about visible layout: bullets, highlights, sections, titles, placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator

from openrubrics.verifiers.reading import NEGATION, QUOTED, Reading
from openrubrics.verifiers.recognised import Recognised, found, measured

_FLAGS = re.IGNORECASE
_BULLETS = re.compile(r"\s++(?:\w{1,12}\s++)?bullet(?:ed)?(?:[\s-]++(?:points?|items?|list\s++items?)|s)\b", _FLAGS)
_HIGHLIGHTED = r"(?:highlight|italic|emphasi[sz]|\bbold)"
_PART = r"(?:section|phrase|part|text|word|sentence|passage|portion|point)s?\b"
_HIGHLIGHTED_PART = re.compile(
    rf"\s++(?:\w{{1,12}}\s++){{0,2}}?{_HIGHLIGHTED}\w{{0,4}}\s++(?:\w{{1,12}}\s++)?{_PART}", _FLAGS
)
_PLAIN_PART = re.compile(rf"\s++(?:\w{{1,12}}\s++){{0,2}}?{_PART}", _FLAGS)
_HIGHLIGHT_BEFORE = re.compile(rf"{_HIGHLIGHTED}\w{{0,4}}\s++$", _FLAGS)
_HIGHLIGHT_AFTER = re.compile(
    rf"\s++(?:(?:must|should|need\s++to|has\s++to|have\s++to)\s++be\s++|in\s++|that\s++(?:is|are)\s++)?{_HIGHLIGHTED}",
    _FLAGS,
)
_PLACEHOLDERS = re.compile(r"\s++(?:\w{1,12}\s++)?placeholders?\b", _FLAGS)
_ANGULAR = re.compile(r"<<[^<>\n]{1,60}>>|\bdouble\s++ang(?:ular|le)(?:d)?\s++brackets", _FLAGS)
_SECTIONS = re.compile(r"[\s-]++(?P<first>\w{2,20})\b(?:\s++(?P<second>\w{2,20})\b)?", _FLAGS)
_MARKER = re.compile(
    rf"\b(?:mark|label|denot|separat|indicat|start|begin|titl|call|nam|head)\w{{0,6}}\b[^.\n\"]{{0,40}}?"
    rf"(?:\b(?:with|as|by)\s++(?P<quoted>{QUOTED})(?P<number>\s++and\s++(?:a|its)\s++number)?"
    r"|(?-i:\b(?P<bare>[A-Z]\w{1,20})\s++(?:X|N|#)(?!\w)))",
    _FLAGS,
)
_ENUMERATED = re.compile(r"\b(?P<name>[A-Z][A-Za-z]{1,20}) 1\b[\s,]{0,3}(?:and )?(?P=name) 2\b")
_QUOTED_MARKERS = re.compile(rf":\s*+(?P<first>{QUOTED})(?=(?:\s?,)?(?:\s++and)?\s++{QUOTED})", _FLAGS)
_NUMBERED = re.compile(r"(?P<name>\D{2,30}?)(?:\s?1|\s[XN#])")


def find_bullets(reading: Reading) -> Iterator[Recognised]:
    """Find exact numbers of bullet points."""
    for quantity, unit in measured(reading, _BULLETS):
        if quantity.exact:
            span = quantity.start, unit.end()
            yield found("detectable_format:number_bullet_lists", span, num_bullets=quantity.number)


def find_highlights(reading: Reading) -> Iterator[Recognised]:
    """Find least numbers of highlighted, italic or bold parts."""
    name = "detectable_format:number_highlighted_sections"
    for quantity, unit in measured(reading, _HIGHLIGHTED_PART):
        if quantity.reaches:
            yield found(name, (quantity.start, unit.end()), num_highlights=quantity.reaches)
    for quantity, unit in measured(reading, _PLAIN_PART):
        before, after = reading.before(quantity.start, 20), reading.after(unit.end(), 40)
        if quantity.reaches and (_HIGHLIGHT_BEFORE.search(before) or _HIGHLIGHT_AFTER.match(after)):
            yield found(name, (quantity.start, unit.end()), num_highlights=quantity.reaches)


def find_sections(reading: Reading) -> Iterator[Recognised]:
    """Find least numbers of sections that are marked with a word and a number."""
    markers = [*_markers(reading)]
    if not markers:
        return
    span, marker = markers[0]
    nouns = {"section", "sections", "part", "parts", "paragraph", "paragraphs", f"{marker.lower()}s"}
    for quantity, unit in measured(reading, _SECTIONS):
        if {str(noun).lower() for noun in unit.groups()} & nouns and quantity.reaches:
            span = min(span[0], quantity.start), max(span[1], unit.end())
            name = "detectable_format:multiple_sections"
            yield found(name, span, section_spliter=marker, num_sections=quantity.reaches)
            return


def find_title(reading: Reading) -> Iterator[Recognised]:
    """Find a title in double angular brackets."""
    for match in _ANGULAR.finditer(reading.masked):
        if "title" in reading.around(match.start()).lower():
            yield found("detectable_format:title", match.span())


def find_placeholders(reading: Reading) -> Iterator[Recognised]:
    """Find least numbers of placeholders in square brackets."""
    for quantity, unit in measured(reading, _PLACEHOLDERS):
        negated = re.search(NEGATION, reading.before(quantity.start, 20), _FLAGS)
        if quantity.reaches and not negated:
            span = quantity.start, unit.end()
            yield found("detectable_content:number_placeholders", span, num_placeholders=quantity.reaches)


def _markers(reading: Reading) -> Iterator[tuple[tuple[int, int], str]]:
    for match in _MARKER.finditer(reading.masked):
        literal = reading.literal(*match.span("quoted")) if match["quoted"] else ""
        numbered = _NUMBERED.fullmatch(literal)
        if match["bare"] or match["number"]:
            yield match.span(), match["bare"] or literal
        elif numbered:
            yield match.span(), numbered["name"]
    for match in _QUOTED_MARKERS.finditer(reading.masked):
        numbered = _NUMBERED.fullmatch(reading.literal(*match.span("first")))
        if numbered:
            yield match.span(), numbered["name"]
    for match in _ENUMERATED.finditer(reading.masked):
        yield match.span(), match["name"]
