"""What the search asks, tries, accepts and chooses, in the simulated world of `refining`."""

from __future__ import annotations

from typing import Any

import pytest
from planted_guidelines import digest
from planted_pairs import QUALITIES
from refining import BOLD, FEW, FULL, PAIRS, POOR, RefiningWorld, names, refined

from openrubrics.lms import ScriptedLM
from openrubrics.optimizers.refinement import Effect, Sizes
from openrubrics.signatures import invert
from openrubrics.signatures.adaptive import CompareAdaptively
from openrubrics.signatures.adaptive_text import render_adaptive
from openrubrics.signatures.edits_task import ProposeEdits
from openrubrics.signatures.outcomes import Compared


def test_the_author_is_told_what_was_tried_and_is_never_asked_the_same_twice() -> None:
    world = RefiningWorld("harmful")
    card = refined(world, FEW, sizes=Sizes(generations=3, population=2)).card
    assert card.asked == 6
    first, later = world.shown[:2], world.shown[2:]
    assert all("<tried>\n(nothing so far)\n</tried>" in text for text in first)
    assert later
    for text in later:
        tried = str(invert(text, ProposeEdits)["tried"])
        assert tried.startswith(
            f"- add to general: style [critical]: {BOLD} (of the comparisons on which it was tried, it"
        )
    # replies to equal requests are replayed, so what the world has seen are different ones
    assert len(set(world.shown)) == len(world.shown)


def test_the_author_is_told_of_no_edit_that_was_accepted_on_the_way_to_a_document() -> None:
    world = RefiningWorld()
    assert refined(world, FEW).card.accepted > 2
    for text in world.shown:
        shown = {name: str(value) for name, value in invert(text, ProposeEdits).items()}
        now = {line[2:].partition(" ")[0] for line in shown["principles"].splitlines()}
        added = {
            line.split(": ")[1].partition(" ")[0] for line in shown["tried"].splitlines() if "add to general" in line
        }
        assert not now & added


def test_what_code_decides_is_not_shown_to_the_author() -> None:
    """A label against a stated rule: the guard decides, and no principle could change that."""
    ruled = FEW.train[0].model_copy(
        update={
            "prompt": "Is it worth it? Answer in at most 3 words.",
            "chosen": "It is worth all of it.",
            "rejected": "No.",
        }
    )
    poor = POOR.model_copy(update={"guards": ("stated_rules",)})
    world = RefiningWorld()
    sizes = Sizes(generations=2, population=2)
    some = refined(world, FEW._replace(train=[ruled, *FEW.train[1:]]), meta_rubric=poor, sizes=sizes)
    assert ruled.id not in {name for one in some.history for p in one.proposals for name in p.failures}
    assert world.shown
    assert not any(str(ruled.prompt) in text for text in world.shown)
    alone = refined(pairs=FEW._replace(train=[ruled]), meta_rubric=poor, sizes=sizes).card
    assert (alone.asked, alone.generations) == (0, 0)
    assert alone.stopped == "the training pairs leave nothing to gain"


def test_the_same_principles_in_another_order_are_not_tried_again() -> None:
    def reply(messages: Any, request: Any) -> str:  # noqa: ANN401
        text = messages[-1]["content"]
        if "<cases>\n" not in text:
            return RefiningWorld().reply(messages)
        listed = text.partition("<principles>")[2].partition("</principles>")[0]
        if "- fullness " in listed:
            return "Delete fullness"
        return f"Add fullness [critical]: {FULL}\n\nAdd plain [core]: {QUALITIES['relevance'].criterion.upper()}"

    found = refined(
        pairs=FEW, model=ScriptedLM(reply, model="planted"), sizes=Sizes(generations=2, population=2, beam=1)
    )
    assert [str(one.proposals[0].edit) for one in found.history[1:]] == ["delete fullness of general"]
    assert found.card.repeated > 0


