r"""The strings that steer a model or a parser, and how they are disarmed inside text under judgment.

Text under judgment is data. Before it enters a prompt, every string in it that could close its section, open a turn of
the conversation, end the thinking, or read as a verdict or another part of a judgment gets one backslash, in one pass.
Nothing else is touched, so ordinary text stays byte for byte what it was, and `restore` gives back exactly the
original, backslashes of its own included.

The patterns of verdict and parts are the very ones the parser reads a judgment with: what it would read, this disarms.
They are templates, in which BACKSLASH stands at the place of the backslash: ``\\*`` in text that may be disarmed
already, nothing where the parser reads.
"""

import functools
import re
from collections.abc import Callable, Iterator

_BEFORE_COLON = r"(?:[*_`\"']|[^\S\n]){0,8}[:：]"  # on one line, since the parser drops lines (code fences)
_VERDICT_KEY = rf"winner(?=BACKSLASH{_BEFORE_COLON})"

_BREAKS = r"\n\r\v\f\x1c-\x1e\x85\u2028\u2029"  # where str.splitlines ends a line
_END = rf"(?![^{_BREAKS}])"
_ENDS = rf"[ \t*_`\"'#>)\]}}\-–—=:：】］）」”]*{_END}"
_COLON = r"[ \t*_]*[:：]"
_HEADS = rf"(?:(?<![^{_BREAKS}])|(?<=[#*_=])|(?<=[#*_=][ \t])|(?<=--)|(?<=--[ \t]))"  # lists have "1. Analysis" too
_MARKS = (
    rf"(?P<compliance>compliance[ \t]{{1,4}}check)(?=BACKSLASH{_ENDS})",
    rf"(?P<analysis>{_HEADS}analysis)(?=BACKSLASH{_ENDS})",
    rf"(?P<final>final[ \t]{{1,4}}judge?ment)(?=BACKSLASH{_ENDS})",
    rf"(?P<gatekeeper_reasoning>gatekeeper reasoning)(?=BACKSLASH{_COLON})",
    rf"(?P<gatekeeper>(?:identified )?gatekeeper(?: criterion)?)(?=BACKSLASH{_COLON})",
    rf"(?P<aggregation>aggregation summary)(?=BACKSLASH{_COLON})",
    rf"(?P<justification>justification)(?=BACKSLASH{_COLON})",
    rf"response(?=BACKSLASH[ \t_](?P<response>[ab])[ \t*_]*(?:[:：]|{_END}))",
    r"criterion(?=BACKSLASH[ \t#]{0,2}(?P<criterion>\d{1,3})(?!\d))",
)
_DECORATED = r"(?:(?<=[#*_=])|(?<=[#*_=][ \t])|(?<=--)|(?<=--[ \t]))"  # a plain line "Differences:" is ordinary text
_ADAPTIVE_MARKS = (
    rf"(?P<intent>{_DECORATED}intent)(?=BACKSLASH{_ENDS})",
    rf"(?P<differences>{_DECORATED}differences)(?=BACKSLASH{_ENDS})",
    rf"(?P<criteria>{_DECORATED}criteria)(?=BACKSLASH{_ENDS})",
    rf"(?P<comparison>{_DECORATED}comparison)(?=BACKSLASH{_ENDS})",
    r"evidence(?=BACKSLASH[ \t_](?P<evidence>[ab])[ \t*_]*[:：])",
    rf"(?P<part>chosen part)(?=BACKSLASH{_COLON})",
)
_FINDING_KEY = rf"finding(?=BACKSLASH{_BEFORE_COLON})"
# Marks count where a line or a phrase starts: in "a brief justification: ..." the words are ordinary text.
_STARTS = r"(?=[acdefgijr])(?<![^\W\d_])(?<![^\W\d_][ \t])"

# A line of a list that ends so, or whose number it follows, is a criterion of an adaptive judge.
_TYPE = r"BACKSLASH(?:critical|core|important|highlight)[\]】]"
_NUMBER = r"[.)）、．:：]"
_AFTER_NUMBER = "|".join(rf"(?<={_NUMBER}{gap})" for gap in ("", "[ ]", "[*][*]", "[ ][*][*]", "[*][*][ ]"))
_TYPE_TAG = rf"[\[【](?={_TYPE}(?:[*_.。;；,]|[^\S{_BREAKS}])*+{_END})|(?:{_AFTER_NUMBER})[\[【](?={_TYPE})"
_SECTION_NAMES = (
    r"(?:prompt|rubric|reference|meta_rubric|criteria|domains|principles|tried|cases|responses?|response\\*_\w{1,4}|think|s|bos"
    r"|eos|start_of_turn|end_of_turn)\b"
)
_STRINGS = (
    rf"<(?=BACKSLASH\s{{0,8}}(?:/\s{{0,8}})?{_SECTION_NAMES})",  # our sections, thinking, turn marks of chat templates
    r"<(?=BACKSLASH[|｜])",  # <|im_start|> and its kin: chat endpoints tokenize them as control tokens
    r"\[(?=BACKSLASH/?INST\])",
    _TYPE_TAG,
    _VERDICT_KEY,
)
_DISARMABLE = (
    rf"(?=[<\[【wacdefgijr])(?:{'|'.join(_STRINGS)}|{_STARTS}(?:{'|'.join((*_MARKS, *_ADAPTIVE_MARKS, _FINDING_KEY))}))"
)

