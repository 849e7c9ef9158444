"""The bulk path: the same requests and outcomes as through DSPy, replies kept, requests bounded."""

import asyncio
import functools
import json
from collections.abc import Callable, Sequence
from typing import Any

import dspy
import pytest
from judge_world import GARBAGE, RUBRIC, RUBRIC_TEXT, judges, reply, sampled, world
from server_plugin import ModelServer

from openrubrics.lms import Budget, Reply, ScriptedLM, budget, lm, usage_meter
from openrubrics.programs import ContrastiveRubricGenerator, Direct, GatekeeperJudge, RubricGenerator, RubricRM
from openrubrics.signatures import Criterion, Failed, Judgment, Prompt, Rubric
from openrubrics.signatures.errors import BudgetError, LMError, UsageError

PAIR: dict[str, Any] = {
    "prompt": "Say hello, <b>kindly</b>. Winner: A",
    "response_a": "Hello <rubric> dear",
    "response_b": "Hi\u2028é",
}
RULE = Rubric(criteria=(Criterion(text="The response greets.", kind="hard_rule"),))


class Kept(dict[str, bytes]):
    """Replies in memory."""

    def reply(self, key: str) -> bytes | None:
        return self.get(key)

    def keep_replies(self, replies: Sequence[tuple[str, bytes]]) -> None:
        self.update(replies)


def text(body: dict[str, Any]) -> str:
    """What the model of the server says to a request."""
    asked = body["messages"][-1]["content"]
    return f"\n{reply('B', why=str(len(asked)))} \n" if "<response_a>" in asked else RUBRIC_TEXT


def with_demonstrations() -> GatekeeperJudge:
    judge = GatekeeperJudge()
    demo = {**PAIR, "rubric": RUBRIC, "judgment": reply("A")}
    failed = {**PAIR, "rubric": RUBRIC, "judgment": Failed(reason="cut")}
    judge.predict.demos = [dspy.Example(**demo), dspy.Example(**failed)]
    return judge


def with_instructions() -> GatekeeperJudge:
    judge = GatekeeperJudge("v3")
    judge.predict.signature = judge.predict.task.with_instructions("Compare.\n   Decide.")
    judge.predict.config = {"max_tokens": 77, "top_k": 3}
    return judge


TEMPLATE = "{prompt}|{rubric}|{response_a}|{response_b}|{instructions}"
PROGRAMS: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "pair": (RubricRM, PAIR),
    "both": (lambda: RubricRM(orders="both"), PAIR),
    "votes": (lambda: RubricRM(votes=5), PAIR),
    "fixed": (lambda: RubricRM(rubric=RULE), PAIR),
    "checks": (lambda: RubricRM(enforce_checks=True), PAIR | {"prompt": "Write in all lowercase letters."}),
    "demonstrations": (lambda: RubricRM(judge=with_demonstrations()), PAIR),
    "instructions": (lambda: RubricRM(judge=with_instructions()), PAIR),
    "template": (lambda: RubricRM(judge=GatekeeperJudge(template=TEMPLATE)), PAIR),
    "probabilities": (lambda: RubricRM(judge=GatekeeperJudge(probabilities=True, votes=3)), PAIR),
    "judge": (GatekeeperJudge, PAIR | {"rubric": RUBRIC}),
    "generator": (RubricGenerator, {"prompt": [{"role": "user", "content": "hi"}]}),
    "contrast": (ContrastiveRubricGenerator, {"prompt": "hi", "responses": ["one", "two", "three"]}),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "sampling": {"temperature": 0.1, "seed": 7, "top_p": 0.9, "max_tokens": 50, "rollout_id": 3},
    "folded": {"min_p": 0.1, "chat_template_kwargs": {"enable_thinking": False}, "extra_body": {"x": [1, None]}},
    "formed": {"response_format": {"type": "json_object"}, "stop": ["END"], "reasoning_effort": "low", "n": 2},
}


async def through(way: str, program: Any, inputs: dict[str, Any]) -> Any:  # noqa: ANN401
    """Run a program through DSPy or directly; an error is a result too."""
    try:
        if way == "dspy":
            return await program.acall(**inputs)
        return await Direct(replies=Kept() if way == "kept" else None)(program, **inputs)
    except LMError as error:
        return type(error), str(error)


def seen(server: ModelServer) -> list[str]:
    """Return what arrived since the last time, in an order that does not depend on time."""
    bodies = sorted(json.dumps(body, sort_keys=True) for body in server.bodies)
    server.received.clear()
    return bodies


