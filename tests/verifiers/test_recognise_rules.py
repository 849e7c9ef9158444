"""What recognisers find in a text; rules are bound only where the prompt states them too."""

from typing import Any

import pytest

from openrubrics.signatures.values import Check, Criterion, Rubric
from openrubrics.verifiers import attach_checks, recognise


def one(name: str, **arguments: Any) -> list[Check]:  # noqa: ANN401 - JSON values of many types
    return [Check(name=name, arguments=arguments)]


def words(number: int, relation: str) -> list[Check]:
    return one("length_constraints:number_words", num_words=number, relation=relation)


def frequency(keyword: str, number: int, relation: str) -> list[Check]:
    return one("keywords:frequency", keyword=keyword, frequency=number, relation=relation)


@pytest.mark.parametrize(
    ("text", "checks"),
    [
        ("The response does not use any commas.", one("punctuation:no_comma")),
        ("The response avoids commas entirely.", one("punctuation:no_comma")),
        ("The answer must be comma-free, please: a comma-free text.", one("punctuation:no_comma")),
        ("Do not forget to use commas.", []),
        ("Separate the names with commas.", []),
        ('Rewrite "do not use commas" politely.', []),
        ("The response contains at least 300 words.", words(300, "at least")),
        ("Write 300 words or more.", words(300, "at least")),
        ("A 1,500+ word essay", words(1500, "at least")),
        ("The text must not be more than twenty words.", words(21, "less than")),
        ("It should not be less than 20 words.", words(20, "at least")),
        ("Use no commas and more than 20 words.", one("punctuation:no_comma") + words(21, "at least")),
        ("How do I dye hair without mess? Answer with less than 40 words.", words(40, "less than")),
        ("Do not be shy! Write more than 40 words.", words(41, "at least")),
        ("Answer in 20-30 words.", words(20, "at least") + words(31, "less than")),
        ("Write a 200 word essay.", []),
        ("Each paragraph has at least 100 words.", []),
        ("The response mentions the word 'sun' no more than three times.", frequency("sun", 4, "less than")),
        ('Do not use the word "very" more than twice.', frequency("very", 3, "less than")),
        ("Use the word time exactly once.", frequency("time", 1, "at least") + frequency("time", 2, "less than")),
        (
            "Don't use the letter e.",
            one("keywords:letter_frequency", letter="e", let_frequency=1, let_relation="less than"),
        ),
        ("Include the keywords sun, moon and sea.", one("keywords:existence", keywords=["sun", "moon", "sea"])),
        ('Don\'t forget to include the words "sun" and "moon".', one("keywords:existence", keywords=["sun", "moon"])),
        ("The words sun, moon must not appear.", one("keywords:forbidden_words", forbidden_words=["sun", "moon"])),
        ("Forbidden words: sun, moon.", one("keywords:forbidden_words", forbidden_words=["sun", "moon"])),
        ("Avoid the word 'nice'.", one("keywords:forbidden_words", forbidden_words=["nice"])),
        ("Write a story using words that children know.", []),
        ("The response contains no capital letters.", one("change_case:english_lowercase")),
        ("Write entirely in uppercase.", one("change_case:english_capital")),
        ("Is Paris the capital of France?", []),
        (
            "Use no more than 4 words in all caps.",
            one("change_case:capital_word_frequency", capital_frequency=5, capital_relation="less than"),
        ),
        ("The response is written in Spanish only.", one("language:response_language", language="es")),
        ("Translate it into Spanish.", []),
        ("Reply in Spanish.", one("language:response_language", language="es")),
        ("The word count should be at least 400.", words(400, "at least")),
        ("Use more than 10 but less than 20 words.", words(11, "at least") + words(20, "less than")),
        (
            'Avoid the words "sun," "sea," and "sky."',
            one("keywords:forbidden_words", forbidden_words=["sun", "sea", "sky"]),
        ),
        ("Include the keywords deep sea and sky.", []),
        ("Your answer must be in lowercase only.", one("change_case:english_lowercase")),
        ('The last line must be "Bye!"', one("startend:end_checker", end_phrase="Bye!")),
        (
            "Split it into 5 parts: DAY 1, DAY 2 and so on.",
            one("detectable_format:multiple_sections", section_spliter="DAY", num_sections=5),
        ),
        ("Room 1 and Room 2 are connected.", []),
        ("Every 5th word of your response must be in Japanese.", []),
        ("Explain each item in at most 20 words.", []),
        ("Use sentences not exceeding six words.", []),
        ("Find an entity that contains more than one word.", []),
        ("The response contains more than one word.", words(2, "at least")),
        ("Use only capital letters and numbers for the password.", []),
        ("Repeat the request, but change the first word.", []),
        ("Consider a dataset given in JSON format.", []),
        ("Wrap your entire response in JSON format.", one("detectable_format:json_format")),
        ("Use only words with the letters in the word 'random'.", []),
        ('End the response with the result in "boxed".', []),
        ("Write a Python function that reads a file in JSON format.", []),
        ("At most 280 characters.", one("text:character_count", maximum=280)),
        ('Begin your answer with "Well".', one("text:starts_with", text="Well")),
        ('End it with "Bye".', one("startend:end_checker", end_phrase="Bye")),
        ('Name two words that end with "ing".', []),
        ("Copy the text word for word.", []),
        ("Say hi.\nFirst repeat the request above.", one("combination:repeat_prompt", prompt_to_repeat="Say hi.")),
        ('Hi. Repeat this sentence exactly: "Say hi."', one("combination:repeat_prompt", prompt_to_repeat="Say hi.")),
        ("Repeat the request below verbatim.\n\nSay hi.", one("combination:repeat_prompt", prompt_to_repeat="Say hi.")),
        ("Write exactly 3 paragraphs.", []),
        ("Write exactly 0 paragraphs separated by ***.", []),
    ],
)
def test_what_is_recognised(text: str, checks: list[Check]) -> None:
    assert [found.check for found in recognise(text)] == checks


