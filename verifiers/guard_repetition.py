"""A guard against answers that say the same again and again.

The rule is ours; OpenRS names guards against degenerate output and publishes none of this kind.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from openrubrics.signatures.model_text import without_thinking
from openrubrics.signatures.values import Check
from openrubrics.verifiers.contract import Arguments, CheckResult, Verifier

_FLAGS = re.IGNORECASE
_ASKED_FOR = re.compile(
    r"\b(?:repeat\w{0,5}|repetit\w{0,5}|redundan\w{0,3}|times|over and over|again and again|copy|copies"
    r"|duplicat\w{0,4}|refrain\w{0,3}"
    r"|chorus\w{0,2}|songs?|lyrics?|chants?|mantras?|raps?|jingles?|lullab\w{0,3}|loops?|hundred|thousand"
    r"|\d{2,}\s++(?:lines|rows|copies)"
    r"|pattern|ascii|draw|placeholder|lorem|test data|dummy|sequences?|binary|strings?|digits?|random|drill|dna|pi"
    r"|matri(?:x|ces)|grids?|chalkboard|zero(?:s|es)|empty (?:tables?|rows?|cells?|board)|fill(?:ed)? with"
    r"|default values|to the \d{1,6}|laugh\w{0,3}|scream\w{0,3}|yell\w{0,3}|shout\w{0,3}|sql|assembly|nops?"
    r"|role-?play\w{0,3}|pretend\w{0,3}|act (?:as|like)|beeps?|tabs|timer)\b",
    _FLAGS,
)
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]|[^\W_]++", re.UNICODE)
_SENTENCE_END = re.compile(r"[.!?]++(?=\s)|[。！？\n]++")
_TABLE_ROW = re.compile(r"^[ \t]*+\|.*", re.MULTILINE)
_CHARACTER_LOOP = re.compile(r"([^\W_]|[!?])\1{59,}+|((?:[^\W_]|[ !?]){2,8}?)\2{29,}+")
_LETTER = re.compile(r"[^\W\d_]")

_LONG = 80
"""Words, or characters of scripts without spaces, from which on a text can be a loop."""

_COVERED = 0.6
"""Share of a text that its most frequent unit, or a loop of words, has to cover."""

_IN_DOUBT = 0.3
"""Share of words in a phrase that came before, numbers aside, from which on a text is no clear case."""

_FEW = 8
_OFTEN = 6
_UNIT_WORDS = 3
_GRAM = 6
_LONGEST_PERIOD = 200


def repetition_check(prompt: str) -> Check | None:
    """Return the guard against loops; None where the prompt asks for something that repeats."""
    return None if _ASKED_FOR.search(prompt) else Check(name="guard:repetition")


def _no_repetition(arguments: Arguments, response: str) -> CheckResult:
    text = without_thinking(response) or response
    why = _character_loop(text) or _unit(text) or _word_loop(text)
    if why:
        return CheckResult(passed=False, detail=why)
    share = _said_before(text)
    if share >= _IN_DOUBT:
        return CheckResult(passed=None, detail=f"{share:.0%} of its words repeat what came before")
    return CheckResult(passed=True, detail="nothing is repeated over most of it")


def _character_loop(text: str) -> str | None:
    covered = sum(match.end() - match.start() for match in _CHARACTER_LOOP.finditer(text))
    return "the same characters cover most of it" if covered >= 120 and covered >= _COVERED * len(text) else None


def _unit(text: str) -> str | None:
    """Say so where one line or one sentence, said often, covers most of a text."""
    prose = _TABLE_ROW.sub("", text)
    for units, name in ((text.split("\n"), "line"), (_SENTENCE_END.split(prose), "sentence")):
        counted = Counter(words for words in map(_words, units) if words)
        total = sum(len(words) * count for words, count in counted.items())
        if total < _LONG:
            return None
        words, count = max(counted.items(), key=lambda one: (len(one[0]) * one[1], one[0]))
        if count >= _OFTEN and len(words) >= _UNIT_WORDS and count * len(words) >= _COVERED * total:
            return f"the same {name} comes {count} times"
    return None


def _word_loop(text: str) -> str | None:
    """Say so where words that come again at one distance, more than three times in a row, cover most of a text."""
    words = _words(text)
    if len(words) < _LONG:
        return None
    covered = sum(length for length, period in _loops(words) if length >= 3 * period and length >= _LONG // 4)
    return f"a loop covers {covered} of {len(words)} words" if covered >= _COVERED * len(words) else None


def _loops(words: Sequence[str]) -> Iterable[tuple[int, int]]:
    """Yield length and period of each stretch of words, all of which stand one period before too."""
    places: dict[int, int] = {}
    length = period = 0
    for end in range(_GRAM, len(words) + 1):
        gram = hash(tuple(words[end - _GRAM : end]))
        distance = end - places.get(gram, end)
        places[gram] = end
        if distance and distance == period:
            length += 1
            continue
        if length:
            yield length, period
        length, period = (1, distance) if 0 < distance <= _LONGEST_PERIOD else (0, 0)
    if length:
        yield length, period


def _said_before(text: str) -> float:
    """Return the share of words that end a phrase which came before, numbers left out; 0 for a few words."""
    words = [word for word in _words(text) if not word.isdecimal()]
    size = 4 if len(words) >= _LONG else 2
    grams = [hash(tuple(words[end - size : end])) for end in range(size, len(words) + 1)]
    return 1 - len(set(grams)) / len(grams) if len(words) >= _FEW else 0.0


def _words(text: str) -> tuple[str, ...]:
    """Return the words in lower case; none of a text without letters, such as the rule of a table."""
    return tuple(_TOKEN.findall(text.lower())) if _LETTER.search(text) else ()


REPETITION_GUARDS = (
    Verifier("guard:repetition", Arguments, _no_repetition, "The response does not say the same over and over."),
)
