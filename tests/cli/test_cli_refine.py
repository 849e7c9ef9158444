"""`openrubrics refine` where it searches: what it asks, writes and says, how it goes on, and what it refuses.

The models are those of a simulated world in which principles matter (`refining`), so a gain here says that the
machinery works, and nothing else.
"""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_replies import Run
from kill_runs import SCRIPT, asked, killed, repeats, started, wait_for
from planted_pairs import Splits
from refining import FEW, PAIRS, POOR, RefiningWorld, names
from server_plugin import ModelServer

from openrubrics.optimizers.refinement import read_refinement
from openrubrics.signatures.meta_rubric import Domain, MetaRubric

Jsonl = Callable[..., Path]
SIZES = ("--generations", 2, "--population", 3, "--beam", 2)
CONCURRENCY = 4


@pytest.fixture
def world(model_server: ModelServer) -> ModelServer:
    """A server with the models of the simulated world."""
    model_server.text = RefiningWorld().serve
    return model_server


@pytest.fixture
def data(jsonl: Jsonl) -> Callable[[Splits], tuple[object, ...]]:
    """Write splits to files, and return the options that name them."""

    def write(splits: Splits) -> tuple[object, ...]:
        rows = {
            name: [pair.model_dump(mode="json", exclude={"meta"}) for pair in pairs]
            for name, pairs in splits._asdict().items()
        }
        return tuple(part for name in rows for part in (f"--{name}", jsonl(rows[name], f"{name}.jsonl")))

    return write


@pytest.fixture
def document(tmp_path: Path) -> Path:
    (path := tmp_path / "poor.md").write_text(str(POOR))
    return path


@pytest.fixture
def options(world: ModelServer, document: Path, tmp_path: Path) -> tuple[object, ...]:
    """A search, without its pairs and limit."""
    lm = ("--lm", "hosted_vllm/m", "--api-base", world.url, "--concurrency", CONCURRENCY)
    return ("refine", *lm, "--meta-rubric", document, *SIZES, "--out", tmp_path / "run")


def card(out: Path) -> dict[str, Any]:
    """What the card says besides the time."""
    content = json.loads((out / "refinement.json").read_text())
    assert content.pop("seconds") > 0
    return content


def test_a_dry_run_says_what_is_asked_at_most_and_asks_nothing(
    cli: Run, world: ModelServer, options: tuple[object, ...], data: Callable[..., Any], tmp_path: Path
) -> None:
    ran = cli(*options, *data(FEW), "--max-calls", 500, "--dry-run")
    assert ran.code == 0
    assert ran.out == (
        "12 training pairs, 12 validation pairs, 12 test pairs; scoring takes at most 36 requests before the search "
        "and 48 after it; 2 generations of 3 take at most 78, for which 416 of 500 are left, without repeats after "
        "failures; nothing was asked\n"
    )
    assert world.bodies == []
    assert not (tmp_path / "run").exists()


def test_a_search_writes_document_card_and_candidates_and_says_what_they_are_worth(
    cli: Run,
    world: ModelServer,
    options: tuple[object, ...],
    data: Callable[..., Any],
    document: Path,
    tmp_path: Path,
) -> None:
    ran = cli(*options, *data(FEW), "--max-calls", 300, "--price", 1, 2)
    assert ran.code == 0, ran.err
    out = tmp_path / "run"
    files = ["candidates.jsonl", "meta_rubric.md", "refine.ledger", "refinement.json"]
    assert sorted(path.name for path in out.iterdir()) == files
    found = read_refinement(out / "refinement.json")
    made = MetaRubric.parse((out / "meta_rubric.md").read_text())
    assert (made.fingerprint, made.version) == (found.refined, 2)
    assert set(names(made)) - set(names(POOR))
    assert found.usage.calls == len(world.bodies) <= 300
    assert found.test is not None
    for said in (
        f"test: {found.test.change.difference:+.3f} (95 %: ",
        f"test by domain: relevance {found.domains['relevance'].before:.3f} to {found.domains['relevance'].after:.3f} ("
        f"{found.domains['relevance'].pairs} pairs), ",
        f"verdict: {found.verdict}\n",
        f"\n{found.lineage[0].proposals[0].edit}\n",
        f"  from {found.lineage[0].proposals[0].cluster}; ",
        f"it fixes {len(found.lineage[0].effect.fixes)} and breaks 0: 0.",
        f"version 2; {found.cost[0]} to {found.cost[1]} characters of the general part as a judge is shown it\n",
        f"the search ended: {found.stopped}; {found.candidates} documents in 2 generations",
        f"asked for edits {found.asked} times; 0 replies were unreadable, 0 edits did not fit",
        f"{found.usage.calls} calls, {found.usage.tokens} tokens, {found.usage.cost:.4f} US dollars",
        f"written to {out}: {', '.join(files)}\n",
        f"next: openrubrics diff {document} {out}/meta_rubric.md\n",
        f"next: openrubrics evaluate --method openrs --meta-rubric {out}/meta_rubric.md --pairs PAIRS\n",
    ):
        assert said in ran.out
    assert re.match(r"validation before: \d+ of 300 calls, ", ran.err)


