"""Say a check in one rubric sentence, in words that the recognisers read back as the same check."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from openrubrics.signatures.values import Check
from openrubrics.verifiers.data_formats import Pattern, Schema
from openrubrics.verifiers.frame import ANSWERS, DIVIDER, Affix, EndPhrase, Postscript, RepeatPrompt
from openrubrics.verifiers.keywords import ForbiddenWords, KeywordFrequency, Keywords, LetterFrequency
from openrubrics.verifiers.language import LANGUAGES
from openrubrics.verifiers.layout import Bullets, Highlights, Placeholders, Sections
from openrubrics.verifiers.length import (
    NumberOfParagraphs,
    NumberOfSentences,
    NumberOfWords,
    ParagraphFirstWord,
    Range,
)
from openrubrics.verifiers.reading import quote
from openrubrics.verifiers.style import CapitalWords, ResponseLanguage
from openrubrics.verifiers.verify import resolve

_NAMES = {code: name for name, code in LANGUAGES.items()}


def describe(check: Check) -> str:
    """Return one rubric sentence, "The response ...", that states a check with its arguments.

    For every check that `recognise` knows, it finds exactly this check in the sentence: all of IFEval's, and ours
    about characters, lines, start and end. (Ours about words, JSON, schemas and patterns are not read back, nor are
    guards.)

    Raises:
        UsageError: The check is not registered, or its arguments are not valid.
    """
    _, arguments = resolve(check)
    return f"The response {_SENTENCES[check.name](arguments)}"


def _asked(relation: str, number: int) -> str:
    return f"{'fewer than' if relation == 'less than' else 'at least'} {number}"


def _capital_words(a: CapitalWords) -> str:
    return f"uses words in all capital letters {_asked(a.capital_relation, a.capital_frequency)} times."


def _language(a: ResponseLanguage) -> str:
    return f"is entirely in {_NAMES[a.language]}, and no other language is used."


def _existence(a: Keywords) -> str:
    return f"includes the keyword{'s' * (len(a.keywords) > 1)} {', '.join(map(quote, a.keywords))}."


def _forbidden(a: ForbiddenWords) -> str:
    words = a.forbidden_words
    return f"does not include the word{'s' * (len(words) > 1)} {', '.join(map(quote, words))}."


def _frequency(a: KeywordFrequency) -> str:
    return f"uses the word {quote(a.keyword)} {_asked(a.relation, a.frequency)} times."


def _letter(a: LetterFrequency) -> str:
    return f"uses the letter {quote(a.letter)} {_asked(a.let_relation, a.let_frequency)} times."


def _words(a: NumberOfWords) -> str:
    return f"contains {_asked(a.relation, a.num_words)} words."


def _sentences(a: NumberOfSentences) -> str:
    return f"contains {_asked(a.relation, a.num_sentences)} sentences."


def _paragraphs(a: NumberOfParagraphs) -> str:
    return f"has exactly {a.num_paragraphs} paragraphs, separated by the markdown divider ***."


def _first_word(a: ParagraphFirstWord) -> str:
    paragraphs = f"has exactly {a.num_paragraphs} paragraphs, separated by blank lines"
    return f"{paragraphs}, and paragraph {a.nth_paragraph} starts with the word {quote(a.first_word)}."


def _bullets(a: Bullets) -> str:
    return f"contains exactly {a.num_bullets} bullet points."


def _highlights(a: Highlights) -> str:
    return f"contains at least {a.num_highlights} highlighted sections, between markdown asterisks."


def _sections(a: Sections) -> str:
    return f"has at least {a.num_sections} sections, each marked with {quote(a.section_spliter)} and its number."


def _title(_: object) -> str:
    return "has a title wrapped in double angular brackets."


def _placeholders(a: Placeholders) -> str:
    return f"contains at least {a.num_placeholders} placeholders in square brackets."


def _postscript(a: Postscript) -> str:
    return f"has a postscript that starts with {quote(a.postscript_marker)}."


def _constrained(_: object) -> str:
    return f"contains one of the phrases {', '.join(map(quote, ANSWERS))}."


def _two_responses(_: object) -> str:
    return f"gives two different answers, separated by {DIVIDER}."


def _repeat(a: RepeatPrompt) -> str:
    return f"starts by repeating the request word for word: {quote(a.prompt_to_repeat)}."


def _end_phrase(a: EndPhrase) -> str:
    return f"ends with the phrase {quote(a.end_phrase)}."


def _starts(a: Affix) -> str:
    return f"starts with the exact text {quote(a.text)}{', in upper or lower case' * a.ignore_case}."


def _ends(a: Affix) -> str:
    return f"ends with the exact text {quote(a.text)}{', in upper or lower case' * a.ignore_case}."


def _range(unit: str) -> Callable[[Range], str]:
    return lambda a: f"contains {a} {unit}."


def _pattern(a: Pattern) -> str:
    verb = "matches" if a.mode == "match" else "does not match"
    return f"{verb} the regular expression {quote(a.pattern)}."


def _schema(a: Schema) -> str:
    return f"is JSON that fits the schema {quote(json.dumps(a.definition, sort_keys=True))}."


_SENTENCES: Mapping[str, Callable[[Any], str]] = {
    "change_case:capital_word_frequency": _capital_words,
    "change_case:english_capital": lambda _: "is in English and in all capital letters.",
    "change_case:english_lowercase": lambda _: "is in English and in all lowercase letters.",
    "combination:repeat_prompt": _repeat,
    "combination:two_responses": _two_responses,
    "detectable_content:number_placeholders": _placeholders,
    "detectable_content:postscript": _postscript,
    "detectable_format:constrained_response": _constrained,
    "detectable_format:json_format": lambda _: "is entirely in JSON format.",
    "detectable_format:multiple_sections": _sections,
    "detectable_format:number_bullet_lists": _bullets,
    "detectable_format:number_highlighted_sections": _highlights,
    "detectable_format:title": _title,
    "keywords:existence": _existence,
    "keywords:forbidden_words": _forbidden,
    "keywords:frequency": _frequency,
    "keywords:letter_frequency": _letter,
    "language:response_language": _language,
    "length_constraints:nth_paragraph_first_word": _first_word,
    "length_constraints:number_paragraphs": _paragraphs,
    "length_constraints:number_sentences": _sentences,
    "length_constraints:number_words": _words,
    "punctuation:no_comma": lambda _: "does not use any commas.",
    "startend:end_checker": _end_phrase,
    "startend:quotation": lambda _: "is wrapped entirely in double quotation marks.",
    "guard:cut": lambda _: "does not end in the middle.",
    "guard:empty": lambda _: "has content.",
    "guard:language_mix": lambda _: "has no words of a script that nothing in the request explains.",
    "guard:refusal": lambda _: "does not decline the request.",
    "guard:repetition": lambda _: "does not say the same over and over.",
    "text:character_count": _range("characters"),
    "text:ends_with": _ends,
    "text:json": lambda _: "is bare JSON and nothing else.",
    "text:json_schema": _schema,
    "text:line_count": _range("lines"),
    "text:regex": _pattern,
    "text:starts_with": _starts,
    "text:word_count": _range("words"),
}
