"""The two-stage program on a real vLLM server. The model is random, so what it says is forced or is a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import dspy
import pytest

from openrubrics.lms import lm
from openrubrics.programs import GatekeeperJudge, RubricRM
from openrubrics.serving import VLLMServer
from openrubrics.signatures import Failed, LMError, Rubric, Verdict

pytestmark = [pytest.mark.serving, pytest.mark.timeout(600)]

RUBRIC_REGEX = r"1\. The response is [a-z]{3,9}\. \[Hard Rule\]\n2\. The response is [a-z]{3,9}\. \[Principle\]"
VERDICTS = {"choice": ["Winner: Response A", "Winner: Response B"]}
RUBRIC = Rubric.parse(
    "\n".join(f"{i}. The response meets demand number {i} of the request in full. [Hard Rule]" for i in range(1, 13))
)
PAIR = {"prompt": "Name a prime number.", "response_a": "Seven", "response_b": "Seven is a prime number."}
Metric = Callable[[str], float]
REQUESTS, SAMPLES, HITS = "http_requests_total", "vllm:request_params_n_sum", "vllm:prefix_cache_hits_total"


def served(server: VLLMServer, **options: Any) -> dspy.LM:  # noqa: ANN401 - options of a request
    thinking_off = {"enable_thinking": False}
    return lm(
        f"hosted_vllm/{server.name}",
        api_base=server.api_base,
        cache=False,
        max_tokens=64,
        chat_template_kwargs=thinking_off,
        **options,
    )


def forced(server: VLLMServer, program: RubricRM, **options: Any) -> RubricRM:  # noqa: ANN401
    """Attach the server to both stages, with replies forced into their forms."""
    program.generate.set_lm(served(server, structured_outputs={"regex": RUBRIC_REGEX}))
    program.judge.set_lm(served(server, structured_outputs=VERDICTS, **options))
    return program


def test_what_a_random_model_says_is_a_failure_with_its_text(vllm_server: VLLMServer) -> None:
    with dspy.context(lm=served(vllm_server, temperature=0.0)):
        judgment = RubricRM(rubric=RUBRIC)(**PAIR)
    assert isinstance(judgment.outcome, Failed)
    assert judgment.preferred is None
    assert judgment.usage.calls == 1
    assert judgment.usage.completion_tokens <= 64
    assert judgment.orders[0].votes[0].raw, "the reply is kept, whatever it is"


def test_forced_replies_go_through_both_stages_and_both_orders(vllm_server: VLLMServer) -> None:
    judge = GatekeeperJudge(probabilities=True)
    judgment = forced(vllm_server, RubricRM(judge=judge, orders="both"), temperature=0.0)(**PAIR)
    assert judgment.rubric is not None
    assert [criterion.kind for criterion in judgment.rubric.criteria] == ["hard_rule", "principle"]
    assert judgment.usage.calls == 3
    for shown in judgment.orders:
        assert isinstance(shown.outcome, Verdict)
        assert shown.outcome.probability is not None
        assert 0 < shown.outcome.probability < 1
        label = shown.outcome.preferred if shown.order == "AB" else shown.outcome.swapped().preferred
        assert shown.votes[0].raw == f"Winner: Response {label}"


def test_first_votes_are_one_request_and_share_the_prefix(vllm_server: VLLMServer, vllm_metric: Metric) -> None:
    program = forced(vllm_server, RubricRM(rubric=RUBRIC, votes=7), seed=3)
    before = {name: vllm_metric(name) for name in (REQUESTS, SAMPLES, HITS)}
    judgment = program(**PAIR)
    spent = {name: vllm_metric(name) - value for name, value in before.items()}
    votes = judgment.orders[0].votes
    assert len(votes) >= 4
    assert all(isinstance(vote.outcome, Verdict) for vote in votes)
    assert spent[SAMPLES] == len(votes)
    assert spent[REQUESTS] == judgment.usage.calls == 1 + len(votes) - 4, "four votes in one request, then one by one"
    assert spent[HITS] > 0


async def both_at_once(program: RubricRM) -> tuple[object, object]:
    first, second = await asyncio.gather(program.acall(**PAIR), program.acall(**PAIR))
    return first.outcome, second.outcome


def test_the_event_loop_gives_the_same_verdict_as_the_plain_call(vllm_server: VLLMServer) -> None:
    program = forced(vllm_server, RubricRM(rubric=RUBRIC), temperature=0.0)
    first, second = asyncio.run(both_at_once(program))
    plain = program(**PAIR).outcome
    assert isinstance(plain, Verdict)
    assert first == second == plain


def test_a_server_that_is_gone_is_one_typed_error(vllm_server: VLLMServer) -> None:
    elsewhere = lm(f"hosted_vllm/{vllm_server.name}", api_base="http://127.0.0.1:9/v1", retries=0, cache=False)
    with dspy.context(lm=elsewhere), pytest.raises(LMError, match="is the server running"):
        RubricRM(rubric=RUBRIC)(**PAIR)