def test_what_cannot_work_is_refused_before_anything_is_asked(
    cli: Run, world: ModelServer, options: tuple[object, ...], data: Callable[..., Any], tmp_path: Path
) -> None:
    few = data(FEW)
    for wrong, says in (
        ((), "none is given"),
        (("--max-calls", 900, "--rubric-lm", "x"), "--rubric-lm cannot be used with refine, where no rubric is"),
        (("--max-calls", 900, "--domain", "verse"), "--generations is for the search, and --domain asks for a review"),
        (("--max-calls", 900, "--terminal"), "--terminal is for a review, which --domain, --decisions or --replay"),
        (("--max-calls", 9), "9 calls are too few"),
        (("--max-calls", 900, "--meta-rubric", few[1]), "train.jsonl"),
        (("--max-calls", 900, "--val-share", 0.5), "--val-share is for runs without --val"),
    ):
        ran = cli(*options, *few, *wrong)
        assert ran.code in (2, 3), ran.err
        assert says in ran.err
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "meta_rubric.md").write_text("mine")
    ran = cli(*options, *few, "--max-calls", 900)
    assert ran.code == 2
    assert "already holds meta_rubric.md, and no run to go on with" in ran.err
    assert (tmp_path / "run" / "meta_rubric.md").read_text() == "mine"
    assert world.bodies == []


