"""Generation options, and how those that DSPy refuses travel through it.

DSPy turns a call's options into a `dspy.lm15.Request` before it asks an engine, and refuses options which that type has
no field for. They travel in ``metadata`` under a key of our own, so that they are also part of DSPy's cache key, and
`unfold` takes them out again on the other side. So does the address of the server, which DSPy's cache key leaves out.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from dspy.lm15 import Request

from openrubrics.signatures.errors import UsageError

CARRIER = "openrubrics.options"
PLACE = "openrubrics.server"

READ_BY_DSPY = frozenset(
    [
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "metadata",
        "n",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "seed",
        "service_tier",
        "stop",
        "store",
        "temperature",
        "top_k",
        "top_logprobs",
        "top_p",
        "user",
    ]
)
"""Options with a field in `dspy.lm15.Request`."""

FOLDED = frozenset(
    [
        "add_generation_prompt",
        "allowed_token_ids",
        "bad_words",
        "cache_salt",
        "chat_template_kwargs",
        "continue_final_message",
        "ignore_eos",
        "include_stop_str_in_output",
        "length_penalty",
        "min_p",
        "min_tokens",
        "priority",
        "prompt_logprobs",
        "repetition_penalty",
        "skip_special_tokens",
        "stop_token_ids",
        "structured_outputs",
        "truncate_prompt_tokens",
    ]
)
"""Options of OpenAI-compatible servers, vLLM above all, that are sent as they are."""

EXTRA_BODY = "extra_body"
"""An object whose fields are sent as they are: the way to options that no list names."""

OF_THE_CALL = frozenset({"cache", "callbacks", "rollout_id"})
"""Options of DSPy itself, which no server sees."""

_OWNED = frozenset({"model", "messages", "n", "stream"})


def fold(defaults: Mapping[str, object], options: Mapping[str, object], server: str = "") -> dict[str, object]:
    """Return `options` with what DSPy would refuse moved into ``metadata``.

    Args:
        defaults: Options of the LM, which those of the call override; None switches one off.
        options: Options of the call.
        server: Address that becomes part of DSPy's cache key; empty for none.
    """
    merged = {**defaults, **options}
    extra = {name: merged[name] for name in FOLDED if merged.get(name) is not None}
    body = merged.get(EXTRA_BODY)
    if isinstance(body, Mapping):
        if owned := sorted(_OWNED & set(body)):
            raise UsageError(f"extra_body cannot set {', '.join(owned)}")
        extra = {**extra, **body}
    elif body is not None:
        raise UsageError(f"extra_body must be an object, not {body!r}")
    folded = {name: None for name in (*FOLDED, EXTRA_BODY) if name in defaults}
    kept = {name: value for name, value in options.items() if name not in FOLDED and name != EXTRA_BODY}
    carried = ({CARRIER: extra} if extra else {}) | ({PLACE: server} if server else {})
    if not carried:
        return {**kept, **folded}
    metadata = merged.get("metadata") or {}
    if not isinstance(metadata, Mapping):
        raise UsageError(f"metadata must be an object, not {metadata!r}")
    return {**kept, **folded, "metadata": {**metadata, **carried}}


def place(request: Request, server: str) -> Request:
    """Return an explicit request with the address of its server in DSPy's cache key."""
    if not server:
        return request
    extensions = dict(request.config.extensions or {})
    metadata = extensions.get("metadata")
    known = metadata if isinstance(metadata, Mapping) else {}
    placed = {**extensions, "metadata": {**known, PLACE: server}}
    return replace(request, config=replace(request.config, extensions=placed))


def unfold(extensions: Mapping[str, object]) -> dict[str, object]:
    """Return the options of a request that have no field of their own, as they go on the wire."""
    options = dict(extensions)
    metadata = options.pop("metadata", None)
    if not isinstance(metadata, Mapping):
        return options if metadata is None else {**options, "metadata": metadata}
    carried = metadata.get(CARRIER)
    rest = {name: value for name, value in metadata.items() if name not in (CARRIER, PLACE)}
    return {**options, **({"metadata": rest} if rest else {}), **(carried if isinstance(carried, Mapping) else {})}


@dataclass(frozen=True)
class _Range:
    """The numbers that an option may be."""

    low: float
    high: float = math.inf
    whole: bool = False
    above: bool = False

    def __contains__(self, value: object) -> bool:
        kind = int if self.whole else (int, float)
        if not isinstance(value, kind) or isinstance(value, bool):
            return False
        return math.isfinite(value) and (self.low < value if self.above else self.low <= value) and value <= self.high

    def __str__(self) -> str:
        number = "a whole number" if self.whole else "a number"
        low = f"above {self.low:g}" if self.above else f"from {self.low:g}"
        return f"{number} {low}" + (f" to {self.high:g}" if self.high < math.inf else "")


_RANGES = {
    "frequency_penalty": _Range(-2, 2),
    "max_completion_tokens": _Range(1, whole=True),
    "max_tokens": _Range(1, whole=True),
    "min_p": _Range(0, 1),
    "min_tokens": _Range(0, whole=True),
    "n": _Range(1, whole=True),
    "presence_penalty": _Range(-2, 2),
    "repetition_penalty": _Range(0, above=True),
    "seed": _Range(-(2**63), 2**63 - 1, whole=True),
    "temperature": _Range(0, 2),
    "top_k": _Range(-1, whole=True),
    "top_logprobs": _Range(0, whole=True),
    "top_p": _Range(0, 1, above=True),
}


def check_ranges(options: Mapping[str, object]) -> None:
    """Refuse numbers that no server takes.

    Raises:
        UsageError: An option is out of its range; the message names option, value and range.
    """
    for name, allowed in _RANGES.items():
        value = options.get(name)
        if value is not None and value not in allowed:
            raise UsageError(f"{name} is {value!r}, but must be {allowed}")


def check_options(options: Mapping[str, object]) -> None:
    """Refuse options that would not reach the server, or that it would refuse.

    Raises:
        UsageError: An option is unknown or out of its range.
    """
    known = READ_BY_DSPY | FOLDED | OF_THE_CALL | {EXTRA_BODY}
    if unknown := sorted(set(options) - known):
        raise UsageError(
            f"unknown LM option {', '.join(map(repr, unknown))}",
            'send an option that only your server knows as extra_body={"name": value}',
        )
    check_ranges(options)
