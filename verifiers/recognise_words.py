"""Find rules about which words and letters occur, and how often."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

from pydantic import JsonValue

from openrubrics.verifiers.quantities import Quantity
from openrubrics.verifiers.reading import ABOUT_CODE, NEGATION, QUOTED, Reading
from openrubrics.verifiers.recognised import Recognised, found, measured

_FLAGS = re.IGNORECASE
_FUNCTION_WORDS = """
    a about above all an and any appear appears are as at be below by can containing count does for from has have in
    including is it like limit long made may must of on only or per related relating should starting such than that the
    their there these they this those to used using very was we were when where which with without you your
    both exactly once somewhere throughout twice within
"""
_NOT_KEYWORDS = frozenset(_FUNCTION_WORDS.split())

CAPITAL_WORDS = (
    r"(?:\b(?:all[- ]?caps?|(?:all[- ])?(?:capital(?:i[sz]ed)?|upper-?\s?case)(?:[- ]letters?)?)[- ]words?\b"
    r"|\bwords?\s++(?:\w{1,8}\s++){0,2}?(?:in|with|of|using)\s++(?:all\s++|only\s++)?"
    r"(?:capital(?:i[sz]ed)?(?:\s++letters)?|caps|upper-?\s?case(?:\s++letters)?)\b)"
)
"""Pattern of words in capital letters as a thing to be counted."""

_SUBJECT = re.compile(
    rf"(?P<capitals>{CAPITAL_WORDS})"
    rf"|\bletters?\s++(?P<letter>{QUOTED}|[^\s\"](?![\w]))"
    rf"|\b(?:key)?(?:word|term|phrase|name)s?\s++(?P<word>{QUOTED}|[\w-]{{1,60}})"
    rf"|\b(?:us|includ|mention|contain|say|repeat)\w{{0,3}}\s++(?P<quoted>{QUOTED})",
    _FLAGS,
)
_NO_LETTER = re.compile(
    rf"{NEGATION}(?:\s++\w{{1,12}}){{0,4}}?\s++(?:the\s++)?letter\s++(?P<letter>{QUOTED}|[^\s\"](?![\w]))", _FLAGS
)
_TIMES = re.compile(r"\s++times\b(?!\s++(?:in\s++)?(?:each|every|per)\b)", _FLAGS)
_CAPITALS_UNIT = re.compile(rf"\s++(?=[a-z-]{{3,10}}){CAPITAL_WORDS}", _FLAGS)
_SOME_CAPITALS = re.compile(rf"\b(?:us|includ|contain)\w{{0,3}}\s++(?:some\s++|a\s++few\s++)?{CAPITAL_WORDS}", _FLAGS)

_LIST_NOUN = re.compile(
    r"\b(?P<noun>(?:key)?(?:words?|terms?|phrases?))"
    r"(?P<banned>\s++(?:is|are)\s++(?:forbidden|prohibited|banned|not\s++allowed))?(?P<colon>\s?:)?\s++[\[(]?(?=[\"\w])",
    _FLAGS,
)
_ITEM = re.compile(rf"(?P<quoted>{QUOTED})|(?P<bare>\w[\w'-]{{0,40}})")
_JOINT = re.compile(r"\s?,?\s++(?:and|or|&)\s++|\s?,\s++")
_COMMA_INSIDE = re.compile(r"\s++(?:(?:and|or)\s++)?(?=\")", _FLAGS)
_INCLUDES = re.compile(r"\b(?:(?:includ|contain|us|mention|incorporat|featur|add|hav)(?:e|es|ed|ing|s)?|has)\b", _FLAGS)
_BEFORE_FORBIDS = re.compile(rf"{NEGATION}(?!\s++forget)|\bforbidden\b|\bbanned\b", _FLAGS)
_AFTER_FORBIDS = re.compile(
    r"\s++(?:(?:must|should|may|can|do|does|is|are)\s*+(?:not|n't)|cannot|never|(?:is|are)\s++(?:forbidden|prohibited|banned))",
    _FLAGS,
)
_AFTER_INCLUDES = re.compile(
    r"\s++(?:must|should|need\s++to|have\s++to)\s++(?:all\s++|both\s++)?(?:appear|be\s++)", _FLAGS
)
_OTHER_RULE = re.compile(
    r"\b(?:start|begin|end|finish)\w{0,4}\s++(?:\w{1,12}\s++){0,3}$|\bone\s++of\s++(?:the\s++)?(?:following\s++)?(?:\w+\s++)?$"
    r"|\b(?:first|last|exact|in|from|for|about|behind|define|explain)\s++(?:the\s++)?$|(?<!\buse)(?<!\busage)\s++of\s++the\s++$",
    _FLAGS,
)
_QUOTED_LIST = re.compile(
    rf"(?:\b(?:not|never)\s++|n't\s++)(?:us|includ|mention|contain|say|writ)(?:e|ing|s)?\s++(?:the\s++)?(?={QUOTED})",
    _FLAGS,
)


def find_frequencies(reading: Reading) -> Iterator[Recognised]:
    """Find how often a letter, a word, or words in capital letters may or must occur."""
    adverbs = ((q, q.end) for q in reading.quantities if q.adverb)
    times = ((q, max(q.end, unit.end())) for q, unit in measured(reading, _TIMES))
    for quantity, end in (*times, *adverbs):
        before = reading.before(quantity.start, 160)
        for subject in deque(_SUBJECT.finditer(before), maxlen=1):
            yield from _frequency(reading, subject, quantity.start - len(before), quantity, end)


def find_no_letter(reading: Reading) -> Iterator[Recognised]:
    """Find that a letter must not occur at all."""
    for match in _NO_LETTER.finditer(reading.masked):
        text = match["letter"]
        letter = reading.literal(*match.span("letter")) if text.startswith('"') else text
        counted = re.search(r"\btimes\b|\bonce\b|\btwice\b|\bthrice\b", reading.after(match.end(), 60), _FLAGS)
        if len(letter) == 1 and letter.isalpha() and not counted:
            yield found(
                "keywords:letter_frequency", match.span(), letter=letter, let_frequency=1, let_relation="less than"
            )


def find_capital_words(reading: Reading) -> Iterator[Recognised]:
    """Find how many words in capital letters may or must occur, where no "times" says it."""
    for quantity, unit in measured(reading, _CAPITALS_UNIT):
        yield from _bounds("change_case:capital_word_frequency", "capital_", {}, quantity, unit.end())
    for match in _SOME_CAPITALS.finditer(reading.masked):
        if not _stated_again(reading, match):
            yield found(
                "change_case:capital_word_frequency", match.span(), capital_frequency=1, capital_relation="at least"
            )


def find_keywords(reading: Reading) -> Iterator[Recognised]:
    """Find lists of words that must, or must not, occur."""
    for noun in _LIST_NOUN.finditer(reading.masked):
        before = reading.before(noun.start(), 80)
        definite = bool(noun["colon"]) or before.lower().endswith(("the ", "following "))
        items, end = _list(reading, noun.end(), definite, noun["noun"].lower().startswith("key"))
        if not items or _OTHER_RULE.search(before) or _is_counted(reading, noun.start(), end):
            continue
        after = reading.after(end, 60)
        span = noun.start(), end
        if noun["banned"] or _BEFORE_FORBIDS.search(before[-60:]) or _AFTER_FORBIDS.match(after):
            yield found("keywords:forbidden_words", span, forbidden_words=items)
        elif _INCLUDES.search(before[-60:]) or _AFTER_INCLUDES.match(after):
            yield found("keywords:existence", span, keywords=items)
    for verb in _QUOTED_LIST.finditer(reading.masked):
        items, end = _list(reading, verb.end(), definite=False, keyword=False)
        if not ABOUT_CODE.search(reading.around(verb.start())):
            yield found("keywords:forbidden_words", (verb.start(), end), forbidden_words=items)


def _frequency(
    reading: Reading, subject: re.Match[str], offset: int, quantity: Quantity, end: int
) -> Iterator[Recognised]:
    group = subject.lastgroup or ""
    text = subject[group]
    if text.startswith('"'):
        text = reading.literal(offset + subject.start(group), offset + subject.end(group))
    if not text.strip():
        return
    start = offset + subject.start()
    if group == "capitals":
        yield from _bounds("change_case:capital_word_frequency", "capital_", {}, quantity, end, start)
    elif group == "letter":
        if len(text) == 1:
            yield from _bounds("keywords:letter_frequency", "let_", {"letter": text}, quantity, end, start)
    elif subject[group].startswith('"') or text.lower() not in _NOT_KEYWORDS:
        yield from _bounds("keywords:frequency", "", {"keyword": text}, quantity, end, start)


def _bounds(
    name: str, prefix: str, arguments: dict[str, JsonValue], quantity: Quantity, end: int, start: int | None = None
) -> Iterator[Recognised]:
    """Yield one check for each bound; a bare number is read as the least one."""
    span = quantity.start if start is None else start, end
    relations = [("at least", quantity.number)] if quantity.bare else quantity.relations()
    for relation, number in relations:
        counted: dict[str, JsonValue] = {f"{prefix}frequency": number, f"{prefix}relation": relation}
        yield found(name, span, **arguments, **counted)


def _list(reading: Reading, position: int, definite: bool, keyword: bool) -> tuple[list[JsonValue], int]:
    """Return the items of "a, b and c" at a position, and where they end; none if it is not a list of words."""
    items: list[JsonValue] = []
    bare, american, end = False, False, position
    while match := _ITEM.match(reading.masked, position):
        if match["bare"] and (match["bare"].lower() in _NOT_KEYWORDS or (items and not bare)):
            break
        bare = bare or match["bare"] is not None
        end = match.end()
        text = match["bare"] or reading.literal(*match.span())
        comma_inside = _COMMA_INSIDE.match(reading.masked, end) if match["quoted"] and text.endswith(",") else None
        joint = comma_inside or _JOINT.match(reading.masked, end)
        american = american or comma_inside is not None
        items.append(text.rstrip(",.") if american and (comma_inside or not joint) else text)
        if joint is None:
            break
        position = joint.end()
    if bare and _goes_on(reading, end):
        return [], end
    sure = not bare or definite or (keyword and len(items) > 1)
    return (items if sure and all(str(item).strip() for item in items) else []), end


def _goes_on(reading: Reading, end: int) -> bool:
    """Whether another word follows, so that an item is a phrase whose end is unclear."""
    following = re.match(r" ([A-Za-z]\w*)", reading.after(end, 40))
    return following is not None and following[1].lower() not in _NOT_KEYWORDS


def _is_counted(reading: Reading, start: int, end: int) -> bool:
    """Whether a number of times follows, or a number comes before ("300 words about")."""
    after = reading.after(end, 80)
    if re.search(r"\btimes\b|\b(?:once|twice|thrice)\b", after, _FLAGS):
        between = re.split(r"\btimes\b|\b(?:once|twice|thrice)\b", after, maxsplit=1, flags=_FLAGS)[0]
        if not re.search(r"\bletters?\b|\bwords?\b", between, _FLAGS):
            return True
    return any(start - 2 <= q.end <= start for q in reading.quantities)


def _stated_again(reading: Reading, match: re.Match[str]) -> bool:
    return bool(re.search(r"\btimes\b|\bonce\b|\btwice\b", reading.after(match.end(), 40), _FLAGS))
