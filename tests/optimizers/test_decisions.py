"""Decisions of people: a file that only grows, shows what was done to it, and replays to the same document."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from reviews import EDITS, MODIFY, small_document, some_proposals

from openrubrics.optimizers.refinement.decisions import (
    START,
    Decision,
    Header,
    Signature,
    line_of,
    read_decisions,
    replay,
)
from openrubrics.optimizers.refinement.evidence import Proposals, read_proposals, write_proposals
from openrubrics.optimizers.refinement.review import Review
from openrubrics.signatures.edits import Delete, apply_edit
from openrubrics.signatures.errors import DataError, UsageError
from openrubrics.signatures.meta_rubric import MetaRubric

PROPOSALS = some_proposals()
ELSEWHERE = Delete(part="code", name="runs")
MODIFIED, ADDED, DELETED = (one.id for one in PROPOSALS.proposals)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "decisions.jsonl"


def signed(path: Path, proposals: Proposals = PROPOSALS) -> MetaRubric:
    """Two decisions, signed."""
    with Review(proposals, path) as review:
        review.decide(MODIFIED, "accept", who="Ada")
        review.decide(ADDED, "reject", who="Ada", note="not needed")
        return review.sign("Ada Lovelace", leave_undecided=True)


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def test_a_signed_batch_replays_to_the_same_document(path: Path) -> None:
    document = signed(path)
    expected = apply_edit(small_document(), MODIFY).model_copy(update={"version": 2})
    assert document == expected
    assert replay(small_document(), path) == expected
    assert replay(small_document(), path).model_dump_json() == document.model_dump_json()
    read = read_decisions(path)
    assert [record.kind for record in read.records] == ["decision", "decision", "signature"]
    assert read.signed == read.records
    assert read.records[-1].model_dump(include={"name", "decisions", "undecided", "version"}) == {
        "name": "Ada Lovelace",
        "decisions": 2,
        "undecided": (DELETED,),
        "version": 2,
    }


def test_times_are_kept_and_nothing_depends_on_them(path: Path) -> None:
    signed(path)
    assert all(json.loads(line)["at"].endswith("+00:00") for line in lines(path))
    again = path.with_name("again.jsonl")
    assert signed(again) == replay(small_document(), path)


def test_decisions_without_a_signature_are_not_applied(path: Path) -> None:
    with Review(PROPOSALS, path) as review:
        review.decide(MODIFIED, "accept", who="Ada")
    assert replay(small_document(), path) == small_document()
    assert len(read_decisions(path).unsigned) == 1
    with Review(PROPOSALS, path) as review:
        assert review.state.unsigned == 1
        review.sign("Ada", leave_undecided=True)
        review.decide(ADDED, "accept", who="Ben")
    assert replay(small_document(), path) == apply_edit(small_document(), MODIFY).model_copy(update={"version": 2})


def test_a_later_decision_counts_and_the_file_only_grows(path: Path) -> None:
    first = signed(path)
    before = path.read_bytes()
    with Review(PROPOSALS, path) as review:
        review.decide(MODIFIED, "reject", who="Ben")
        review.decide(DELETED, "accept", who="Ben")
        review.decide(ADDED, "rewrite", who="Ben", type="core", text="Says  where\na claim comes from.")
        second = review.sign("Ben")
    assert path.read_bytes().startswith(before)
    assert second == replay(small_document(), path)
    assert (first.version, second.version) == (2, 3)
    assert [one.name for one in second.part("health").principles] == ["doctor", "sources"]
    added = second.part("health").principles[-1]
    assert (added.type, added.text) == ("core", "Says where a claim comes from.")


def test_a_batch_that_changes_nothing_keeps_the_version(path: Path) -> None:
    with Review(PROPOSALS, path) as review:
        for proposal in (MODIFIED, ADDED, DELETED):
            review.decide(proposal, "reject", who="Ada")
        assert review.sign("Ada") == small_document()
    assert replay(small_document(), path) == small_document()


def test_a_rewritten_edit_says_that_its_evidence_is_of_the_proposed_one(path: Path) -> None:
    with Review(PROPOSALS, path) as review:
        review.decide(DELETED, "rewrite", who="Ada", type="highlight", text="Long where that helps.")
        review.decide(ADDED, "accept", who="Ada")
        assert [(line.principle.name, line.change) for line in review.state.result] == [
            ("long", "changed"),
            ("doctor", "kept"),
            ("sources", "added"),
        ]
    first, second = (json.loads(line) for line in lines(path)[1:])
    assert (first["edit"]["kind"], first["proposed"]["kind"]) == ("modify", "delete")
    assert first["evidence"] == "of the proposed edit, not of the rewritten one"
    assert second["evidence"] == "of this edit"
    assert (second["fixes"], second["breaks"]) == (["p1", "p2"], ["p3"])


BAD: list[tuple[dict[str, str], str]] = [
    ({"verdict": "accept", "who": " ! "}, "the name is missing"),
    ({"verdict": "accept", "who": "A" * 300}, "the name has 300 characters"),
    ({"verdict": "accept", "who": "Ada", "note": "n" * 5000}, "the note has 5000 characters"),
    ({"verdict": "rewrite", "who": "Ada", "type": "core", "text": " ... "}, "a line needs a letter or a digit"),
    ({"verdict": "rewrite", "who": "Ada", "type": "huge", "text": "Yes."}, "type: Input should be 'critical'"),
    ({"verdict": "rewrite", "who": "Ada", "type": MODIFY.principle.type, "text": MODIFY.principle.text}, "proposed"),
    ({"verdict": "rewrite", "who": "Ada", "type": "core", "text": "x" * 2001}, "the text has 2001 characters"),
]


@pytest.mark.parametrize(("given", "said"), BAD)
def test_what_cannot_be_decided_is_refused_and_not_saved(given: dict, said: str, path: Path) -> None:
    with Review(PROPOSALS, path) as review:
        before = path.read_bytes()
        with pytest.raises(UsageError, match=said):
            review.decide(MODIFIED, **given)
        with pytest.raises(UsageError, match="there is no proposal 'other'"):
            review.decide("other", "accept", who="Ada")
        assert path.read_bytes() == before


def test_two_edits_of_one_principle_do_not_go_together_in_either_order(path: Path) -> None:
    with Review(PROPOSALS, path) as review:
        for first, second in ((DELETED, MODIFIED), (MODIFIED, DELETED)):
            review.decide(first, "accept", who="Ada")
            with pytest.raises(UsageError, match=r"does not fit with the other decisions: two of the edits .* 'long'"):
                review.decide(second, "accept", who="Ada")
            review.decide(first, "reject", who="Ada")
        review.decide(MODIFIED, "accept", who="Ada")


def test_a_signature_needs_decisions_and_a_word_about_the_others(path: Path) -> None:
    with Review(PROPOSALS, path) as review:
        with pytest.raises(UsageError, match="there is no decision to sign"):
            review.sign("Ada", leave_undecided=True)
        review.decide(MODIFIED, "accept", who="Ada")
        with pytest.raises(UsageError, match="2 of 3 edits have no decision"):
            review.sign("Ada")
        with pytest.raises(UsageError, match="the name is missing"):
            review.sign("", leave_undecided=True)
    assert read_decisions(path).signed == ()


Tamper = Callable[[list[bytes]], list[bytes]]


def changed(number: int, old: bytes, new: bytes) -> Tamper:
    def tamper(found: list[bytes]) -> list[bytes]:
        assert old in found[number - 1]
        found[number - 1] = found[number - 1].replace(old, new)
        return found

    return tamper


TAMPERED: dict[str, tuple[Tamper, int]] = {
    "verdict": (changed(3, b'"reject"', b'"accept"'), 3),
    "text": (changed(2, b"No longer than", b"No shorter than"), 2),
    "header": (changed(1, b'"domain":"health"', b'"domain":"code"'), 1),
    "signature": (changed(4, b"Ada Lovelace", b"Eve"), 4),
    "time": (changed(2, b'"at":"2', b'"at":"1'), 2),
    "blank": (changed(2, b'"kind":"decision"', b'"kind": "decision"'), 2),
    "line ends": (lambda found: [line.replace(b"\n", b"\r\n") for line in found], 1),
    "removed": (lambda found: [*found[:1], *found[2:]], 2),
    "first removed": (lambda found: found[1:], 1),
    "reordered": (lambda found: [found[0], found[2], found[1], found[3]], 2),
    "repeated": (lambda found: [*found[:2], found[1], *found[2:]], 3),
    "blank line": (lambda found: [*found[:2], b"\n", *found[2:]], 3),
    "renumbered": (lambda found: [found[0], found[2].replace(b'"line":3', b'"line":2'), found[3]], 2),
    "no JSON": (lambda found: [found[0], b"Hello\n", *found[2:]], 2),
    "two headers": (lambda found: [found[0], found[0].replace(b'"line":1', b'"line":2'), *found[1:]], 2),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_what_was_done_to_a_line_is_found_and_named(how: str, path: Path) -> None:
    signed(path)
    tamper, line = TAMPERED[how]
    path.write_bytes(b"".join(tamper(lines(path))))
    with pytest.raises(DataError, match=rf"decisions.jsonl, line {line}: "):
        replay(small_document(), path)
    found = path.read_bytes()
    with pytest.raises((DataError, UsageError)), Review(PROPOSALS, path):
        pass
    assert path.read_bytes() == found


@pytest.mark.parametrize("how", ["removed", "reordered", "repeated"])
def test_a_line_that_is_missing_or_moved_is_told_from_one_that_was_changed(how: str, path: Path) -> None:
    signed(path)
    path.write_bytes(b"".join(TAMPERED[how][0](lines(path))))
    with pytest.raises(DataError, match="a line was removed, added or moved"):
        read_decisions(path)


def chained(path: Path, *records: Header | Decision | Signature) -> None:
    """Write records as whoever knows the format could, with hashes that fit."""
    head, content = START, b""
    for number, record in enumerate(records, 1):
        line, head = line_of(record, number, head)
        content += line
    path.write_bytes(content)


def test_a_file_whose_hashes_were_made_anew_still_may_not_contradict_itself(path: Path) -> None:
    signed(path)
    found = read_decisions(path)
    first, second, signature = found.records
    assert isinstance(signature, Signature)
    chained(path, found.header, first, second, signature)
    assert replay(small_document(), path).version == 2
    elsewhere = first.model_copy(update={"edit": ELSEWHERE, "proposed": ELSEWHERE})
    other = signature.model_copy(update={"result": "0" * 16})
    for records, line, said in (
        ((found.header, first, signature), 3, "of other lines"),
        ((found.header, second, first, signature), 4, "of other lines"),
        ((found.header, first, second, signature.model_copy(update={"decisions": 3})), 4, "of other lines"),
        ((found.header, elsewhere), 2, "changes code, and the review is of health"),
        ((found.header, first, second, other), 4, "what was signed is document 0000000000000000"),
    ):
        chained(path, *records)
        with pytest.raises(DataError, match=rf"decisions.jsonl, line {line}: .*{said}"):
            replay(small_document(), path)


def test_a_signature_that_was_cut_off_leaves_its_batch_out(path: Path) -> None:
    signed(path)
    head = read_decisions(path).head
    path.write_bytes(b"".join(lines(path)[:-1]))
    assert replay(small_document(), path) == small_document()
    assert read_decisions(path).head != head


@pytest.mark.parametrize("cut", [1, 2, 40, 200])
def test_a_last_line_without_an_end_does_not_count_and_is_replaced(cut: int, path: Path) -> None:
    signed(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert replay(small_document(), path) == small_document()
    assert read_decisions(path).cut == len(lines(path)[-1])
    with Review(PROPOSALS, path) as review:
        assert review.state.unsigned == 2
        again = review.sign("Ada Lovelace", leave_undecided=True)
    assert replay(small_document(), path) == again
    assert [json.loads(line)["line"] for line in lines(path)] == [1, 2, 3, 4]


def test_a_first_line_without_an_end_is_written_anew(path: Path) -> None:
    path.write_bytes(b'{"hash":"12')
    with pytest.raises(DataError, match="holds no decisions"):
        read_decisions(path)
    assert signed(path) == replay(small_document(), path)


KILLED = """\
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from reviews import some_proposals
from openrubrics.optimizers.refinement.review import Review
with Review(some_proposals(), Path(sys.argv[2])) as review:
    review.decide(some_proposals().proposals[0].id, "accept", who="Ada")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow  # another interpreter
