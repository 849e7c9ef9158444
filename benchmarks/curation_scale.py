"""What curation costs beside the models, and whether that grows with the input: memory and time for each pair.

``python benchmarks/curation_scale.py`` curates 2,000 and 200,000 synthetic pairs, each size in a process of its own,
through `openrubrics.data.acurate` with a ledger and the export of the data set. The model is a function in the process
that answers at once, so everything measured is ours. It prints a table and, with ``--json FILE``, writes the figures.
"""

import argparse
import asyncio
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from dspy.lm15 import Message, Request, Response, Usage

from openrubrics.data import (
    CuratedItem,
    CurationCounts,
    CurationSettings,
    Ledger,
    Manifest,
    Provenance,
    acurate,
    describe_curated,
    export_curated,
)
from openrubrics.data.curation import read_record
from openrubrics.lms import EngineLM
from openrubrics.lms.local import AsyncLocalEngine, Deterministic, LocalEngine
from openrubrics.lms.metering import Price
from openrubrics.programs import ContrastiveRubricGenerator, GatekeeperJudge
from openrubrics.signatures import PreferencePair

SIZES = (2_000, 200_000)
CONCURRENCY = 64
SAMPLES = 10
"""How often memory is looked at while items are curated."""

_WORDS = [f"{a}{b}" for a in ("ca", "de", "fo", "li", "mu", "ra", "si", "to", "ve", "wo") for b in "bdfglmnprstz"]
_RUBRIC = "\n".join(
    f"{n}. The response {text}. [{kind}]"
    for n, (text, kind) in enumerate(
        (
            ("answers the request in the language in which it is asked", "Hard Rule"),
            ("states its conclusion before the reasons for it", "Principle"),
            ("supports each claim with a fact that the reader can check", "Principle"),
            ("leaves out what does not serve the request", "Principle"),
        ),
        1,
    )
)
_FINDINGS = "\n".join(f"- Criterion {n}: Justification: it does so in most of its sentences." for n in range(1, 5))
_JUDGMENT = (
    "--- Compliance Check ---\nIdentified Gatekeeper Criterion: The response answers the request in the language in "
    f"which it is asked.\n\n--- Analysis ---\n**Response A:**\n{_FINDINGS}\n**Response B:**\n{_FINDINGS}\n\n"
    "--- Final Judgment ---\nJustification: The better one leaves out more.\nWinner: Response "
)


