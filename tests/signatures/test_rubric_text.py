"""The text form of a rubric is read back exactly, and from whatever models make of it."""

from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from openrubrics.signatures import Criterion, ParseError, Rubric
from openrubrics.signatures.rubric_text import CriterionKind, has_words

KINDS: list[CriterionKind] = ["hard_rule", "principle"]
FRAGMENTS = [
    *("1. ", "12) ", "(3) ", "２．", "- ", "* ", "• ", "**", "__", "*", "_", "# ", "> ", "Criterion 1: "),
    *("[Hard Rule]", "[Principle]", "[hard-rules]", "(Principle)", "【Hard Rule】", "Hard Rule: ", "Principles"),
    *("[", "]", "(", ")", "：", "The response ", "the response is short. ", "a", "10", "\t", " ", "\n", "\n\n", "\r\n"),
    *("<think>", "</think>", "```", "```text\n", "\u2028", "\x00", "\ud800", "Winner: Response A", "--- Analysis ---"),
]
assembled = st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join)
well_formed_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
texts = (well_formed_text | assembled.map(lambda text: text.replace("\ud800", ""))).filter(has_words)
criteria = st.builds(Criterion, text=texts, kind=st.sampled_from(KINDS))
rubrics = st.lists(criteria, min_size=1, max_size=12, unique_by=lambda c: c.text.casefold()).map(
    lambda items: Rubric(criteria=tuple(items))
)


def _rubric(*texts: str) -> Rubric:
    return Rubric(criteria=tuple(Criterion(text=text, kind=kind) for text in texts for kind in KINDS[:1]))


@given(rubrics)
@example(_rubric("P"))
@example(_rubric("*a", "[b", "c*", "d]"))
@example(_rubric(*(f"The response has quality {number}." for number in range(1, 1000))))
@example(_rubric("Hard Rules", "Principles:", "</think>", "<think>", "```x"))
@example(_rubric("1. The response is short.", "- The response is clear. [Principle]", "**a** and **b**"))
@settings(deadline=None, max_examples=400)
def test_a_rubric_is_read_back_with_the_same_texts_and_kinds(rubric: Rubric) -> None:
    assert Rubric.parse(str(rubric)).criteria == rubric.criteria


def test_the_text_form_is_a_numbered_list_with_tags() -> None:
    rubric = Rubric(
        criteria=(
            Criterion(text="The response has at most 100 words.", kind="hard_rule"),
            Criterion(text="The response states its conclusion first.", kind="principle", weight=3),
        )
    )
    assert str(rubric) == (
        "1. The response has at most 100 words. [Hard Rule]\n2. The response states its conclusion first. [Principle]"
    )


SHORT, CLEAR = "The response is short.", "The response is clear."
CANONICAL = f"1. {SHORT} [Hard Rule]\n2. {CLEAR} [Principle]"