def test_what_was_saved_is_there_after_a_kill(path: Path) -> None:
    folder = str(Path(__file__).parent.parent)
    done = subprocess.run([sys.executable, "-c", KILLED, folder, str(path)], check=False)  # noqa: S603
    assert done.returncode == -signal.SIGKILL
    with Review(PROPOSALS, path) as review:
        assert review.state.standing[MODIFIED].verdict == "accept"
        document = review.sign("Ada", leave_undecided=True)
    assert replay(small_document(), path) == document


def test_each_line_is_on_the_disk_before_it_counts(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (flushed.append(path.stat().st_size), real(file))[1])
    with Review(PROPOSALS, path) as review:
        review.decide(MODIFIED, "accept", who="Ada")
        assert flushed[-1] == path.stat().st_size


def test_a_full_disk_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    with Review(PROPOSALS, path) as review:
        before = path.read_bytes()
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(UsageError, match="No space left"):
                review.decide(MODIFIED, "accept", who="Ada")
        assert path.read_bytes() == before
        assert review.state.undecided == (MODIFIED, ADDED, DELETED)
        review.decide(MODIFIED, "accept", who="Ada")
    assert len(read_decisions(path).unsigned) == 1


def test_another_review_another_document_and_a_second_writer_are_refused(path: Path) -> None:
    signed(path)
    other = small_document(when="Something else.")
    with pytest.raises(UsageError, match="starts from document"):
        replay(other, path)
    with (
        pytest.raises(UsageError, match="another review: document, proposals differ"),
        Review(some_proposals(document=other), path),
    ):
        pass
    with Review(PROPOSALS, path), pytest.raises(UsageError, match="another review is writing"), Review(PROPOSALS, path):
        pass
    path.write_bytes(b"A letter.")
    with pytest.raises(UsageError, match="holds something else"), Review(PROPOSALS, path):
        pass
    assert path.read_bytes() == b"A letter."


def test_proposals_are_kept_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "proposals.json"
    write_proposals(path, PROPOSALS)
    assert read_proposals(path) == PROPOSALS
    for said, place, name, value in (
        ("no domain 'cooking'", [], "domain", "cooking"),
        ("no principle 'absent'", ["proposals", 2, "edit"], "name", "absent"),
        ("changes code, and the review is of health", ["proposals", 1, "edit"], "part", "code"),
        ("right: Input should be a valid integer", [], "right", "most"),
    ):
        content = spot = json.loads(path.read_text())
        for key in place:
            spot = spot[key]
        spot[name] = value
        (tmp_path / "other.json").write_text(json.dumps(content))
        with pytest.raises(DataError, match=said):
            read_proposals(tmp_path / "other.json")
    assert len({one.id for one in PROPOSALS.proposals}) == len(EDITS)
