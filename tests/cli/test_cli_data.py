"""`openrubrics data`: named sources, what is in one, prompts out of one, rankings by reward models."""

import json
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from cli_replies import Run
from pydantic import JsonValue

from openrubrics.cli.sources import Source, SourceOptions
from openrubrics.data import Ledger
from openrubrics.data.ensemble import RewardEnsemble
from openrubrics.data.layouts import LAYOUTS
from openrubrics.data.presets import PRESETS
from openrubrics.data.sources import read_candidates
from openrubrics.signatures import DataError, UsageError

PLAIN = {
    "config": None,
    "split": None,
    "streaming": False,
    "layout": None,
    "columns": (),
    "take": "extremes",
    "on_error": "stop",
    "dedup": False,
    "exclude": (),
    "limit": None,
}


def options(pairs: Path | str, **changes: object) -> SourceOptions:
    return SourceOptions(**{"pairs": str(pairs)} | PLAIN | changes)  # pyright: ignore[reportArgumentType]


def test_a_source_is_read_again_and_again_and_counts_what_it_leaves_out(
    pairs: Path, jsonl: Callable[..., Path]
) -> None:
    asked = options(pairs, exclude=(jsonl([{"prompt": "question 3"}], "eval.jsonl"),), dedup=True)
    source = Source(asked)
    for _ in range(2):
        assert [pair.id for pair in source.pairs()] == ["p0", "p1", "p2", "p4", "p5"]
        assert source.count == 5
        assert sum(source.skipped.values()) == 1
    assert next(ranking.responses[0] for ranking in source.ranked()) == "Short."
    assert source.files == (pairs,)
    assert json.loads(json.dumps(source.facts()))["exclude"] == [str(asked.exclude[0])]


def test_the_files_of_a_source_are_known(pairs: Path, tmp_path: Path) -> None:
    from datasets import Dataset

    Dataset.from_list([{"prompt": "p", "chosen": "a", "rejected": "b"}]).save_to_disk(str(tmp_path / "saved"))
    source = Source(options(tmp_path / "saved"))
    assert source.count == 1
    assert {"state.json", "dataset_info.json"} < {path.name for path in source.files}
    assert [path.name for path in Source(options("starter", split="test")).files] == ["test.jsonl"]
    assert Source(options(f"{pairs.parent}/*.jsonl")).files == (pairs,)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_read_once_and_kept(tmp_path: Path, pairs: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(pairs.read_bytes()))
    writer.start()
    source = Source(options(pipe))
    writer.join()
    assert source.count == 6
    assert list(source.pairs()) == list(source.pairs()) == list(Source(options(pairs)).pairs())


def test_a_bad_row_shows_before_anything_is_asked(jsonl: Callable[..., Path]) -> None:
    path = jsonl([{"prompt": "p", "chosen": "a", "rejected": "b"}, {"prompt": "p"}])
    with pytest.raises(DataError, match="line 2: field 'chosen' is missing"):
        Source(options(path))
    source = Source(options(path, on_error="skip"))
    assert (source.count, source.skipped) == (1, {"field 'chosen' is missing": 1})


@pytest.mark.parametrize("given", ["prompt", "=x", "prompt=", "prompt=a,prompt=b"])
def test_a_mapping_is_field_and_column(pairs: Path, given: str) -> None:
    with pytest.raises(UsageError, match="give each field once, as --map FIELD=COLUMN"):
        Source(options(pairs, columns=tuple(given.split(","))))


def test_presets_and_layouts_are_listed_with_licence_and_citation(cli: Run) -> None:
    ran = cli("data")
    assert ran.code == 0
    shown = " ".join(ran.out.split())
    for preset in PRESETS.values():
        assert " ".join(preset.licence.split()) in shown
        assert " ".join(preset.citation.split()) in shown
    assert all(f"\n{name}\n" in ran.out for name in (*PRESETS, *LAYOUTS))


def test_a_source_is_checked(cli: Run, pairs: Path, jsonl: Callable[..., Path]) -> None:
    evaluation = jsonl([{"id": "e", "prompt": "QUESTION 5"}], "eval.jsonl")
    ran = cli("data", "check", "--pairs", pairs, "--exclude", evaluation, "--dedup")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "5 rows of 6 that were read",
        f"1 left out: its prompt is in {evaluation}",
        f"  p5: the same words as e in {evaluation}",
    ]
    ran = cli("data", "check", "--pairs", pairs, "--exclude", evaluation, "--json")
    found = json.loads(ran.out)
    assert (found["read"], found["rows"], found["overlaps"][0]["id"]) == (6, 5, "p5")


def test_options_reach_the_reading(cli: Run, jsonl: Callable[..., Path]) -> None:
    path = jsonl([{"in": {"q": "p"}, "out": ["a", "b"], "marks": [1, 1]}, {"in": {"q": "p"}, "out": ["a", "b"]}] * 2)
    mapping = ("--map", "prompt=in.q", "--map", "responses=out", "--map", "scores=marks")
    ran = cli("data", "check", "--pairs", path, *mapping)
    assert ran.code == 3
    assert "line 2: field 'marks' is missing" in ran.err
    good = jsonl([{"q": "p", "out": ["a", "b"], "marks": [1, 2]}, {"q": "p", "out": ["a", "b"]}], "good.jsonl")
    asked = ("--map", "prompt=q", "--map", "responses=out", "--map", "scores=marks", "--on-error", "skip")
    ran = cli("data", "check", "--pairs", good, *asked)
    assert ran.out == "1 rows of 2 that were read\n1 left out: field 'marks' is missing\n"


