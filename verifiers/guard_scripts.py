"""A guard against words of another script within an answer, such as Chinese words within English.

OpenRS publishes a question to a model for this (a prompt ``language_mix``, answered with 1 or 0); the rule here is
ours, decided by code. It looks at scripts only. Which of two languages of one script a short stretch of text belongs
to cannot be told well enough, so English within Spanish passes, and so does Latin script within any other, which has
names, code and terms everywhere.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from openrubrics.signatures.model_text import without_thinking
from openrubrics.signatures.values import Check
from openrubrics.verifiers.contract import Arguments, CheckResult, Verifier

_FLAGS = re.IGNORECASE

_RANGES = {
    "greek": "\u0370-\u03ff\u1f00-\u1fff",
    "cyrillic": "\u0400-\u052f\u1c80-\u1c8f\u2de0-\u2dff\ua640-\ua69f",
    "armenian": "\u0530-\u058f",
    "hebrew": "\u05d0-\u05ea",
    "arabic": "\u0620-\u064a\u066e-\u06d3\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc",
    "indic": "\u0900-\u0963\u0966-\u0df3",
    "southeast_asian": "\u0e01-\u0e3a\u0e40-\u0eff\u1000-\u109f\u1780-\u17d3",
    "tibetan": "\u0f40-\u0fbc",
    "georgian": "\u10a0-\u10ff",
    "hangul": "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3",
    "ethiopic": "\u1200-\u137f",
    "kana": "\u3041-\u3096\u30a1-\u30fa\u31f0-\u31ff",
    "han": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f",
}
"""Letters of scripts other than Latin; those of India and its neighbours, and of South East Asia, count as one each."""

_DENSE = ("han", "kana", "hangul")
"""Two letters of these are a word; of the others it takes four, so that formulas have their Greek letters."""

_NAMED = {
    "greek": r"gr[ei]e[ck]|greec|athen|hellen|aristot|plato|homer|byzan|cypr",
    "cyrillic": r"russ?[ioasky]|ruso|ukrain|bulgar|serb|cyril|slav|belarus|kazak|mongol|macedon|moscow|soviet"
    r"|tolsto|dosto|puti",
    "armenian": r"armen",
    "hebrew": r"hebr|israel|jew|torah|bibl|yiddish|judai|kabbal",
    "arabic": r"[aá]rab|islam|qur|koran|muslim|persia|farsi|iran|iraq|urdu|pakist|egypt|saudi|afgha|syri|leban|sufi"
    r"|rumi|dubai|allah",
    "indic": r"[ih]+indi|india|sanskr|nepal|marath|yoga|bengal|bangla|tamil|telug|kannad|malayal|gujar|punjab"
    r"|sri lan|sinhal|vedi|buddh|mantra",
    "southeast_asian": r"thai|bangkok|lao|khmer|cambod|burm|myanm",
    "tibetan": r"tibet|dalai|buddh",
    "georgian": r"georgi|tbilis",
    "hangul": r"asia|kore|core[aio]|seoul|hangul|k-?pop|kimchi|taekwon",
    "ethiopic": r"ethiop|amhar|eritre|tigr",
    "kana": r"asia|jap[ao]|giapp|tokyo|kyoto|osaka|kan[aj]|hiraga|kata|anime|manga|samura|ninja|sushi|haiku|nintendo"
    r"|pok[eé]mon|zen|shogun",
    "han": r"chin|mandar|cantones|taiwan|hong ?kong|beijing|shanghai|confuc|tao|dao|feng|hanzi|kan[aj]|jap[ao]"
    r"|giapp|tokyo|kyoto|osaka"
    r"|anime|manga|samura|sushi|haiku|zen|kore|core[aio]|dynast|kung|tai chi|wuxia|asia|singap|vietnam|buddh"
    r"|mahjong|tofu|tea\b",
}
_LANGUAGES_ASKED = re.compile(
    r"\b(?:translat|transl?iter|traduc|tradui|übersetz|tłumacz|(?<!programming )languages?\b|multiling|biling"
    r"|foreign|alphabet|unicode|utf|glyph"
    r"|etymolog|pronounc|pronunc|polyglot|lingu|ideogr|emotic|kaomoji|decod|encod|cipher|encrypt|gibberish|native"
    r"|idiom|characters?\b|script\b"
    r"|international|countries|nationalit|around the world|symbols?\b|unusual letters|homoglyph|loan ?words?)|译|譯"
    r"|翻訳|перев|ترجم|번역|語|语|أ?نسخ",
    _FLAGS,
)
_NAMES = {script: re.compile(rf"\b(?:{stems})", _FLAGS) for script, stems in _NAMED.items()}
_LETTERS = {script: re.compile(f"[{letters}]") for script, letters in _RANGES.items()}

_SET_APART = re.compile(
    r"```.{0,20000}?(?:```|\Z)|`[^`\n]{1,300}`|\"[^\"\n]{1,300}\"|“[^”\n]{1,300}”|‘[^’\n]{1,300}’|«[^»\n]{1,300}»"
    r"|「[^」\n]{1,300}」"
    r"|『[^』\n]{1,300}』|《[^》\n]{1,300}》|\([^()\n]{1,300}\)|（[^（）\n]{1,300}）|\[[^\[\]\n]{1,300}\]|\*[^*\n]{1,300}\*"
    r"|_[^_\n]{1,300}_"
    r"|\$[^$\n]{1,300}\$|(?<![\w'])'[^'\n]{1,300}'|https?://\S{1,300}",
    re.DOTALL,
)
_GLOSS_BEFORE = re.compile(r"[:：=–—|/→][ \t]{0,4}\Z|[ \t]-[ \t]\Z")
_LINE_START = re.compile(r"[ \t>]{0,4}(?:\d{1,3}[.)]|[-*+•])?[ \t]{0,4}\Z")
_AFTER_NAME = re.compile(
    r"(?<!\w)(?!(?:The|This|That|These|Those|And|But|Then|There|They|You|She|His|Her|Its|When|While|Since|Because|Also"
    r"|However|Thus|For|From|With)\b)[A-Z][\w'’-]{2,30}[ \t]\Z"
)
"""A name, which may have its own spelling behind it."""

_GLOSS_AFTER = re.compile(r"[ \t,，]{0,3}(?:[(（\[:：=–—|/→]|-[ \t]|or\b|meaning\b|which means\b|means\b)")


def _known(scripts: tuple[str, ...]) -> tuple[str, ...]:
    unknown = sorted(set(scripts) - set(_RANGES))
    if unknown:
        raise ValueError(f"expected scripts of {', '.join(_RANGES)}, but there is {unknown[0]!r}")
    return scripts


class Scripts(Arguments):
    """The scripts that an answer may have besides Latin."""

    allowed: Annotated[tuple[str, ...], AfterValidator(_known)] = ()


def language_check(prompt: str) -> Check | None:
    """Return the guard against words of other scripts for a prompt, with the scripts that the prompt explains.

    Those are its own, and those of the languages, countries and customs that it names. A prompt about languages
    explains all, and has no guard.
    """
    if _LANGUAGES_ASKED.search(prompt):
        return None
    allowed = {script for script in _RANGES if _LETTERS[script].search(prompt) or _NAMES[script].search(prompt)}
    if "kana" in allowed or ("han" in allowed and len(_LETTERS["han"].findall(prompt)) < 20):
        allowed |= {"han", "kana"}
    return Check(name="guard:language_mix", arguments={"allowed": [*sorted(allowed)]})


def _one_language(arguments: Scripts, response: str) -> CheckResult:
    answer = without_thinking(response) or response
    others = [script for script in _RANGES if script not in arguments.allowed and _LETTERS[script].search(answer)]
    if others:
        text = _SET_APART.sub(" ( ", answer)
        for line in text.split("\n"):
            for script in others:
                found = _stray(line, script)
                if found and _is_most(answer, others):
                    return CheckResult(passed=None, detail=f"most of it is in another script: {found!r}")
                if found:
                    return CheckResult(passed=False, detail=f"unexplained words in the script {script}: {found!r}")
    return CheckResult(passed=True, detail="no words of a script that the request does not explain")


def _is_most(answer: str, scripts: list[str]) -> bool:
    """Whether half of the letters are of these scripts, so that it is an answer in another language, and no mix."""
    letters = sum(map(str.isalpha, answer))
    return 2 * sum(len(_LETTERS[script].findall(answer)) for script in scripts) >= letters


def _stray(line: str, script: str) -> str | None:
    """Return words of a script in a line that neither names its language nor sets them apart as a gloss."""
    if not _LETTERS[script].search(line) or _LANGUAGES_ASKED.search(line) or _NAMES[script].search(line):
        return None
    for match in _STRETCHES[script].finditer(line):
        before = line[max(0, match.start() - 40) : match.start()]
        begins = match.start() <= 12 and _LINE_START.match(before)
        after = line[match.end() : match.end() + 12]
        explained = _GLOSS_BEFORE.search(before) or _AFTER_NAME.search(before) or _GLOSS_AFTER.match(after)
        if not (begins or explained):
            return match[0][:20]
    return None


_STRETCHES = {
    script: re.compile(rf"[{letters}\u0300-\u036f]{{{2 if script in _DENSE else 4},}}+")
    for script, letters in _RANGES.items()
}

SCRIPT_GUARDS = (
    Verifier(
        "guard:language_mix", Scripts, _one_language, "No words of a script that nothing in the request explains."
    ),
)
