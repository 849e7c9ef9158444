"""What is counted, and what a budget lets through."""

from __future__ import annotations

import asyncio
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import dspy
import pytest

from openrubrics.lms import (
    AsyncHttpEngine,
    Budget,
    Endpoint,
    EngineLM,
    HttpEngine,
    Price,
    ScriptedLM,
    budget,
    is_systemic,
    lm,
    lm_error,
    usage_meter,
)
from openrubrics.lms.metering import charge
from openrubrics.signatures import RUBRIC, GenerateRubric, Usage, VerbatimAdapter
from openrubrics.signatures.errors import BudgetError, UsageError

if TYPE_CHECKING:
    from tests.server_plugin import ModelServer

FREE_PRICE = Price(0, 0)
ANSWER = dspy.Predict("question -> answer")
REPLY = "[[ ## answer ## ]]\nyes\n\n[[ ## completed ## ]]"


def parrot(price: Price | None = None) -> ScriptedLM:
    return ScriptedLM(lambda messages, request: "two words", price=price)


def judge(server: ModelServer, **options: object) -> dspy.LM:
    given: dict[str, Any] = options
    return lm("hosted_vllm/judge", api_base=server.url, cache=False, **given)


def test_meters_nest_and_each_counts_all_that_happens_inside_it() -> None:
    model = parrot()
    with usage_meter() as outer:
        model("one two three")
        with usage_meter() as inner:
            model("one")
    model("not counted")
    assert (outer.usage.calls, outer.usage.prompt_tokens, outer.usage.completion_tokens) == (2, 4, 4)
    assert (inner.usage.calls, inner.usage.prompt_tokens, inner.usage.completion_tokens) == (1, 1, 2)


def test_cost_is_tokens_times_price_and_unknown_without_a_price(model_server: ModelServer) -> None:
    with usage_meter() as meter:
        judge(model_server, price=Price(2, 10))("hi")
    assert meter.usage.cost == pytest.approx((7 * 2 + 5 * 10) / 1e6)
    with usage_meter() as meter:
        judge(model_server)("hi")
    assert meter.usage.cost is None


def test_cost_is_unknown_where_the_server_does_not_say_what_was_used(model_server: ModelServer) -> None:
    model_server.says('{"choices": [{"message": {"content": "hi"}}]}')
    with usage_meter() as meter:
        judge(model_server, price=Price(2, 10))("hi")
    assert meter.usage.calls == 1
    assert meter.usage.cost is None


def test_a_meter_follows_tasks_and_the_threads_of_dspy(model_server: ModelServer) -> None:
    model = judge(model_server)
    examples = [dspy.Example(question=str(i)).with_inputs("question") for i in range(8)]

    async def ask_all() -> None:
        await asyncio.gather(*(model.acall("hi") for _ in range(8)))

    with usage_meter() as meter, dspy.context(lm=model):
        asyncio.run(ask_all())
        assert meter.usage.calls == 8
        evaluate = dspy.Evaluate(devset=examples, metric=lambda *_: 1.0, num_threads=4, display_progress=False)
        evaluate(ANSWER)
        dspy.Parallel(num_threads=4, disable_progress_bar=True)([(ANSWER, example) for example in examples])
    assert meter.usage.calls == len(model_server.received) == 24


@pytest.mark.parametrize("limit", [0, 1, 7])
def test_exactly_as_many_requests_as_allowed_reach_the_server(model_server: ModelServer, limit: int) -> None:
    model = judge(model_server)

    async def ask_all() -> list[object]:
        return await asyncio.gather(*(model.acall("hi") for _ in range(20)), return_exceptions=True)

    with budget(Budget(max_calls=limit)):
        results = asyncio.run(ask_all())
    assert len(model_server.received) == limit
    assert sum(isinstance(result, BudgetError) for result in results) == 20 - limit


def test_a_budget_is_exact_in_the_threads_of_dspy_too(model_server: ModelServer) -> None:
    model = judge(model_server)
    examples = [dspy.Example(question=str(i)).with_inputs("question") for i in range(20)]
    with dspy.context(lm=model), budget(Budget(max_calls=5)) as spent:
        evaluate = dspy.Evaluate(
            devset=examples, metric=lambda *_: 1.0, num_threads=8, display_progress=False, max_errors=100
        )
        evaluate(ANSWER)
    assert len(model_server.received) == spent.usage.calls == 5


def test_repeated_requests_use_up_the_budget(model_server: ModelServer) -> None:
    model_server.fails(500, times=10)

    async def no_wait(seconds: float) -> None:
        pass

    endpoint = Endpoint(model_server.url, retries=5, sleep=no_wait)
    model = EngineLM("hosted_vllm/judge", engine=HttpEngine(endpoint), async_engine=AsyncHttpEngine(endpoint))
    with budget(Budget(max_calls=3)), pytest.raises(BudgetError):
        model("hi")
    assert len(model_server.received) == 3


def test_nested_budgets_all_hold() -> None:
    model = parrot()
    with budget(Budget(max_calls=3)) as outer:
        with budget(Budget(max_calls=1)):
            model("hi")
            with pytest.raises(BudgetError, match="1 calls"):
                model("hi")
        model("hi")
        model("hi")
        with pytest.raises(BudgetError, match="3 calls"):
            model("hi")
    assert outer.usage.calls == len(model.requests) == 3