SAME_AS_CANONICAL = {
    "as asked": CANONICAL,
    "preamble and postscript": f"Sure! Here is the rubric:\n\n{CANONICAL}\n\nI hope this helps.",
    "bold whole lines": f"**1. {SHORT} [Hard Rule]**\n**2. {CLEAR} [Principle]**",
    "bold numbers": f"**1.** {SHORT} [Hard Rule]\n**2.** {CLEAR} [Principle]",
    "bold number and text": f"**1. {SHORT}** [Hard Rule]\n**2. {CLEAR}** [Principle]",
    "bold texts": f"1. **{SHORT}** [Hard Rule]\n2. **{CLEAR}** [Principle]",
    "bold lines after numbers": f"1. **{SHORT} [Hard Rule]**\n2. **{CLEAR} [Principle]**",
    "italic tags": f"1. {SHORT} *[Hard Rule]*\n2. {CLEAR} _[Principle]_",
    "bold tags": f"1. {SHORT} **[Hard Rule]**\n2. {CLEAR} **[Principle]**",
    "hyphens": f"- {SHORT} [Hard Rule]\n- {CLEAR} [Principle]",
    "asterisks": f"* {SHORT} [Hard Rule]\n* {CLEAR} [Principle]",
    "dots": f"• {SHORT} [Hard Rule]\n• {CLEAR} [Principle]",
    "no marks": f"{SHORT} [Hard Rule]\n{CLEAR} [Principle]",
    "brackets as numbers": f"1) {SHORT} [Hard Rule]\n(2) {CLEAR} [Principle]",
    "named numbers": f"Criterion 1: {SHORT} [Hard Rule]\nCriterion 2: {CLEAR} [Principle]",
    "indented": f"   1. {SHORT} [Hard Rule]\n   2. {CLEAR} [Principle]",
    "quoted": f"> 1. {SHORT} [Hard Rule]\n> 2. {CLEAR} [Principle]",
    "markdown headings": f"### 1. {SHORT} [Hard Rule]\n### 2. {CLEAR} [Principle]",
    "windows line ends": CANONICAL.replace("\n", "\r\n"),
    "blank lines": CANONICAL.replace("\n", "\n\n"),
    "code fence": f"```\n{CANONICAL}\n```",
    "code fence with a language": f"```markdown\n{CANONICAL}\n```",
    "tag in round brackets": f"1. {SHORT} (Hard Rule)\n2. {CLEAR} (Principle)",
    "tag in lower case": f"1. {SHORT} [hard rule]\n2. {CLEAR} [principle]",
    "tag with a hyphen": f"1. {SHORT} [Hard-Rule]\n2. {CLEAR} [PRINCIPLE]",
    "tag with an underscore": f"1. {SHORT} [hard_rule]\n2. {CLEAR} [principle]",
    "tags misspelt": f"1. {SHORT} [Hard Rul]\n2. {CLEAR} [Principal]",
    "tags misspelt otherwise": f"1. {SHORT} [HardRule]\n2. {CLEAR} [Priciple]",
    "tag and full stop": f"1. {SHORT} [Hard Rule].\n2. {CLEAR} [Principle].",
    "tag first": f"1. [Hard Rule] {SHORT}\n2. [Principle] {CLEAR}",
    "bold tag first": f"1. **[Hard Rule]** {SHORT}\n2. **[Principle]** {CLEAR}",
    "bold label first": f"1. **Hard Rule:** {SHORT}\n2. **Principle:** {CLEAR}",
    "tag instead of a number": f"[Hard Rule] {SHORT}\n[Principle] {CLEAR}",
    "second tag missing": f"1. {SHORT} [Hard Rule]\n2. {CLEAR}",
    "full-width": f"１．{SHORT}【Hard Rule】\n２、{CLEAR}［Principle］",
    "full-width brackets": f"1）{SHORT}（Hard Rule）\n2）{CLEAR}（Principle）",
    "headings": f"## Hard Rules\n1. {SHORT}\n\n## Principles\n2. {CLEAR}",
    "bold headings": f"**Hard Rules:**\n- {SHORT}\n\n**Principles:**\n- {CLEAR}",
    "headings with a remark": f"### Hard Rules (explicit):\n1. {SHORT}\n### Principles (implicit):\n1. {CLEAR}",
    "tags as headings": f"[Hard Rule]\n1. {SHORT}\n[Principle]\n2. {CLEAR}",
    "heading against tag": f"## Principles\n1. {SHORT} [Hard Rule]\n2. {CLEAR}",
    "wrapped lines": "1. The response\n   is short. [Hard Rule]\n2. The response is\n   clear. [Principle]",
    "wrapped tags": f"1. {SHORT} [Hard\n   Rule]\n2. {CLEAR}\n   [Principle]",
    "wrapped after first tags": "1. [Hard Rule] The response\n   is short.\n2. [Principle] The response\n   is clear.",
    "notes below items": f"1. {SHORT} [Hard Rule]\n   - count them\n2. {CLEAR} [Principle]\n   - see above",
    "notes below wrapped tags": f"1. {SHORT} [Hard\nRule]\n(count them)\n2. {CLEAR} [Principle]",
    "an item twice": f"{CANONICAL}\n3. {SHORT} [Hard Rule]",
    "an item twice in another case": f"{CANONICAL}\n3. {SHORT.upper()} [Principle]",
    "thinking": f"<think>\n1. The response thinks. [Principle]\n</think>\n\n{CANONICAL}",
    "empty thinking": f"<think>\n\n</think>\n\n{CANONICAL}",
    "thinking without its opening tag": f"1. The response thinks. [Principle]\n</think>\n{CANONICAL}",
    "thinking with several ends": f"<think>\na\n</think>\n1. The response thinks. [Principle]\n</think>\n{CANONICAL}",
    "thinking that ends with a line": f"<think>1. The response thinks.</think>\r\n{CANONICAL}",
    "thinking that quotes its own end": f"<think>\nthey wrote </think> there\n1. No.\n</think>\n{CANONICAL}",
}