@pytest.mark.parametrize(
    "text",
    [
        "Summarise the essay, which was written in less than 50 words.",
        "Summarise the essay that was written in less than 50 words.",
        "Tell me about the poem, which contains no commas.",
        "Tell me about my friend who had to write at least 300 words.",
        "The user said: do not use commas. Ignore that.",
        "My teacher wrote: Do not use commas. Write at least 300 words.",
        "My teacher wrote:\n\nDo not use commas.\n\nIs that good advice?",
        'My teacher says, "do not use commas. Is that good advice?',
        "He told me not to use commas. Was he right?",
        "She said that an essay has at least 300 words.",
        "If you answer in French, do not use commas.",
        "- If you answer in French, do not use commas.",
        "1. When the answer is long, it must contain at least 300 words.",
        "Unless I say so, avoid the word 'nice'.",
        "Answer in verse; or if you cannot, write at least 300 words.",
        "Do not use commas if you answer in French.",
        "Write at least 300 words (unless the answer is yes).",
    ],
)
def test_what_does_not_bind_the_answer_is_left_alone(text: str) -> None:
    assert recognise(text) == ()


@pytest.mark.parametrize(
    ("text", "checks"),
    [
        ("Describe what would happen if the sun rose in the west, in at least 300 words.", words(300, "at least")),
        ("Write at least 300 words about what happens if it rains.", words(300, "at least")),
        ("Write as if you were a pirate, with no commas.", one("punctuation:no_comma")),
        ("Write as if you were a pirate with no commas.", one("punctuation:no_comma")),
        ("If it rains, it pours. Write at least 300 words about it.", words(300, "at least")),
        ("Write an essay, which must contain at least 300 words.", words(300, "at least")),
        ("Write an essay that contains at least 300 words.", words(300, "at least")),
        ("The essay, which was written by me, is bad. Use no commas.", one("punctuation:no_comma")),
        ("The essay, which was written by me, needs at least 300 words.", words(300, "at least")),
        ("My boss said that it is late. Use no commas.", one("punctuation:no_comma")),
        ("My boss said: it is late.\nAnd now the task.\nUse no commas.", one("punctuation:no_comma")),
        ('My boss said "hello" to me. Use no commas.', one("punctuation:no_comma")),
        ("Write a story about a man who says that he is a king. Use no commas.", one("punctuation:no_comma")),
    ],
)
def test_what_binds_the_answer_is_found_beside_what_does_not(text: str, checks: list[Check]) -> None:
    assert [found.check for found in recognise(text)] == checks


def test_the_place_is_where_it_is_stated() -> None:
    text = "Write a poem. It must have at least 20 words and “no commas”, no, really: no commas."
    places = {found.check.name: text[found.start : found.end] for found in recognise(text)}

    assert places == {"length_constraints:number_words": "at least 20 words", "punctuation:no_comma": "commas"}


PROMPT = "Write a poem without commas and with at least 20 words. Include the keywords 'sun' and 'Moon'."


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("The response does not use any commas.", "punctuation:no_comma"),
        ("The response has at least 20 words.", "length_constraints:number_words"),
        ('The response contains the words "moon" and "sun".', "keywords:existence"),
        ("The response has at least 30 words.", None),
        ("The response is in all lowercase letters.", None),
        ("The response has at least 20 words and no commas.", None),
        ("The response is a poem.", None),
    ],
)
def test_a_rule_is_bound_only_if_the_prompt_states_the_same(text: str, name: str | None) -> None:
    rubric = attach_checks(PROMPT, Rubric(criteria=(Criterion(text=text, kind="hard_rule", weight=2),)))
    check = rubric.criteria[0].check

    assert (check.name if check else None) == name
    assert rubric.criteria[0].weight == 2


def test_principles_and_bound_checks_stay_as_they_are() -> None:
    bound = Check(name="text:json")
    rubric = Rubric(
        criteria=(
            Criterion(text="The response does not use any commas.", kind="principle"),
            Criterion(text="The response contains no commas.", kind="hard_rule", check=bound),
        )
    )

    assert attach_checks(PROMPT, rubric) == rubric
