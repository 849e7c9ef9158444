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

from openrubrics.lms.finish import REASON, lost_sample
from openrubrics.lms.options import unfold

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


def chat_messages(request: Request) -> list[dict[str, str]]:
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


class _TokenCounts(_Wire):
    prompt_tokens: int | None = Field(default=None, ge=0)
    completion_tokens: int | None = Field(default=None, ge=0)


class _Completion(_Wire):
    id: str | None = None
    model: str | None = None
    choices: list[_Choice] = Field(min_length=1)
    usage: _TokenCounts | None = None


def read_completion(body: bytes, request: Request) -> list[Response]:
    """Return every sample of a reply; the first one carries the usage of all.

    A sample that the server broke off has no text, and a refusal is the text of a sample that has no other.

    Raises:
        ServerError: The reply is not a chat completion, or the server broke off every sample. Worth repeating.
    """
    try:
        completion = _Completion.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise ServerError(
            f"the reply is not a chat completion: {where or 'body'}: {first['msg']}", status=200
        ) from None
    broken = [choice.finish_reason for choice in completion.choices if choice.finish_reason not in _FINISH_REASONS]
    if len(broken) == len(completion.choices):
        raise ServerError(f"the server broke off: finish_reason is {broken[0]!r}", status=200)
    counts = completion.usage or _TokenCounts()
    usage = Usage(input_tokens=counts.prompt_tokens, output_tokens=counts.completion_tokens)
    model = completion.model or request.model
    samples = [_sample(choice, model, completion.id) for choice in completion.choices]
    return [replace(samples[0], usage=usage), *samples[1:]]


def _sample(choice: _Choice, model: str, reply_id: str | None) -> Response:
    if choice.finish_reason not in _FINISH_REASONS:
        return lost_sample(model, str(choice.finish_reason))
    message, refused = choice.message, not choice.message.content and choice.message.refusal
    thinking = message.reasoning_content or message.reasoning
    text = TextPart(refused or message.content or "")
    return Response(
        id=reply_id or None,
        model=model,
        message=Message(role="assistant", parts=(ThinkingPart(thinking), text) if thinking else (text,)),
        finish_reason="content_filter" if refused else _FINISH_REASONS[choice.finish_reason],
        usage=Usage(),
        logprobs=_logprobs(choice.logprobs),
        provider_data={REASON: "refusal"} if refused else None,
    )


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
