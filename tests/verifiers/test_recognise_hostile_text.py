"""No text makes the recognisers raise or take more than linear time."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openrubrics.verifiers import describe, recognise

PIECES = """at least|no|more than|not|1|20|0|9999999|words|times|the word|letter|"|'|\\|.|, |
|if|said:|which was|unless you|commas|***|
******|paragraph|start with|end|with|repeat the request|above|below|section X|PART X|P.S.|all caps|in JSON|
keywords:|include|between|and|to|once|first|highlight|sections|bullet points|characters|\x00|“|é|in German|<<title>>"""

HOSTILE = """\
a| |"|'|\\"|' | '|"a" |at least |no |not a |1 |1-|1,|word |1 words |keywords: |keywords a, |the word a |letter a |***
once |highlight |1 highlight |end with |.|end with "a" |start with |paragraph 1 start with |label PART X |all caps |<<
repeat the request |P.|quotes |in JSON |in German |commas |1 sections |my answer is yes.|in all |lowercase |A. |use |(
not use "a", |start your response with |end with this exact phrase |at least 1 letter |words in all |Part 1 |exactly |
number of words |last line is |at least 1 but |1 words in all caps |repeat "a" |the |double quotes entire |not 1 |
at least 1 |if you |if no commas |said: |said: no commas |, which |told to not use commas |unless you use no commas |
"""


@settings(max_examples=300, deadline=None)
@given(text=st.one_of(st.text(max_size=300), st.lists(st.sampled_from(PIECES.split("|")), max_size=30).map(" ".join)))
def test_no_text_makes_recognise_raise(text: str) -> None:
    for found in recognise(text):
        assert 0 <= found.start < found.end <= len(text)
        assert describe(found.check)


UNITS = ["\n", *(unit for line in HOSTILE.splitlines() for unit in line.split("|") if unit)]


def seconds(unit: str, length: int) -> float:
    """CPU time of reading a text, the least of three runs, since other work on the machine only ever adds to it."""
    text = unit * (length // len(unit))
    times = []
    for _ in range(3):
        start = time.process_time()
        recognise(text)
        times.append(time.process_time() - start)
    return min(times)


@pytest.mark.parametrize("unit", UNITS)
def test_hostile_text_is_read_in_linear_time(unit: str) -> None:
    """Eight times the text takes about eight times as long; sixty-four times as long if time were quadratic."""
    assert seconds(unit, 8_000) < 16 * seconds(unit, 1_000) + 0.02


@pytest.mark.parametrize("unit", UNITS)
def test_blanks_are_skipped_in_no_time(unit: str) -> None:
    assert seconds(unit + " " * 10_000 + unit, 10_000 + 2 * len(unit)) < 1


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS)
def test_long_hostile_text_is_read_in_linear_time(unit: str) -> None:
    assert seconds(unit, 80_000) < 16 * seconds(unit, 10_000) + 0.1
    assert seconds(unit + " " * 100_000 + unit, 100_000 + 2 * len(unit)) < 2
