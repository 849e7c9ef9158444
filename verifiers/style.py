"""Rules about case, language and punctuation."""

from __future__ import annotations

from pydantic import field_validator

from openrubrics.verifiers.contract import Arguments, CheckResult, Count, Relation, Verifier, compare, counted
from openrubrics.verifiers.language import LANGUAGES, detect_language, word_tokens

_CODES = frozenset(LANGUAGES.values())


class CapitalWords(Arguments):
    """How many words in capital letters may or must be there."""

    capital_frequency: Count
    capital_relation: Relation


class ResponseLanguage(Arguments):
    """The langdetect code of a language, for example ``de`` or ``zh-cn``."""

    language: str

    @field_validator("language")
    @classmethod
    def _is_known(cls, language: str) -> str:
        if language not in _CODES:
            raise ValueError(f"expected one of {', '.join(sorted(_CODES))}")
        return language


def _no_comma(arguments: Arguments, response: str) -> CheckResult:
    count = response.count(",")
    return CheckResult(passed=not count, detail=f"{counted(count, 'comma')} found")


def _english_capital(arguments: Arguments, response: str) -> CheckResult:
    if not response.isupper():
        return CheckResult(passed=False, detail="not all letters are capital letters")
    return _in_language(response, "en")


def _english_lowercase(arguments: Arguments, response: str) -> CheckResult:
    if not response.islower():
        return CheckResult(passed=False, detail="not all letters are lowercase letters")
    return _in_language(response, "en")


def _response_language(arguments: ResponseLanguage, response: str) -> CheckResult:
    return _in_language(response, arguments.language)


def _in_language(response: str, asked: str) -> CheckResult:
    found = detect_language(response)
    if found is None:
        return CheckResult(passed=True, detail="no language can be told from this text, which counts as satisfied")
    return CheckResult(passed=found == asked, detail=f"the language looks like {found}, {asked} asked for")


def _capital_word_frequency(arguments: CapitalWords, response: str) -> CheckResult:
    count = sum(1 for token in word_tokens(response) if token.isupper())
    return compare(count, arguments.capital_relation, arguments.capital_frequency, "all-caps word")


STYLE_VERIFIERS = (
    Verifier("punctuation:no_comma", Arguments, _no_comma, "No comma occurs."),
    Verifier("change_case:english_capital", Arguments, _english_capital, "English in capital letters only."),
    Verifier("change_case:english_lowercase", Arguments, _english_lowercase, "English in lowercase letters only."),
    Verifier(
        "change_case:capital_word_frequency",
        CapitalWords,
        _capital_word_frequency,
        "Enough or few enough words in capital letters.",
    ),
    Verifier("language:response_language", ResponseLanguage, _response_language, "The response is in a language."),
)