def test_prompts_are_written_for_sampling(cli: Run, jsonl: Callable[..., Path], tmp_path: Path) -> None:
    path = jsonl([{"Question": "Why?", "Complex_CoT": "Hm.", "Response": "So."}])
    out = tmp_path / "q.jsonl"
    ran = cli("data", "questions", "--pairs", path, "--layout", "medical-o1", "--out", out)
    assert (ran.code, ran.out) == (0, f"1 prompts written to {out}\n")
    row = json.loads(out.read_text())
    assert (row["prompt"], row["domain"], row["source"]) == ("Why?", "medicine", "medical-o1")
    asked = ("data", "questions", "--pairs", path, "--layout", "medical-o1", "--out", out)
    assert cli(*asked).code == 2
    assert cli(*asked, "--overwrite").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--pairs", "missing.jsonl"), 2, "File 'missing.jsonl' does not exist"),
        (("--pairs", "missing"), 2, "missing does not exist"),
        (("--pairs", "*.parquet"), 3, "no file matches *.parquet"),
        (("--pairs", "megascience"), 2, "hold no preference"),
        (("--pairs", "starter", "--split", "dev"), 2, "starter has no split 'dev'"),
    ],
)
def test_what_cannot_be_read_is_said(cli: Run, arguments: tuple[str, ...], code: int, said: str) -> None:
    ran = cli("data", "check", *arguments)
    assert ran.code == code
    assert said in ran.err


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A reward model with random weights."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from openrubrics.train.tiny import tiny_qwen3

    folder = tiny_qwen3(tmp_path / "lm", ["some text"], hidden=64, layers=1, vocab=300)
    config = transformers.AutoConfig.from_pretrained(folder)
    config.num_labels = 1
    torch.manual_seed(0)
    transformers.Qwen3ForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_responses_are_ranked_and_the_ranking_is_a_source(
    cli: Run, jsonl: Callable[..., Path], checkpoint: Path, tmp_path: Path
) -> None:
    sampled = jsonl(
        [
            {"id": "1", "prompt": "Hi?", "responses": ["Hello there.", "No.", "Well, well."]},
            {"id": "2", "prompt": "Hi?", "responses": ["Same.", "Same."]},
        ]
    )
    out = tmp_path / "ranked.jsonl"
    ran = cli("data", "rank", "--pairs", sampled, "--reward-model", checkpoint, "--take", "all", "--out", out)
    assert ran.code == 0
    assert ran.out == f"1 rankings written to {out}\n1 left out: fewer than two different responses\n"
    (ranking,) = Source(options(out)).ranked()
    assert set(ranking.responses) == {"Hello there.", "No.", "Well, well."}
    assert len(str(ranking.meta["scores"]).split(",")) == 3
    assert ranking.meta["reward_models"] == [str(checkpoint)]
    assert not list(tmp_path.glob("ranked.jsonl?*"))
    ran = cli("data", "rank", "--pairs", sampled, "--reward-model", checkpoint, "--out", out)
    assert (ran.code, ran.err.splitlines()[0]) == (2, f"error: {out} is there already")


def test_a_ranking_that_was_stopped_goes_on(
    cli: Run, jsonl: Callable[..., Path], checkpoint: Path, tmp_path: Path
) -> None:
    rows = [{"id": str(n), "prompt": f"{n}?", "responses": ["Hello there.", "No.", "Well, well."]} for n in range(9)]
    out, asked = tmp_path / "ranked.jsonl", ("data", "rank", "--pairs", jsonl(rows), "--reward-model", checkpoint)
    ensemble = RewardEnsemble([checkpoint], batch_size=1)
    identity: dict[str, JsonValue] = {"command": "rank", **ensemble.identity}
    with Ledger(tmp_path / "ranked.jsonl.ledger", identity=identity) as ledger:
        next(ensemble.rank(read_candidates(jsonl(rows)), replies=Forged(ledger)))
    refused = cli(*asked, "--dtype", "bfloat16", "--out", out)
    assert refused.code == 2
    assert "begun with" in refused.err
    ran = cli(*asked, "--out", out)
    assert (ran.code, ran.out) == (0, f"9 rankings written to {out}\n")
    rankings = [*Source(options(out)).ranked()]
    assert [ranking.responses for ranking in rankings[:4]] == [("No.", "Well, well.")] * 4
    honest = [*ensemble.rank(read_candidates(jsonl(rows)))]
    assert [ranking.responses for ranking in rankings[4:]] == [ranking.responses for ranking in honest[4:]]
    assert not list(tmp_path.glob("ranked.jsonl?*"))


class Forged:
    """A ledger that keeps other scores than were made, so that those that are asked for again can be told."""

    def __init__(self, ledger: Ledger) -> None:
        self.reply = ledger.reply
        self._ledger = ledger

    def keep_replies(self, replies: Sequence[tuple[str, bytes]]) -> None:
        self._ledger.keep_replies([(key, b"[0, 9, -9]") for key, _ in replies])