def test_cost_is_checked_against_what_was_used() -> None:
    model = parrot(Price(1e6, 1e6))
    with budget(Budget(max_cost=4)):
        model("one two")
        with pytest.raises(BudgetError, match=r"4\.0000 of 4\.0000 US dollars"):
            model("one")


def test_a_cost_limit_needs_a_price(model_server: ModelServer) -> None:
    with budget(Budget(max_cost=1)), pytest.raises(BudgetError, match="price of hosted_vllm/judge is unknown"):
        judge(model_server)("hi")
    assert not model_server.received
    with budget(Budget(max_cost=1)), pytest.raises(BudgetError, match="price of scripted is unknown"):
        parrot()("hi")
    with budget(Budget(max_cost=1)):
        parrot(FREE_PRICE)("hi")


def test_the_embedded_reader_is_free_and_counted() -> None:
    model = lm("embedded")
    assert "not a language model" in model.model
    with usage_meter() as meter, budget(Budget(max_cost=1)), pytest.raises(dspy.LMUnsupportedFeatureError):
        model("not a prompt of this project")
    assert (meter.usage.calls, meter.usage.cost) == (1, 0.0)


def test_samples_of_the_embedded_reader_are_one_answer_counted_once() -> None:
    write = dspy.Predict(GenerateRubric)
    with dspy.context(lm=lm("embedded"), adapter=VerbatimAdapter(RUBRIC)):
        with usage_meter() as one:
            rubric = write(prompt="Write two sentences about yeast.").rubric
        with usage_meter() as two:
            rubrics = write(prompt="Write two sentences about yeast.", config={"n": 2}).completions
    assert rubrics is not None
    assert dict(rubrics.items())["rubric"] == [rubric, rubric]
    assert one.usage == two.usage


def test_a_negative_limit_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="max_calls is -1"):
        Budget(max_calls=-1)


def test_a_budget_error_goes_through_dspy_as_it_is_and_is_asked_once() -> None:
    model = ScriptedLM([REPLY])
    with dspy.context(lm=model), budget(Budget(max_calls=1)):
        assert ANSWER(question="first").answer == "yes"
        with pytest.raises(BudgetError) as raised:
            ANSWER(question="second")
    error = lm_error(raised.value)
    assert error is raised.value
    assert error is not None
    assert is_systemic(error)
    assert not error.retryable
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301
    assert len(model.requests) == 1


def test_threads_with_an_empty_context_are_not_counted() -> None:
    with usage_meter() as meter, ThreadPoolExecutor(1) as pool:
        pool.submit(parrot(), "hi").result()
    assert meter.usage.calls == 0


def test_an_lm_that_dspy_reaches_itself_is_counted_and_limited(model_server: ModelServer) -> None:
    # DSPy sends this name through its own client, not through the engine of this project.
    model = lm("groq/judge", api_base=model_server.url, api_key="k", retries=0, price=Price(1e6, 1e6), cache=True)
    with usage_meter() as meter, budget(Budget(max_calls=2)):
        model("one")
        model("one")
        asyncio.run(model.acall("two"))
        with pytest.raises(BudgetError):
            model("three")
    assert len(model_server.received) == 2
    assert (meter.usage.calls, meter.usage.prompt_tokens, meter.usage.completion_tokens) == (2, 14, 10)
    assert meter.usage.cost == 24
    assert "User-Agent" in model_server.received[0].headers
    assert "openrubrics" not in model_server.received[0].headers["User-Agent"]


def test_a_failed_call_of_dspys_own_client_counts(model_server: ModelServer) -> None:
    model_server.fails(401)
    model = lm("groq/judge", api_base=model_server.url, api_key="k", retries=0)
    with usage_meter() as meter, pytest.raises(dspy.LMAuthError):
        model("one")
    assert meter.usage.calls == 1


def test_counting_keeps_history_and_usage_tracking_as_dspy_has_them(model_server: ModelServer) -> None:
    model = lm("groq/judge", api_base=model_server.url, api_key="k", cache=False)
    with dspy.track_usage() as tracked:
        model("one")
    assert tracked.get_total_tokens()["groq/judge"]["prompt_tokens"] == 7
    assert len(model.history) == 1
    with dspy.context(disable_history=True):
        model("two")
    assert len(model.history) == 1


def test_a_limit_on_tokens_ends_with_the_request_that_reaches_it() -> None:
    model = parrot()
    with budget(Budget(max_total_tokens=5)) as spent:
        model("one two three")
        with pytest.raises(BudgetError, match="5 tokens is used up") as refused:
            model("one")
    assert "--max-total-tokens" in refused.value.hint
    assert spent.usage.tokens == 5


def test_what_a_kept_reply_cost_is_charged_as_if_it_were_asked_now() -> None:
    kept = Usage(calls=2, prompt_tokens=3, completion_tokens=4, cost=0.5)
    with usage_meter() as meter, budget(Budget(max_calls=3, max_cost=10)):
        charge("model", kept)
        assert meter.usage == kept
        charge("model", kept)
        with pytest.raises(BudgetError, match="3 calls"):
            charge("model", kept)
        with pytest.raises(BudgetError):
            parrot(Price(1, 1))("no call is left")
    assert meter.usage.calls == 4
