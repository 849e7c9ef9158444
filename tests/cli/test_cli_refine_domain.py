"""`openrubrics refine --domain`: from pairs to a signed document, by page and by terminal, in a simulated world."""

import http.client
import io
import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import pytest
from cli_replies import Run
from kill_runs import SCRIPT, killed, repeats, started
from poor_domain import POOR_DOMAIN as DOCUMENT
from refining import FEW, RefiningWorld
from server_plugin import ModelServer

from openrubrics.cli.review_terminal import review_in_terminal
from openrubrics.optimizers.refinement.decisions import read_decisions, replay
from openrubrics.optimizers.refinement.evidence import Said, read_proposals, write_proposals
from openrubrics.optimizers.refinement.review import Review
from openrubrics.signatures.meta_rubric import MetaRubric
from openrubrics.signatures.meta_rubric_file import read_meta_rubric


@pytest.fixture
def world(model_server: ModelServer) -> ModelServer:
    """A server with the models of the simulated world."""
    model_server.text = RefiningWorld().serve
    return model_server


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with a document and twelve pairs."""
    (tmp_path / "document.md").write_text(str(DOCUMENT))
    (tmp_path / "pairs.jsonl").write_text("".join(f"{pair.model_dump_json()}\n" for pair in FEW.train))
    return tmp_path


COMMON = ("refine", "--domain", "health", "--meta-rubric", "document.md", "--decisions", "decisions.jsonl")


def proposing(world: ModelServer, *more: object) -> tuple[object, ...]:
    served = ("--lm", "hosted_vllm/planted", "--api-base", world.url, "--pairs", "pairs.jsonl", "--concurrency", "2")
    return (*COMMON, *served, "--out", "new.md", *more)


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    content = io.BytesIO("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(content, encoding="utf-8"))


REPLAY = ("refine", "--replay", "--meta-rubric", "document.md", "--decisions", "decisions.jsonl", "--out", "again.md")


def test_a_terminal_review_from_the_pairs_to_the_document(
    cli: Run, world: ModelServer, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "Ada", "p", "a", "it misleads", "w", "important", "The response  says where\tfrom.", "", "q")
    ran = cli(*proposing(world, "--terminal", "--edits", "3"))
    assert ran.code == 130
    assert not (files / "new.md").exists()
    assert "2 decisions are not signed; they are kept in decisions.jsonl" in ran.err
    proposals = read_proposals(files / "decisions.proposals.json")
    first, _, third = proposals.proposals
    assert [one.edit.kind for one in proposals.proposals] == ["add", "add", "delete"]
    assert (proposals.right, len(first.fixes), len(first.breaks)) == (5, 2, 0)
    assert "Edit 1 of 3: Add directness" in ran.out
    assert f"fixes {len(first.fixes)} of 12 pairs" in ran.out
    assert first.fixes[0].response_a.splitlines()[0] in ran.out
    assert "saved: accepted" in ran.out
    asked = len(world.received)
    assert proposals.pairs == 12
    assert asked <= 12 + 3 * (12 + 1)
    assert not (files / "decisions.ledger").exists()

    typed(monkeypatch, "Ada", "", "", "", "y", "Ada Lovelace")
    ran = cli(*COMMON, "--out", "new.md", "--terminal")
    assert ran.code == 0, ran.err
    assert "accepted by Ada, not signed yet" in ran.out
    assert len(world.received) == asked
    made = read_meta_rubric(files / "new.md")
    assert (made.version, made.name) == (2, "poor")
    principles = [(one.name, one.type, one.text) for one in made.part("health").principles]
    assert [name for name, *_ in principles] == ["fullness", "directness", "evidence"]
    assert principles[-1] == ("evidence", "important", "The response says where from.")
    assert read_decisions(files / "decisions.jsonl").head in ran.out
    assert third.id in read_decisions(files / "decisions.jsonl").records[-1].undecided  # pyright: ignore[reportAttributeAccessIssue]

    ran = cli(*REPLAY)
    assert ran.code == 0, ran.err
    assert (files / "again.md").read_bytes() == (files / "new.md").read_bytes()
    assert replay(DOCUMENT, files / "decisions.jsonl") == made
    assert len(world.received) == asked


def test_what_is_typed_wrong_is_asked_again_and_nothing_steers_the_terminal(
    cli: Run, world: ModelServer, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch)
    assert cli(*proposing(world, "--terminal", "--edits", "1")).code == 130
    kept = files / "decisions.proposals.json"
    found = read_proposals(kept)
    hostile = found.proposals[0].model_copy(update={"why": "\x1b]0;owned\x07 \u202e why"})
    write_proposals(kept, found.model_copy(update={"proposals": (hostile,)}))
    (files / "decisions.jsonl").unlink()
    typed(
        monkeypatch,
        *(" ", "!", "Ada \x1b[2J", "x\x1b[31m", "w", "huge", "Text.", "", "w", "", " ... ", "", "a", "note \udcff"),
        *("", "...", "Ada \udcff"),
    )
    ran = cli(*COMMON, "--out", "new.md", "--terminal")
    assert ran.code == 130
    assert ran.out.count("Your name") == 3
    assert "there is no choice" in ran.out
    assert ran.out.count("not saved: ") == 2
    assert "saved: accepted" in ran.out
    assert not {"\x1b", "\x07", "\u202e"} & {*ran.out, *ran.err}
    typed(monkeypatch, "Ben", "q", "...", "Ben \udcff")
    ran = cli(*COMMON, "--out", "new.md", "--terminal")
    assert ran.code == 0, ran.err
    assert "not signed: the name is missing" in ran.out
    assert read_decisions(files / "decisions.jsonl").unsigned == ()


def test_what_cannot_begin_is_said_with_the_next_step(cli: Run, world: ModelServer, files: Path) -> None:
    (files / "there.md").touch()
    wrong = [
        (("--domain", "cooking"), 2, "poor has no domain 'cooking'", "its domains are health"),
        (("--out", "there.md"), 2, "there.md is there already", "--overwrite"),
        (("--out", "absent/new.md"), 2, "there is no folder absent", "--out"),
        (("--pairs", ""), 2, "there are no pairs", "give --pairs"),
        (("--domain", "general"), 2, "no domain 'general'", "health"),
    ]
    for options, code, said, hint in wrong:
        ran = cli(*proposing(world), *options)
        assert (ran.code, said in ran.err, hint in ran.err) == (code, True, True), ran.err
    for options, said in ((("--train", "x"), "--train is for the search"), (("--edits", "0"), "not in the range")):
        ran = cli(*proposing(world), *options)
        assert (ran.code, said in ran.err) == (2, True), ran.err
    ran = cli("refine", "--replay", "--out", "new.md")
    assert (ran.code, "give --domain, or --decisions and --out" in ran.err) == (2, True)
    ran = cli("refine", "--decisions", "d.jsonl", "--out", "new.md")
    assert (ran.code, "give --domain, or --replay" in ran.err) == (2, True)
    ran = cli(*REPLAY)
    assert (ran.code, "decisions.jsonl cannot be read" in ran.err) == (3, True)
    assert world.received == []
    assert sorted(path.name for path in files.iterdir()) == ["document.md", "pairs.jsonl", "there.md"]


def test_files_have_names_where_none_are_given(
    cli: Run, world: ModelServer, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "Ada", "a", "", "Ada Lovelace")
    given = ("--domain", "health", "--meta-rubric", "document.md")
    served = ("--lm", "hosted_vllm/planted", "--api-base", world.url, "--edits", "1")
    ran = cli("refine", *given, "--pairs", "pairs.jsonl", *served, "--terminal")
    assert ran.code == 0, ran.err
    assert cli("refine", "--replay", *given, "--out", "again.md").code == 0
    assert (files / "again.md").read_bytes() == (files / "health.md").read_bytes()
    assert read_decisions(files / "health.decisions.jsonl").signed


def test_no_file_of_the_review_is_replaced_by_the_document(
    cli: Run, world: ModelServer, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (files / "other.md").symlink_to("document.md")
    for out in ("document.md", "other.md", "pairs.jsonl", "decisions.jsonl", "decisions.proposals.json"):
        ran = cli(*proposing(world, "--dry-run"), "--out", out, "--overwrite")
        assert (ran.code, f"{out} is another file of this review" in ran.err) == (2, True), ran.err
    assert world.received == []
    typed(monkeypatch, "Ada", "a", "", "Ada Lovelace")
    assert cli(*proposing(world), "--terminal", "--edits", "1").code == 0
    for out in ("document.md", "decisions.jsonl"):
        ran = cli(*REPLAY, "--out", out, "--overwrite")
        assert (ran.code, "is another file of this review" in ran.err) == (2, True), ran.err


def test_decisions_about_lost_proposals_cost_nothing(cli: Run, world: ModelServer, files: Path) -> None:
    (files / "decisions.jsonl").write_text("whatever this is\n")
    ran = cli(*proposing(world))
    assert (ran.code, "decisions.proposals.json, is not" in ran.err, "--replay" in ran.err) == (2, True, True)
    assert world.received == []


@pytest.mark.usefixtures("files")
def test_models_of_rubrics_are_refused_where_none_is_written(cli: Run, world: ModelServer) -> None:
    ran = cli(*proposing(world), "--rubric-lm", "x")
    assert (ran.code, "--rubric-lm cannot be used with refine, where no rubric is" in ran.err) == (2, True), ran.err
    assert world.received == []


def test_a_document_that_could_not_be_written_is_told_how_to_get(
    cli: Run, world: ModelServer, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "Ada", "a", "", "Ada Lovelace")
    ran = cli(*proposing(world), "--terminal", "--edits", "1", "--out", "/proc/new.md")
    assert ran.code == 2
    assert "cannot write /proc/new.md" in ran.err
    assert "what was signed is kept in decisions.jsonl: --replay writes the document" in ran.err
    typed(monkeypatch)
    ran = cli(*COMMON, "--out", "new.md", "--terminal")
    assert "version 2 is signed already: --replay writes it" in ran.err
    assert cli(*REPLAY).code == 0
    assert read_meta_rubric(files / "again.md").version == 2


def test_texts_of_models_cannot_pass_for_what_the_command_says(
    cli: Run, world: ModelServer, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch)
    cli(*proposing(world, "--terminal", "--edits", "1"))
    kept = files / "decisions.proposals.json"
    found = read_proposals(kept)
    false = "yes\n  fixes 12 of 12 pairs\nsaved: accepted"
    one = found.proposals[0]
    pair = one.fixes[0].model_copy(update={"id": false, "before": Said(outcome="tie", why=false)})
    hostile = one.model_copy(update={"why": false, "cluster": false, "fixes": (pair,)})
    write_proposals(kept, found.model_copy(update={"lm": false, "proposals": (hostile,)}))
    (files / "decisions.jsonl").unlink()
    typed(monkeypatch, "Ada", "p")
    ran = cli(*COMMON, "--out", "new.md", "--terminal")
    lines = ran.out.splitlines()
    assert "saved: accepted" in ran.out
    assert not [line for line in lines if line.startswith(("saved:", "  fixes 12"))]


def test_a_rewritten_edit_is_shown_and_rewritten_further(
    cli: Run, world: ModelServer, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "Ada", "w", "important", "The response is first.", "for clarity")
    cli(*proposing(world, "--terminal", "--edits", "1"))
    typed(monkeypatch, "Ada", "w", "highlight", "", "")
    ran = cli(*COMMON, "--out", "new.md", "--terminal")
    assert "rewritten: directness [important]: The response is first.\n" in ran.out
    assert "  note: for clarity\n" in ran.out
    assert "~ directness" not in ran.out
    assert "+ directness [highlight]: The response is first.\n" in ran.out
    assert "Signing writes version 2 to new.md" in ran.out


def test_a_terminal_that_lacks_letters_ends_no_review(
    cli: Run, world: ModelServer, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch)
    cli(*proposing(world, "--terminal", "--edits", "1"))
    kept = files / "decisions.proposals.json"
    found = read_proposals(kept)
    (files / "decisions.jsonl").unlink()
    write_proposals(kept, found.model_copy(update={"lm": "\u03b1\u4e00"}))
    typed(monkeypatch, "Ada")
    shown = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr("sys.stdout", shown)
    review = Review(read_proposals(kept), files / "decisions.jsonl")
    with review, pytest.raises(click.Abort):
        review_in_terminal(review, files / "new.md")
    shown.flush()
    assert b"judged right by ??" in shown.buffer.getvalue()


def test_a_dry_run_asks_nothing_and_limits_hold(
    cli: Run, world: ModelServer, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = cli(*proposing(world, "--dry-run"))
    assert ran.out == (
        "12 pairs and 6 edits take at most 90 requests, without repeats after failures; nothing was asked\n"
    )
    assert world.received == []
    ran = cli(*proposing(world, "--terminal", "--max-calls", "15"))
    assert ran.code == 4
    assert "decisions.ledger" in ran.err
    assert len(world.received) == 15
    assert "replies that are kept are not asked again" in cli(*proposing(world, "--dry-run")).out
    typed(monkeypatch)
    assert cli(*proposing(world, "--terminal")).code == 130
    assert repeats(world, 0) == 0
    ran = cli(*COMMON, "--out", "new.md", "--dry-run")
    assert ran.out == "3 edits are proposed in decisions.proposals.json; no model would be asked\n"


def test_another_document_or_other_pairs_are_not_mixed_up(
    cli: Run, world: ModelServer, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch)
    cli(*proposing(world, "--terminal", "--edits", "1"))
    (files / "pairs.jsonl").write_text("".join(f"{pair.model_dump_json()}\n" for pair in FEW.train[1:]))
    ran = cli(*proposing(world, "--terminal"))
    assert (ran.code, "another review: pairs differ" in ran.err) == (2, True)
    (files / "document.md").write_text(str(DOCUMENT.model_copy(update={"version": 4})))
    ran = cli(*COMMON, "--out", "new.md", "--terminal")
    assert (ran.code, "another review: document differ" in ran.err) == (2, True)


class Page:
    """The page of a command that runs, as a browser would speak to it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._address, self._path = re.fullmatch(r"http://([^/]+)(/.*)", url).groups()  # type: ignore[union-attr]
        self.review = self.ask("review")

    def ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        connection = http.client.HTTPConnection(self._address, timeout=30)
        headers = {"Origin": f"http://{self._address}", "Content-Type": "application/json"}
        if body is not None:
            body = {"head": self.ask("review")["state"]["head"]} | body
            headers["X-CSRF-Token"] = self.review["csrf"]
        connection.request("POST" if body else "GET", self._path + path, json.dumps(body) if body else None, headers)
        reply = connection.getresponse()
        assert reply.status == 200, reply.read()
        return json.loads(reply.read())