class Model:
    """Writes the same rubric for everything, and prefers the response that is marked; wrong on one pair in eight."""

    def complete(self, request: Request) -> Response:
        """Answer one request."""
        text = "".join(part.text for message in request.messages for part in message.parts if part.type == "text")
        answer = _RUBRIC
        if "<response_b>" in text:
            first = text.rpartition("<response_a>\n")[2].startswith("+")
            answer = _JUDGMENT + ("A" if first != ("lim" in text[-60:]) else "B")
        usage = Usage(input_tokens=len(text) // 4, output_tokens=len(answer) // 4)
        return Response(
            id=None, model=request.model, message=Message.assistant(answer), finish_reason="stop", usage=usage
        )


def pairs(count: int) -> Iterator[PreferencePair]:
    """Make pairs of about two thousand characters, one at a time."""
    draw = random.Random(0)

    def words(number: int) -> str:
        return " ".join(draw.choices(_WORDS, k=number))

    for n in range(count):
        yield PreferencePair(
            id=f"pair-{n}",
            prompt=f"{n}: {words(60)}?",
            chosen=f"+ {words(160)}.",
            rejected=f"- {words(160)}.",
            domain=f"domain {n % 8}",
        )


def resident() -> float:
    """Return the memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def _curate(count: int, ledger: Ledger) -> tuple[CurationCounts, list[float]]:
    engine = LocalEngine("function", Deterministic(Model()), Price(0, 0))
    lm = EngineLM("function", engine=engine, async_engine=AsyncLocalEngine(engine))
    contrast, judge = ContrastiveRubricGenerator(), GatekeeperJudge()
    contrast.set_lm(lm)
    judge.set_lm(lm)
    counts, memory = CurationCounts(), [resident()]
    async with aclosing(acurate(pairs(count), contrast, judge, concurrency=CONCURRENCY, ledger=ledger)) as items:
        async for item in items:
            counts.add(item)
            if counts.items % (count // SAMPLES) == 0:
                memory.append(resident())
    return counts, memory


def _records(ledger: Ledger, count: int, memory: list[float]) -> Iterator[CuratedItem]:
    for n, record in enumerate(ledger.records(), 1):
        yield read_record(record)
        if n % (count // SAMPLES) == 0:
            memory.append(resident())


def measure(count: int, folder: Path) -> dict[str, Any]:
    """Curate so many pairs in this process, and return what it cost."""
    wall, cpu = [time.perf_counter()], [time.process_time()]

    def lap() -> None:
        wall.append(time.perf_counter())
        cpu.append(time.process_time())

    with Ledger(folder / "curation.ledger", identity={"benchmark": count}) as ledger:
        counts, memory = asyncio.run(_curate(count, ledger))
        lap()
        exporting = [resident()]
        provenance = Provenance(rubric_lm="function", judge_lm="function", program="none")
        export_curated(folder, _records(ledger, count, exporting), provenance)
    summary = counts.summary(CurationSettings(), lm="function", seconds=wall[1] - wall[0])
    manifest = Manifest(program="none", lms={"rubric": "function"}, seed=0, seconds=summary.seconds, usage=counts.usage)
    describe_curated(folder, summary, manifest)
    lap()
    sizes = {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    return {
        "pairs": count,
        "kept": counts.kept,
        "curate_wall_ms": 1000 * (wall[1] - wall[0]) / count,
        "curate_cpu_ms": 1000 * (cpu[1] - cpu[0]) / count,
        "export_wall_ms": 1000 * (wall[2] - wall[1]) / count,
        "export_cpu_ms": 1000 * (cpu[2] - cpu[1]) / count,
        "curating_mib": [round(value, 1) for value in memory],
        "exporting_mib": [round(value, 1) for value in exporting],
        "ledger_kb": sum(size for path, size in sizes.items() if "ledger" in path.name) / count / 1000,
        "data_set_kb": sum(size for path, size in sizes.items() if path.suffix == ".parquet") / count / 1000,
    }


def _in_a_process(count: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--one", str(count), "--folder", folder]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return json.loads(done.stdout.splitlines()[-1])


def table(results: list[dict[str, Any]]) -> str:
    """Return the figures as a Markdown table."""
    header = ("pairs", "curate, CPU ms a pair", "wall ms", "export, CPU ms", "wall ms", "MiB at 10 %", "MiB at the end")
    header += ("MiB exporting", "ledger kB a pair", "data set kB a pair")
    lines = [header, tuple("---:" for _ in header)]
    for result in results:
        times = (
            f"{result[name]:.2f}" for name in ("curate_cpu_ms", "curate_wall_ms", "export_cpu_ms", "export_wall_ms")
        )
        curating, exporting = result["curating_mib"], result["exporting_mib"]
        memory = (f"{curating[1]:.0f}", f"{curating[-1]:.0f}", f"{max(exporting):.0f}")
        sizes = (f"{result['ledger_kb']:.1f}", f"{result['data_set_kb']:.1f}")
        lines.append((f"{result['pairs']:,}", *times, *memory, *sizes))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Measure each size, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of pairs, 10 or more each")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        sys.stdout.write(json.dumps(measure(options.one, options.folder)) + "\n")
        return
    results = [_in_a_process(count) for count in options.sizes]
    about = f"Python {platform.python_version()}, {os.cpu_count()} cores, {CONCURRENCY} items under way"
    sys.stdout.write(f"{about}\n\n{table(results)}\n")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
