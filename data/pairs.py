"""The values that rows of preference data become, and what their fields may hold."""

from pydantic import Field, JsonValue

from openrubrics.data.rows import RowReader
from openrubrics.signatures.values import Frozen, PreferencePair, Prompt, RankedResponses

ID = "text or a whole number that is unique in the file"
PROMPT = "text, or a list of {role, content} messages that ends with the user's"
RESPONSE = "text, or a list of messages that ends with the assistant's and otherwise only repeats the prompt"
RESPONSES = "a list of two or more responses"

_COMMON = {"domain": "text", "source": "text", "meta": "an object of JSON values, for anything else"}


class Question(Frozen):
    """A request without responses.

    Attributes:
        id: Unique within its file.
        domain: Subset name.
        source: Where it comes from.
        meta: Anything else.
    """

    id: str
    prompt: Prompt
    domain: str = "general"
    source: str = ""
    meta: dict[str, JsonValue] = Field(default_factory=dict)


class Candidates(Frozen):
    """Two or more responses to one prompt, in no order.

    Attributes:
        id: Unique within its file.
        domain: Subset name.
        source: Where they come from.
        meta: Anything else.
    """

    id: str
    prompt: Prompt
    responses: tuple[str, ...] = Field(min_length=2)
    domain: str = "general"
    source: str = ""
    meta: dict[str, JsonValue] = Field(default_factory=dict)


PAIRS = RowReader(
    PreferencePair,
    {"id": ID, "prompt": PROMPT, "chosen": RESPONSE, "rejected": RESPONSE, **_COMMON},
    content=("chosen", "rejected"),
    responses=("chosen", "rejected"),
)
RANKINGS = RowReader(
    RankedResponses,
    {"id": ID, "prompt": PROMPT, "responses": RESPONSES, **_COMMON},
    content=("responses",),
    responses=(),
)
CANDIDATES = RowReader(
    Candidates,
    {"id": ID, "prompt": PROMPT, "responses": RESPONSES, **_COMMON},
    content=("responses",),
    responses=(),
)
QUESTIONS = RowReader(Question, {"id": ID, "prompt": PROMPT, **_COMMON}, content=(), responses=())
