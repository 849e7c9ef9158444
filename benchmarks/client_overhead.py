"""What a judgment costs beside the model: processor time per LM call and calls a second, for four clients.

``python benchmarks/client_overhead.py`` starts a server on loopback that answers each request after 100 ms, and runs
each client in a process of its own, in several rounds; ``--quick`` is a smoke test. See benchmarks/README.md.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
NAMES = ("raw aiohttp", "litellm", "dspy.Evaluate", "openrubrics")
PACKAGES = ("aiohttp", "dspy", "litellm", "orjson", "pydantic")
LATENCY_MS = 100
BATCHES = 20
"""Requests of a measurement, in multiples of those in flight: at least two seconds."""


@contextmanager
def server() -> Iterator[str]:
    """Run the server and yield its address."""
    command = [sys.executable, str(HERE / "slow_server.py"), str(LATENCY_MS)]
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            port = process.stdout.readline() if process.stdout else ""
            yield f"http://127.0.0.1:{int(port)}/v1"
        finally:
            process.kill()


def posts(url: str) -> int:
    """Return the number of requests that the server has received."""
    with urllib.request.urlopen(url, timeout=30) as reply:  # noqa: S310
        return int(reply.read())


def measure(name: str, url: str, count: int, in_flight: int) -> dict[str, Any]:
    """Run one client in a new process."""
    before = posts(url)
    command = [sys.executable, str(HERE / "client_overhead.py"), "--client", name, "--url", url]
    command += ["--calls", str(count), "--in-flight", str(in_flight)]
    environment = os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(  # noqa: S603
        command, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{name} failed: {done.stderr[-2000:]}")
    result = json.loads(done.stdout.splitlines()[-1])
    if posts(url) - before < count:
        raise RuntimeError(f"{name} sent only {posts(url) - before} of {count} requests")
    return result


def run_client(name: str, url: str, count: int, in_flight: int) -> dict[str, Any]:
    """Run one client in this process."""
    from overhead_clients import CLIENTS

    with tempfile.TemporaryDirectory() as folder:
        measured = CLIENTS[name](url, count, in_flight, Path(folder))
    return {
        "calls_per_second": count / measured.seconds,
        "cpu_ms_per_call": 1000 * measured.cpu / count,
        **measured.extra,
    }


def compare(levels: list[int], rounds: int, batches: int) -> list[dict[str, Any]]:
    """Measure every client at every level, the rounds interleaved, and return the medians beside raw aiohttp."""
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    with server() as url:
        for number in range(rounds):
            for in_flight in levels:
                for name in NAMES:
                    result = measure(name, url, batches * in_flight, in_flight)
                    found.setdefault((name, in_flight), []).append(result)
                    shown = f"{result['calls_per_second']:.0f} calls/s, {result['cpu_ms_per_call']:.2f} ms"
                    print(f"round {number + 1}: {in_flight} in flight, {name}: {shown}", file=sys.stderr)  # noqa: T201
    rows: list[dict[str, Any]] = []
    for (name, in_flight), results in found.items():
        row: dict[str, Any] = {"client": name, "in_flight": in_flight, "rounds": results}
        raw = found["raw aiohttp", in_flight]
        for figure in ("calls_per_second", "cpu_ms_per_call"):
            row[figure] = statistics.median(r[figure] for r in results)
            # Round by round, so that what else the machine did in a round counts on both sides.
            row[f"{figure}_to_raw"] = statistics.median(
                r[figure] / base[figure] for r, base in zip(results, raw, strict=True)
            )
        rows.append(row)
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Return the figures as a Markdown table."""
    lines = [
        "| in flight | client | calls/s | of raw aiohttp | CPU ms per call | times raw aiohttp |",
        "|---:|---|---:|---:|---:|---:|",
    ]
    for row in sorted(rows, key=lambda row: (row["in_flight"], NAMES.index(row["client"]))):
        lines.append(
            f"| {row['in_flight']} | {row['client']} | {row['calls_per_second']:.0f} "
            f"| {row['calls_per_second_to_raw']:.0%} | {row['cpu_ms_per_call']:.2f} "
            f"| {row['cpu_ms_per_call_to_raw']:.2f} |"
        )
    return "\n".join(lines)


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    info = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load_before": os.getloadavg()[0],
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round, to see that it runs")
    parser.add_argument("--rounds", type=int, default=3, help="rounds to take the median of")
    parser.add_argument("--levels", type=int, nargs="+", default=[16, 64, 256], help="requests in flight")
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file")
    for name in ("--client", "--url"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    for name in ("--calls", "--in-flight"):
        parser.add_argument(name, type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.client:
        print(json.dumps(run_client(given.client, given.url, given.calls, given.in_flight)))  # noqa: T201
        return
    report: dict[str, Any] = {"latency_ms": LATENCY_MS, "machine": machine()}
    report["rows"] = compare([8], 1, 4) if given.quick else compare(given.levels, given.rounds, BATCHES)
    print(table(report["rows"]))  # noqa: T201
    if given.out:
        given.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
