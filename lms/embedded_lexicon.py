"""The embedded reader's whole notion of quality: twelve things that can be measured in a text.

Each entry is a sentence the reader writes into a rubric, a measure, and the phrases by which it finds the entry in a
rubric that someone else wrote. The entries, their phrases and `CLEARLY` were set by hand and are never tuned on data.
They say nothing about whether a response is true, helpful or well argued.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from openrubrics.verifiers.language import count_words, detect_language

CLEARLY = 0.10
"""Two responses differ clearly where the lower figure is below the higher one by more than this share of it."""

Measure = Callable[[str, str], float]
"""From a response and the request to a figure, 0 or more."""

_WORD = re.compile(r"\w+")
_NEGATION = re.compile(
    r"\b(?:not|no|nor|never|neither|without|cannot|avoid\w{0,3}|free (?:of|from)|little|minimal|rather than)\b|n['’]t\b"
)
_FUNCTION_WORDS = {
    "about", "after", "also", "because", "been", "before", "being", "between", "both", "could", "does", "each",
    "following", "from", "give", "have", "into", "just", "like", "make", "more", "most", "must", "only", "other",
    "over", "please", "same", "should", "some", "such", "than", "that", "their", "them", "then", "there", "these",
    "they", "this", "those", "under", "very", "were", "what", "when", "where", "which", "while", "will", "with",
    "would", "write", "your",
}  # fmt: skip
_OPENING_LETTERS = 6
_WINDOW = 50
_ENOUGH_FOR_A_LANGUAGE = 60
_READ_FOR_A_LANGUAGE = 2_000

_FILLER = (
    "as requested", "as you requested", "certainly!", "feel free to", "great question", "here is a", "here's a",
    "i hope this helps", "i'd be happy to", "it is important to note", "let me know if", "of course!", "sure!", "sure,",
)  # fmt: skip
_ABOUT_ITSELF = (
    "as a language model", "as an ai", "i am sorry", "i am unable", "i apologize", "i can't", "i cannot",
    "i do not have access", "i don't have access", "i'm sorry", "i'm unable",
)  # fmt: skip
_EXAMPLES = re.compile(r"\b(?:for example|for instance|such as|e\.g\.)|\d+", re.IGNORECASE)
_STRUCTURE = re.compile(r"[ \t]{0,12}(?:#{1,6}[ \t]|[-*+•][ \t]|\d{1,3}[.)][ \t]|\||\*\*[^*\n]{1,80}\*\*:?[ \t]*$)")
_MARKUP = re.compile(r"\*\*|__|`|^[ \t]{0,12}(?:#{1,6}[ \t]|[-*+•][ \t]|\d{1,3}[.)][ \t]|\|)")


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _share(part: int, whole: int, of_nothing: float) -> float:
    return part / whole if whole else of_nothing


def _length(response: str, request: str) -> float:
    return count_words(response)


def _coverage(response: str, request: str) -> float:
    """Share of the request's content words that occur; words count as the same by their first letters."""
    asked = {w[:_OPENING_LETTERS] for w in _words(request) if len(w) > 3 and w not in _FUNCTION_WORDS}
    given = {word[:_OPENING_LETTERS] for word in _words(response)}
    return _share(len(asked & given), len(asked), of_nothing=1.0)


def _new_phrases(response: str, request: str) -> float:
    """Share of different ones among all sequences of three words."""
    words = _words(response)
    phrases = list(zip(words, words[1:], words[2:], strict=False))
    return _share(len(set(phrases)), len(phrases), of_nothing=1.0)


def _structured_lines(response: str, request: str) -> float:
    lines = _lines(response)
    return _share(sum(1 for line in lines if _STRUCTURE.match(line)), len(lines), of_nothing=0.0)


def _plain_lines(response: str, request: str) -> float:
    lines = _lines(response)
    return _share(sum(1 for line in lines if not _MARKUP.search(line)), len(lines), of_nothing=1.0)


def _ended(response: str, request: str) -> float:
    """1 unless the text stops inside a code block, after an opening mark, or in the middle of a line of prose."""
    lines = _lines(response)
    if not lines or response.count("```") % 2:
        return 0.0
    last = lines[-1].rstrip()
    if last[-1] in ",;:([{<-–—":
        return 0.0
    in_prose = not _STRUCTURE.match(last) and count_words(last) > 4
    return 0.0 if in_prose and last[-1].isalnum() else 1.0


def _same_language(response: str, request: str) -> float:
    """1 unless both texts are long enough to tell their languages, and these differ."""
    texts = [text.strip()[:_READ_FOR_A_LANGUAGE] for text in (response, request)]
    if min(map(len, texts)) < _ENOUGH_FOR_A_LANGUAGE:
        return 1.0
    found, asked = map(detect_language, texts)
    return 0.0 if found and asked and found != asked else 1.0


def _occurrences(phrases: tuple[str, ...]) -> Measure:
    def count(response: str, request: str) -> float:
        text = response.casefold().replace("’", "'")
        return sum(text.count(phrase) for phrase in phrases)

    return count


