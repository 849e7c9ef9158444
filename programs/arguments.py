"""Arguments of programs are checked before any request is sent."""

from collections.abc import Sequence

from openrubrics.signatures import Rubric
from openrubrics.signatures.errors import UsageError


def check_texts(**responses: str) -> None:
    """Refuse responses that are not text; the empty text is a response.

    Raises:
        UsageError: The message names the argument.
    """
    for name, response in responses.items():
        if not isinstance(response, str):
            raise UsageError(f"{name} is {_kind(response)}", "a response is text")


def check_responses(responses: Sequence[str]) -> None:
    """Refuse what is not a list of texts; one text alone is not a list.

    Raises:
        UsageError: The message names the item.
    """
    if isinstance(responses, str) or not isinstance(responses, Sequence):
        raise UsageError(f"responses is {_kind(responses)}", "give a list of texts")
    check_texts(**{f"responses[{i}]": response for i, response in enumerate(responses)})


def check_rubric(rubric: Rubric) -> None:
    """Refuse what is not a rubric.

    Raises:
        UsageError: The hint says how to read one from text.
    """
    if not isinstance(rubric, Rubric):
        raise UsageError(
            f"rubric is {_kind(rubric)}", "read text with Rubric.parse, and JSON content with Rubric.model_validate"
        )


def _kind(value: object) -> str:
    return "None" if value is None else f"{value!r:.60} of type {type(value).__name__}"
