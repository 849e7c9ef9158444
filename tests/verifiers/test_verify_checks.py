"""Every check passes and fails where it should, and every argument changes an outcome."""

import time
from typing import Any, Literal

import pytest

from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.values import Check
from openrubrics.verifiers import registry, verify

ENGLISH = "this is a plain sentence about the weather in the mountains."

# name, arguments, a response that passes, a response that fails
EXAMPLES: list[tuple[str, dict[str, Any], str, str]] = [
    ("punctuation:no_comma", {}, "one two", "one, two"),
    ("change_case:english_capital", {}, ENGLISH.upper(), ENGLISH),
    ("change_case:english_lowercase", {}, ENGLISH, ENGLISH.upper()),
    (
        "change_case:capital_word_frequency",
        {"capital_frequency": 2, "capital_relation": "at least"},
        "A BIG dog",
        "A big dog",
    ),
    ("language:response_language", {"language": "de"}, "Das ist ein schöner Tag im Garten.", ENGLISH),
    ("keywords:existence", {"keywords": ["rain", "sun"]}, "Sunny or raining", "sunny"),
    ("keywords:existence", {"keywords": ["a.c"]}, "a.c", "abc"),
    ("keywords:forbidden_words", {"forbidden_words": ["rain"]}, "raining", "No RAIN today"),
    ("keywords:forbidden_words", {"forbidden_words": ["c++"]}, "c+", "in c++, yes"),
    ("keywords:frequency", {"keyword": "rain", "frequency": 2, "relation": "at least"}, "Rain, rain", "rain"),
    ("keywords:letter_frequency", {"letter": "a", "let_frequency": 2, "let_relation": "less than"}, "Ab", "Aab"),
    ("length_constraints:number_words", {"num_words": 3, "relation": "less than"}, "one two", "one two three"),
    ("length_constraints:number_words", {"num_words": 2, "relation": "at least"}, "it's", "its"),
    ("length_constraints:number_sentences", {"num_sentences": 2, "relation": "at least"}, "One. Two.", "One."),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "a\n***\nb", "a\n\nb"),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "*** a *** b ***", "a *** *** b"),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Sun"},
        "a\n\n'sun, b",
        "a\n\nsunny b",
    ),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "* a\n\n - b", "* a\n** b"),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, "*a* *b*", "*a* **"),
    ("detectable_format:multiple_sections", {"section_spliter": "PART", "num_sections": 2}, "PART 1 PART2", "PART 1"),
    ("detectable_format:title", {}, "<<A title>>", "<< >>"),
    ("detectable_format:json_format", {}, '```json\n{"a": NaN}\n```', "{a}"),
    ("detectable_format:constrained_response", {}, "So: My answer is no.", "My answer is perhaps."),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[a] [[b]", "[a] [b"),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "x p. s. y", "PS y"),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, "P.P.S y", "P.S. y"),
    ("detectable_content:postscript", {"postscript_marker": "NB:"}, "nb: y", "NB y"),
    ("combination:two_responses", {}, "a\n******\nb", "a\n******\na"),
    ("combination:two_responses", {}, "a******b******", "a************b"),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Say hi. "}, "say hi. Hi!", "Hi! say hi."),
    ("startend:end_checker", {"end_phrase": "The End."}, '"... the end."', "the end"),
    ("startend:quotation", {}, ' "a" ', '"'),
    ("text:starts_with", {"text": "Dear"}, " Dear A", "dear A"),
    ("text:ends_with", {"text": "bye"}, "so bye ", "so Bye"),
    ("text:word_count", {"minimum": 2, "maximum": 3}, "a b c", "a b c d"),
    ("text:character_count", {"maximum": 3}, "abc", "abc "),
    ("text:line_count", {"minimum": 2}, "a\n\nb", "a\n\n"),
    ("text:regex", {"pattern": r"\bcolou?r\b"}, "a color", "coloring"),
    ("text:json", {}, '[1, "a"]', "```\n[1]\n```"),
    ("text:json", {}, "null", "NaN"),
    ("text:json_schema", {"schema": {"type": "object", "required": ["a"]}}, '{"a": 1}', '{"b": 1}'),
    ("text:json_schema", {"schema": {"type": "string", "pattern": "^a+$"}}, '"aa"', '"ab"'),
    ("guard:empty", {}, "**No.**", "***"),
    ("guard:cut", {}, "So it is.", "<think>So it"),
    ("guard:repetition", {}, "It goes on.", "It goes on and on. " * 40),
    ("guard:language_mix", {}, "The result is good.", "The 结果 is good."),
    ("guard:refusal", {}, "Seven is a prime.", "I'm sorry, but I can't help with that."),
]


@pytest.mark.parametrize(("name", "arguments", "good", "bad"), EXAMPLES)
def test_a_check_passes_and_fails(name: str, arguments: dict[str, Any], good: str, bad: str) -> None:
    check = Check(name=name, arguments=arguments)

    assert verify(check, good).passed is True
    assert verify(check, bad).passed is False


def test_every_registered_check_has_an_example() -> None:
    assert {name for name, *_ in EXAMPLES} == set(registry)
    assert len(registry) == 38


@pytest.mark.parametrize("name", sorted(registry))
def test_an_empty_response_fails_every_check(name: str) -> None:
    arguments = next(arguments for example, arguments, *_ in EXAMPLES if example == name)

    for mode in ("strict", "loose"):
        assert verify(Check(name=name, arguments=arguments), " \n", mode).passed is False


# name, arguments, a change of one argument that turns the outcome round, response
FIELDS: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("change_case:capital_word_frequency", {"capital_frequency": 1, "capital_relation": "at least"}, c, "A dog")
    for c in ({"capital_frequency": 2}, {"capital_relation": "less than"})
]
FIELDS += [
    ("keywords:frequency", {"keyword": "sun", "frequency": 1, "relation": "at least"}, change, "The sun")
    for change in ({"keyword": "moon"}, {"frequency": 2}, {"relation": "less than"})
]
FIELDS += [
    ("keywords:letter_frequency", {"letter": "s", "let_frequency": 1, "let_relation": "at least"}, change, "Sun")
    for change in ({"letter": "x"}, {"let_frequency": 2}, {"let_relation": "less than"})
]
FIELDS += [
    ("length_constraints:number_words", {"num_words": 2, "relation": "at least"}, change, "The sun")
    for change in ({"num_words": 3}, {"relation": "less than"})
]
FIELDS += [
    ("length_constraints:number_sentences", {"num_sentences": 1, "relation": "at least"}, change, "The sun.")
    for change in ({"num_sentences": 2}, {"relation": "less than"})
]
FIELDS += [
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "sun"},
        change,
        "moon\n\nsun",
    )
    for change in ({"num_paragraphs": 3}, {"nth_paragraph": 1}, {"first_word": "moon"})
]
FIELDS += [
    ("detectable_format:multiple_sections", {"section_spliter": "DAY", "num_sections": 1}, change, "DAY 1 x")
    for change in ({"section_spliter": "Day"}, {"num_sections": 2})
]
FIELDS += [
    (f"text:{name}", {"text": "sun", "ignore_case": False}, change, response)
    for name, response in (("starts_with", "Sun up"), ("ends_with", "the Sun"))
    for change in ({"text": "Sun"}, {"ignore_case": True})
]
FIELDS += [
    (f"text:{name}", {"minimum": 2, "maximum": 2}, change, "a\nb")
    for name in ("word_count", "line_count")
    for change in ({"minimum": 3, "maximum": 4}, {"minimum": 0, "maximum": 1})
]
FIELDS += [
    ("text:character_count", {"minimum": 2, "maximum": 3}, change, "abc")
    for change in ({"maximum": 2}, {"minimum": 4, "maximum": None})
]
FIELDS += [
    ("text:regex", {"pattern": "a", "mode": "match"}, change, "abc")
    for change in ({"pattern": "z"}, {"mode": "no match"})
]
FIELDS += [
    ("keywords:existence", {"keywords": ["sun"]}, {"keywords": ["sun", "moon"]}, "sun"),
    ("keywords:forbidden_words", {"forbidden_words": ["moon"]}, {"forbidden_words": ["moon", "sun"]}, "sun"),
    ("language:response_language", {"language": "en"}, {"language": "de"}, ENGLISH),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 1}, {"num_paragraphs": 2}, "sun"),
    ("detectable_format:number_bullet_lists", {"num_bullets": 1}, {"num_bullets": 0}, "- sun"),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 1}, {"num_highlights": 2}, "*sun*"),
    ("detectable_content:number_placeholders", {"num_placeholders": 1}, {"num_placeholders": 2}, "[sun]"),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, {"postscript_marker": "P.P.S"}, "P.S. sun"),
    ("combination:repeat_prompt", {"prompt_to_repeat": "sun"}, {"prompt_to_repeat": "moon"}, "sun"),
    ("startend:end_checker", {"end_phrase": "sun"}, {"end_phrase": "moon"}, "sun"),
    ("text:json_schema", {"schema": {}}, {"schema": {"type": "object"}}, "[]"),
    ("guard:empty", {"marks": True}, {"marks": False}, "***"),
    ("guard:cut", {"open_end": True}, {"open_end": False}, "It rains a lot here. " * 30 + "And then it stops, and the"),
    ("guard:language_mix", {"allowed": ["han"]}, {"allowed": ["kana"]}, "The 结果 is good."),
]


