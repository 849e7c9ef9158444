"""The requests behind a reward: how many at once, under which limits, and what becomes of those that fail."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import dspy
import pytest
from scored_judge import GARBAGE, ScoredJudge, answer, by_score

from openrubrics import RubricRM, ScriptedLM, lm
from openrubrics.lms import Budget, EndpointError, budget, usage_meter
from openrubrics.lms.scripted import Messages
from openrubrics.signatures.errors import BudgetError, UsageError
from openrubrics.train import RubricReward

if TYPE_CHECKING:
    from tests.server_plugin import ModelServer

T = TypeVar("T")
GROUP = [f"text {i}" for i in range(6)]
RULE = by_score({text: float(i) for i, text in enumerate(GROUP)})


@contextmanager
def trainers_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop in a thread of its own, as TRL runs rewards."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def there(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(work, loop).result(20)


def served(server: ModelServer, **options: Any) -> RubricReward:  # noqa: ANN401
    server.text = lambda body: answer(RULE, body["messages"])
    judge = RubricRM()
    judge.set_lm(lm("hosted_vllm/judge", api_base=server.url, cache=False))
    return RubricReward(judge, **options)


def test_no_more_requests_than_allowed_are_in_flight_and_no_fewer(model_server: ModelServer) -> None:
    model_server.delay = 0.03
    reward = served(model_server, mode="pairs", concurrency=4)
    prompts = [prompt for prompt in ("one", "two", "three") for _ in GROUP]
    assert asyncio.run(reward(prompts, 3 * GROUP)) == 3 * [0, 0.2, 0.4, 0.6, 0.8, 1]
    assert len(model_server.received) == 3 * (1 + 15)
    assert model_server.most_in_flight == 4


def test_limits_meters_and_the_lm_hold_on_the_loop_of_a_trainer() -> None:
    scripted = ScoredJudge(RULE).scripted
    reward = RubricReward(RubricRM(), anchor="first", concurrency=1)
    with trainers_loop() as loop, dspy.context(lm=scripted):
        with usage_meter() as meter:
            assert there(loop, reward(6 * ["one"], GROUP)) == [0, 1, 1, 1, 1, 1]
        assert meter.usage.calls == 6
        with budget(Budget(max_calls=9)) as spent, pytest.raises(BudgetError, match="9 calls"):
            there(loop, reward([*6 * ["two"], *6 * ["three"]], 2 * GROUP))
        assert spent.usage.calls == 9
    assert len(scripted.requests) == 15


def test_one_reward_serves_several_loops(model_server: ModelServer) -> None:
    reward = served(model_server, anchor="first")
    with trainers_loop() as loop:
        for prompt in ("one", "two"):
            assert there(loop, reward(2 * [prompt], GROUP[:2])) == [0, 1]
            assert asyncio.run(reward(2 * [prompt + "?"], GROUP[:2])) == [0, 1]


def test_a_request_that_fails_is_a_reward_that_is_missing(model_server: ModelServer) -> None:
    reward = served(model_server, anchor="first", concurrency=1)
    model_server.answers(2).fails(400, "too long", code="context_length_exceeded")
    lines: dict[str, list[str]] = {}
    assert asyncio.run(reward(3 * ["one"], GROUP[:3], log_extra=lines.__setitem__)) in ([0, 1, None], [0, None, 1])
    assert any("1 failed" in line and "too long" in line for line in lines["rubric_reward/comparisons"][1:])


def test_a_prompt_without_a_rubric_has_no_rewards_and_the_others_have() -> None:
    def respond(messages: Messages, request: object) -> str:
        return GARBAGE if "Unspeakable?" in messages[-1]["content"] else answer(RULE, messages)

    judge = RubricRM()
    judge.set_lm(ScriptedLM(respond))
    prompts = ["Unspeakable?", "Unspeakable?", "one", "one"]
    assert asyncio.run(RubricReward(judge)(prompts, 2 * GROUP[:2])) == [None, None, 0, 1]


@pytest.mark.parametrize(("status", "message"), [(401, "bad key"), (404, "no such model")])
def test_what_befalls_every_request_is_raised(model_server: ModelServer, status: int, message: str) -> None:
    reward = served(model_server)
    model_server.answers(2).fails(status, message, times=50)
    with pytest.raises(EndpointError, match=message):
        asyncio.run(reward(6 * ["one"], GROUP))


def test_a_server_that_is_not_there_is_raised() -> None:
    judge = RubricRM()
    judge.set_lm(lm("hosted_vllm/judge", api_base="http://127.0.0.1:9/v1", cache=False, retries=0))
    with pytest.raises(EndpointError, match="is the server running"):
        asyncio.run(RubricReward(judge)(2 * ["one"], GROUP[:2]))


def test_without_a_model_the_message_says_so() -> None:
    with pytest.raises(UsageError, match="no language model is configured"):
        asyncio.run(RubricReward(RubricRM())(2 * ["one"], GROUP[:2]))
