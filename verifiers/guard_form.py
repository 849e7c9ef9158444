"""Guards against answers that say nothing, and against answers that end in the middle.

OpenRS (arXiv 2602.14069) names guards against degenerate output and publishes no rule for any but language mixing, and
that one as a question to a model. All rules here are ours. They aim at not being wrong: what looks odd and may be right
passes.
"""

from __future__ import annotations

import re
from collections import deque

from openrubrics.signatures.model_text import without_thinking
from openrubrics.signatures.values import Check
from openrubrics.verifiers.contract import Arguments, CheckResult, Verifier
from openrubrics.verifiers.language import count_words

_FLAGS = re.IGNORECASE
_INVISIBLE = re.compile(r"[\s\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufe0f\x00-\x1f\x7f\ufffd]++")
_MARKS = re.compile(r"[*_#`~>|.…\-–—=:,]++")
_OPERATOR = re.compile(r"[*_~>|.\-=:,]{1,2}")
_FENCE = re.compile(r"^[ \t]{0,3}```[^\n`]{0,40}$", re.MULTILINE)
_ASKS_FOR_MARKS = re.compile(
    r"\b(?:symbols?|signs?|marks?|operators?|characters?|punctuat\w{0,5}|delimiters?|separators?|morse|ascii"
    r"|emo(?:ji|ticon)s?"
    r"|draw\w{0,3}|silen\w{0,3}|blank|empty|nothing|dots?|dash(?:es)?|hyphens?|dividers?|asterisks?|markdown"
    r"|comments?)\b",
    _FLAGS,
)
_ENGLISH = re.compile(
    r"\b(?:the|an?|of|to|is|are|in|for|what|how|why|who|me|you|your|this|that|and|with|on|it)\b", _FLAGS
)


class Empty(Arguments):
    """Whether marks alone, such as ``**`` or ``...``, may be an answer."""

    marks: bool = False


def empty_check(prompt: str) -> Check:
    """Return the guard against answers without content for a prompt.

    Marks alone may be an answer where the prompt speaks of symbols, and where it is not English, since that cannot be
    told then. One or two may be the operator or wildcard that was asked for, so that nothing is known of them.
    """
    marks = bool(_ASKS_FOR_MARKS.search(prompt)) or not _ENGLISH.search(prompt)
    return Check(name="guard:empty", arguments={"marks": marks})


def _not_empty(arguments: Empty, response: str) -> CheckResult:
    answer = without_thinking(response)
    if answer is not None and not _INVISIBLE.sub("", answer):
        return CheckResult(passed=False, detail="there is nothing but white space")
    if answer is not None and not arguments.marks:
        shown = _FENCE.sub("", answer)
        if not _MARKS.sub("", _INVISIBLE.sub("", shown)):
            maybe_asked = _OPERATOR.fullmatch(shown.strip())
            return CheckResult(passed=None if maybe_asked else False, detail="there is nothing but marks")
    return CheckResult(passed=True, detail="there is content")


_LONG = 100
"""Words from which on an end without a mark says something."""

_SENTENCES = 3
_PROSE_WORDS = 8
_SEVERAL = 5
_ENDED = re.compile(r"[.!?][\"'”’)\]*_]{0,3}(?=\s|$)")
_NO_PROSE = re.compile(
    r"[ \t]*+(?:[-*+•·|#>]|\d{1,3}[.)]|[a-zA-Z][.)]\s|[ivx]{1,4}[.)]|\t| {4}|[\w /&-]{1,40}:(?:\s|\*))"
)
_DANGLING = re.compile(
    r"(?<![\w'’.-])(?:the|and|or|but|of|because|which|whose|than|into|their|its|our|your|my|every|between"
    r"|such as|(?:by|with|as|for|such|from|into|has|have) an?)\Z"
)
_OPEN_END = re.compile(
    r"\b(?:end\w{0,3}|finish\w{0,3}|conclud\w{0,3}|clos(?:e|ing)|last|final|punctuat\w{0,5}|periods?|full stops?"
    r"|commas?|complet\w{0,5}"
    r"|continu\w{0,5}|poems?|poetry|haikus?|verses?|stanzas?|songs?|lyrics?|rap|raps|rhym\w{0,3}|limericks?"
    r"|sonnets?|odes?|riddles?|jingles?"
    r"|headlines?|titles?|slogans?|taglines?|tweets?|hashtags?|prompts?|keywords?|names?|urls?|links?|json|xml|yaml"
    r"|csv|html|cut|stop"
    r"|truncat\w{0,4}|unfinished|incomplete|cliffhangers?|fragments?|lowercase|lower case|words?|characters?"
    r"|tokens?|letters?"
    r"|repeat\w{0,5}|copy|fill|blanks?|stream of consciousness|paraphras\w{0,3}|rewrit\w{0,5}|rewrite|edit\w{0,3}"
    r"|summar\w{0,5}|translat\w{0,5}|caption\w{0,3}"
    r"|subject|headings?|phrase|sentence)\b",
    _FLAGS,
)


