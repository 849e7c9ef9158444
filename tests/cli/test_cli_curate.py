"""`openrubrics curate`: the data set, the files beside it, and what is asked."""

import json
import re
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_replies import JUDGMENT, RUBRIC, Run, asks_for_judgment, shorter_wins
from server_plugin import ModelServer

from openrubrics.data import CurationSummary, Manifest, read_curated, sha256, slot_of_chosen
from openrubrics.signatures import Rubric

Served = tuple[str, ...]


def summary(out: Path) -> CurationSummary:
    return CurationSummary.model_validate_json((out / "summary.json").read_text())


def test_a_curation_becomes_a_data_set(cli: Run, served: Served, pairs: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    ran = cli("curate", *served, "--pairs", pairs, "--out", out, "--price", 1, 2)
    assert ran.code == 0, ran.err
    assert sorted(path.name for path in out.iterdir()) == [
        "README.md", "curation.ledger", "kept", "manifest.json", "rejected", "summary.json",
    ]  # fmt: skip
    content = json.loads((out / "summary.json").read_text())
    assert {name: content[name] for name in ("pairs", "kept", "failed", "calls", "tokens", "lm", "method")} == {
        "pairs": 6, "kept": 4, "failed": 0, "calls": 12, "tokens": 144, "lm": "hosted_vllm/judge",
        "method": "contrastive",
    }  # fmt: skip
    assert content["kept_share"] == pytest.approx(4 / 6)
    assert content["cost"] == pytest.approx(12 * (7 + 2 * 5) / 1e6)
    assert content["seconds"] > 0
    import datasets

    loaded = datasets.load_dataset(str(out), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded["winner"][:] == [f"Response {slot_of_chosen(f'p{n}', 0)}" for n in range(4)]
    kept, rejected = list(read_curated(out)), list(read_curated(out, "rejected"))
    assert [row.id for row in kept] == ["p0", "p1", "p2", "p3"]
    assert [(row.id, row.reason) for row in rejected] == [(f"p{n}", "rejected response preferred") for n in (4, 5)]
    assert all(row.rubric == Rubric.parse(RUBRIC) for row in kept)
    for row in kept:
        slot = slot_of_chosen(row.id, 0)
        assert (row.winner, row.judge) == (slot, JUDGMENT.format(winner=slot))
    assert "kept 4 of 6" not in ran.err
    assert "rejected response preferred: 2" in ran.out
    assert f'datasets.load_dataset("{out}")' in ran.out.replace("\n", "")


def test_the_manifest_says_how_it_was_made(
    cli: Run, server: ModelServer, other_server: ModelServer, pairs: Path, tmp_path: Path
) -> None:
    template = tmp_path / "t.txt"
    template.write_text("Contrast {prompt} {responses}")
    models = ("--rubric-lm", "hosted_vllm/w", "--judge-lm", "hosted_vllm/j", "--api-base", server.url)
    models += ("--judge-api-base", other_server.url)
    options = ("--tau", 1, "--attempts", 2, "--orders", "both", "--seed", 3, "--rubric-template", template)
    assert cli("curate", *models, *options, "--pairs", pairs, "--out", tmp_path / "o", "--limit", 5).code == 0
    manifest = Manifest.model_validate_json((tmp_path / "o" / "manifest.json").read_text())
    assert manifest.lms == {"rubric": "hosted_vllm/w", "judge": "hosted_vllm/j"}
    assert manifest.servers == {"rubric": server.url, "judge": other_server.url}
    assert manifest.data == {str(path): sha256(path) for path in (pairs, template)}
    assert manifest.counts.items() >= {"items": 5, "pairs": 5, "kept": 4, "failed": 0}.items()
    assert manifest.extras.items() >= {"tau": 1, "attempts": 2, "orders": "both", "general_only": False}.items()
    assert server.bodies[0]["messages"][-1]["content"].startswith("Contrast ")
    # The one item that is not kept gets a second rubric, sampled. It reads the same, so no judge is asked again.
    assert [body.get("temperature") for body in server.bodies] == [None] * 5 + [0.7]
    assert len(other_server.bodies) == 10
    (row,) = read_curated(tmp_path / "o", "rejected")
    assert row.judgment is not None
    assert [shown.order for shown in row.judgment.orders] == ["AB", "BA"]


def test_rankings_are_judged_pair_by_pair(
    cli: Run, server: ModelServer, served: Served, jsonl: Callable[..., Path], tmp_path: Path
) -> None:
    rows = [{"id": "r", "prompt": "Hi?", "responses": ["a", "bbbb", "ccc", "dddddd"]}]
    assert cli("curate", *served, "--pairs", jsonl(rows), "--out", tmp_path / "o").code == 0
    assert len(server.bodies) == 1 + 6
    kept = list(read_curated(tmp_path / "o"))
    assert [row.id for row in kept] == ["r#1>2", "r#1>3", "r#1>4", "r#2>4", "r#3>4"]
    assert {(row.group, row.accuracy) for row in kept} == {("r", 5 / 6)}


def test_failures_are_counted_and_decide_the_exit_code(
    cli: Run, server: ModelServer, served: Served, pairs: Path, tmp_path: Path
) -> None:
    broken = {"Question 1?": "No list here.", "Question 2?": "No verdict here."}

    def text(body: dict[str, list[dict[str, str]]]) -> str:
        content = body["messages"][-1]["content"]
        for question, answer in broken.items():
            if question in content and asks_for_judgment(body) == ("verdict" in answer):
                return "" if "list" in answer else answer
        return shorter_wins(body)

    server.text = text
    ran = cli("curate", *served, "--pairs", pairs, "--out", tmp_path / "o")
    assert ran.code == 1
    assert "2 of 6 pairs failed (33.3 %)" in ran.err
    assert "failed, 1 pairs: the reply is empty" in ran.out
    assert sum(summary(tmp_path / "o").failures.values()) == 2
    assert summary(tmp_path / "o").reasons == {
        "kept": 2, "rejected response preferred": 2, "no rubric": 1, "no judgment": 1,
    }  # fmt: skip
    assert "--retry-failed" in ran.out
    rejected = {row.id: row for row in read_curated(tmp_path / "o", "rejected")}
    assert rejected["p1"].rubric is None
    assert rejected["p2"].judge == "No verdict here."
    assert cli("curate", *served, "--pairs", pairs, "--out", tmp_path / "o", "--max-failed", 0.5).code == 0


def test_topic_specific_rubrics_are_reported_or_rejected(
    cli: Run, server: ModelServer, served: Served, pairs: Path, tmp_path: Path
) -> None:
    bound = RUBRIC + "\n3. The response beats Response B. [Principle]"
    server.text = lambda body: shorter_wins(body) if asks_for_judgment(body) else bound
    assert cli("curate", *served, "--pairs", pairs, "--out", tmp_path / "all").code == 0
    counted = summary(tmp_path / "all")
    assert (counted.kept, counted.topic_specific, counted.topic_specific_share) == (4, 6, 1)
    server.received.clear()
    assert cli("curate", *served, "--pairs", pairs, "--out", tmp_path / "general", "--general-only").code == 0
    assert summary(tmp_path / "general").reasons == {"topic-specific principle": 6}
    assert len(server.bodies) == 6


def test_a_dry_run_asks_nothing_and_leaves_nothing(
    cli: Run, server: ModelServer, served: Served, jsonl: Callable[..., Path], tmp_path: Path
) -> None:
    rows = [{"prompt": f"P{n}", "responses": ["a", "b", "c"]} for n in range(4)]
    options = ("--orders", "both", "--votes", 3, "--attempts", 2, "--dry-run")
    ran = cli("curate", *served, "--pairs", jsonl(rows), "--out", tmp_path / "o", *options)
    assert ran.code == 0
    assert "items: 4, pairs: 12; at most 4 requests for rubrics and 48 for judgments, 52 in all" in ran.out
    assert "at most 104 where no item is kept" in ran.out
    assert server.received == []
    assert not (tmp_path / "o").exists()


def test_json_is_the_summary(cli: Run, served: Served, pairs: Path, tmp_path: Path) -> None:
    ran = cli("curate", *served, "--pairs", pairs, "--out", tmp_path / "o", "--json")
    assert CurationSummary.model_validate_json(ran.out) == summary(tmp_path / "o")


def test_domains_beyond_a_screenful_are_named_as_left_out(
    cli: Run, served: Served, jsonl: Callable[..., Path], tmp_path: Path
) -> None:
    rows = [{"prompt": f"P{n}", "chosen": "a", "rejected": "bb", "domain": f"d{n:02}"} for n in range(23)]
    ran = cli("curate", *served, "--pairs", jsonl(rows), "--out", tmp_path / "o")
    assert "d19" in ran.out
    assert "d20" not in ran.out
    assert "3 more, in summary.json" in ran.out


def test_rows_that_were_left_out_are_told(cli: Run, served: Served, pairs: Path, tmp_path: Path) -> None:
    with pairs.open("a") as file:
        file.write('{"prompt": "p", "chosen": "same", "rejected": "same"}\n')
    ran = cli("curate", *served, "--pairs", pairs, "--out", tmp_path / "o", "--on-error", "skip")
    assert ran.code == 0
    assert "1 skipped: " in ran.err


def test_where_nothing_is_kept_the_way_to_the_reasons_is_named(
    cli: Run, served: Served, jsonl: Callable[..., Path], tmp_path: Path
) -> None:
    path = jsonl([{"id": "1", "prompt": "P", "chosen": "long", "rejected": "a"}])
    ran = cli("curate", *served, "--pairs", path, "--out", tmp_path / "o")
    assert ran.out.replace("\n", "").endswith(f'datasets.load_dataset("{tmp_path / "o"}", "rejected")')
    assert "nothing was kept" in ran.out


def test_a_folder_that_holds_something_else_is_not_touched(
    cli: Run, server: ModelServer, served: Served, pairs: Path, tmp_path: Path
) -> None:
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "README.md").write_text("mine")
    for options in ((), ("--dry-run",)):
        ran = cli("curate", *served, "--pairs", pairs, "--out", tmp_path / "o", *options)
        assert ran.code == 2
        assert "already holds README.md" in ran.err
    assert server.received == []
    assert (tmp_path / "o" / "README.md").read_text() == "mine"


@pytest.mark.parametrize("name", ["kept", "rejected"])
def test_files_that_are_not_rows_are_not_removed_even_where_the_run_is_replaced(
    cli: Run, server: ModelServer, served: Served, pairs: Path, tmp_path: Path, name: str
) -> None:
    mine = tmp_path / "o" / name / "deep" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    ran = cli("curate", *served, "--pairs", pairs, "--out", tmp_path / "o", "--overwrite")
    assert ran.code == 2
    assert f"holds {name}/deep" in ran.err.replace(str(tmp_path / "o") + "/", "")
    assert (server.received, mine.read_text()) == ([], "mine")


def test_a_folder_that_cannot_be_written_is_named_before_anything_is_asked(
    cli: Run, server: ModelServer, served: Served, pairs: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    ran = cli("curate", *served, "--pairs", pairs, "--out", tmp_path / "file" / "o")
    assert ran.code == 2
    assert re.search(r"error: cannot write .*file", ran.err)
    assert server.received == []


@pytest.mark.parametrize("size", [8_000, 60_000, 120_000])
def test_a_full_disk_loses_nothing(
    cli: Run, server: ModelServer, served: Served, jsonl: Callable[..., Path], tmp_path: Path, size: int
) -> None:
    """The limit on the size of files stops the ledger, or only the export after it."""
    path = jsonl([{"id": str(n), "prompt": f"P{n}", "chosen": "a", "rejected": "bb"} for n in range(20)])
    command = ("curate", *served, "--pairs", path, "--out", tmp_path / "o", "--concurrency", 2)
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, unlimited[1]))
    try:
        ran = cli(*command)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    asked = len(server.received)
    assert ran.code == 2, ran.err
    assert "cannot write" in ran.err
    assert "is not lost" in ran.err or "is lost" in ran.err
    assert cli(*command).code == 0
    assert len(server.received) <= 40 + 2
    assert len(server.received) >= asked
    assert [row.id for row in read_curated(tmp_path / "o")] == [str(n) for n in range(20)]
