"""Which candidates go on, and how two of them are joined."""

from typing import Any

import pytest
from meta_rubrics import META

from openrubrics.optimizers.refinement import Effect, Proposal, Step
from openrubrics.optimizers.refinement.candidates import Candidate, cross, dominates, select
from openrubrics.signatures.edits import Add, Delete, Edit, Modify, apply_edit
from openrubrics.signatures.meta_rubric import MetaPrinciple, MetaRubric


def principle(name: str, text: str = "The response is so.") -> MetaPrinciple:
    return MetaPrinciple(name=name, type="core", text=text)


def scored(*edits: Edit, train: float = 0.5, **domains: float) -> Candidate:
    made: MetaRubric = META
    steps: list[Step] = []
    for edit in edits:
        proposal = Proposal(edit=edit, reason="", cluster="", failures=())
        numbers: dict[str, Any] = {"generation": 1, "parent": made.fingerprint, "other": None, "effect": Effect()}
        steps.append(Step(proposals=(proposal,), train_before=0, train_after=0, **numbers))
        made = apply_edit(made, edit)
    return Candidate(made, steps=tuple(steps), accuracy={"train": train}, domains=domains)


def test_one_dominates_another_where_it_is_nowhere_worse_and_somewhere_better() -> None:
    base, longer = scored(a=0.5, b=0.5), scored(Add(principle=principle("x")), a=0.5, b=0.5)
    assert dominates(base, longer)
    assert not dominates(longer, base)
    assert not dominates(base, scored(a=0.5, b=0.5))
    better = scored(Add(principle=principle("x")), a=0.6, b=0.5)
    assert not dominates(better, base)
    assert not dominates(base, better)
    assert dominates(scored(a=0.6, b=0.5), base)


def test_the_front_comes_before_the_dominated_and_accuracy_before_cost() -> None:
    base = scored(train=0.5, a=0.5, b=0.5)
    best = scored(Add(principle=principle("x")), train=0.7, a=0.9, b=0.5)
    other = scored(Add(principle=principle("y")), train=0.6, a=0.4, b=0.8)
    dominated = scored(Add(principle=principle("z", "The response is so and so.")), train=0.65, a=0.8, b=0.5)
    assert select([base, dominated, other, best], 4) == [best, other, dominated, base]
    assert select([base, dominated, other, best], 2) == [best, other]
    assert select([base], 3) == [base]


def test_whoever_has_no_edit_of_its_own_makes_way() -> None:
    """An ancestor is shorter than its heirs, so none of them dominates it, and it would be a parent for ever."""
    x, y = Add(principle=principle("x")), Add(principle=principle("y", "The response is new."))
    base, parent, heir = scored(train=0.5, a=0.5), scored(x, train=0.6, a=0.6), scored(x, y, train=0.7, a=0.7)
    other = scored(Add(principle=principle("z", "The response is not like that.")), train=0.55, a=0.55)
    assert not dominates(heir, parent)
    assert dominates(parent, other)
    assert select([base, parent, heir, other], 2) == [heir, other]
    assert select([base, parent, heir, other], 4) == [heir, other, parent, base]


def test_a_crossover_adds_the_edits_of_the_other_to_the_better_one() -> None:
    better = scored(Add(principle=principle("x")), train=0.7)
    other = scored(Delete(name="brief"), Add(principle=principle("y", "The response is new.")), train=0.6)
    for pair in ((better, other), (other, better)):
        joined = cross(*pair)
        assert joined is not None
        assert [one.name for one in joined[0].general.principles] == ["right", "x", "y"]
        assert [str(one.edit) for one in joined[1]] == [
            "delete brief of general",
            "add to general: y [core]: The response is new.",
        ]


def test_where_both_changed_a_principle_that_of_the_better_one_stays() -> None:
    better = scored(Modify(principle=principle("brief", "The response is short.")), train=0.7)
    other = scored(Delete(name="brief"), train=0.6)
    assert cross(better, other) is None
    emptied = scored(Delete(name="brief"), train=0.7)
    assert cross(emptied, scored(Delete(name="right"), train=0.6)) is None  # none would be left


def test_a_crossover_takes_no_text_twice() -> None:
    better = scored(Add(principle=principle("x", "The response is kind.")), train=0.7)
    other = scored(Add(principle=principle("y", "The response is KIND.")), train=0.6)
    assert cross(better, other) is None


@pytest.mark.parametrize("first", [True, False])
def test_an_ancestor_has_nothing_to_give(first: bool) -> None:
    edit = Add(principle=principle("x"))
    ancestor, heir = scored(edit, train=0.6), scored(edit, Delete(name="brief"), train=0.7)
    assert cross(*((ancestor, heir) if first else (heir, ancestor))) is None