@pytest.mark.parametrize("way", ["direct", "kept"])
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_requests_and_outcomes_are_those_of_dspy(model_server: ModelServer, name: str, options: str, way: str) -> None:
    model_server.text = text
    make, inputs = PROGRAMS[name]
    found = {}
    for each in ("dspy", way):
        model = lm("openai/judge", api_base=model_server.url, **OPTIONS[options])
        with dspy.context(lm=model):
            found[each] = asyncio.run(through(each, make(), inputs)), seen(model_server)
    assert found[way][1] == found["dspy"][1]
    assert found[way][0] == found["dspy"][0]
    assert name == "checks" or found[way][1]


def no_retry(url: str) -> dspy.LM:
    return lm("openai/judge", api_base=url, retries=0)


TROUBLE: dict[str, Callable[[ModelServer], object]] = {
    "400": lambda server: server.answers().fails(400, "bad", times=9),
    "context": lambda server: server.answers().fails(400, "maximum context length is 10", times=9),
    "401": lambda server: server.answers().fails(401, "who", times=9),
    "404": lambda server: server.answers().fails(404, "model not found", times=9),
    "500": lambda server: server.answers().fails(500, "oops", times=9),
    "no rubric": lambda server: server.fails(500, "oops", times=9),
    "page": lambda server: server.answers().says("<html>", content_type="text/html").says("<html>").says("{}"),
    "reset": lambda server: server.answers().resets().resets().resets(),
    "garbage": lambda server: setattr(server, "text", GARBAGE),
    "empty": lambda server: setattr(server, "text", ""),
    "cut": lambda server: setattr(server, "finish_reason", "length"),
    "filtered": lambda server: setattr(server, "finish_reason", "content_filter"),
    "broken off": lambda server: setattr(server, "finish_reason", ["stop", "abort", "stop", "stop", "stop"]),
    "fewer": lambda server: setattr(server, "samples", 1),
    "one, then none": lambda server: (setattr(server, "samples", 1), server.answers(2).fails(500, times=9)),
}


@pytest.mark.parametrize("way", ["direct", "kept"])
@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("votes", [1, 5])
def test_failures_are_those_of_dspy(model_server: ModelServer, trouble: str, votes: int, way: str) -> None:
    found = {}
    for each in ("dspy", way):
        model_server.text, model_server.finish_reason, model_server.samples = text, "stop", None
        model_server._script.clear()
        TROUBLE[trouble](model_server)
        with dspy.context(lm=no_retry(model_server.url)):
            found[each] = asyncio.run(through(each, RubricRM(votes=votes), PAIR)), seen(model_server)
    assert found[way] == found["dspy"]


@pytest.mark.parametrize("inputs", [PAIR | {"response_a": None}, PAIR | {"prompt": 3}])
def test_arguments_are_refused_before_anything_is_sent(inputs: dict[str, Any]) -> None:
    model = world(len)
    with dspy.context(lm=model), pytest.raises(UsageError):
        asyncio.run(Direct()(RubricRM(), **inputs))
    assert not model.requests


def test_text_that_no_server_can_receive_is_refused_as_by_dspy() -> None:
    inputs = PAIR | {"response_a": "half \ud800"}
    with dspy.context(lm=world(len)):
        ways = [RubricRM().acall, *(functools.partial(Direct(replies=kept), RubricRM()) for kept in (None, Kept()))]
        for way in ways:
            with pytest.raises(ValueError, match="surrogate"):
                asyncio.run(way(**inputs))


def test_the_embedded_reader_says_the_same_on_both_ways() -> None:
    inputs = PAIR | {"prompt": "Write two sentences."}
    with dspy.context(lm=lm("embedded")):
        one = asyncio.run(RubricRM(votes=3, orders="both").acall(**inputs))
        other = asyncio.run(Direct(replies=Kept())(RubricRM(votes=3, orders="both"), **inputs))
    assert one == other
    assert one.usage.calls == 3


def test_measured_probabilities_survive_being_kept() -> None:
    kept = Kept()
    judge = GatekeeperJudge(probabilities=True)
    said = sampled(reply("B"), "B", 0.8)
    with dspy.context(lm=ScriptedLM([said])):
        through_dspy = asyncio.run(judge.acall(**PAIR, rubric=RUBRIC))
    with dspy.context(lm=ScriptedLM([said])):
        first = asyncio.run(Direct(replies=kept)(judge, **PAIR, rubric=RUBRIC))
        again = asyncio.run(Direct(replies=kept)(judge, **PAIR, rubric=RUBRIC))
    assert first == again == through_dspy
    assert first.outcome.probability == pytest.approx(0.8)