@pytest.mark.parametrize(("name", "arguments", "change", "response"), FIELDS)
def test_every_argument_changes_an_outcome(
    name: str, arguments: dict[str, Any], change: dict[str, Any], response: str
) -> None:
    before = verify(Check(name=name, arguments=arguments), response).passed
    after = verify(Check(name=name, arguments=arguments | change), response).passed

    assert {before, after} == {True, False}


def test_no_argument_is_left_out_of_that_test() -> None:
    fields = {
        (v.name, field.alias or name) for v in registry.values() for name, field in v.arguments.model_fields.items()
    }

    assert {(name, field) for name, _, change, _ in FIELDS for field in change} == fields


@pytest.mark.parametrize(
    ("name", "arguments", "response", "detail"),
    [
        ("punctuation:no_comma", {}, "a, b, c", "2 commas found"),
        (
            "length_constraints:number_words",
            {"num_words": 200, "relation": "at least"},
            "a b",
            "2 words, fewer than the 200 asked for",
        ),
        (
            "length_constraints:number_words",
            {"num_words": 1, "relation": "less than"},
            "a",
            "1 word, not fewer than 1 as asked for",
        ),
        ("keywords:existence", {"keywords": ["sun", "moon"]}, "sun", "missing: moon"),
        ("text:word_count", {"minimum": 2, "maximum": 3}, "a", "1 word, between 2 and 3 asked for"),
    ],
)
def test_the_detail_says_why(name: str, arguments: dict[str, Any], response: str, detail: str) -> None:
    assert verify(Check(name=name, arguments=arguments), response).detail == detail


