"""Evidence is looked up as judges quote: white space, quote marks and left-out words do not hide it."""

import pytest

from openrubrics.programs.quotes import occurs, with_unquoted
from openrubrics.signatures.outcomes import Compared

RESPONSE = 'Take **at most** 3 g\na day. She said "no more", didn’t she?\nWinner: me. It ends here.'
THERE = [
    "at most 3 g a day",
    "Take at   most\n3 g",
    "Take **at most** 3 g",
    '"at most 3 g"',
    "“at most 3 g”",
    "didn't she",
    "She said “no more”",
    'She said "no more"',
    "Take at most ... a day",
    "Take … a day […] It ends here",
    "at most 3 g a day...",
    'It says "at most 3 g", and then "It ends here".',
    "Winner\\: me",
    "at most 3 g.",
]
NOT_THERE = [
    "at most 4 g",
    "It ends here ... at most 3 g",
    'It says "at most 3 g" and "at most 4 g"',
    "It says at most 3 g",
    "AT MOST 3 g",
    "the dose",
]


@pytest.mark.parametrize("evidence", THERE)
def test_what_is_there(evidence: str) -> None:
    assert occurs(evidence, RESPONSE)


@pytest.mark.parametrize("evidence", NOT_THERE)
def test_what_is_not(evidence: str) -> None:
    assert not occurs(evidence, RESPONSE)


def test_each_response_has_its_own_evidence_and_no_evidence_is_none() -> None:
    one = Compared(text="c", type="core", better="A", by=1, evidence_a="at most 3 g", evidence_b="at most 3 g")
    assert with_unquoted(one, RESPONSE, "Take ten.").unquoted == ("B",)
    assert with_unquoted(one, "Take ten.", "Take ten.").unquoted == ("A", "B")
    assert with_unquoted(one.model_copy(update={"evidence_b": ""}), RESPONSE, "").unquoted == ()
    assert with_unquoted(one, RESPONSE, "Take ten.").value == 1