def _variety(response: str, request: str) -> float:
    """Share of different words in a stretch of fifty words, on average, so that length alone changes nothing."""
    words = _words(response)
    windows = [words[i : i + _WINDOW] for i in range(0, max(1, len(words) - _WINDOW + 1), _WINDOW)]
    return sum(_share(len(set(window)), len(window), of_nothing=0.0) for window in windows) / len(windows)


def _concreteness(response: str, request: str) -> float:
    found = sum(1 for _ in _EXAMPLES.finditer(response))
    return 100 * _share(found, count_words(response), of_nothing=0.0)


@dataclass(frozen=True)
class Quality:
    """One entry of the lexicon.

    Attributes:
        name: Short name.
        sentence: What the reader writes into a rubric; free of any topic.
        figure: What the measure counts, for a person to read.
        measure: From a response and the request to the figure.
        more_is_better: Direction.
        says: Openings of words or phrases that name the entry in a criterion without a negation.
        denies: The same for a criterion with a negation.
    """

    name: str
    sentence: str
    figure: str
    measure: Measure
    more_is_better: bool
    says: tuple[str, ...] = ()
    denies: tuple[str, ...] = ()

    def lead(self, first: float, second: float) -> float:
        """Return by what share, from -1 to 1, the first figure is better than the second."""
        largest = max(first, second)
        share = (first - second) / largest if largest else 0.0
        return share if self.more_is_better else -share

    def is_named_in(self, criterion: str) -> bool:
        """Return whether a criterion's text means this entry."""
        text = criterion.casefold()
        phrases = self.denies if _NEGATION.search(text) else self.says
        return any(re.search(rf"\b{re.escape(phrase)}", text) for phrase in phrases)


LEXICON: tuple[Quality, ...] = (
    Quality(
        "coverage",
        "The response addresses every part of the request.",
        "share of the request's content words",
        _coverage,
        more_is_better=True,
        says=("addresses every part", "addresses all parts", "every part of the request", "covers all", "covers every"),
    ),
    Quality(
        "ending",
        "The response comes to a proper end and is not cut off.",
        "proper ending (1) or not (0)",
        _ended,
        more_is_better=True,
        says=("proper end", "complete ending"),
        denies=("cut off", "truncated", "breaks off", "break off"),
    ),
    Quality(
        "engagement",
        "The response does what is asked and does not refuse or talk about itself.",
        "refusals and remarks about itself",
        _occurrences(_ABOUT_ITSELF),
        more_is_better=False,
        denies=("refus", "declin", "talk about itself", "as an ai", "disclaimer"),
    ),
    Quality(
        "language",
        "The response is written in the language of the request.",
        "language of the request (1) or another (0)",
        _same_language,
        more_is_better=True,
        says=("language of the request", "same language as"),
    ),
    Quality(
        "freshness",
        "The response does not repeat itself.",
        "share of word triples that are new",
        _new_phrases,
        more_is_better=True,
        denies=("repeat", "repetit", "redundan"),
    ),
    Quality(
        "directness",
        "The response starts with its substance and has no filler phrases.",
        "filler phrases",
        _occurrences(_FILLER),
        more_is_better=False,
        denies=("filler", "preamble", "pleasantr"),
    ),
    Quality(
        "concreteness",
        "The response gives concrete figures or examples.",
        "figures and examples in 100 words",
        _concreteness,
        more_is_better=True,
        says=("concrete", "examples", "specific figures"),
    ),
    Quality(
        "variety",
        "The response uses varied wording.",
        "share of different words in a stretch of 50",
        _variety,
        more_is_better=True,
        says=("varied wording", "varied vocabulary", "rich vocabulary", "diverse vocabulary"),
    ),
    Quality(
        "depth",
        "The response is thorough and treats the request in depth.",
        "words, more is better",
        _length,
        more_is_better=True,
        says=("thorough", "in depth", "in-depth", "comprehensive", "detailed"),
    ),
    Quality(
        "brevity",
        "The response is concise and says what is needed in few words.",
        "words, fewer is better",
        _length,
        more_is_better=False,
        says=("concise", "brief", "succinct"),
        denies=("verbose", "wordy", "padding", "unnecessarily long"),
    ),
    Quality(
        "structure",
        "The response is organised with headings or lists.",
        "share of lines that are headings or list items",
        _structured_lines,
        more_is_better=True,
        says=("headings", "bullet", "or lists", "numbered list", "well-structured", "well structured"),
    ),
    Quality(
        "plainness",
        "The response is written in plain prose without markup.",
        "share of lines without markup",
        _plain_lines,
        more_is_better=True,
        says=("plain prose", "plain text"),
        denies=("markup", "markdown", "headings", "bullet"),
    ),
)
"""The entries, of which the opposite ends of one measure count as two; the order breaks ties between them."""

DEFAULTS = tuple(quality for quality in LEXICON if quality.name in ("coverage", "ending"))
"""What the reader asks of any response where it knows nothing better."""


def find_quality(criterion: str) -> Quality | None:
    """Return the one entry that a criterion's text means; None where that is no entry, or more than one."""
    named = [quality for quality in LEXICON if quality.is_named_in(criterion)]
    return named[0] if len(named) == 1 else None
