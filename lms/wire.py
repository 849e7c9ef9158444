"""The Chat Completions format: what is sent, and what a reply must look like."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from dspy.lm15 import (
    Message,
    Request,
    Response,
    ServerError,
    TextPart,
    ThinkingPart,
    TokenLogprob,
    TopLogprob,
    UnsupportedFeatureError,
    Usage,
)
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from openrubrics.lms.finish import REASON, finish_reason, lost_sample
from openrubrics.lms.options import unfold
from openrubrics.lms.samples import Sample, TokenScore, TokenScores

REFUSAL = "refusal"
"""Finish reason of a sample that only says why the model does not answer."""

Messages = list[dict[str, str]]
"""A conversation on the wire: role and content of each message."""

FinishReason = Literal["stop", "length", "tool_call", "content_filter", "error"]

_FINISH_REASONS: dict[str | None, FinishReason] = {
    None: "stop",
    "stop": "stop",
    "length": "length",
    "content_filter": "content_filter",
}
_PLAIN_FIELDS = (
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "service_tier",
    "store",
)
_UNSUPPORTED_FIELDS = ("tool_choice", "cache", "probabilities")


def chat_messages(request: Request) -> Messages:
    """Return the conversation as role and text of each message.

    Raises:
        UnsupportedFeatureError: A part is not text.
    """
    system = request.system
    opening = [] if system is None else [_message("system", [TextPart(system)] if isinstance(system, str) else system)]
    return opening + [_message(m.role, m.parts) for m in request.messages]


def _message(role: str, parts: Sequence[object]) -> dict[str, str]:
    texts = [part.text for part in parts if isinstance(part, TextPart)]
    if len(texts) != len(parts) or role == "tool":
        raise UnsupportedFeatureError(f"a {role} message holds something else than text", feature="messages")
    return {"role": "system" if role == "developer" else role, "content": "\n".join(texts)}


def request_options(request: Request) -> dict[str, object]:
    """Return the generation options by their names on the wire.

    Raises:
        UnsupportedFeatureError: An option or tool cannot be sent.
    """
    config = request.config
    if request.tools:
        raise UnsupportedFeatureError("tools cannot be sent by this engine", feature="tools")
    for name in _UNSUPPORTED_FIELDS:
        if getattr(config, name) is not None:
            raise UnsupportedFeatureError(f"{name} cannot be sent by this engine", feature=f"config.{name}")
    options: dict[str, object] = {name: v for name in _PLAIN_FIELDS if (v := getattr(config, name)) is not None}
    if config.stop:
        options["stop"] = list(config.stop)
    if config.user_id is not None:
        options["user"] = config.user_id
    if config.logprobs is not None:
        options["logprobs"] = True
        if config.logprobs:
            options["top_logprobs"] = config.logprobs
    if config.reasoning is not None:
        options["reasoning_effort"] = "none" if config.reasoning.is_off else config.reasoning.effort
    if config.response_format is not None:
        options["response_format"] = _response_format(config.response_format)
    return {**options, **unfold(config.extensions or {})}


def _response_format(form: Mapping[str, object]) -> dict[str, object]:
    if form["type"] != "json_schema":
        return dict(form)
    schema = {name: value for name, value in form.items() if name != "type"}
    return {"type": "json_schema", "json_schema": {"name": "response", **schema}}


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class _TopToken(_Wire):
    token: str
    logprob: float
    bytes: tuple[int, ...] | None = None


class _Token(_TopToken):
    top_logprobs: list[_TopToken] | None = None


class _Logprobs(_Wire):
    content: list[_Token] | None = None


class _ReplyMessage(_Wire):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None


class _Choice(_Wire):
    message: _ReplyMessage
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None

    @property
    def refused(self) -> bool:
        """Whether a refusal is all there is."""
        return bool(not self.message.content and self.message.refusal)

    @property
    def text(self) -> str:
        """What was written, or why nothing was."""
        return self.message.content or self.message.refusal or ""


class _TokenCounts(_Wire):
    prompt_tokens: int | None = Field(default=None, ge=0)
    completion_tokens: int | None = Field(default=None, ge=0)


class Completion(_Wire):
    """A reply of an OpenAI-compatible server."""

    id: str | None = None
    model: str | None = None
    choices: list[_Choice] = Field(min_length=1)
    counts: _TokenCounts | None = Field(default=None, alias="usage")

    @property
    def usage(self) -> _TokenCounts:
        """What the reply used, as far as the server tells."""
        return self.counts or _TokenCounts()


def read_completion(body: bytes) -> Completion:
    """Return a reply of which at least one sample is whole.

    Raises:
        ServerError: The reply is not a chat completion, or the server broke off every sample. Worth repeating.
    """
    try:
        completion = Completion.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise ServerError(
            f"the reply is not a chat completion: {where or 'body'}: {first['msg']}", status=200
        ) from None
    broken = [choice.finish_reason for choice in completion.choices if choice.finish_reason not in _FINISH_REASONS]
    if len(broken) == len(completion.choices):
        raise ServerError(f"the server broke off: finish_reason is {broken[0]!r}", status=200)
    return completion


def responses(completion: Completion, request: Request) -> list[Response]:
    """Return every sample of a reply for DSPy; the first one carries the usage of all.

    A sample that the server broke off has no text, and a refusal is the text of a sample that has no other.
    """
    counts = completion.usage
    usage = Usage(input_tokens=counts.prompt_tokens, output_tokens=counts.completion_tokens)
    model = completion.model or request.model
    answers = [_response(choice, model, completion.id) for choice in completion.choices]
    return [replace(answers[0], usage=usage), *answers[1:]]


def _response(choice: _Choice, model: str, reply_id: str | None) -> Response:
    if choice.finish_reason not in _FINISH_REASONS:
        return lost_sample(model, str(choice.finish_reason))
    message, refused = choice.message, choice.refused
    thinking = message.reasoning_content or message.reasoning
    text = TextPart(choice.text)
    return Response(
        id=reply_id or None,
        model=model,
        message=Message(role="assistant", parts=(ThinkingPart(thinking), text) if thinking else (text,)),
        finish_reason="content_filter" if refused else _FINISH_REASONS[choice.finish_reason],
        usage=Usage(),
        logprobs=_logprobs(choice.logprobs),
        provider_data={REASON: REFUSAL} if refused else None,
    )


def samples(completion: Completion, *, scored: bool) -> list[Sample]:
    """Return every sample of a reply, with the texts and reasons that `responses` leads to.

    Args:
        completion: The reply.
        scored: Whether token log-probabilities were asked for.
    """
    return [_sample(choice, scored) for choice in completion.choices]


def _sample(choice: _Choice, scored: bool) -> Sample:
    scores = _scores(choice.logprobs) if scored else None
    if choice.finish_reason not in _FINISH_REASONS:
        return Sample("", str(choice.finish_reason), scores and TokenScores())
    return Sample(choice.text, REFUSAL if choice.refused else _FINISH_REASONS[choice.finish_reason], scores)


def _scores(logprobs: _Logprobs | None) -> TokenScores:
    tokens = logprobs.content or () if logprobs is not None else ()
    return TokenScores(
        [TokenScore(t.token, t.logprob, [TokenScore(o.token, o.logprob) for o in t.top_logprobs or ()]) for t in tokens]
    )


def response_sample(response: Response, *, scored: bool) -> Sample:
    """Return one sample as an engine of this process gives it."""
    tokens = response.logprobs or ()
    scores = [TokenScore(t.token, t.logprob, [TokenScore(o.token, o.logprob) for o in t.top]) for t in tokens]
    texts = [part.text for part in response.message.parts if isinstance(part, TextPart)]
    return Sample("".join(texts), finish_reason(response), TokenScores(scores) if scored else None)


def _logprobs(logprobs: _Logprobs | None) -> tuple[TokenLogprob, ...] | None:
    if logprobs is None or logprobs.content is None:
        return None
    return tuple(
        TokenLogprob(
            token=t.token,
            logprob=t.logprob,
            bytes=t.bytes,
            top=tuple(TopLogprob(o.token, o.logprob, o.bytes) for o in t.top_logprobs or ()),
        )
        for t in logprobs.content
    )
