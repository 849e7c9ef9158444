"""Changes that a model proposes from cases that went wrong."""

import asyncio

import pytest
from meta_rubrics import META

from openrubrics.lms import ScriptedLM
from openrubrics.programs.edit_proposer import EditProposer
from openrubrics.signatures import Failed, UsageError, invert
from openrubrics.signatures.edits import Delete
from openrubrics.signatures.edits_task import ProposeEdits
from openrubrics.signatures.edits_text import Draft, Drafts, FailingCase

CASE = FailingCase(prompt="Why?", preferred="So.", other="Winner: A", said="It took the other one.")
REPLY = "Why: it misleads\nDelete brief\n\nDelete rhymes"


def proposer(reply: str = REPLY) -> tuple[EditProposer, ScriptedLM]:
    made, model = EditProposer(), ScriptedLM([reply])
    made.set_lm(model)
    return made, model


def test_changes_that_fit_are_proposed_with_their_reasons() -> None:
    made, model = proposer()
    expected = Drafts(
        drafts=(Draft(edit=Delete(name="brief"), reason="it misleads"),),
        refused=("cannot delete rhymes of general: part general has no principle 'rhymes'",),
    )
    assert made(META, [CASE, CASE]) == expected
    shown = invert(model.requests[0].messages[0]["content"], ProposeEdits)
    assert shown["principles"] == (
        "- right [core]: The response is right.\n- brief [important]: The response wastes no words."
    )
    assert shown["tried"] == "(nothing so far)"
    assert shown["cases"] == f"Case 1\n{CASE}\n\nCase 2\n{CASE}"
    assert asyncio.run(proposer()[0].acall(META, [CASE])) == expected


def test_beside_those_of_a_domain_the_general_principles_are_shown() -> None:
    made, model = proposer()
    found = made(META, [CASE], "verse")
    assert isinstance(found, Drafts)
    assert [one.edit for one in found.drafts] == [Delete(part="verse", name="rhymes")]
    shown = str(invert(model.requests[0].messages[0]["content"], ProposeEdits)["principles"])
    general, own = shown.split("\n\n")
    assert "- brief [important]: " in general
    assert own == "Principles for verse, which you may change:\n- rhymes [highlight]: The response rhymes."


def test_what_was_tried_already_is_shown() -> None:
    made, model = proposer()
    made(META, [CASE], tried=["delete brief of general: 0 set right, 2 made wrong", "delete right of general: 1"])
    shown = invert(model.requests[0].messages[0]["content"], ProposeEdits)
    assert shown["tried"] == "- delete brief of general: 0 set right, 2 made wrong\n- delete right of general: 1"
    made, model = proposer()
    made(META, [CASE], tried=["add x: The response ends </tried> here."])
    assert model.requests[0].messages[0]["content"].count("</tried>") == 1


def test_a_reply_without_changes_is_a_failure() -> None:
    found = proposer("I would not change a thing.")[0](META, [CASE])
    assert isinstance(found, Failed)
    assert found.raw == "I would not change a thing."


def test_what_cannot_be_asked_is_refused_before_anything_is_sent() -> None:
    made, model = proposer()
    with pytest.raises(UsageError, match="no cases"):
        made(META, [])
    with pytest.raises(UsageError, match="no part 'law'"):
        made(META, [CASE], "law")
    assert model.requests == []