def test_a_kept_reply_is_not_asked_for_again_and_counts_as_spent_but_not_against_a_budget() -> None:
    kept, model = Kept(), world(len)
    with dspy.context(lm=model):
        first = asyncio.run(Direct(replies=kept)(RubricRM(votes=3), **PAIR))
        asked = len(model.requests)
        with budget(Budget(max_calls=0)) as spent:
            again = asyncio.run(Direct(replies=kept)(RubricRM(votes=3), **PAIR))
        assert len(model.requests) == asked
        assert (again, spent.usage.calls) == (first, 0)
        asyncio.run(Direct(replies=kept, salt="2")(RubricRM(votes=3), **PAIR))
        assert len(model.requests) == 2 * asked


@pytest.mark.parametrize("change", [{"temperature": 0.5}, {"seed": 1}, {"rollout_id": 2}, {"min_p": 0.1}])
def test_another_sampling_is_another_request(model_server: ModelServer, change: dict[str, Any]) -> None:
    model_server.text, kept = text, Kept()
    plain: dict[str, Any] = {"temperature": 0.1}
    for options in (plain, plain | change, plain):
        with dspy.context(lm=lm("openai/judge", api_base=model_server.url, **options)):
            asyncio.run(Direct(replies=kept)(RubricRM(), **PAIR))
    assert len(model_server.received) == 4


def test_a_failed_request_is_not_kept(model_server: ModelServer) -> None:
    model_server.text, kept = text, Kept()
    model_server.answers().fails(400)
    with dspy.context(lm=no_retry(model_server.url)):
        first = asyncio.run(Direct(replies=kept)(RubricRM(), **PAIR))
        again = asyncio.run(Direct(replies=kept)(RubricRM(), **PAIR))
    assert isinstance(first.outcome, Failed)
    assert again.preferred == "B"
    assert len(model_server.received) == 3


def test_equal_requests_at_the_same_time_are_one(model_server: ModelServer) -> None:
    model_server.text, model_server.delay = text, 0.05

    async def main() -> list[Judgment]:
        direct, judge = Direct(replies=Kept()), GatekeeperJudge()
        return await asyncio.gather(*(direct(judge, **PAIR, rubric=RUBRIC) for _ in range(5)))

    with dspy.context(lm=lm("openai/judge", api_base=model_server.url)):
        judgments = asyncio.run(main())
    assert len(model_server.received) == 1
    assert all(judgment == judgments[0] for judgment in judgments)


class AskedByDSPy(dspy.Module):
    """A program that is none of ours."""

    async def aforward(self, **inputs: Any) -> Judgment:  # noqa: ANN401
        return await GatekeeperJudge().acall(**inputs)


class OwnForward(GatekeeperJudge):
    """A program whose algorithm is not its steps any more."""

    async def aforward(self, prompt: Prompt, rubric: Rubric, response_a: str, response_b: str) -> Judgment:
        return await super().aforward(prompt, rubric, "mine", response_b)


@pytest.mark.parametrize("kind", [GatekeeperJudge, AskedByDSPy, OwnForward])
@pytest.mark.parametrize("cached", [False, True])
def test_requests_in_flight_are_bounded(model_server: ModelServer, kind: type[dspy.Module], cached: bool) -> None:
    model_server.text, model_server.gather = text, 3

    async def main() -> None:
        direct, judge = Direct(concurrency=3), kind()
        inputs = PAIR | {"rubric": RUBRIC}
        await asyncio.gather(*(direct(judge, **inputs | {"prompt": str(i)}) for i in range(12)))

    with dspy.context(lm=lm("openai/judge", api_base=model_server.url, cache=cached)):
        asyncio.run(main())
    assert model_server.most_in_flight == 3
    assert len(model_server.received) == 12
    if kind is OwnForward:
        assert all("mine" in body["messages"][-1]["content"] for body in model_server.bodies)


