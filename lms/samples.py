"""Samples of an LM, as all that comes after the LM needs them, and as bytes that a ledger keeps."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from openrubrics.signatures.errors import DataError
from openrubrics.signatures.outcomes import Usage

_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class TokenScore:
    """A token with its natural log-probability.

    Attributes:
        top_logprobs: The alternatives that the endpoint returned for its place.
    """

    token: str
    logprob: float
    top_logprobs: "Sequence[TokenScore]" = ()


@dataclass(frozen=True, slots=True)
class TokenScores:
    """The scores of a sample, token by token; empty where the endpoint sent none."""

    content: Sequence[TokenScore] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of a request.

    Attributes:
        text: What the model wrote.
        finish_reason: As `openrubrics.lms.finish.FinishLM` tells it.
        logprobs: None where they were not asked for.
    """

    text: str
    finish_reason: str = "stop"
    logprobs: TokenScores | None = None

    def as_output(self) -> dict[str, Any]:
        """Return the sample as a `dspy.LM` of this room hands it to an adapter."""
        output: dict[str, Any] = {"text": self.text, "finish_reason": self.finish_reason}
        return output if self.logprobs is None else output | {"logprobs": self.logprobs}


@dataclass(frozen=True, slots=True)
class LMReply:
    """All samples of one request, and what they cost."""

    samples: Sequence[Sample]
    usage: Usage = field(default_factory=Usage)

    def to_bytes(self) -> bytes:
        """Return it as JSON."""
        content = {
            "samples": [_plain_sample(sample) for sample in self.samples],
            "usage": {name: value for name, value in self.usage if value is not None},
        }
        try:
            return orjson.dumps(content)
        except TypeError:  # half a surrogate pair, which UTF-8 cannot hold
            return _encode(content).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "LMReply":
        """Read what `to_bytes` wrote.

        Raises:
            DataError: It is something else.
        """
        try:
            plain = json.loads(content)
            return cls([_sample(sample) for sample in plain["samples"]], Usage(**plain["usage"]))
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"a kept reply of the LM cannot be read: {error!r}", "delete the ledger") from error


def sample_of(output: object) -> Sample:
    """Return one output of any `dspy.LM` (a text, or a dict with ``text``) as a sample."""
    if not isinstance(output, Mapping):
        return Sample(str(output or ""))
    scores = output.get("logprobs")
    return Sample(
        output.get("text") or "",
        output.get("finish_reason") or "stop",
        TokenScores([_score(token) for token in _get(scores, "content") or ()]) if scores else None,
    )


def _score(token: object) -> TokenScore:
    others = [TokenScore(_get(o, "token"), _get(o, "logprob")) for o in _get(token, "top_logprobs") or ()]
    return TokenScore(_get(token, "token"), _get(token, "logprob"), others)


def _get(value: object, name: str) -> Any:  # noqa: ANN401 - libraries hand on objects and dicts alike
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


def _plain_sample(sample: Sample) -> dict[str, Any]:
    plain: dict[str, Any] = {"text": sample.text}
    if sample.finish_reason != "stop":
        plain["finish_reason"] = sample.finish_reason
    if sample.logprobs is not None:
        plain["logprobs"] = [
            [token.token, token.logprob, [[other.token, other.logprob] for other in token.top_logprobs]]
            for token in sample.logprobs.content
        ]
    return plain


def _sample(plain: Mapping[str, Any]) -> Sample:
    scores = plain.get("logprobs")
    return Sample(
        plain["text"],
        plain.get("finish_reason", "stop"),
        None
        if scores is None
        else TokenScores([TokenScore(t, p, [TokenScore(*o) for o in top]) for t, p, top in scores]),
    )
