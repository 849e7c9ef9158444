"""The Chat Completions format: what is sent, and what a reply must look like."""

from collections.abc import Mapping, Sequence
from typing import Literal

from dspy.lm15 import (
    Message,
    RefusalPart,
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

from openrubrics.lms.options import unfold

Part = TextPart | ThinkingPart | RefusalPart

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

    Raises:
        ServerError: The reply is not a chat completion, or the server says that it broke off. Worth repeating.
    """
    try:
        completion = _Completion.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise ServerError(
            f"the reply is not a chat completion: {where or 'body'}: {first['msg']}", status=200
        ) from None
    counts = completion.usage or _TokenCounts()
    usage = Usage(input_tokens=counts.prompt_tokens, output_tokens=counts.completion_tokens)
    return [
        Response(
            id=completion.id or None,
            model=completion.model or request.model,
            message=Message(role="assistant", parts=_parts(choice.message)),
            finish_reason=_finish_reason(choice.finish_reason),
            usage=usage if index == 0 else Usage(),
            logprobs=_logprobs(choice.logprobs),
        )
        for index, choice in enumerate(completion.choices)
    ]


def _parts(message: _ReplyMessage) -> tuple[Part, ...]:
    thinking = message.reasoning_content or message.reasoning
    parts: list[Part] = [ThinkingPart(thinking)] if thinking else []
    if message.content or not message.refusal:
        parts.append(TextPart(message.content or ""))
    if message.refusal:
        parts.append(RefusalPart(message.refusal))
    return tuple(parts)


def _finish_reason(reason: str | None) -> FinishReason:
    if reason not in _FINISH_REASONS:
        raise ServerError(f"the server broke off a sample: finish_reason is {reason!r}", status=200)
    return _FINISH_REASONS[reason]


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
