"""Data sets of the hub are read by the real client, streamed and downloaded, from a stand-in on loopback."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hub_server import serving

CARD = b"""\
---
configs:
- config_name: default
  data_files:
  - split: train
    path: data/*.jsonl
  - split: test
    path: test.jsonl
---
"""
READ = """\
from collections import Counter
from openrubrics.data import read_pairs
from openrubrics.signatures import OpenRubricsError
for streaming in True, False:
    for split in None, "test":
        print(*(pair.id for pair in read_pairs("org/name", streaming=streaming, split=split)))
for options in {"split": "dev", "streaming": True}, {"split": "dev"}, {"config": "other"}:
    try:
        read_pairs("org/name", **options)
    except OpenRubricsError as error:
        print(type(error).__name__, error.message)
try:
    read_pairs("org/other")
except OpenRubricsError as error:
    print(type(error).__name__, error.message)
from openrubrics.cli.sources import Source, SourceOptions
source = Source(SourceOptions("org/name", None, "test", True, None, (), "extremes", "stop", True, (), None))
print(source.count, source.files, *(ranking.id for ranking in source.ranked()))
skipped = Counter()
print(*(pair.chosen for pair in read_pairs("ultrafeedback", streaming=True, skipped=skipped)), *skipped.values())
"""


def rows(*numbers: int) -> bytes:
    made = [{"id": str(n), "prompt": f"p{n}", "chosen": "a", "rejected": "b"} for n in numbers]
    return "".join(json.dumps(row) + "\n" for row in made).encode()


def scored(source: str) -> dict[str, object]:
    completions = [{"response": "worse", "overall_score": 2.0}, {"response": "better", "overall_score": 7.5}]
    return {"source": source, "instruction": "Why?", "completions": completions}


@pytest.mark.slow
def test_a_data_set_of_the_hub_is_streamed_and_downloaded(tmp_path: Path) -> None:
    data = {
        "org/name": {"README.md": CARD, "data/0.jsonl": rows(1), "data/1.jsonl": rows(2), "test.jsonl": rows(3)},
        "openbmb/UltraFeedback": {
            "flan.jsonl": json.dumps(scored("flan_v2_cot")).encode(),
            "sharegpt.jsonl": json.dumps(scored("sharegpt")).encode(),
        },
    }
    with serving(data) as hub:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-c", READ],
            env=hub.environment(tmp_path),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    *read, dev, also_dev, config, other, source, preset = done.stdout.splitlines()
    assert read == ["1 2", "3", "1 2", "3"]
    assert dev == "UsageError org/name has no split 'dev'"
    assert also_dev.startswith("DataError org/name: the data set cannot be loaded: Unknown split")
    assert config.startswith("DataError org/name: the data set cannot be loaded: BuilderConfig 'other' not found")
    assert other.startswith("DataError org/other: the data set cannot be loaded: Dataset 'org/other' doesn't exist")
    assert source == "None () 3"
    assert preset == "better 1"
    assert any("40b436560ca83a8dba36114c22ab3c66e43f6d5e" in asked for asked in hub.asked)