@pytest.mark.slow
def test_a_poor_document_improves_on_held_out_pairs(
    cli: Run, world: ModelServer, options: tuple[object, ...], data: Callable[..., Any], tmp_path: Path
) -> None:
    """The whole way: a document with a domain, of which the judge asks, and validation pairs off the training pairs."""
    domain = Domain(name="verse", when="The request asks for a poem.")
    (poor := tmp_path / "domains.md").write_text(str(POOR.model_copy(update={"domains": (domain,)})))
    pairs = data(PAIRS._replace(train=[*PAIRS.train, *PAIRS.val]))
    without = [pairs[0], pairs[1], *pairs[4:]]
    sizes = ("--generations", 4, "--population", 4, "--max-calls", 2000, "--meta-rubric", poor)
    ran = cli(*options, *without, *sizes, "--json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert found["verdict"] == "reliable gain"
    assert found["test"]["after"]["accuracy"] > found["test"]["before"]["accuracy"] + 0.2
    assert found["usage"]["calls"] == len(world.bodies)
    routed = [body for body in world.bodies if "<domains>" in body["messages"][-1]["content"]]
    assert len(routed) == len(PAIRS.train) + len(PAIRS.val) + len(PAIRS.test)


@pytest.mark.slow
def test_no_gain_is_said_plainly_and_is_no_failure(
    cli: Run, world: ModelServer, options: tuple[object, ...], data: Callable[..., Any], tmp_path: Path
) -> None:
    world.text = RefiningWorld("useless").serve
    ran = cli(*options, *data(FEW), "--max-calls", 500)
    assert ran.code == 0
    assert "verdict: no reliable gain\n" in ran.out
    assert "the document is that of before: no edit did better on the training pairs\n" in ran.out
    assert (tmp_path / "run" / "meta_rubric.md").read_text() == str(POOR)


@pytest.mark.slow
def test_what_could_not_be_used_is_said_with_its_reason(
    cli: Run, world: ModelServer, options: tuple[object, ...], data: Callable[..., Any]
) -> None:
    """The judge says nothing on one training pair, and of each two edits one does not fit."""
    simulated, mute = RefiningWorld(), str(FEW.train[0].prompt)

    def reply(body: dict[str, Any]) -> str:
        text = body["messages"][-1]["content"]
        if "<cases>\n" in text:
            return "Delete nothing" if "Case 2" in text else "I would not change a thing."
        return "Hm." if mute in text else simulated.serve(body)

    world.text = reply
    ran = cli(*options, *data(FEW), "--max-calls", 500)
    assert ran.code == 0
    assert "1 of 12 training pairs got no judgment; nothing was learnt from them\n" in ran.out
    assert re.search(r"\n  unreadable, \d of \d: no change found in 'I would not change a thing.'", ran.out)
    assert re.search(r"\n  did not fit, \d of \d: cannot delete nothing of general: part general has no", ran.out)
    assert "the document is that of before: no other one was tried\n" in ran.out


@pytest.mark.slow
def test_a_killed_search_goes_on_to_the_same_document(
    cli: Run, world: ModelServer, options: tuple[object, ...], data: Callable[..., Any], tmp_path: Path
) -> None:
    options = (*options, *data(PAIRS), "--max-calls", 700)
    assert cli(*options, "--out", tmp_path / "whole").code == 0
    whole = asked(world)
    world.received.clear()
    world.delay = 0.005
    out = tmp_path / "run"
    starts = [0]
    for after in (40, 100, 60):
        assert killed(world, options, after=after)
        starts.append(len(world.received))
    ran = cli(*options)
    assert ran.code == 0
    assert ran.err.startswith(f"going on with what {out} holds\n")
    assert " from the folder)" in ran.err
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        assert repeats(world, start, end) <= CONCURRENCY
    assert asked(world).keys() == whole.keys()
    assert card(out) == card(tmp_path / "whole")
    for name in ("candidates.jsonl", "meta_rubric.md"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    before = len(world.received)
    assert cli(*options).code == 0
    assert len(world.received) == before
    ran = cli(*options, "--seed", 3)
    assert ran.code == 2
    assert "seed was 0 and is 3" in ran.err


@pytest.mark.slow
def test_control_c_says_what_was_done_and_how_to_go_on(
    cli: Run, world: ModelServer, options: tuple[object, ...], data: Callable[..., Any], tmp_path: Path
) -> None:
    world.delay = 0.05
    out = tmp_path / "run"
    options = (*options, *data(PAIRS), "--max-calls", 700)
    with started(options) as process:
        wait_for(world, 150, process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130
    stopped, note = err.splitlines()[-2:]
    assert stopped == "stopped"
    assert "Traceback" not in err
    assert " calls, best score on training 0." in note
    assert note.endswith(f"; the replies are kept in {out}; the same command goes on from there")
    assert not (out / "meta_rubric.md").exists()
    world.delay = 0
    before = len(world.received)
    assert cli(*options).code == 0
    assert repeats(world, before) == 0


@pytest.mark.slow
def test_a_limit_that_is_raised_goes_on_from_what_was_asked(
    cli: Run, world: ModelServer, options: tuple[object, ...], data: Callable[..., Any], tmp_path: Path
) -> None:
    few = data(PAIRS)
    assert cli(*options, *few, "--max-calls", 280).code == 0
    assert len(world.received) <= 280
    assert "its part of the limit" in card(tmp_path / "run")["stopped"]
    assert cli(*options, *few, "--max-calls", 700).code == 0
    assert max(asked(world).values()) == 1
    assert cli(*options, *few, "--max-calls", 700, "--out", tmp_path / "whole").code == 0
    first, second = card(tmp_path / "run"), card(tmp_path / "whole")
    assert first == second


@pytest.mark.slow
def test_the_result_does_not_depend_on_the_order_of_sets(
    world: ModelServer, options: tuple[object, ...], data: Callable[..., Any], tmp_path: Path
) -> None:
    few = data(FEW)
    for seed in ("1", "2"):
        arguments = (*options, *few, "--max-calls", 400, "--out", tmp_path / seed)
        done = subprocess.run(  # noqa: S603
            [SCRIPT, *map(str, arguments)], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert card(tmp_path / "1") == card(tmp_path / "2")
    assert (tmp_path / "1" / "candidates.jsonl").read_bytes() == (tmp_path / "2" / "candidates.jsonl").read_bytes()
