"""The strings that steer a model or a parser, and how they are disarmed inside text under judgment.

Text under judgment is data. Before it enters a prompt, every string in it that could close its section, open a turn of
the conversation, end the thinking or read as a verdict gets one backslash, in one pass. Nothing else is touched, so
ordinary text stays byte for byte what it was, and `restore` gives back exactly the original, backslashes of its own
included. The verdict pattern is the very one the parser uses: what the parser would read, this disarms.
"""

import re

_BEFORE_COLON = r"(?:[*_`\"']|[^\S\n]){0,8}[:：]"  # on one line, since the parser drops lines (code fences)
VERDICT_KEY = rf"winner(?=BACKSLASH{_BEFORE_COLON})"
"""The key of a verdict line, as a pattern template: BACKSLASH stands for what may be between key and colon."""

_SECTION_NAMES = r"(?:prompt|rubric|responses|response_\w{1,4}|think|s|bos|eos|start_of_turn|end_of_turn)\b"
_DISARMABLE = (
    rf"<(?=BACKSLASH\s{{0,8}}(?:/\s{{0,8}})?{_SECTION_NAMES})",  # our sections, thinking, turn marks of chat templates
    r"<(?=BACKSLASH[|｜])",  # <|im_start|> and its kin: chat endpoints tokenize them as control tokens
    r"\[(?=BACKSLASH/?INST\])",
    r"(?<=-)-(?=BACKSLASH\s{0,4}(?:compliance\s{1,4}check|analysis|final\s{1,4}judge?ment)\b)",
    VERDICT_KEY,
)


def _pattern(backslash: str) -> re.Pattern[str]:
    return re.compile("|".join(part.replace("BACKSLASH", backslash) for part in _DISARMABLE), re.IGNORECASE)


_ARMED = _pattern(r"\\*")
_DISARMED = re.compile(
    "|".join("(?:" + part.replace("(?=BACKSLASH", r"\\(?=\\*", 1) + ")" for part in _DISARMABLE), re.IGNORECASE
)

VERDICT = re.compile(VERDICT_KEY.replace("BACKSLASH", "") + _BEFORE_COLON, re.IGNORECASE)
"""The key and colon of a verdict line, where it counts as one."""


def disarm(text: str) -> str:
    """Return the text with one backslash after the first character or word of every steering string."""
    return _ARMED.sub(lambda match: match[0] + "\\", text)


def restore(text: str) -> str:
    """Undo `disarm` exactly."""
    return _DISARMED.sub(lambda match: match[0][:-1], text)