def test_a_document_gets_at_most_twice_as_many_principles_as_a_judge_writes_criteria() -> None:
    small = POOR.model_copy(update={"most": 1})
    found = refined(meta_rubric=small, sizes=Sizes(generations=4, population=4, beam=2))
    assert len(found.meta_rubric.general.principles) == 2
    assert found.card.candidates > 1
    assert found.card.refused
    for reason in found.card.refused:
        assert reason.startswith("cannot add to general: ")
        assert reason.endswith(": there are 2 general principles already, for 1 criteria at most")


def test_validation_decides_and_not_the_pairs_that_were_searched_on() -> None:
    """Evidence sets most training pairs right; of the validation pairs all are such that length misled."""
    world = RefiningWorld()

    def reply(messages: Any, request: Any) -> str:  # noqa: ANN401
        if "<cases>\n" in messages[-1]["content"]:
            return f"Add evidence [core]: {QUALITIES['evidence'].criterion}\n\nDelete fullness"
        return world.reply(messages)

    pairs = PAIRS._replace(val=[pair for pair in PAIRS.val if pair.meta["lure"] == "length"])
    sizes = Sizes(generations=1, population=2)
    found = refined(pairs=pairs, model=ScriptedLM(reply, model="planted"), sizes=sizes)
    tried = {str(one.proposals[0].edit).split(":")[0]: one for one in found.history[1:]}
    added, deleted = tried["add to general"], tried["delete fullness of general"]
    assert (added.fate, deleted.fate) == ("accepted", "accepted")
    assert added.train is not None
    assert deleted.train is not None
    assert added.train > deleted.train
    assert found.card.lineage[0].val_after == deleted.val
    assert names(found.meta_rubric) == ["relevance"]


@pytest.mark.parametrize("finalists", [1, 2])
def test_only_the_best_on_the_training_pairs_are_judged_on_validation(finalists: int) -> None:
    found = refined(pairs=FEW, sizes=Sizes(generations=1, population=4, finalists=finalists))
    accepted = sorted((one.train or 0 for one in found.history if one.fate == "accepted"), reverse=True)
    judged = sorted((one.train or 0 for one in found.history[1:] if one.val is not None), reverse=True)
    assert len(accepted) > finalists
    assert judged == accepted[:finalists]


def test_the_first_edit_of_each_reply_is_tried_before_the_second_of_any() -> None:
    world = RefiningWorld()

    def reply(messages: Any, request: Any) -> str:  # noqa: ANN401
        text = messages[-1]["content"]
        if "<cases>\n" not in text:
            return world.reply(messages)
        number = digest(text)
        return (
            f"Add one-{number} [core]: The response has {number}.\n\nAdd two-{number} [core]: The response is {number}."
        )

    found = refined(pairs=FEW, model=ScriptedLM(reply, model="planted"), sizes=Sizes(generations=1, population=3))
    assert found.card.asked == 3
    assert [str(one.proposals[0].edit)[:20] for one in found.history[1:]] == ["add to general: one-"] * 3


def test_with_both_orders_a_pair_that_is_fixed_does_not_outweigh_orders_that_get_worse() -> None:
    """The judge takes whatever stands first; with one more principle it is right on one pair, and wrong on all else."""
    first = FEW.train[0]

    def reply(messages: Any, request: Any) -> str:  # noqa: ANN401
        text = messages[-1]["content"]
        if "<cases>\n" in text:
            return "Add trade [core]: The response trades."
        given = {name: str(value) for name, value in invert(text, CompareAdaptively).items()}
        better = "A"
        if "The response trades." in given["meta_rubric"]:
            is_first = first.chosen in (given["response_a"], given["response_b"])
            chosen = {pair.chosen for pair in FEW.train}
            better = "A" if (given["response_a"] in chosen) is is_first else "B"
        said = Compared(text="The response trades.", type="core", better=better, by=1, reason="so it is")
        return render_adaptive("an answer", "they differ", [said])

    sizes = Sizes(generations=1, population=1)
    found = refined(pairs=FEW, model=ScriptedLM(reply, model="planted"), judging={"orders": "both"}, sizes=sizes)
    (tried,) = found.history[1:]
    assert tried.effect == Effect(fixes=(first.id,))
    assert tried.train == 1 / 12
    assert tried.fate == "no better on train"
