"""Fields of a row as files hold them: what is accepted in several forms, and what is wrong with the rest."""

from collections.abc import Mapping
from typing import Literal

import orjson
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from openrubrics.signatures.values import Frozen, Message


class _Answer(Frozen):
    """The message that a list of messages ends with where it is a response."""

    role: Literal["assistant"]
    content: str


def response_text(response: object, prompt: object) -> object:
    """Return the text of a response that is a list of messages, as TRL writes it; anything else as it is.

    The last message must be the assistant's, and those before it may only repeat the prompt: turns that the prompt does
    not have would be lost.
    """
    if not isinstance(response, list) or not response:
        return response
    try:
        answer = _Answer.model_validate(response[-1])
    except ValidationError:
        return response
    asked = prompt if isinstance(prompt, list) else [{"role": "user", "content": prompt}]
    return answer.content if all(message in asked for message in response[:-1]) else response


def prompt_mistake(prompt: object, field: str = "prompt") -> str | None:
    """Return what is wrong with a prompt that is blank, or a list of messages, and in which; None where nothing is."""
    if isinstance(prompt, str) and not prompt.strip():
        return f"field '{field}' is blank; expected text"
    if not isinstance(prompt, list):
        return None
    if not prompt:
        return f"field '{field}' has no messages; expected the user's at least"
    for number, message in enumerate(prompt, start=1):
        try:
            Message.model_validate(message)
        except ValidationError as error:
            return f"message {number} of field '{field}': {_message_mistake(error.errors()[0], message)}"
    role = Message.model_validate(prompt[-1]).role
    return None if role == "user" else f"the last message of field '{field}' is of role '{role}'; expected 'user'"


def _message_mistake(detail: ErrorDetails, message: object) -> str:
    if not isinstance(message, Mapping):
        return f"found {shown(message)}; expected an object with role and content"
    field = str(detail["loc"][0])
    if field not in message:
        return f"'{field}' is missing"
    expected = {"role": "system, user or assistant", "content": "text"}
    if field not in expected:
        return f"{shown(field)} is unknown; expected role and content"
    return f"'{field}' is {shown(message[field])}; expected {expected[field]}"


def is_nested_deeper(value: object, levels: int) -> bool:
    """Tell whether lists and objects lie in each other more than so many levels deep."""
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else None
    return inner is not None and (levels == 0 or any(is_nested_deeper(one, levels - 1) for one in inner))


def shown(value: object) -> str:
    """Return a value in one short line."""
    text = repr(value) if isinstance(value, str | float) else orjson.dumps(value, default=str).decode()
    return text if len(text) <= 60 else f"{text[:60]}..."
