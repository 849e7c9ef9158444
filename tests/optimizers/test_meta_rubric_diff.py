"""What differs between two meta-rubrics, change by change."""

import time

import pytest
from meta_rubrics import BRIEF, META, RHYMES, RIGHT, RUNS, TYPES

from openrubrics.optimizers import diff_meta_rubrics, meta_rubric_difference
from openrubrics.optimizers.meta_rubric_diff import marked
from openrubrics.signatures import Add, Delete, Domain, MetaPrinciple, MetaRubric, Modify, Part, apply_edit

NEW = MetaPrinciple(name="kind", type="core", text="The response is kind.")


def changed(**fields: object) -> MetaRubric:
    return MetaRubric.model_validate({**dict(META), **fields})


def told(after: MetaRubric, before: MetaRubric = META) -> list[str]:
    return diff_meta_rubrics(before, after).splitlines()[2:]


def general(*method: str) -> MetaRubric:
    return changed(general=Part(method=method, principles=META.general.principles))


def test_equal_ones_say_the_same() -> None:
    assert told(MetaRubric.parse(str(META))) == ["They say the same."]
    assert meta_rubric_difference(META, META).changes == ()


@pytest.mark.parametrize(
    ("after", "lines"),
    [
        (changed(name="other", version=8), ["~ name: {-a-small-one-} {+other+}", "~ version: {-7-} {+8+}"]),
        (changed(least=4), ["~ criteria: {-5-} {+4+} to 15"]),
        (changed(guards=()), ["~ guards: {-stated_rules, empty, cut, repetition, language_mix, refusal-} {+none+}"]),
        (
            changed(types=(TYPES[0], TYPES[1].model_copy(update={"weight": 4.5}), *TYPES[2:])),
            ["~ type core: {-[5]-} {+[4.5]+} What was asked."],
        ),
        (apply_edit(META, Add(part="code", principle=NEW)), ["", "code", "+ kind: [core] The response is kind."]),
        (apply_edit(META, Delete(name="right")), ["", "general", "- right: [core] The response is right."]),
        (
            apply_edit(META, Modify(principle=RIGHT.model_copy(update={"type": "critical"}))),
            ["", "general", "~ right: {-[core]-} {+[critical]+} The response is right."],
        ),
        (
            changed(general=Part(method=META.general.method, principles=(BRIEF, RIGHT))),
            ["", "general", "~ order: right brief -> brief right"],
        ),
        (changed(domains=META.domains[::-1]), ["~ parts: general code verse -> general verse code"]),
        (
            changed(domains=META.domains[1:]),
            ["", "code", "- when: The request asks for a program.", "- runs: [critical] The response runs."],
        ),
        (
            changed(domains=(*META.domains, Domain(name="law", when="It is about law.", method=("Look it up.",)))),
            ["", "law", "+ when: It is about law.", "+ method: Look it up."],
        ),
        (
            changed(domains=(META.domains[0], Domain(name="verse", when="It asks for a poem.", principles=(RHYMES,)))),
            ["", "verse", "~ when: {-The request-} {+It+} asks for a poem.", "- method: Read aloud."],
        ),
        (general("Read the whole request first."), ["", "general", "~ method: Read the {+whole+} request first."]),
        (general("Read nothing."), ["", "general", "- method: Read the request first.", "+ method: Read nothing."]),
        (general("Count."), ["", "general", "- method: Read the request first.", "+ method: Count."]),
        (
            general("Count.", "Read the request again.", "Stop."),
            ["", "general", "+ method: Count.", "~ method: Read the request {-first.-} {+again.+}", "+ method: Stop."],
        ),
    ],
)
def test_each_change_is_told_in_a_line(after: MetaRubric, lines: list[str]) -> None:
    assert told(after) == lines


def test_going_back_tells_the_opposite() -> None:
    after = apply_edit(apply_edit(META, Add(principle=NEW)), Delete(part="code", name="runs"))
    back = meta_rubric_difference(after, META).changes
    assert [(change.kind, change.part, change.name) for change in back] == [
        ("deleted", "general", "kind"),
        ("added", "code", RUNS.name),
    ]
    there = meta_rubric_difference(META, after).changes
    assert [(change.before, change.after) for change in there] == [(one.after, one.before) for one in back]


def test_both_are_named_with_version_and_fingerprint() -> None:
    other = changed(version=8)
    assert diff_meta_rubrics(META, other).splitlines()[:2] == [
        f"- a-small-one version 7 ({META.fingerprint})",
        f"+ a-small-one version 8 ({other.fingerprint})",
    ]


def test_words_are_marked() -> None:
    assert marked("a b c", "a c d") == "a {-b-} c {+d+}"


def test_long_texts_of_other_words_do_not_take_long() -> None:
    begin = time.process_time()
    texts = [" ".join(f"{side}{at}" for at in range(5000)) for side in "ab"]
    many = [general(*(f"{side}{at} is said here" for at in range(2000))) for side in "ab"]
    assert marked(*texts).startswith("{-a0 ")
    assert len(meta_rubric_difference(*many).changes) == 2000
    assert time.process_time() - begin < 1