class Cut(Arguments):
    """Whether the last sentence may lack its end: the prompt speaks of ends, or asks for another form than prose."""

    open_end: bool = False


def cut_check(prompt: str) -> Check:
    """Return the guard against answers that end in the middle, for a prompt."""
    return Check(name="guard:cut", arguments={"open_end": bool(_OPEN_END.search(prompt))})


def _not_cut(arguments: Cut, response: str) -> CheckResult:
    if without_thinking(response) is None:
        return CheckResult(passed=False, detail="the thinking never ends, and no answer follows")
    why = _open_fence(response) or (None if arguments.open_end else _broken_off(response))
    if why:
        return CheckResult(passed=False, detail=why)
    if not arguments.open_end and _lacks_its_end(response):
        return CheckResult(passed=None, detail="its last sentence has no end, which may be all that is missing")
    return CheckResult(passed=True, detail="it does not end in the middle")


def _open_fence(response: str) -> str | None:
    """Say so where the last code fence names a language, so that it opens a block, and content follows."""
    fences = deque(_FENCE.finditer(response), maxlen=1)
    if not fences or fences[0][0].strip() == "```" or len(response[fences[0].end() :].strip()) < _SEVERAL:
        return None
    return "a code block is never closed"


def _broken_off(response: str) -> str | None:
    """Say so where a long text of sentences ends with what cannot be an end."""
    last = _last_line(response)
    line = last.rstrip("*_ ")
    if not _is_long_prose(response) or last.lstrip().startswith(("|", "```")) or len(line.split()) < _SEVERAL:
        return None
    if line.endswith(("(", "[", "“")):
        return "it ends with an open bracket"
    if line.endswith(",") and len(line.split()) >= _PROSE_WORDS:
        return "it ends with a comma"
    dangling = _DANGLING.search(line[-12:])
    return f"it ends with {dangling[0]!r}" if dangling else None


def _lacks_its_end(response: str) -> bool:
    """Whether a long text ends with a word, in a line that has sentences with ends, as all others have them."""
    last = _last_line(response)
    before = response.rstrip()[: -len(last)] if last else ""
    line = last.rstrip("*_ ")
    if not _is_long_prose(response) or _NO_PROSE.match(last) or len(line.split()) < _PROSE_WORDS:
        return False
    return bool(line[-1:].isalnum() and not _is_unpunctuated(before))


def _last_line(response: str) -> str:
    return response.rstrip().rpartition("\n")[2]


def _is_long_prose(response: str) -> bool:
    return count_words(response) >= _LONG and sum(1 for _ in _ENDED.finditer(response)) >= _SENTENCES


def _is_unpunctuated(text: str) -> bool:
    """Whether other lines of prose lack their end too, so that the last one says nothing."""
    lines = [line.rstrip(" *_") for line in text.split("\n") if len(line.split()) >= _PROSE_WORDS]
    return any(line[-1:].isalnum() for line in lines if not _NO_PROSE.match(line))


FORM_GUARDS = (
    Verifier("guard:empty", Empty, _not_empty, "The response has content."),
    Verifier("guard:cut", Cut, _not_cut, "The response does not end in the middle."),
)
