"""A described check is recognised again, and nothing else is."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openrubrics.signatures.values import Check, canonical_line
from openrubrics.verifiers import describe, recognise, registry

COUNT = st.integers(0, 1_000_000)
POSITION = st.integers(1, 1_000_000)
RELATION = st.sampled_from(["less than", "at least"])
TEXT = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    st.text("a \t\n\",.\\“”'‘’*\x00\u00a0P.S", min_size=1, max_size=20),
).filter(str.strip)
WORDS = st.lists(TEXT, min_size=1, max_size=4)

ARGUMENTS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "change_case:capital_word_frequency": {"capital_frequency": COUNT, "capital_relation": RELATION},
    "change_case:english_capital": {},
    "change_case:english_lowercase": {},
    "combination:repeat_prompt": {"prompt_to_repeat": TEXT},
    "combination:two_responses": {},
    "detectable_content:number_placeholders": {"num_placeholders": POSITION},
    "detectable_content:postscript": {"postscript_marker": st.sampled_from(["P.S.", "P.P.S", "NB:", "One more thing"])},
    "detectable_format:constrained_response": {},
    "detectable_format:json_format": {},
    "detectable_format:multiple_sections": {"section_spliter": TEXT, "num_sections": POSITION},
    "detectable_format:number_bullet_lists": {"num_bullets": COUNT},
    "detectable_format:number_highlighted_sections": {"num_highlights": POSITION},
    "detectable_format:title": {},
    "keywords:existence": {"keywords": WORDS},
    "keywords:forbidden_words": {"forbidden_words": WORDS},
    "keywords:frequency": {"keyword": TEXT, "frequency": COUNT, "relation": RELATION},
    "keywords:letter_frequency": {
        "letter": TEXT.map(lambda text: text.strip()[0]),
        "let_frequency": COUNT,
        "let_relation": RELATION,
    },
    "language:response_language": {"language": st.sampled_from(["de", "en", "fa", "zh-cn", "zh-tw", "mr"])},
    "length_constraints:nth_paragraph_first_word": {
        "num_paragraphs": POSITION,
        "nth_paragraph": st.integers(1, 999),
        "first_word": TEXT,
    },
    "length_constraints:number_paragraphs": {"num_paragraphs": POSITION},
    "length_constraints:number_sentences": {"num_sentences": COUNT, "relation": RELATION},
    "length_constraints:number_words": {"num_words": COUNT, "relation": RELATION},
    "punctuation:no_comma": {},
    "startend:end_checker": {"end_phrase": TEXT.filter(lambda text: not text.lower().startswith("p."))},
    "startend:quotation": {},
    "text:character_count": {"minimum": st.integers(0, 500), "maximum": st.integers(500, 1_000_000)},
    "text:line_count": {"maximum": COUNT},
    "text:starts_with": {"text": TEXT, "ignore_case": st.just(True)},
    "text:ends_with": {"text": TEXT.filter(lambda text: not text.lower().startswith("p."))},
}
GUARDS = {"guard:cut", "guard:empty", "guard:language_mix", "guard:refusal", "guard:repetition"}
NOT_READ_BACK = {"text:json", "text:json_schema", "text:regex", "text:word_count", *GUARDS}


def test_every_check_is_read_back_or_known_not_to_be() -> None:
    assert set(registry) == set(ARGUMENTS) | NOT_READ_BACK


@pytest.mark.parametrize("name", sorted(ARGUMENTS))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_described_check_is_recognised_again_and_nothing_else(name: str, data: st.DataObject) -> None:
    check = Check(name=name, arguments=data.draw(st.fixed_dictionaries(ARGUMENTS[name])))
    sentence = describe(check)

    assert sentence.startswith("The response ")
    assert sentence == canonical_line(sentence)
    assert [found.check for found in recognise(sentence)] == [check]


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("text:word_count", {"minimum": 2, "maximum": 9}, "The response contains between 2 and 9 words."),
        ("text:json", {}, "The response is bare JSON and nothing else."),
        ("text:regex", {"pattern": "a"}, 'The response matches the regular expression "a".'),
        (
            "text:regex",
            {"pattern": "a", "mode": "no match"},
            'The response does not match the regular expression "a".',
        ),
        ("text:json_schema", {"schema": {}}, 'The response is JSON that fits the schema "{}".'),
    ],
)
def test_the_other_checks_are_described_too(name: str, arguments: dict[str, Any], sentence: str) -> None:
    assert describe(Check(name=name, arguments=arguments)) == sentence


@pytest.mark.parametrize("name", sorted(GUARDS))
def test_no_rule_is_recognised_in_a_described_guard(name: str) -> None:
    sentence = describe(Check(name=name))

    assert sentence.startswith("The response ")
    assert sentence == canonical_line(sentence)
    assert recognise(sentence) == ()
