"""Changes of a meta-rubric: each does what it says and nothing else, and what does not fit is refused."""

import pytest
from meta_rubrics import BRIEF, META, RIGHT, RUNS
from pydantic import TypeAdapter, ValidationError

from openrubrics.signatures import Add, Delete, Edit, MetaPrinciple, MetaRubric, Modify, UsageError, apply_edit

NEW = MetaPrinciple(name="kind", type="important", text="The response is kind.")
OTHER = MetaPrinciple(name="right", type="critical", text="The response is wrong nowhere.")


def names(meta: MetaRubric, part: str = "general") -> list[str]:
    return [one.name for one in meta.part(part).principles]


def test_a_principle_is_added_at_the_end() -> None:
    made = apply_edit(META, Add(principle=NEW))
    assert made.general.principles == (RIGHT, BRIEF, NEW)
    assert made.with_part("general", META.general) == META
    assert names(apply_edit(META, Add(part="code", principle=RIGHT)), "code") == ["runs", "right"]


def test_a_principle_is_deleted() -> None:
    made = apply_edit(META, Delete(name="right"))
    assert names(made) == ["brief"]
    assert made.with_part("general", META.general) == META
    assert names(apply_edit(META, Delete(part="code", name="runs")), "code") == []


def test_a_principle_is_modified_in_its_place() -> None:
    made = apply_edit(META, Modify(principle=OTHER))
    assert made.general.principles == (OTHER, BRIEF)
    assert made.with_part("general", META.general) == META
    assert (made.version, made.name) == (7, "a-small-one")


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (Add(principle=OTHER), "cannot add to general: right .* part general has a principle of that name"),
        (Add(part="law", principle=NEW), "no part 'law'"),
        (
            Delete(name="kind"),
            "cannot delete kind of general: .* no principle 'kind' .it has right, brief",
        ),
        (Delete(part="code", name="right"), "no principle 'right' .it has runs"),
        (Modify(principle=NEW), "no principle 'kind'"),
        (Modify(principle=RIGHT), "the principle is like that already"),
        (Modify(part="code", principle=RIGHT), "no principle 'right'"),
    ],
)
def test_a_change_that_does_not_fit_is_refused(edit: Edit, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        apply_edit(META, edit)


def test_the_last_general_principle_stays() -> None:
    with pytest.raises(UsageError, match=r"part general cannot be changed so: .*nothing to make criteria from"):
        apply_edit(apply_edit(META, Delete(name="right")), Delete(name="brief"))


@pytest.mark.parametrize("edit", [Add(principle=NEW), Delete(part="code", name="runs"), Modify(principle=OTHER)])
def test_changes_come_back_from_json(edit: Edit) -> None:
    adapter = TypeAdapter[Edit](Edit)
    assert adapter.validate_json(edit.model_dump_json()) == edit


def test_json_of_another_kind_is_no_change() -> None:
    with pytest.raises(ValidationError, match="kind"):
        TypeAdapter(Edit).validate_json('{"kind": "swap", "name": "a"}')


def test_changes_are_told_in_a_line() -> None:
    assert str(Add(part="code", principle=NEW)) == "add to code: kind [important]: The response is kind."
    assert str(Delete(name="right")) == "delete right of general"
    assert str(Modify(part="code", principle=RUNS)) == "modify in code: runs [critical]: The response runs."
