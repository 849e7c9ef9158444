"""The document of a meta-rubric: every value comes back from it, and what is wrong in one is told with its line."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openrubrics.signatures import DataError, Domain, MetaPrinciple, MetaRubric, Part, TypeRule, read_meta_rubric
from openrubrics.signatures.meta_rubric import CRITERION_TYPES, GUARDS

DOCUMENT = """\
# Meta-rubric: small

Version: 3
Criteria: 4 to 8

## Types

- critical [veto]: A mistake that decides.
- core [5]: What was asked.
- important [2.5]: What helps.
- highlight [1]: What delights.

## Guards

- stated_rules
- empty

## General

### Method

- Read the request first.
- One thing each.

### Principles

- right [core]: The response is right.
- brief [important]: The response wastes no words.

## Domain: code

When: The request asks for a program.

### Principles

- runs [critical]: The response runs: as [is].
"""

names = st.from_regex(r"[a-z][a-z0-9_-]{0,39}", fullmatch=True)
# What the document itself is written with, and white space of every kind, more often than in any text.
pieces = st.one_of(
    st.sampled_from(["# ", "## Types", "- ", "* ", "[core]: ", ":", "When: ", "**", "\n", "\r", "\x1c", "\u2028", " "]),
    st.text(max_size=8),
)
lines = st.lists(pieces, max_size=6).map("".join).filter(lambda text: any(c.isalnum() for c in text))
weights = st.floats(min_value=0, exclude_min=True, allow_infinity=False, allow_nan=False)
types = st.tuples(*(lines for _ in CRITERION_TYPES), *(weights for _ in CRITERION_TYPES)).map(
    lambda drawn: tuple(
        TypeRule(type=kind, text=str(drawn[at]), weight=None if kind == "critical" else float(drawn[at + 4]))
        for at, kind in enumerate(CRITERION_TYPES)
    )
)


def principles(least: int) -> st.SearchStrategy[tuple[MetaPrinciple, ...]]:
    one = st.builds(MetaPrinciple, name=names, type=st.sampled_from(CRITERION_TYPES), text=lines)
    return st.lists(one, min_size=least, max_size=4, unique_by=lambda made: made.name).map(tuple)


methods = st.lists(lines, max_size=3).map(tuple)
domains = st.builds(
    Domain,
    name=names.filter(lambda name: name not in ("general", "auto")),
    when=lines,
    method=methods,
    principles=principles(0),
)
meta_rubrics = st.builds(
    lambda bounds, **fields: MetaRubric(least=min(bounds), most=max(bounds), **fields),
    bounds=st.tuples(st.integers(1, 99), st.integers(1, 99)),
    name=names,
    version=st.integers(1, 999_999),
    types=types,
    guards=st.lists(st.sampled_from(GUARDS), unique=True).map(tuple),
    general=st.builds(Part, method=methods, principles=principles(1)),
    domains=st.lists(domains, max_size=3, unique_by=lambda made: made.name).map(tuple),
)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(meta_rubrics)
def test_every_value_comes_back_from_its_document(value: MetaRubric) -> None:
    text = str(value)
    assert MetaRubric.parse(text) == value
    assert str(MetaRubric.parse(text)) == text


def small() -> MetaRubric:
    return MetaRubric.parse(DOCUMENT)


def test_what_a_document_says() -> None:
    meta = small()
    assert (meta.name, meta.version, meta.least, meta.most) == ("small", 3, 4, 8)
    assert meta.weights == {"core": 5, "important": 2.5, "highlight": 1}
    assert meta.guards == ("stated_rules", "empty")
    assert meta.general.method == ("Read the request first.", "One thing each.")
    assert [one.name for one in meta.general.principles] == ["right", "brief"]
    assert meta.domains[0].when == "The request asks for a program."
    runs = MetaPrinciple(name="runs", type="critical", text="The response runs: as [is].")
    assert meta.domains[0].principles == (runs,)
    assert str(meta) == DOCUMENT


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.replace("\n", "  \n\n"),
        lambda text: text.replace("\n\n", "\n"),
        lambda text: text.upper().replace("META-RUBRIC: SMALL", "META-RUBRIC: small"),
        lambda text: text.replace("- ", "* "),
        lambda text: text.replace("- ", "  •  "),
        lambda text: text.replace("# ", "#").replace("## Types", "##  Types ##").replace("## Guards", "## Guards:"),
        lambda text: re.sub(r"(?m)^(- \w+) (\[.*?\]): ", r"\1\2 :   ", text),
        lambda text: text.replace("runs [critical]:", "**runs** [Critical]:").replace("- empty", "- `empty`"),
        lambda text: text.replace("The response is right.", "The\n  response\n\n\tis right."),
        lambda text: text.replace("When: The request", "When:\n  The request"),
        lambda text: text.replace("The response is right.", "The\u2028response\fis right."),
        lambda text: text.replace("4 to 8", "4-8").replace("Version: 3", "version:3"),
    ],
)
def test_layout_is_free(change: Callable[[str], str]) -> None:
    text = change(DOCUMENT)
    assert text != DOCUMENT
    if text.isupper() or "META" in text:
        text = text.replace("DOMAIN: CODE", "DOMAIN: code").replace("RUNS [", "runs [")
        text = text.replace("RIGHT [", "right [").replace("BRIEF [", "brief [")
        assert str(MetaRubric.parse(text)).lower() == DOCUMENT.lower()
    else:
        assert MetaRubric.parse(text) == small()


def test_sections_may_come_in_any_order() -> None:
    head, types, guards, general, domain = (part for part in DOCUMENT.split("\n## "))
    method, listed = general.split("\n### Principles\n")
    moved = f"General\n\n### Principles\n{listed}\n{method.removeprefix('General')}"
    assert MetaRubric.parse("\n## ".join([head, domain, moved, guards, types])) == small()


def test_one_number_of_criteria_is_a_range() -> None:
    meta = MetaRubric.parse(DOCUMENT.replace("4 to 8", "7"))
    assert (meta.least, meta.most) == (7, 7)


WHEN = "When: The request asks for a program.\n\n### Principles\n\n"
FAULTS = [
    ("- core [5]", "- cor [5]", 9, "unknown type 'cor'", "did you mean core?"),
    ("- right [core]", "- right [Cores]", 27, "unknown type 'Cores'", "did you mean core?"),
    ("- core [5]", "- core [veto]", 9, "type core with [veto]", "a weight above 0"),
    ("- core [5]", "- core [-1]", 9, "type core with [-1]", "a weight above 0"),
    ("- core [5]", "- core [0]", 9, "type core with [0]", "a weight above 0"),
    ("- core [5]", "- core [1e999]", 9, "type core with [1e999]", "a weight above 0"),
    ("- core [5]", "- core [nan]", 9, "type core with [nan]", "a weight above 0"),
    ("- critical [veto]", "- critical [9]", 8, "type critical with [9]", "[veto]"),
    ("- core [5]: What was asked.\n", "", 6, "there is no type core", ""),
    ("- core [5]: What was asked.", "- core: What was asked.", 9, "no type in 'core: What was asked.'", "- core [5]:"),
    ("- core [5]: What was asked.", "- core [5]: ...", 9, "there are no words in '...'", "a sentence"),
    ("- important [2.5]", "- core [2.5]", 10, "a second type core", ""),
    ("- empty", "- emty", 16, "unknown guard 'emty'", "did you mean empty?"),
    ("- empty", "- stated_rules", 16, "a second guard stated_rules", ""),
    ("## Guards", "## Gards", 13, "unknown heading 'Gards'", "did you mean ## Guards?"),
    ("## Guards", "### Guards", 13, "this heading has 3 #", "## Guards"),
    ("## Guards", "## Guards: all", 13, "'all' after ## Guards", "no name"),
    ("## Guards", "## General", 18, "a second heading 'General'; the first is on line 13", ""),
    ("### Principles\n\n- right", "### Rules\n\n- right", 25, "unknown heading 'Rules'", "### Method or ### Prin"),
    ("### Principles\n\n- right", "### Method\n\n- right", 25, "a second ### Method of part general", "one list"),
    ("## General\n", "", 19, "### Method stands outside of a part", "## Domain: NAME"),
    ("- right [core]", "- Is right [core]", 27, "'Is right' is no name", "did you mean is-right?"),
    ("- right [core]", "- [core]", 27, "'' is no name", "lower case"),
    ("- right [core]", "- right (core)", 27, "no name and type in", "- a-short-name [core]:"),
    ("- brief [", "- right [", 28, "a second principle 'right' of part general", "another name"),
    ("- right", "right", 27, "this line belongs to nothing", "indent it"),
    ("- One thing each.", "  - One thing each.", 23, "a list within a list", "begin it where"),
    ("- One thing each.", "One thing each.", 23, "this line belongs to nothing", "indent it"),
    ("- One thing each.", "-", 23, "there are no words in ''", ""),
    ("Version: 3", "Version: three", 3, "'three' is no version", "Version: 1"),
    ("Version: 3", "Version: 0", 3, "'0' is no version", ""),
    ("Version: 3", "Version: ٣", 3, "'٣' is no version", ""),
    ("Version: 3", "Version: 9999999", 3, "'9999999' is no version", ""),
    ("Version: 3", "Verzion: 3", 3, "unknown key 'verzion'", "did you mean Version:?"),
    ("Version: 3\n", "", 1, "there is no Version:", "openrubrics meta-rubric"),
    ("Version: 3\n", "Version: 3\nVersion: 4\n", 4, "a second Version:", ""),
    ("Criteria: 4 to 8", "Criteria: 8 to 4", 4, "'8 to 4' is no range of criteria", "Criteria: 5 to 15"),
    ("Criteria: 4 to 8", "Criteria: 4 to 100", 4, "'4 to 100' is no range", ""),
    ("## Types\n", "## Types\n\nCriteria: 4 to 8\n", 8, "Criteria: stands in a section", "below the title"),
    ("# Meta-rubric: small", "# Meta-rubric: Small one", 1, "'Small one' is no name", "did you mean small-one?"),
    ("# Meta-rubric: small\n", "\n", 1, "there is no # Meta-rubric: NAME", ""),
    ("## Domain: code", "## Domain: general", 30, "'general' cannot be the name of a domain", "another"),
    ("## Domain: code", "## Domain:", 30, "'' is no name", ""),
    ("When: The request asks for a program.\n", "", 30, "domain code has no When", "When: The request asks for"),
    (WHEN, "### Principles\n\nWhen: The request asks for a program.\n\n", 34, "When: stands outside", "right below"),
    ("When: The", "When: It is.\nWhen: The", 33, "a second When: of domain code", ""),
    ("### Method", "When: Always.\n\n### Method", 20, "When: stands outside of a domain", "## Domain: NAME"),
    ("- stated_rules", "- empty\n\n## Domain: code\n\nWhen: A.\n\n## Guards", 21, "a second heading 'Guards'", ""),
    ("# Meta-rubric: small", "Hello\n# Meta-rubric: small", 1, "this line belongs to nothing: 'Hello'", "comments"),
    ("# Meta-rubric: small", "- a\n# Meta-rubric: small", 1, "an item outside of a list: 'a'", "belong under"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "what", "hint"), FAULTS, ids=[case[1][:30] for case in FAULTS])
def test_a_fault_is_told_with_its_line_and_what_is_expected(
    old: str, new: str, line: int, what: str, hint: str
) -> None:
    assert old in DOCUMENT
    with pytest.raises(DataError) as raised:
        MetaRubric.parse(DOCUMENT.replace(old, new, 1), "rules.md")
    told = next(one for one in raised.value.message.splitlines() if what in one)
    assert told.startswith(f"rules.md:{line}: ")
    assert hint in str(raised.value)


def test_all_faults_are_told_in_the_order_of_the_document() -> None:
    text = DOCUMENT.replace("- core [5]", "- cor [5]").replace("runs [critical]", "runs [citical]")
    with pytest.raises(DataError) as raised:
        MetaRubric.parse(text.replace("Version: 3", "Version: x"))
    told = raised.value.message.splitlines()
    assert [line.partition(":")[0] for line in told] == ["line 3", "line 6", "line 9", "line 36"]
    assert told[0] == "line 3: 'x' is no version (expected a number, as in Version: 1)"


def test_a_single_fault_is_one_line_and_its_hint() -> None:
    with pytest.raises(DataError) as raised:
        MetaRubric.parse(DOCUMENT.replace("- empty", "- emtpy"))
    expected = "did you mean empty? expected stated_rules or empty or cut or repetition or language_mix or refusal"
    assert (raised.value.message, raised.value.hint) == ("line 16: unknown guard 'emtpy'", expected)


def test_no_more_faults_are_told_than_anyone_reads() -> None:
    with pytest.raises(DataError) as raised:
        MetaRubric.parse("nonsense\n" * 1000)
    assert len(raised.value.message.splitlines()) == 12
    assert raised.value.hint == "there may be more"


@pytest.mark.parametrize(
    "text", ["", "\n", "\ufeff", "# Meta-rubric: a", "# Meta-rubric: a\nVersion: 1\nCriteria: 1 to 2"]
)
def test_what_is_missing_is_told(text: str) -> None:
    with pytest.raises(DataError, match="there is no ## General"):
        MetaRubric.parse(text)


def test_an_empty_general_part_is_no_basis() -> None:
    start, end = DOCUMENT.index("### Method"), DOCUMENT.index("## Domain")
    with pytest.raises(DataError, match="line 18: the general part has no principles"):
        MetaRubric.parse(DOCUMENT[:start] + DOCUMENT[end:])


def test_lone_surrogates_do_not_end_in_a_crash() -> None:
    assert MetaRubric.parse(DOCUMENT.replace("What helps.", "What \ud800 helps.")).types[2].text == "What \ufffd helps."


def test_files_are_read_with_their_names_in_errors(tmp_path: Path) -> None:
    path = tmp_path / "own.md"
    with pytest.raises(DataError, match=r"own\.md: there is no such file"):
        read_meta_rubric(path)
    path.write_bytes(DOCUMENT.encode())
    assert read_meta_rubric(path) == small()
    path.write_bytes(("\ufeff" + DOCUMENT.replace("\n", "\r\n")).encode())
    assert read_meta_rubric(path) == small()
    path.write_bytes(DOCUMENT.replace("- core", "- cor").encode())
    with pytest.raises(DataError, match=rf"{path}:9: unknown type"):
        read_meta_rubric(path)
    path.write_bytes(DOCUMENT.encode("utf-16"))
    with pytest.raises(DataError, match=r"own\.md: not a text in UTF-8"):
        read_meta_rubric(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_meta_rubric(tmp_path)


def test_a_thousand_principles_are_read_at_once() -> None:
    listed = "".join(f"- p{at} [core]: The response does {at}.\n" for at in range(1000))
    begin = time.process_time()
    meta = MetaRubric.parse(DOCUMENT.replace("- right", f"{listed}- right"))
    assert len(meta.general.principles) == 1002
    assert time.process_time() - begin < 1
