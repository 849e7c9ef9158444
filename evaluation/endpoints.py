"""Judges and scorers behind a URL that are no language models."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from openrubrics.evaluation.judges import in_orders, judgment_of
from openrubrics.lms import is_systemic, usage_meter
from openrubrics.lms.posting import RETRIES, TIMEOUT
from openrubrics.lms.service import service
from openrubrics.programs.arguments import check_texts
from openrubrics.programs.orders import check_orders
from openrubrics.signatures.errors import LMError
from openrubrics.signatures.grades import Grade, Score
from openrubrics.signatures.outcomes import Failed, Judgment, Outcome, Tie, Verdict
from openrubrics.signatures.values import Orders, Prompt, Rubric, prompt_text


class _Reply(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class _Preference(_Reply):
    preferred: Literal["A", "B", "tie"]
    probability: Annotated[float, Field(ge=0, le=1)] | None = None
    justification: str = ""


class _ScoreReply(_Reply):
    score: float = Field(allow_inf_nan=False)


class HttpJudge:
    """A judge behind a URL.

    It is sent ``{"prompt": text, "response_a": text, "response_b": text}`` by POST, a conversation as its transcript,
    and answers with status 200 and ``{"preferred": "A" | "B" | "tie"}``. ``probability`` (of the preferred response, in
    [0, 1]) and ``justification`` (text) may come with it; other fields are left alone.

    Rate limits, timeouts, errors of the 500s, broken connections and replies that are not JSON are worth another
    request. A reply of another shape, another status of the 400s, or the last of several failed requests makes this one
    comparison `Failed`. No server, a wrong key (401, 403) and a wrong path (404, 405, a redirect) end the run.

    Args:
        url: The whole URL.
        orders: With ``both`` it is asked a second time with the responses swapped.
        api_key: Sent as a bearer token.
        timeout: Seconds for one request.
        retries: How often a request is repeated where that may help.

    Raises:
        UsageError: An argument is not what it should be.
    """

    def __init__(
        self,
        url: str,
        *,
        orders: Orders = "single",
        api_key: str | None = None,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
    ) -> None:
        check_orders(orders)
        self.service = service(url, api_key=api_key, timeout=timeout, retries=retries)
        self.orders: Orders = orders

    async def acall(self, *, prompt: Prompt, response_a: str, response_b: str) -> Judgment:
        """Return the judgment.

        Raises:
            LMError: The server cannot answer at all.
        """
        text = prompt_text(prompt)
        return await in_orders(lambda a, b: self._compared(text, a, b), self.orders, response_a, response_b)

    async def _compared(self, prompt: str, a: str, b: str) -> Judgment:
        with usage_meter() as meter:
            try:
                reply = await self.service.ask({"prompt": prompt, "response_a": a, "response_b": b})
            except LMError as error:
                if is_systemic(error):
                    raise
                return judgment_of(Failed(reason=str(error)), usage=meter.usage)
        raw = reply.decode("utf-8", "replace")
        return judgment_of(_outcome(reply, raw), raw, meter.usage)


def _outcome(reply: bytes, raw: str) -> Outcome:
    try:
        said = _Preference.model_validate_json(reply)
    except ValidationError as error:
        return Failed(reason=f"the reply is no preference: {_first(error)}", raw=raw)
    if said.preferred == "tie":
        return Tie(reason=said.justification or "the judge answered tie")
    return Verdict(preferred=said.preferred, probability=said.probability, justification=said.justification)


class HttpScorer:
    """A scorer behind a URL, such as a reward model that is served.

    It is sent ``{"prompt": text, "response": text}`` by POST, with ``"rubric": text`` where there is one to grade by,
    and answers with status 200 and ``{"score": number}``, higher for better. What is worth another request, what fails
    and what ends a run is as for `HttpJudge`.

    Args:
        url: The whole URL.
        api_key: Sent as a bearer token.
        timeout: Seconds for one request.
        retries: How often a request is repeated where that may help.

    Raises:
        UsageError: An argument is not what it should be.
    """

    def __init__(
        self, url: str, *, api_key: str | None = None, timeout: float = TIMEOUT, retries: int = RETRIES
    ) -> None:
        self.service = service(url, api_key=api_key, timeout=timeout, retries=retries)

    async def acall(self, *, prompt: Prompt, response: str, rubric: Rubric | None = None) -> Grade:
        """Return the grade.

        Raises:
            LMError: The server cannot answer at all.
        """
        check_texts(response=response)
        content = {"prompt": prompt_text(prompt), "response": response}
        if rubric is not None:
            content["rubric"] = str(rubric)
        with usage_meter() as meter:
            try:
                reply = await self.service.ask(content)
            except LMError as error:
                if is_systemic(error):
                    raise
                return Grade(outcome=Failed(reason=str(error)), rubric=rubric, usage=meter.usage)
        raw = reply.decode("utf-8", "replace")
        return Grade(outcome=_score(reply, raw), rubric=rubric, raw=(raw,), usage=meter.usage)


def _score(reply: bytes, raw: str) -> Score | Failed:
    try:
        return Score(value=_ScoreReply.model_validate_json(reply).score)
    except ValidationError as error:
        return Failed(reason=f"the reply is no score: {_first(error)}", raw=raw)


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}"