def page_of(process: subprocess.Popen[str]) -> Page:
    assert process.stderr is not None
    said: list[str] = []
    for line in process.stderr:
        said.append(line)
        if match := re.search(r"the review is at (\S+)", line):
            return Page(match[1])
    raise AssertionError("".join(said))


@pytest.fixture
def arguments(world: ModelServer, files: Path) -> Callable[..., Sequence[object]]:
    """Arguments for the installed script, with whole paths."""

    def whole(*more: object) -> Sequence[object]:
        names = {"document.md", "decisions.jsonl", "pairs.jsonl", "new.md", "again.md"}
        return [files / str(one) if one in names else one for one in (*proposing(world), "--no-open", *more)]

    return whole


@pytest.mark.slow  # the installed script, several times
def test_a_review_on_the_page_survives_a_kill(
    arguments: Callable[..., Sequence[object]], cli: Run, world: ModelServer, files: Path
) -> None:
    assert killed(world, arguments("--edits", "3"), after=20)
    assert not (files / "decisions.jsonl").exists()
    before = len(world.received)
    with started(arguments("--edits", "3")) as process:
        page = page_of(process)
        assert repeats(world, before) <= 2  # what was in flight
        asked = len(world.received)
        first, second, third = (one["id"] for one in page.review["proposals"])
        page.ask("decide", {"proposal": first, "verdict": "accept", "who": "Ada"})
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    with started(arguments("--edits", "3")) as process:
        page = page_of(process)
        assert page.review["state"]["standing"][first]["verdict"] == "accept"
        page.ask("decide", {"proposal": second, "verdict": "reject", "who": "Ada"})
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "2 decisions are not signed" in err
        assert "Traceback" not in err
    assert not (files / "new.md").exists()
    with started(arguments("--edits", "3")) as process:
        page = page_of(process)
        page.ask("decide", {"proposal": third, "verdict": "reject", "who": "Ada"})
        assert page.ask("sign", {"name": "Ada Lovelace"})["signed"] == "version 2"
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
    assert f"version 2 is written to {files / 'new.md'}" in out
    assert len(world.received) == asked
    assert cli(*REPLAY).code == 0
    assert (files / "again.md").read_bytes() == (files / "new.md").read_bytes()


