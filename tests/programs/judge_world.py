"""Scripted models that read the real prompts: what they prefer is a function of the texts, not of their slots."""

import asyncio
import math
from collections.abc import Callable
from typing import Any

import dspy
from dspy.lm15 import Request, TokenLogprob, TopLogprob

from openrubrics.lms import Reply, ScriptedLM
from openrubrics.lms.scripted import Messages, Scripted
from openrubrics.signatures import Finding, JudgeForm, JudgePair, Label, Rubric, invert, render_judgment
from openrubrics.signatures.judge_text import Winner

RUBRIC_TEXT = "1. The response has at most 5 words. [Hard Rule]\n2. The response is kind. [Principle]"
RUBRIC = Rubric.parse(RUBRIC_TEXT)
GARBAGE = "I would rather not say."

Score = Callable[[str], float]
"""How good a response is."""


def reply(winner: Winner, why: str = "because", form: JudgeForm = "seed", a: str = "", b: str = "") -> str:
    """Write a whole judgment; `a` and `b` are what it finds about the second criterion."""
    return render_judgment(
        RUBRIC,
        gatekeeper=RUBRIC.criteria[0].text,
        findings=[
            Finding(criterion=1, response="A", text="met"),
            Finding(criterion=2, response="A", text=a or "kind"),
            Finding(criterion=1, response="B", text="met"),
            Finding(criterion=2, response="B", text=b or "kind"),
        ],
        justification=why,
        winner=winner,
        form=form,
        gatekeeper_reasoning="the rubric says so",
        aggregation="all in all",
    )


def judges(*winners: Winner) -> list[str]:
    """Write one judgment for each winner."""
    return [reply(winner) for winner in winners]


def is_judging(messages: Messages) -> bool:
    """Whether the request is one to the judge."""
    return "<response_a>\n" in messages[-1]["content"]


def shown(messages: Messages) -> tuple[str, str]:
    """Return the two responses of a request to the judge, in the order in which they were shown."""
    fields = invert(messages[-1]["content"], JudgePair)
    return str(fields["response_a"]), str(fields["response_b"])


def better(score: Score, a: str, b: str) -> Winner:
    """Return the better response by a score."""
    if score(a) == score(b):
        return "tie"
    return "A" if score(a) > score(b) else "B"


def world(score: Score, rubric: str = RUBRIC_TEXT) -> ScriptedLM:
    """Return an LM that writes `rubric` for every request and prefers the response with the higher score."""

    def answer(messages: Messages, request: Request) -> Scripted:
        if not is_judging(messages):
            return rubric
        a, b = shown(messages)
        return reply(better(score, a, b), a=f"says {a}", b=f"says {b}")

    return ScriptedLM(answer)


def judging_requests(lm: ScriptedLM) -> list[int]:
    """Return the samples asked for in each request to the judge, in order."""
    return [asked.n for asked in lm.requests if is_judging(asked.messages)]


def call(program: Callable[..., Any], asynchronous: bool, lm: dspy.BaseLM | None, **inputs: object) -> Any:  # noqa: ANN401
    """Run a program at either speed."""
    with dspy.context(lm=lm):
        if asynchronous:
            return asyncio.run(program.acall(**inputs))  # pyright: ignore[reportFunctionMemberAccess]
        return program(**inputs)


def sampled(text: str, winner: Label, probability: float) -> Reply:
    """Return a sample of `text`, which ends with the winner's name, at which the endpoint gave this probability."""
    other = "B" if winner == "A" else "A"
    end = TokenLogprob(
        f" {winner}",
        math.log(probability),
        top=(
            TopLogprob(f" {winner}", math.log(probability)),
            TopLogprob(f" {other}", math.log(1 - probability)),
        ),
    )
    return Reply(text, logprobs=[TokenLogprob(text.removesuffix(f" {winner}"), 0.0), end])
