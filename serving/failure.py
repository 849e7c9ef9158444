"""Why vLLM did not start, or stopped, read from its log."""

import re
from pathlib import Path
from typing import NamedTuple

from openrubrics.signatures.errors import LMError, MissingExtraError, OpenRubricsError

INSTALL_HINT = "pip install 'openrubrics[serve]', or name the interpreter of an environment that has vLLM"
_SHOWN_LINES = 15
_SHOWN_WIDTH = 300


class _Cause(NamedTuple):
    fragments: tuple[str, ...]
    cause: str
    hint: str


_MEMORY = "out of memory"
_MEMORY_HINT = (
    "use a smaller --max-model-len, --gpu-memory-utilization on a GPU, or VLLM_CPU_KVCACHE_SPACE (GiB) on a CPU"
)
_CAUSES = (
    _Cause(("No module named", "cannot import name"), "a module is missing in vLLM's environment", INSTALL_HINT),
    _Cause(("ddress already in use",), "the port is in use", "choose another, or 0 for a free one"),
    _Cause(("is larger than the available KV cache",), "the context is longer than the cache", _MEMORY_HINT),
    _Cause(
        (
            "out of memory",
            "Cannot allocate memory",
            "bad_alloc",
            "No available memory",
            "less than requested memory",
            "Free memory on",
        ),
        _MEMORY,
        _MEMORY_HINT,
    ),
    _Cause(
        ("are not supported for now", "does not recognize this architecture"),
        "this vLLM does not know the checkpoint's architecture",
        'see "architectures" in its config.json',
    ),
    _Cause(
        ("is greater than the derived max_model_len",),
        "--max-model-len is more than the checkpoint allows",
        'see "max_position_embeddings" in its config.json',
    ),
    _Cause(("unrecognized arguments",), "vLLM does not know a flag", "see the last line of the log"),
)
_KILLED = -9
# The first error is the cause; those of the processes above only repeat that something failed. What pydantic found
# follows its own ValidationError line.
_ERROR_LINE = re.compile(
    r"^(?:\(\w+ pid=\d+\) )?(?:ERROR \S+ \S+ \[\S+\] )?"
    r"((?!\S*ValidationError)[\w.]*(?:Error|Exception): .*| +Value error, .*)",
    re.MULTILINE,
)


def failure(what: str, log: str, exit_code: int | None, kept: Path | None = None) -> OpenRubricsError:
    """Return the error for a server that is not there: `what` happened, first error, likely cause, end of the log.

    Args:
        what: One line without full stop.
        log: What the server wrote, or the end of it.
        exit_code: Negative for a signal; None while it runs.
        kept: Where all of the log is, if anywhere.
    """
    if "No module named 'vllm'" in log:
        return MissingExtraError("vLLM is not installed for the interpreter that should serve", INSTALL_HINT)
    cause, hint = _likely(log, exit_code)
    if error := _ERROR_LINE.search(log):
        what += f" ({error[1].strip()[:_SHOWN_WIDTH]})"
    lines = [line[:_SHOWN_WIDTH] for line in log.splitlines()[-_SHOWN_LINES:]]
    shown = "\n".join(f"  | {line}" for line in lines) or "  (it wrote nothing)"
    hint = hint or (f"all of it is in {kept}" if kept else "to keep all of it, name a place for the log: --log-dir")
    return LMError(f"{what}{cause and f', most likely: {cause}'}. The end of its log:\n{shown}\n", hint)


def _likely(log: str, exit_code: int | None) -> tuple[str, str]:
    for entry in _CAUSES:
        if any(fragment in log for fragment in entry.fragments):
            return entry.cause, entry.hint
    if exit_code == _KILLED:
        return _MEMORY, _MEMORY_HINT
    return "", "allow more time" if exit_code is None else ""
