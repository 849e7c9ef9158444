"""`openrubrics meta-rubric` and `openrubrics diff` of meta-rubrics, as a person sees them."""

import json
from pathlib import Path

import pytest
from cli_replies import Run
from compiled_files import compiled, saved
from meta_rubrics import BRIEF, META

from openrubrics.optimizers import MetaRubricDifference
from openrubrics.signatures import MetaRubric, Modify, apply_edit, default_meta_rubric
from openrubrics.signatures.meta_rubric_shown import shown


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A document in the folder of the test."""
    path = tmp_path / "own.md"
    path.write_text(str(META))
    return path


def test_the_shipped_document_is_printed_to_be_edited(cli: Run) -> None:
    ran = cli("meta-rubric")
    assert (ran.code, ran.out, ran.err) == (0, str(default_meta_rubric()), "")


def test_a_document_is_written_and_never_overwritten_by_chance(cli: Run) -> None:
    ran = cli("meta-rubric", "--out", "new.md")
    assert (ran.code, ran.out) == (0, "wrote new.md: default, version 1, 13 parts\n")
    assert Path("new.md").read_text() == str(default_meta_rubric())
    ran = cli("meta-rubric", "--out", "new.md")
    assert (ran.code, ran.err.splitlines()[0]) == (2, "error: new.md is there already")
    assert cli("meta-rubric", "--out", "new.md", "--overwrite").code == 0


def test_a_document_is_put_into_its_canonical_layout(cli: Run, own: Path) -> None:
    own.write_text(str(META).replace("- ", "*   ").replace("# ", "#").replace(" is right.", "\n  is right."))
    assert cli("meta-rubric", own, "--out", "tidy.md").code == 0
    assert Path("tidy.md").read_text() == str(META)


def test_a_document_of_ones_own_is_checked_and_described(cli: Run, own: Path) -> None:
    ran = cli("meta-rubric", own)
    assert (ran.code, ran.err) == (0, "")
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert lines[:5] == [
        "name a-small-one, version 7",
        f"fingerprint {META.fingerprint}",
        "criteria 5 to 15",
        "types critical [veto], core [5], important [2], highlight [1]",
        "guards stated_rules, empty, cut, repetition, language_mix, refusal",
    ]
    at = lines.index("part method critical core important highlight")
    assert lines[at + 2 : at + 5] == ["general 1 - 1 1 -", "code - 1 - - -", "verse 1 - - - 1"]


def test_names_of_parts_are_shown_whole(cli: Run) -> None:
    cli("meta-rubric", "--out", "new.md")
    assert "instruction-following " in cli("meta-rubric", "new.md").out


def test_all_that_is_wrong_is_told_with_lines(cli: Run, own: Path) -> None:
    own.write_text(str(META).replace("core [5]", "cor [5]").replace("- cut", "- cut\u202e"))
    ran = cli("meta-rubric", own)
    assert (ran.code, ran.out) == (3, "")
    lines = ran.err.splitlines()
    assert lines[0].startswith(f"error: {own}:6: there is no type core")
    assert lines[1].startswith(f"{own}:9: unknown type 'cor' (did you mean core?")
    assert lines[2].startswith(f"{own}:17: unknown guard 'cut")
    assert "\u202e" not in ran.err


def test_what_a_judge_is_shown(cli: Run, own: Path) -> None:
    assert cli("meta-rubric", own, "--part", "verse").out == shown(META, "verse") + "\n"
    assert cli("meta-rubric", "--part", "general").out == shown(default_meta_rubric()) + "\n"
    own.write_text(str(META).replace("The response rhymes", "The response \u202erhymes"))
    assert "\u202e" not in cli("meta-rubric", own, "--part", "verse").out
    ran = cli("meta-rubric", own, "--part", "law")
    assert ran.code == 2
    assert "its parts are general, code, verse" in ran.err


def test_json_holds_everything(cli: Run, own: Path) -> None:
    told = json.loads(cli("meta-rubric", own, "--json").out)
    assert told.pop("fingerprint") == META.fingerprint
    assert MetaRubric.model_validate(told) == META


def test_one_thing_is_asked_for_at_a_time(cli: Run, own: Path) -> None:
    ran = cli("meta-rubric", own, "--part", "code", "--out", "x.md")
    assert (ran.code, ran.err.splitlines()[0]) == (2, "error: --part and --out cannot be combined")
    assert not Path("x.md").exists()


def test_two_documents_are_compared(cli: Run, own: Path) -> None:
    changed = apply_edit(META, Modify(principle=BRIEF.model_copy(update={"text": "The response wastes few words."})))
    Path("other.md").write_text(str(changed))
    ran = cli("diff", own, "other.md")
    assert (ran.code, ran.err) == (0, "")
    assert [line.rstrip() for line in ran.out.splitlines()] == [
        f"- a-small-one version 7 ({META.fingerprint})",
        f"+ a-small-one version 7 ({changed.fingerprint})",
        "",
        "general",
        "~ brief: [important] The response wastes {-no-} {+few+} words.",
    ]
    told = MetaRubricDifference.model_validate_json(cli("diff", own, "other.md", "--json").out)
    assert [change.name for change in told.changes] == ["brief"]


def test_one_document_is_compared_with_the_shipped_one(cli: Run, own: Path) -> None:
    own.write_text(str(default_meta_rubric()).replace("Version: 1", "Version: 2"))
    said = cli("diff", own).out
    assert "~ version: {-1-} {+2+}" in said
    assert "general" not in said
    own.write_text(str(default_meta_rubric()))
    assert "They say the same." in cli("diff", own).out


def test_a_document_is_known_by_its_first_line_too(cli: Run, own: Path) -> None:
    plain = own.rename(own.with_name("own"))
    plain.write_text("\ufeff\n" + str(META))
    assert "~ name: {-default-} {+a-small-one+}" in cli("diff", plain).out


def test_a_document_and_a_program_are_not_compared(cli: Run, own: Path, tmp_path: Path) -> None:
    ran = cli("diff", own, saved(tmp_path / "a.json", compiled("One.")))
    assert ran.code == 2
    assert "error: one of the files is a meta-rubric, and the other a saved program" in ran.err


def test_what_a_terminal_shows_of_a_difference_is_clean(cli: Run, own: Path) -> None:
    Path("other.md").write_text(str(META).replace("The response is right", "The \u202eresponse is right"))
    assert "\u202e" not in cli("diff", own, "other.md").out
