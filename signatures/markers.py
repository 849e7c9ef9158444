r"""The strings that steer a model or a parser, and how they are disarmed inside text under judgment.

Text under judgment is data. Before it enters a prompt, every string in it that could close its section, open a turn of
the conversation, end the thinking, or read as a verdict or another part of a judgment gets one backslash, in one pass.
Nothing else is touched, so ordinary text stays byte for byte what it was, and `restore` gives back exactly the
original, backslashes of its own included.

The patterns of verdict and parts are the very ones the parser reads a judgment with: what it would read, this disarms.
They are templates, in which BACKSLASH stands at the place of the backslash: ``\\*`` in text that may be disarmed
already, nothing where the parser reads.
"""

import re

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
# Marks count where a line or a phrase starts: in "a brief justification: ..." the words are ordinary text.
_STARTS = r"(?=[acfgijr])(?<![^\W\d_])(?<![^\W\d_][ \t])"

_SECTION_NAMES = r"(?:prompt|rubric|responses|response\\*_\w{1,4}|think|s|bos|eos|start_of_turn|end_of_turn)\b"
_STRINGS = (
    rf"<(?=BACKSLASH\s{{0,8}}(?:/\s{{0,8}})?{_SECTION_NAMES})",  # our sections, thinking, turn marks of chat templates
    r"<(?=BACKSLASH[|｜])",  # <|im_start|> and its kin: chat endpoints tokenize them as control tokens
    r"\[(?=BACKSLASH/?INST\])",
    _VERDICT_KEY,
)
_DISARMABLE = rf"(?=[<\[wacfgijr])(?:{'|'.join(_STRINGS)}|{_STARTS}(?:{'|'.join(_MARKS)}))"

_ARMED = re.compile(_DISARMABLE.replace("BACKSLASH", r"\\*"), re.IGNORECASE)
_DISARMED = re.compile(_DISARMABLE.replace("(?=BACKSLASH", r"\\(?=\\*"), re.IGNORECASE)

VERDICT = re.compile(_VERDICT_KEY.replace("BACKSLASH", "") + _BEFORE_COLON, re.IGNORECASE)
"""The key and colon of a verdict line, where it counts as one."""

MARK = re.compile(rf"[\W\d_]*+{_STARTS}(?:{'|'.join(_MARKS).replace('BACKSLASH', '')})", re.IGNORECASE)
"""The beginning of a line that is a header, a key, a response's name or a criterion's number in a judgment; the last
group that matched says which, and the match ends with the words, before what follows them."""


def disarm(text: str) -> str:
    """Return the text with one backslash after the first character or the words of every steering string."""
    return _ARMED.sub(lambda match: match[0] + "\\", text)


def restore(text: str) -> str:
    """Undo `disarm` exactly."""
    return _DISARMED.sub(lambda match: match[0][:-1], text)