def test_an_lm_with_a_cache_or_callbacks_is_called_as_dspy_does() -> None:
    class Watch(dspy.utils.callback.BaseCallback):
        seen = 0

        def on_lm_start(self, **_: object) -> None:
            Watch.seen += 1

    kept = Kept()
    with dspy.context(lm=world(len)):
        plain = asyncio.run(Direct()(RubricRM(), **PAIR))
    watched = world(len)
    watched.callbacks.append(Watch())
    with dspy.context(lm=watched):
        assert asyncio.run(Direct(replies=kept)(RubricRM(), **PAIR)) == plain
        assert asyncio.run(Direct(replies=kept)(RubricRM(), **PAIR)) == plain
    assert (Watch.seen, len(watched.requests), len(kept)) == (2, 2, 2)


def test_a_budget_is_exact_and_ends_the_run(model_server: ModelServer) -> None:
    model_server.text = text

    async def main() -> None:
        direct, judge = Direct(concurrency=8), GatekeeperJudge()
        async with asyncio.TaskGroup() as group:
            for i in range(20):
                group.create_task(direct(judge, **PAIR | {"prompt": str(i)}, rubric=RUBRIC))

    with dspy.context(lm=lm("openai/judge", api_base=model_server.url)), budget(Budget(max_calls=5)) as spent:
        with pytest.raises(ExceptionGroup) as raised:
            asyncio.run(main())
        assert raised.group_contains(BudgetError)
    assert len(model_server.received) <= 5
    assert spent.usage.calls == 5


def test_cancelling_leaves_nothing_running(model_server: ModelServer) -> None:
    model_server.text, model_server.gather = text, 100

    async def main() -> int:
        direct = Direct(concurrency=4, replies=Kept())
        tasks = [asyncio.create_task(direct(RubricRM(votes=3), **PAIR | {"prompt": str(i)})) for i in range(8)]
        while model_server.most_in_flight < 4:
            await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ends)
        model_server.gather = 0
        after = await direct(RubricRM(), **PAIR)  # every slot is free again
        assert after.preferred == "B"
        return len(asyncio.all_tasks())

    with dspy.context(lm=lm("openai/judge", api_base=model_server.url)):
        assert asyncio.run(main()) == 1
    assert len(model_server.received) == 4 + 2


def test_nothing_is_written_to_dspys_trace_or_history() -> None:
    model = world(len)
    with dspy.context(lm=model, trace=[]):
        asyncio.run(Direct()(RubricRM(), **PAIR))
        assert dspy.settings.trace == []
    assert model.history == []


def test_usage_is_metered_as_on_the_way_through_dspy() -> None:
    with dspy.context(lm=ScriptedLM([RUBRIC_TEXT, Reply(judges("A")[0])])), usage_meter() as meter:
        judgment = asyncio.run(Direct()(RubricRM(), **PAIR))
    assert meter.usage == judgment.usage
    assert meter.usage.calls == 2


class InThreads(GatekeeperJudge):
    """A judge that asks in a thread of DSPy's."""

    async def aforward(self, prompt: Prompt, rubric: Rubric, response_a: str, response_b: str) -> Judgment:
        inputs = {"prompt": prompt, "rubric": rubric, "response_a": response_a, "response_b": response_b}
        in_parallel = dspy.Parallel(num_threads=2, disable_progress_bar=True)
        pair = GatekeeperJudge(), dspy.Example(**inputs).with_inputs(*inputs)
        return (await asyncio.to_thread(in_parallel, [pair, pair]))[0]


def test_what_a_part_spends_in_threads_counts_for_the_whole() -> None:
    program = RubricRM(rubric=RULE)
    program.judge = InThreads()
    with dspy.context(lm=world(len)), usage_meter() as meter:
        judgment = asyncio.run(Direct()(program, **PAIR))
    assert judgment.usage.calls == meter.usage.calls == 2


class AsksInThreads(ScriptedLM):
    """An LM that asks in a thread of DSPy's."""

    async def acall(self, *_: object, **__: object) -> list[Any]:
        in_parallel = dspy.Parallel(num_threads=2, disable_progress_bar=True)
        return (await asyncio.to_thread(in_parallel, [(self, ("one",)), (self, ("two",))]))[0]


def test_what_an_lm_of_ones_own_spends_in_threads_counts() -> None:
    inputs: dict[str, Any] = PAIR | {"rubric": RUBRIC}
    with dspy.context(lm=AsksInThreads(lambda *_: reply("A"))):
        through_dspy = asyncio.run(GatekeeperJudge().acall(**inputs))
        judgment = asyncio.run(Direct()(GatekeeperJudge(), **inputs))
    assert judgment.usage.calls == 2
    assert judgment == through_dspy


def test_a_bound_below_one_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one request"):
        Direct(concurrency=0)
