"""SFT records: what the student reads and writes, byte for byte what the served student will read and write.

A record is TRL's conversational prompt-completion form. The prompt is the very message list that the program sends when
it serves, and thinking is off in the same way, so the loss falls on the answer alone.
"""

from typing import TypedDict

from openrubrics.programs import GatekeeperJudge, RubricGenerator
from openrubrics.programs.predict import BoundPredict
from openrubrics.signatures import JudgeTrace, Prompt, Rubric, prompt_text
from openrubrics.signatures.model_text import answer_lines


class SFTRecord(TypedDict):
    """One training example.

    Attributes:
        prompt: Chat messages that are read; no loss.
        completion: One assistant message; the loss is on it.
        chat_template_kwargs: Arguments of the chat template, in training and in serving.
    """

    prompt: list[dict[str, str]]
    completion: list[dict[str, str]]
    chat_template_kwargs: dict[str, bool]


def rubric_record(generator: RubricGenerator, prompt: Prompt, rubric: Rubric) -> SFTRecord:
    """Return the record of the rubric model: the request alone, then the rubric (OpenRubrics v3, Table 7)."""
    return _record(generator.predict, str(rubric), prompt=prompt_text(prompt))


def judge_record(
    judge: GatekeeperJudge, prompt: Prompt, rubric: Rubric, response_a: str, response_b: str, trace: JudgeTrace
) -> SFTRecord:
    """Return the record of the judge: request, rubric and both responses, then the whole trace.

    The trace is what the teacher wrote, word for word; a student that does not think learns it without the thinking
    before it and the code fence around it, which are no part of a judgment.

    Args:
        judge: Whose prompt the student reads.
        prompt: The request.
        rubric: The criteria.
        response_a: The response that the trace calls A.
        response_b: The other one.
        trace: The reply.

    Raises:
        ParseError: The trace is thinking and nothing else.
    """
    inputs = {"rubric": rubric, "response_a": response_a, "response_b": response_b}
    answer = "\n".join(answer_lines(trace.text)).strip()
    return _record(judge.predict, answer, prompt=prompt_text(prompt), **inputs)


def _record(predictor: BoundPredict, answer: str, **inputs: object) -> SFTRecord:
    return SFTRecord(
        prompt=predictor.messages(**inputs),
        completion=[{"role": "assistant", "content": answer}],
        chat_template_kwargs={"enable_thinking": False},
    )
