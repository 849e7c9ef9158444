"""Benchmarks are read from the hub by the real client, from a stand-in on loopback with files as upstream has them."""

import io
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_server import Hub, serving

from openrubrics.evaluation.benchmarks import BENCHMARKS

READ = """\
import sys
from pathlib import Path
from openrubrics.evaluation.benchmarks import benchmark, load
from openrubrics.signatures import OpenRubricsError
try:
    loaded = load(benchmark(sys.argv[1]), responses=Path(sys.argv[2]) if sys.argv[2:] else None)
    print(dict(loaded.counts), [case.id for case in loaded.cases], dict(loaded.left_out), loaded.files)
except OpenRubricsError as error:
    print(type(error).__name__, error)
"""
LEVEL = {"example_id": 1, "source": "s", "instruction": "Write, formally.", "target": ""}
HEALTH = "2025-05-07-06-14-12_oss_eval.jsonl"
EXAMPLE = {
    "prompt_id": "p1",
    "prompt": [{"role": "user", "content": "May I?"}],
    "rubrics": [{"criterion": "Says no.", "points": 5, "tags": ["level:example", "axis:accuracy"]}],
    "example_tags": ["theme:hedging"],
    "ideal_completions_data": None,
}
HEALTHBENCH = {
    "README.md": b"---\nlicense: mit\n---\n",
    HEALTH: json.dumps(EXAMPLE).encode(),
    "2025-05-07-06-14-12_oss_meta_eval.jsonl": b'{"completion": "No.", "binary_labels": [true]}',
}


def read(hub: Hub, home: Path, *arguments: str, **environment: str) -> str:
    """Return what a process says that reads a benchmark and caches in `home`."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", READ, *arguments],
        env=hub.environment(home) | environment,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def responses(folder: Path, *rows: Mapping[str, object]) -> str:
    path = folder / "responses.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def files_asked(hub: Hub) -> set[str]:
    return {asked.partition("/resolve/")[2] for asked in hub.asked if asked.startswith("GET /datasets/")}


@pytest.mark.slow
def test_one_file_is_read_of_those_that_do_not_go_together_and_again_without_network(tmp_path: Path) -> None:
    given = responses(tmp_path, {"prompt_id": "p1", "response": "No."})
    source = BENCHMARKS["healthbench"].source
    assert source
    with serving({"openai/healthbench": HEALTHBENCH}) as hub:
        said = read(hub, tmp_path, "healthbench", given)
        assert said == "{'hedging': 1} ['p1'] {} " + f"({Path(given)!r},)"
        assert files_asked(hub) == {f"{source.revision}/{HEALTH}"}
        hub.asked.clear()
        assert read(hub, tmp_path, "healthbench", given, HF_HUB_OFFLINE="1") == said
        assert not hub.asked


@pytest.mark.slow
def test_the_english_files_are_read_and_their_names_say_the_kind(tmp_path: Path) -> None:
    kinds = ("content", "situation", "style", "format", "example", "mixed")
    rows = {kind: [LEVEL | {"category": kind, "level": 0}, LEVEL | {"category": kind, "level": 1}] for kind in kinds}
    rows["mixed"][1]["category"] = "format"
    data = {f"data_en/{kind}_constraints.json": json.dumps(found, indent=4).encode() for kind, found in rows.items()}
    chinese = {f"data_zh/{kind}_constraints.json": b"[]" for kind in kinds}
    answers = [(f"{kind}/1/1", text) for kind in kinds for text in ("yes", "no")]
    given = responses(
        tmp_path, *({"id": name, "response": text, "satisfied": [text == "yes"]} for name, text in answers)
    )
    with serving({"YuxinJiang/FollowBench": data | chinese}) as hub:
        said = read(hub, tmp_path, "followbench", given)
        assert all(f"'{kind}': 1" in said and f"'{kind}/1/1'" in said for kind in kinds), said
        assert "{'an instruction without constraints': 6}" in said
        revisions, files = zip(*(asked.split("/", 1) for asked in files_asked(hub)), strict=True)
    assert set(files) == set(data)
    assert set(revisions) == {"03a0578946afb379ee8c0fa8061c9c65daa0f93a"}


@pytest.mark.slow
def test_llmbar_is_read_from_the_subsets_of_rewardbench(tmp_path: Path) -> None:
    pair = {"prompt": "Say yes.", "chosen": "Yes.", "chosen_model": "", "rejected": "No.", "rejected_model": ""}
    names = ("llmbar-natural", "llmbar-adver-neighbor", "hep-cpp", "llmbar-adver-manual")
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([pair | {"subset": name, "id": n} for n, name in enumerate(names)]), file)
    card = (
        b"---\nconfigs:\n- config_name: default\n  data_files:\n  - split: filtered\n    path: data/filtered-*\n---\n"
    )
    with serving({"allenai/reward-bench": {"README.md": card, "data/filtered-0.parquet": file.getvalue()}}) as hub:
        said = read(hub, tmp_path, "llmbar")
    assert said == (
        "{'Natural': 1, 'Neighbor': 1, 'Manual': 1} "
        "['llmbar-natural/0', 'llmbar-adver-neighbor/1', 'llmbar-adver-manual/3'] "
        "{'a pair of RewardBench that is none of LLMBar': 1} ()"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "cut", "error"),
    [
        ({"openai/healthbench": {"README.md": b""}}, "", "404 Client Error. Entry Not Found for url: "),
        ({}, "", "404 Client Error. Repository Not Found for url: "),
        ({"openai/healthbench": HEALTHBENCH}, HEALTH, "peer closed connection without sending complete message body"),
    ],
    ids=["file", "data set", "transfer"],
)
def test_what_cannot_be_fetched_is_an_error(
    tmp_path: Path, data: Mapping[str, Mapping[str, bytes]], cut: str, error: str
) -> None:
    with serving(data, cut) as hub:
        said = read(hub, tmp_path, "healthbench")
    assert said.startswith(f"DataError openai/healthbench: {HEALTH} cannot be fetched: {error}"), said
    assert "the hub needs the network" in said
