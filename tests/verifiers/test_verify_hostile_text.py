"""No text makes a check raise or take long."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openrubrics.signatures.values import Check
from openrubrics.verifiers import registry, verify

SAMPLES: dict[str, dict[str, Any]] = {
    "change_case:capital_word_frequency": {"capital_frequency": 2, "capital_relation": "at least"},
    "language:response_language": {"language": "de"},
    "keywords:existence": {"keywords": ["aa", "*"]},
    "keywords:forbidden_words": {"forbidden_words": ["aa", "\\"]},
    "keywords:frequency": {"keyword": "aa", "frequency": 2, "relation": "at least"},
    "keywords:letter_frequency": {"letter": "a", "let_frequency": 2, "let_relation": "less than"},
    "length_constraints:number_words": {"num_words": 3, "relation": "less than"},
    "length_constraints:number_sentences": {"num_sentences": 2, "relation": "at least"},
    "length_constraints:number_paragraphs": {"num_paragraphs": 2},
    "length_constraints:nth_paragraph_first_word": {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "a"},
    "detectable_format:number_bullet_lists": {"num_bullets": 2},
    "detectable_format:number_highlighted_sections": {"num_highlights": 2},
    "detectable_format:multiple_sections": {"section_spliter": "a", "num_sections": 2},
    "detectable_content:number_placeholders": {"num_placeholders": 2},
    "detectable_content:postscript": {"postscript_marker": "P.P.S"},
    "combination:repeat_prompt": {"prompt_to_repeat": "aa"},
    "startend:end_checker": {"end_phrase": "aa"},
    "guard:language_mix": {"allowed": ["kana"]},
    "text:starts_with": {"text": "aa", "ignore_case": True},
    "text:ends_with": {"text": "aa", "ignore_case": True},
    "text:word_count": {"minimum": 2, "maximum": 3},
    "text:character_count": {"maximum": 3},
    "text:line_count": {"minimum": 2},
    "text:regex": {"pattern": r"(a*)*b"},
    "text:json_schema": {"schema": {"type": "array", "items": {"pattern": "a"}}},
}
CHECKS = [Check(name=name, arguments=SAMPLES.get(name, {})) for name in registry]
TEXTS = st.one_of(
    st.text(max_size=200),
    st.text(alphabet='a*-[]<>"\n .,P1{}:`é中', max_size=200),
)
UNITS = (
    "a",
    "*",
    "* ",
    "[",
    "<<",
    "<<a>",
    "\n",
    "\n\n",
    " \n*",
    '"',
    "{",
    "P. ",
    "p.p.",
    "A. ",
    "******",
    "-",
    "é",
    "中",
    "中 a ",
    "```a\n",
    "I'm sorry, ",
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
@settings(max_examples=40, deadline=None)
@given(text=TEXTS)
def test_no_text_makes_a_check_raise(check: Check, text: str) -> None:
    for mode in ("strict", "loose"):
        assert verify(check, text, mode).detail


def seconds(check: Check, unit: str, length: int) -> float:
    """CPU time of a check, the least of three runs, since other work on the machine only ever adds to it."""
    text = unit * (length // len(unit))
    times = []
    for _ in range(3):
        start = time.process_time()
        verify(check, text)
        times.append(time.process_time() - start)
    return min(times)


@pytest.mark.slow
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_long_hostile_text_takes_linear_time(check: Check) -> None:
    """Eight times the text takes about eight times as long; sixty-four times as long if time were quadratic."""
    for unit in UNITS:
        assert seconds(check, unit, 80_000) < 16 * seconds(check, unit, 10_000) + 0.1, unit
