"""A contract reads replies and writes the reply that stands for a value."""

import pytest

from openrubrics.signatures import JUDGMENT, RUBRIC, Failed, JudgeForm, JudgeTrace, ParseError, Rubric, UsageError

RUBRIC_TEXT = "1. The response is short. [Hard Rule]\n2. The response is clear. [Principle]"
VERDICT_TEXT = "Justification: shorter\nWinner: Response B"
FORMS: list[JudgeForm] = ["seed", "v3"]


def test_a_reply_is_its_value_or_what_is_wrong_with_it() -> None:
    assert RUBRIC.read(f"Here you are:\n{RUBRIC_TEXT}") == Rubric.parse(RUBRIC_TEXT)
    assert JUDGMENT["seed"].read(VERDICT_TEXT) == JudgeTrace.parse(VERDICT_TEXT)
    failed = JUDGMENT["v3"].read("Winner: Neither")
    assert failed == Failed(reason="the last \"Winner:\" names no response: 'Neither'", raw="Winner: Neither")


def test_a_reply_that_no_file_can_hold_is_still_a_value() -> None:
    failed = RUBRIC.read("no \udc00 rubric")
    assert isinstance(failed, Failed)
    assert Failed.model_validate_json(failed.model_dump_json()).raw == "no \ufffd rubric"
    trace = JUDGMENT["seed"].read("Justification: \udc00\nWinner: A")
    assert isinstance(trace, JudgeTrace)
    assert trace.justification == "\ufffd"


def test_a_value_its_json_and_its_text_are_written_alike() -> None:
    rubric, trace = Rubric.parse(RUBRIC_TEXT), JudgeTrace.parse(VERDICT_TEXT)
    for value in (rubric, rubric.model_dump(mode="json"), RUBRIC_TEXT):
        assert RUBRIC.write(value) == RUBRIC_TEXT
    for value in (trace, trace.model_dump(mode="json"), VERDICT_TEXT):
        assert JUDGMENT["seed"].write(value) == VERDICT_TEXT


def test_what_is_no_value_of_the_contract_cannot_be_written() -> None:
    failed = Failed(reason="the reply is empty")
    with pytest.raises(UsageError, match="a failure cannot be written as a reply: the reply is empty"):
        RUBRIC.write(failed)
    for value in (failed.model_dump(mode="json"), None, 7):
        with pytest.raises(UsageError, match="this is no value of the contract judgment-seed: "):
            JUDGMENT["seed"].write(value)


@pytest.mark.parametrize("form", FORMS)
def test_the_form_itself_is_no_verdict(form: JudgeForm) -> None:
    with pytest.raises(ParseError, match="names both responses"):
        JudgeTrace.parse(JUDGMENT[form].instructions)


@pytest.mark.parametrize("form", FORMS)
def test_the_form_filled_in_is_read_part_by_part(form: JudgeForm) -> None:
    filled = JUDGMENT[form].instructions.replace("<Response A or Response B>", "Response B")
    trace = JudgeTrace.parse(filled)
    assert trace.winner == "B"
    assert [(f.criterion, f.response) for f in trace.findings][:2] == [(1, "A"), (2, "A")]
    assert bool(trace.gatekeeper_reasoning) is bool(trace.aggregation) is (form == "v3")
    assert trace.justification.startswith("<why the winner is better")