@pytest.mark.parametrize(
    ("framed", "check"),
    [
        ("Sure, here it is:\nno comma here", Check(name="punctuation:no_comma")),
        ("no comma here\nThanks, bye", Check(name="punctuation:no_comma")),
        ("Sure, yes\nno comma here\nThanks, bye", Check(name="punctuation:no_comma")),
        ("**the end**", Check(name="startend:end_checker", arguments={"end_phrase": "the end"})),
        ("Sure, yes\n*the end*", Check(name="text:starts_with", arguments={"text": "the"})),
        ("```\n[1]\n```", Check(name="text:json")),
    ],
)
def test_loose_forgives_the_frame(framed: str, check: Check) -> None:
    assert verify(check, framed).passed is False
    assert verify(check, framed, "loose").passed is True


def test_loose_still_fails_what_is_wrong_in_every_variant() -> None:
    assert verify(Check(name="punctuation:no_comma"), "a\nb, c\nd", "loose").passed is False


@pytest.mark.parametrize("mode", ["strict", "loose"])
def test_a_pattern_that_backtracks_without_end_is_undecided_in_time(mode: Literal["strict", "loose"]) -> None:
    start = time.process_time()
    result = verify(Check(name="text:regex", arguments={"pattern": "(a+)+$"}), "a" * 5000 + "!", mode)

    assert result.passed is None
    assert "longer than" in result.detail
    assert time.process_time() - start < 2


def test_a_pattern_inside_a_schema_is_bounded_too() -> None:
    check = Check(name="text:json_schema", arguments={"schema": {"pattern": "(a+)+$"}})

    assert verify(check, f'"{"a" * 5000}!"').passed is None


def test_a_schema_never_reaches_for_another_document() -> None:
    check = Check(name="text:json_schema", arguments={"schema": {"$ref": "http://127.0.0.1:9/schema.json"}})
    result = verify(check, "1")

    assert result.passed is None
    assert "outside" in result.detail


def test_json_nested_beyond_reading_is_undecided() -> None:
    assert verify(Check(name="text:json"), "[" * 200_000).passed is None


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("keywords:nothing", {}, "no such check"),
        ("keywords:existence", {}, "keywords"),
        ("keywords:existence", {"keywords": []}, "keywords"),
        ("keywords:existence", {"keywords": [" "]}, "not blank"),
        ("punctuation:no_comma", {"extra": 1}, "extra"),
        ("length_constraints:number_words", {"num_words": -1, "relation": "at least"}, "num_words"),
        ("length_constraints:number_words", {"num_words": 3, "relation": "about"}, "'less than' or 'at least'"),
        ("keywords:letter_frequency", {"letter": "ab", "let_frequency": 1, "let_relation": "at least"}, "letter"),
        ("language:response_language", {"language": "xx"}, "expected one of"),
        ("length_constraints:number_paragraphs", {"num_paragraphs": 0}, "num_paragraphs"),
        ("text:word_count", {}, "minimum, maximum or both"),
        ("text:word_count", {"minimum": 3, "maximum": 2}, "not above"),
        ("text:regex", {"pattern": "("}, "expected a regular expression"),
        ("text:regex", {"pattern": "(" * 450 + ")" * 450}, "expected a regular expression"),
        ("text:json_schema", {"schema": {"type": 3}}, "expected a JSON Schema"),
        ("text:json_schema", {"schema": {"anyOf": [{"patternProperties": {"a": {}}}]}}, "patternProperties"),
    ],
)
def test_a_bad_check_is_named(name: str, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        verify(Check(name=name, arguments=arguments), "text")

    assert name in str(caught.value)
    assert said in str(caught.value)


def test_an_argument_that_is_null_counts_as_not_given() -> None:
    nulls: dict[str, Any] = {"num_words": None, "relation": None}

    assert verify(Check(name="punctuation:no_comma", arguments=nulls), "a").passed is True
