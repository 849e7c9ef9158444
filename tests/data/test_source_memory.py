"""Memory stays flat however many rows a source has."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

COUNT = """\
import resource, sys
import pyarrow.parquet
from collections import Counter
from openrubrics.data import read_ranked
from openrubrics.data.overlap import LeaveOut
start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows = sum(1 for _ in read_ranked(sys.argv[1], leave_out=LeaveOut(repeats=True)))
print(rows, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start) // 1024)
"""
ROWS = 200_000
RANDOM = random.Random(0)


def row(number: int) -> dict[str, str]:
    return {"id": str(number), "prompt": f"{number} {RANDOM.randbytes(500).hex()}", "chosen": "a", "rejected": "b"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rows.jsonl", "rows.parquet"])
def test_two_hundred_thousand_rows_need_no_more_memory_than_a_few(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if path.suffix == ".jsonl":
        with path.open("w") as file:
            file.writelines(json.dumps(row(number)) + "\n" for number in range(ROWS))
    else:
        table = pa.Table.from_pylist([row(number) for number in range(ROWS)])
        pq.write_table(table, path, row_group_size=ROWS)  # the worst case: one row group
    done = subprocess.run([sys.executable, "-c", COUNT, path], capture_output=True, text=True, check=True)  # noqa: S603
    rows, megabytes = map(int, done.stdout.split())
    assert rows == ROWS
    assert megabytes < 160  # about 85 as it is; with a whole row group in memory about 270