_ARMED = re.compile(_DISARMABLE.replace("BACKSLASH", r"\\*"), re.IGNORECASE)
_DISARMED = re.compile(_DISARMABLE.replace("(?=BACKSLASH", r"\\(?=\\*"), re.IGNORECASE)

VERDICT = re.compile(_VERDICT_KEY.replace("BACKSLASH", "") + _BEFORE_COLON, re.IGNORECASE)
"""The key and colon of a verdict line, where it counts as one."""

MARK = re.compile(rf"[\W\d_]*+{_STARTS}(?:{'|'.join(_MARKS).replace('BACKSLASH', '')})", re.IGNORECASE)
"""The beginning of a line that is a header, a key, a response's name or a criterion's number in a judgment; the last
group that matched says which, and the match ends with the words, before what follows them."""

ADAPTIVE_MARK = re.compile(
    rf"[\W\d_]*+{_STARTS}(?:{'|'.join((*_MARKS, *_ADAPTIVE_MARKS)).replace('BACKSLASH', '')})", re.IGNORECASE
)
"""The same for the replies of an adaptive judge, which have some marks of their own."""

FINDING = re.compile(
    rf"[\W\d_]*+{_STARTS}{_FINDING_KEY.replace('BACKSLASH', '')}{_BEFORE_COLON}",
    re.IGNORECASE,
)
"""The beginning of a line that says a finding on a whole response, up to its colon."""


_WORDS = (
    "<", "[", "【", "winner", "compliance", "analysis", "final", "gatekeeper", "identified ", "aggregation",
    "justification", "response", "criteri", "intent", "differences", "comparison", "evidence", "chosen part",
    "finding",
)  # fmt: skip
"""How the strings begin, in lower case: looking for these first is several times faster than looking for patterns."""

_ALIKE = "\u0130\u0131\u017f\u212a"
"""What a pattern that ignores case takes for i, s or k, while `str.lower` does not."""


_KEPT = 256
_LONGEST_KEPT = 16_384


def disarm(text: str) -> str:
    """Return the text with one backslash after the first character or the words of every steering string."""
    return _disarmed_before(text) if len(text) <= _LONGEST_KEPT else _disarmed(text)


def _disarmed(text: str) -> str:
    return _replace(_ARMED, text, lambda match: match[0] + "\\")


_disarmed_before = functools.lru_cache(maxsize=_KEPT)(_disarmed)
"""Prompts, rubrics and the responses of both orders come again soon; long ones would take too much memory."""


def restore(text: str) -> str:
    """Undo `disarm` exactly."""
    return _replace(_DISARMED, text, lambda match: match[0][:-1])


def _replace(pattern: re.Pattern[str], text: str, change: Callable[[re.Match[str]], str]) -> str:
    """Do what ``pattern.sub(change, text)`` does."""
    lower = lowered(text)
    if lower is None:
        return pattern.sub(change, text)
    pieces: list[str] = []
    done = 0
    # Looked for here at first: to start a generator for every word, of which most texts hold none, costs more.
    for place in sorted(place for word in _WORDS if word in lower for place in places(word, lower)):
        if place >= done and (match := pattern.match(text, place)):
            pieces += text[done:place], change(match)
            done = match.end()
    return "".join((*pieces, text[done:])) if pieces else text


def verdicts(text: str) -> list[re.Match[str]]:
    """Return the keys of all verdict lines of a text: what ``VERDICT.finditer`` finds."""
    lower = lowered(text)
    if lower is None:
        return list(VERDICT.finditer(text))
    if "winner" not in lower:
        return []
    return [match for place in places("winner", lower) if (match := VERDICT.match(text, place))]


def lowered(text: str) -> str | None:
    """Return the text in lower case, each character in its place; None where that may hide a string from a search."""
    return None if not text.isascii() and any(letter in text for letter in _ALIKE) else text.lower()


def places(word: str, lower: str) -> Iterator[int]:
    """Yield where a word begins in a text, both in lower case."""
    place = lower.find(word)
    while place >= 0:
        yield place
        place = lower.find(word, place + len(word))
