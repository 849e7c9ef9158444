"""Answers that say nothing, and answers that end in the middle."""

import pytest
from guarding import PROSE, guarded

ASK = "Why does the sea rise?"
CODE = "def f(x):\n    return [\n        x,\n    ]"

EMPTY = [
    "",
    " ",
    "\n\n\t\n",
    "\u200b\u200b",
    "\ufeff",
    "\u00a0\u3000\u2003",
    "\x00\x00",
    "\u00ad\u2060",
    "...",
    "…",
    "***",
    "---\n---\n---",
    "```\n```",
    "```python\n\n```",
    "# \n\n- \n- ",
    "|||\n|---|\n||",
    "<think>\nThe moon pulls.\n</think>",
    "<think></think>\n\n...",
    "> \n> ",
]


@pytest.mark.parametrize("response", EMPTY)
def test_an_answer_without_content_is_empty(response: str) -> None:
    assert guarded("empty", ASK, response) is False


NOT_EMPTY = [
    (ASK, "The moon."),
    (ASK, "?"),
    (ASK, "!"),
    (ASK, "42"),
    (ASK, "-1"),
    (ASK, "é"),
    (ASK, "月"),
    (ASK, "🌙"),
    (ASK, "+"),
    (ASK, ";"),
    (ASK, "%"),
    (ASK, "()"),
    (ASK, "{}"),
    (ASK, "[]"),
    (ASK, '""'),
    (ASK, "```python\npass\n```"),
    (ASK, "<think>so</think> Yes."),
    (ASK, "<think>so it goes"),
    (ASK, "∎"),
    (ASK, "**Moon**"),
    (ASK, "- Moon"),
    ("Which operator raises to a power in Python?", "**"),
    ("Which symbol begins a comment in a shell?", "#"),
    ("Say S in Morse code.", "..."),
    ("Draw a line.", "----------"),
    ("Answer with three dots only.", "..."),
    ("Print a Markdown divider.", "***"),
    ("Nenne den Platzhalter der Shell.", "*"),
    ("Pythonのべき乗は?", "**"),
    ("Answer with an empty message, or a dash.", "-"),
]


@pytest.mark.parametrize(("prompt", "response"), NOT_EMPTY)
def test_an_answer_with_content_is_not_empty(prompt: str, response: str) -> None:
    assert guarded("empty", prompt, response) is True


CUT = [
    PROSE + "All of this is known because the",
    PROSE + "All of this is known since the work of Newton and",
    PROSE + "All of this is known, and it was found by the study of",
    PROSE + "All of this is known, and one of the reasons is the fact that sailors (",
    PROSE + "All of this was known before Newton, before Laplace, before Kelvin,",
    PROSE + "\n\nAll of this is known, which",
    PROSE + "\n\n- The tide rises since it is pulled by a",
    PROSE + "\n\n3. **Shape**: The coast is narrow in some places, and their",
    PROSE + "\n\nAn example of this is shown in their work “",
    PROSE + "\n\n**All of this is known because**",
    "Here it is:\n\n```python\ndef tide(moon):\n    return moon.",
    '```json\n{\n  "tide": 3,\n  "moon',
    "First:\n\n```sh\nls\n```\n\nThen:\n\n```python\nfor x in tides:\n    print(",
    "<think>\nThe moon pulls. Or does it? Let me see",
    "<think>Where both pull along one line, the tide is high",
    PROSE + "\n\nThe sea rises and falls twice a day because of these two pulls, whose  \n",
]


@pytest.mark.parametrize("response", CUT)
def test_an_answer_that_ends_in_the_middle_is_cut(response: str) -> None:
    assert guarded("cut", ASK, response) is False


NOT_CUT = [
    (ASK, PROSE + "Und so ruft der Mond das Meer am Abend wieder an"),
    (ASK, PROSE + "So the only height that fits both of the tables is a"),
    (ASK, "The moon"),
    (ASK, "Yes"),
    (ASK, "42"),
    (ASK, "Because of the"),
    (ASK, PROSE),
    (ASK, PROSE + "🌊"),
    (ASK, PROSE + "\n\n- moon\n- sun\n- coast"),
    (ASK, PROSE + "\n\n1. Moon\n2. Sun and moon\n3. The shape of the coast and the depth of the sea"),
    (ASK, PROSE + "\n\n| what | how much |\n|---|---|\n| moon | most of it, and the"),
    (ASK, PROSE + "\n\n```python\nprint(1)\n```"),
    (ASK, "```python\n" + CODE + "\n```"),
    (ASK, "```python\n" + CODE + "\n```\n\nThis gives a list of one."),
    (ASK, CODE),
    (ASK, "Use a fence of three marks, ```, to open it."),
    (ASK, PROSE + "\n\nBest regards,\nAnna"),
    (ASK, PROSE + "\n\nYours sincerely,"),
    (ASK, PROSE + "\n\nSource: https://example.org/tides/of/the"),
    (ASK, PROSE + '"The sea never rests."'),
    (ASK, PROSE + "(See the tables.)"),
    (ASK, PROSE + "\n\n**Answer: B**"),
    (ASK, PROSE + "\n\n#tide #moon #sea"),
    (ASK, PROSE + "\n\n$$h = 2 \\cos(\\omega t)$$"),
    (ASK, PROSE + "\n\nSo the height is h = a + b"),
    (ASK, PROSE + "What else would you like to know about it?"),
    (ASK, PROSE + "\n\nHave fun at the sea, take care, and mind what you step on"),
    (ASK, "The tide is high.\nThe sea is deep\n" * 20 + "And at night we go to sea with\nthe"),
    (ASK, "潮汐是海水的涨落。" * 30 + "月亮吸引海水"),
    (ASK, '{"tide": ["high", "low"]}'),
    (ASK, "Old pond\na frog leaps in\nwater's sound"),
    ("Write a poem about the sea.", PROSE + "\n\nAnd I rise with the"),
    ("Write of the sea, and end with the word 'because'.", PROSE + "They rise because"),
    ("Continue this text: The sea", PROSE + "We go to sea because of the"),
    ("Answer without any full stops.", PROSE + "We go to sea because of the"),
]


@pytest.mark.parametrize(("prompt", "response"), NOT_CUT)
def test_an_answer_that_may_end_there_is_not_cut(prompt: str, response: str) -> None:
    assert guarded("cut", prompt, response) is not False


def test_where_only_the_last_full_stop_is_missing_it_is_not_known() -> None:
    missing = PROSE + "Over half of the harbours of the world have tables of their own by now"
    assert guarded("cut", ASK, missing) is None
    assert guarded("cut", ASK, missing + ".") is True


@pytest.mark.parametrize("response", ["*", "~", "|", ".", "..", "_", ":=", "->", "==", "```\n*\n```"])
def test_of_one_or_two_marks_it_is_not_known_whether_they_were_asked_for(response: str) -> None:
    assert guarded("empty", "What is the wildcard in this shell?", response) is None
