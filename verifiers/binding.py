"""Whether a text binds the answer where it states a rule: not under a condition, and not about something else."""

from __future__ import annotations

import re

from openrubrics.verifiers.reading import HIDDEN, Reading
from openrubrics.verifiers.recognised import Recognised

_FLAGS = re.IGNORECASE
_CONDITION = r"(?:only\s++)?(?:if|unless|when|whenever|in\s++case)\b"
_CONDITION_BEFORE = re.compile(rf"(?:\A[\W\d]{{0,8}}|[,;:(–—]\s?|\b(?:and|but|or|then|so)\s++){_CONDITION}", _FLAGS)
_IN_CONDITION = re.compile(
    r"(?<!\bas )(?<!\beven )\b(?:if|unless|when)\s++(?:you|your|the\s++(?:response|answer))\b[^,;:]{0,80}\Z", _FLAGS
)
_CONDITION_AFTER = re.compile(rf"\s?[,(]?\s?{_CONDITION}", _FLAGS)
_CLAUSE_ABOUT_ANOTHER = re.compile(
    r"(?:\b(?:which|that|who)\s++(?:was|were|had)\b"
    r"|,\s++which\b(?!\s++(?:must|should|shall|will|can|may|needs?|has\s++to|have\s++to|ought|is\s++to)\b))[^,;:]{0,80}\Z",
    _FLAGS,
)
_TELLS = r"\b(?:said|says|saying|wrote|writes|told|tells|asked|replied)\b"
_REPORT = re.compile(rf"{_TELLS}[^.!?:\n\"]{{0,40}}(?::|,?\s?\"(?![\"{HIDDEN}]))", _FLAGS)
_REPORTED_CLAUSE = re.compile(rf"{_TELLS}\s++(?:\w{{1,12}}\s++)?(?:that|not|to)\b", _FLAGS)
_FAR = 300


def binds(reading: Reading, one: Recognised) -> bool:
    """Whether a found rule is one for the answer.

    It is not one in a sentence with a condition ("If you answer in French, ..."), in a relative clause that tells about
    something else ("an essay, which was written in ..."), and in what somebody is reported to have said, after a colon
    up to the end of that line or of the next one. What is quoted is hidden from recognisers anyway.
    """
    before = reading.before(one.start, _FAR)
    if _CONDITION_BEFORE.search(before) or _CONDITION_AFTER.match(reading.after(one.end, 40)):
        return False
    if _IN_CONDITION.search(before[-120:]) or _CLAUSE_ABOUT_ANOTHER.search(before[-120:]):
        return False
    return not (_REPORTED_CLAUSE.search(before) or _is_reported(reading, one.start))


def _is_reported(reading: Reading, position: int) -> bool:
    before = reading.masked[max(0, position - _FAR) : position]
    return any("\n" not in before[report.end() :].lstrip() for report in _REPORT.finditer(before))
