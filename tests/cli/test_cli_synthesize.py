"""`openrubrics synthesize`: the file, the figures, and what is refused."""

import json
from pathlib import Path

from cli_replies import Run

from openrubrics.data import read_pairs, synthetic_pairs


def test_the_file_holds_the_pairs(cli: Run, tmp_path: Path) -> None:
    out = tmp_path / "pairs.jsonl"
    ran = cli("synthesize", "--count", 30, "--seed", 4, "--out", out)
    assert ran.code == 0, ran.err
    assert [*read_pairs(out)] == [*synthetic_pairs(30, 4)]
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.jsonl"]


def test_the_counts_by_check_and_the_length_baseline_are_shown(cli: Run, tmp_path: Path) -> None:
    out = tmp_path / "pairs.jsonl"
    ran = cli("synthesize", "--count", 30, "--seed", 4, "--out", out)
    as_json = json.loads(cli("synthesize", "--count", 30, "--seed", 4, "--out", out, "--overwrite", "--json").out)
    pairs = [*read_pairs(out)]
    longer = sum(len(pair.chosen) > len(pair.rejected) for pair in pairs)
    assert as_json["pairs"] == 30
    assert as_json["length_baseline"] == longer / 30
    assert sum(check["broken"] for check in as_json["checks"].values()) >= 30
    assert f"30 pairs in {out}" in ran.out
    assert f"right in {longer / 30:.1%}" in " ".join(ran.out.split())
    for name, counts in as_json["checks"].items():
        assert f"{name} {counts['stated']} {counts['broken']} " in " ".join(ran.out.split()) + " "


def test_a_file_that_is_there_is_replaced_only_on_request(cli: Run, tmp_path: Path) -> None:
    out = tmp_path / "pairs.jsonl"
    out.write_text("precious\n")
    ran = cli("synthesize", "--count", 2, "--out", out)
    assert ran.code == 2
    assert "is there already" in ran.err
    assert "--overwrite" in ran.err
    assert out.read_text() == "precious\n"
    assert cli("synthesize", "--count", 2, "--out", out, "--overwrite").code == 0
    assert [*read_pairs(out)] == [*synthetic_pairs(2, 0)]


def test_a_missing_folder_is_named(cli: Run, tmp_path: Path) -> None:
    ran = cli("synthesize", "--count", 2, "--out", tmp_path / "missing" / "pairs.jsonl")
    assert ran.code == 2
    assert "cannot write" in ran.err
    assert [*tmp_path.iterdir()] == []


def test_less_than_one_pair_is_wrong_usage(cli: Run, tmp_path: Path) -> None:
    assert cli("synthesize", "--count", 0, "--out", tmp_path / "pairs.jsonl").code == 2