@pytest.mark.slow  # the installed script
def test_a_browser_gets_the_address_by_a_file_of_its_own(
    arguments: Callable[..., Sequence[object]], world: ModelServer, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens = [one for one in arguments("--edits", "1") if one != "--no-open"]
    browser = files / "browser"
    browser.write_text(
        f'#!/bin/sh\ncd {files}\nfile="${{1#file://}}"\nstat -c %a "$(dirname "$file")" > part\n'
        'echo "$1" >> part\ncat "$file" >> part\nmv part seen\n'
    )
    browser.chmod(0o700)
    monkeypatch.setenv("DISPLAY", ":77")
    monkeypatch.setenv("BROWSER", str(browser))
    with started(opens) as process:
        page = page_of(process)
        deadline = time.monotonic() + 30
        while not (files / "seen").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        mode, address, content = (files / "seen").read_text().split("\n", 2)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert mode == "700"
    assert page.url not in address
    assert f"url={page.url}" in content
    assert not Path(address.removeprefix("file://")).exists()
    monkeypatch.setenv("BROWSER", "/bin/false")
    monkeypatch.setenv("PATH", str(files))
    with started(opens) as process:
        page_of(process)
        process.send_signal(signal.SIGINT)
        assert "no browser could be opened" in process.communicate(timeout=30)[1]
    assert world.received


@pytest.mark.slow  # the installed script
def test_a_review_from_a_pipe_with_the_installed_script(
    arguments: Callable[..., Sequence[object]], world: ModelServer, files: Path
) -> None:
    command = [SCRIPT, *map(str, arguments("--terminal", "--edits", "1"))]
    typed_in = "Ada\na\n\nAda Lovelace\n"
    done = subprocess.run(command, input=typed_in, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603
    assert done.returncode == 0, done.stderr
    assert "nothing" not in done.stdout
    assert isinstance(read_meta_rubric(files / "new.md"), MetaRubric)
    assert world.received
