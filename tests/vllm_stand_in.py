"""What stands in for vLLM: an interpreter that starts `serving/fake_vllm.py`, a folder for it, and its processes."""

import json
import os
import re
import sys
import time
from pathlib import Path

FAKE = Path(__file__).parent / "serving" / "fake_vllm.py"


def bare_checkpoint(path: Path, weights: bytes = b"weights") -> Path:
    """Write a folder that has the files of a checkpoint, with nothing in them."""
    path.mkdir(parents=True)
    (path / "config.json").write_text("{}")
    (path / "model.safetensors").write_bytes(weights)
    return path


def bare_adapter(path: Path, base: Path | str, weights: bytes = b"adapter", **config: object) -> Path:
    """Write a folder that has the files of a LoRA adapter."""
    path.mkdir(parents=True)
    plain = {"peft_type": "LORA", "r": 8, "base_model_name_or_path": str(base), "bias": "none", "use_dora": False}
    (path / "adapter_config.json").write_text(json.dumps({**plain, **config}))
    (path / "adapter_model.safetensors").write_bytes(weights)
    return path


def fake_interpreter(path: Path) -> Path:
    """Write a program that takes the arguments of an interpreter with vLLM."""
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE}" "$@"\n')
    path.chmod(0o755)
    return path


def processes(log: Path) -> list[int]:
    """Return the process ids of the server and its worker, as it wrote them."""
    found = re.search(r"processes (\d+) (\d+)", log.read_text())
    assert found, "the stand-in did not start"
    return [int(found[1]), int(found[2])]


def alive(pid: int) -> bool:
    """Return whether a process runs."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return not state.startswith(("Z", "X"))


def started_by(pid: int) -> list[int]:
    """Return the processes of the sessions that the children of a process lead: a server and all it started."""
    leaders = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    everyone = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [other for other in everyone if alive(other) and os.getsid(other) in leaders]


def gone(pids: list[int], seconds: float = 5) -> bool:
    """Return whether all end soon: a killed process takes a moment to leave."""
    deadline = time.monotonic() + seconds
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(map(alive, pids))
