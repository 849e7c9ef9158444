"""The embedded reader: a stand-in for trying things offline. It is not a language model.

It has no weights and no network, and the same request gets the same answer, always. It answers the prompts of this
project's four tasks (`openrubrics.signatures.tasks`) and nothing else; a custom template is something else. Hard rules
are found by the recognisers and decided by the verifiers; principles come from the closed lexicon of
`openrubrics.lms.embedded_lexicon`. Its figures show that the machinery works, not how good a judge is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import dspy
from dspy.lm15 import InvalidRequestError, Message, Request, Response, UnsupportedFeatureError, Usage

from openrubrics.lms.embedded_reader import contrast_rubric, judge, score, write_rubric
from openrubrics.lms.wire import chat_messages
from openrubrics.signatures import (
    FINDINGS,
    JUDGMENT,
    RUBRIC,
    Contract,
    ContrastResponses,
    GenerateRubric,
    JudgeForm,
    JudgePair,
    ParseError,
    Rubric,
    ScoreResponse,
    VerbatimAdapter,
    invert,
)
from openrubrics.signatures.adapter import NOTICE

NAME = "embedded (not a language model)"
"""The name it goes by wherever one is shown."""

Fields = Mapping[str, str | list[str]]


class EmbeddedEngine:
    """Answers one request of DSPy at a time.

    Demonstrations (earlier turns) and sampling options change nothing. Tokens are counted as words between white space.
    """

    def complete(self, request: Request) -> Response:
        """Answer a request.

        Raises:
            UnsupportedFeatureError: It is not a prompt of this project, or asks for tools or a response format.
            InvalidRequestError: Its rubric cannot be read.
        """
        if request.tools or request.config.response_format is not None:
            raise UnsupportedFeatureError(f"{NAME} takes no tools and no response format", feature="config")
        messages = chat_messages(request)
        text = _reply(messages)
        return Response(
            id=None,
            model=NAME,
            message=Message.assistant(text),
            finish_reason="stop",
            usage=Usage(
                input_tokens=sum(len(message["content"].split()) for message in messages),
                output_tokens=len(text.split()),
            ),
        )


@dataclass(frozen=True)
class _Task:
    """A kind of prompt, and what the reader answers to it."""

    contract: Contract
    signature: type[dspy.Signature]
    answer: Callable[[Fields], str]

    def fields(self, message: str) -> Fields | None:
        """Return the inputs if the message consists of exactly the sections of this task."""
        try:
            fields = invert(message, self.signature)
        except ParseError:
            return None
        rendered = VerbatimAdapter(self.contract).format(self.signature, [], fields)[-1]["content"]
        return fields if rendered.partition(NOTICE)[2] == message else None


def _generate(fields: Fields) -> str:
    return str(write_rubric(str(fields["prompt"])))


def _contrast(fields: Fields) -> str:
    return str(contrast_rubric(str(fields["prompt"]), list(fields["responses"])))


def _judge_in(form: JudgeForm) -> Callable[[Fields], str]:
    def answer(fields: Fields) -> str:
        return judge(str(fields["prompt"]), _rubric(fields), str(fields["response_a"]), str(fields["response_b"]), form)

    return answer


def _score(fields: Fields) -> str:
    return score(_rubric(fields), str(fields["response"]))


def _rubric(fields: Fields) -> Rubric:
    try:
        return Rubric.parse(str(fields["rubric"]))
    except ParseError as error:
        raise InvalidRequestError(f"the rubric of this prompt cannot be read: {error}") from error


_TASKS = (
    _Task(RUBRIC, GenerateRubric, _generate),
    _Task(RUBRIC, ContrastResponses, _contrast),
    *(_Task(contract, JudgePair, _judge_in(form)) for form, contract in JUDGMENT.items()),
    _Task(FINDINGS, ScoreResponse, _score),
)


def _reply(messages: list[dict[str, str]]) -> str:
    # The first message carries the static text, and the last one the inputs; without demonstrations they are the same.
    roles = [message["role"] for message in messages]
    if roles == [*(len(roles) // 2 * ["user", "assistant"]), "user"]:
        static, notice, first = messages[0]["content"].partition(NOTICE)
        inputs = first if len(messages) == 1 else "\n\n" + messages[-1]["content"]
        for task in _TASKS:
            asked = notice and static.endswith(f"{task.contract.instructions}\n\n")
            if asked and (fields := task.fields(inputs)) is not None:
                return task.answer(fields)
    raise UnsupportedFeatureError(
        f"{NAME} answers only this project's own generate, contrast, judge and score prompts, without a template; "
        "a judge without a rubric needs a language model, and so does openrs",
        feature="messages",
    )