@pytest.mark.parametrize("form", SAME_AS_CANONICAL)
def test_what_models_write_is_read_as_what_they_were_asked_for(form: str) -> None:
    read = [(c.text, c.kind) for c in Rubric.parse(SAME_AS_CANONICAL[form]).criteria]
    assert read == [(SHORT, "hard_rule"), (CLEAR, "principle")]


def test_marks_alone_are_no_criterion() -> None:
    (criterion,) = Rubric.parse(f"1. *\n2. ... [Hard Rule]\n3. [Principle]\n4. {SHORT}\n5. ---").criteria
    assert criterion.text == SHORT


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"1. {SHORT}", "principle"),
        (f"1. {SHORT} [Important]", "principle"),
        (f"1. {SHORT} [Hard Rule] [Principle]", "principle"),
        ("1. The response follows the hard rule.", "principle"),
        ("1. Principle of least surprise guides the response. [Hard Rule]", "hard_rule"),
    ],
)
def test_a_hard_rule_has_to_be_claimed(text: str, kind: CriterionKind) -> None:
    assert [c.kind for c in Rubric.parse(text).criteria] == [kind]


def test_unknown_brackets_belong_to_the_text() -> None:
    (criterion,) = Rubric.parse("1. The response cites sources (at least two) [1]. [Hard Rule]").criteria
    assert criterion.text == "The response cites sources (at least two) [1]."


REFUSED = {
    "refusal": ("I'm sorry, but I can't help with that.", "no criterion found in .*I'm sorry, but I can't help"),
    "prose": ("A good answer is short and clear.", "no criterion found in 'A good answer is short"),
    "headings only": ("## Hard Rules\n\n## Principles\n", "no criterion found in '## Hard Rules ## Principles'"),
    "marks only": ("1. \n2. \n- ", "no criterion found"),
    "empty": ("", "the reply is empty"),
    "blank": (" \n\t\n", "the reply is empty"),
    "empty fence": ("```\n```", "the reply is empty"),
    "thinking without an end": (f"<think>\nFirst, I draft.\n{CANONICAL}", "the thinking block never ends .*max_tokens"),
    "too many": ("".join(f"- Quality {n}\n" for n in range(1000)), "1000 criteria, but a rubric has at most 999"),
    "nothing after thinking": ("<think>\nhm\n</think>\n", "the reply is empty"),
}


@pytest.mark.parametrize("form", REFUSED)
def test_what_is_no_rubric_is_an_error_that_says_what_was_there(form: str) -> None:
    text, message = REFUSED[form]
    with pytest.raises(ParseError, match=message):
        Rubric.parse(text)


def test_the_message_quotes_a_long_reply_on_one_short_line() -> None:
    with pytest.raises(ParseError) as caught:
        Rubric.parse("Sorry,\nno. " * 1000)
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 120


@given(st.text() | assembled)
@example("1. a \ud800 [Hard Rule]")
@settings(deadline=None, max_examples=500)
def test_any_text_is_a_rubric_or_a_parse_error(text: str) -> None:
    with suppress(ParseError):
        rubric = Rubric.parse(text)
        assert Rubric.parse(str(rubric)).criteria == rubric.criteria
        assert Rubric.model_validate_json(rubric.model_dump_json()) == rubric
