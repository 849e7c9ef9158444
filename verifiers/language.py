"""Words, sentences and languages, as IFEval counts them, from libraries that need no downloaded data.

The libraries are imported at the first use: together they take longer to import than this whole package.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langdetect.detector_factory import DetectorFactory
    from nltk.tokenize.destructive import NLTKWordTokenizer
    from nltk.tokenize.punkt import PunktSentenceTokenizer

_WORD = re.compile(r"\w+")

LANGUAGES = {
    "Afrikaans": "af", "Arabic": "ar", "Bulgarian": "bg", "Bengali": "bn", "Catalan": "ca", "Czech": "cs",
    "Welsh": "cy", "Danish": "da", "German": "de", "Greek": "el", "English": "en", "Spanish": "es",
    "Estonian": "et", "Persian": "fa", "Finnish": "fi", "French": "fr", "Gujarati": "gu", "Hebrew": "he",
    "Hindi": "hi", "Croatian": "hr", "Hungarian": "hu", "Indonesian": "id", "Italian": "it", "Japanese": "ja",
    "Kannada": "kn", "Korean": "ko", "Lithuanian": "lt", "Latvian": "lv", "Macedonian": "mk", "Malayalam": "ml",
    "Marathi": "mr", "Nepali": "ne", "Dutch": "nl", "Norwegian": "no", "Punjabi": "pa", "Polish": "pl",
    "Portuguese": "pt", "Romanian": "ro", "Russian": "ru", "Slovak": "sk", "Slovenian": "sl", "Somali": "so",
    "Albanian": "sq", "Swedish": "sv", "Swahili": "sw", "Tamil": "ta", "Telugu": "te", "Thai": "th", "Tagalog": "tl",
    "Turkish": "tr", "Ukrainian": "uk", "Urdu": "ur", "Vietnamese": "vi", "Simplified Chinese": "zh-cn",
    "Traditional Chinese": "zh-tw",
}  # fmt: skip
"""English name of each language that langdetect knows, and its code there."""


def count_words(text: str) -> int:
    """Count runs of letters, digits and underscores."""
    return sum(1 for _ in _WORD.finditer(text))


def count_sentences(text: str) -> int:
    """Count sentences by an untrained Punkt tokenizer."""
    return sum(1 for _ in _sentence_tokenizer().span_tokenize(text))


def word_tokens(text: str) -> list[str]:
    """Split into words and punctuation marks, sentence by sentence, in the Penn Treebank manner."""
    words = _word_tokenizer()
    return [token for sentence in _sentence_tokenizer().tokenize(text) for token in words.tokenize(sentence)]


def detect_language(text: str) -> str | None:
    """Return the langdetect code of the most probable language; None for text without features, such as digits.

    The same text gives the same answer every time, and no setting of langdetect's outside this function is touched.
    """
    from langdetect.lang_detect_exception import LangDetectException

    detector = _language_detectors().create()
    try:
        detector.append(text)
        return detector.detect()
    except LangDetectException:
        return None


@cache
def _sentence_tokenizer() -> PunktSentenceTokenizer:
    from nltk.tokenize.punkt import PunktSentenceTokenizer

    return PunktSentenceTokenizer()


@cache
def _word_tokenizer() -> NLTKWordTokenizer:
    from nltk.tokenize.destructive import NLTKWordTokenizer

    return NLTKWordTokenizer()


@cache
def _language_detectors() -> DetectorFactory:
    from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory

    factory = DetectorFactory()
    factory.load_profile(PROFILES_DIRECTORY)
    factory.set_seed(0)
    return factory
