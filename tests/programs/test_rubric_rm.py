"""The two-stage reward model: one rubric, one or two orders, and code where code can decide."""

import asyncio
import pickle
from types import ModuleType

import cloudpickle
import dspy
import pytest
from dspy.lm15 import AuthError, ServerError, TimeoutError  # noqa: A004
from judge_world import (
    GARBAGE,
    RUBRIC,
    RUBRIC_TEXT,
    call,
    is_judging,
    judges,
    judging_requests,
    reply,
    sampled,
    shown,
    world,
)

from openrubrics.lms import EndpointError, ScriptedLM, usage_meter
from openrubrics.programs import Direct, GatekeeperJudge, RubricGenerator, RubricRM
from openrubrics.signatures import (
    Check,
    Criterion,
    Failed,
    Judgment,
    Message,
    Outcome,
    Prompt,
    Rubric,
    Tie,
    UsageError,
    Verdict,
    prompt_text,
)

both_speeds = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
both_orders = pytest.mark.parametrize("orders", ["single", "both"])
PAIR = {"prompt": "Say hello.", "response_a": "Hello!", "response_b": "Go away, please."}
SWAPPED = {"prompt": "Say hello.", "response_a": "Go away, please.", "response_b": "Hello!"}


def friendly(response: str) -> float:
    return float("Hello" in response)


def judged(script: ScriptedLM, asynchronous: bool = False, **options: object) -> Judgment:
    return call(RubricRM(**options), asynchronous, script, **PAIR)  # pyright: ignore[reportArgumentType]


def test_the_judge_reads_the_rubric_that_was_written() -> None:
    script = ScriptedLM([RUBRIC_TEXT, *judges("A")])
    judgment = judged(script)
    assert judgment.rubric == RUBRIC
    assert judgment.preferred == "A"
    assert f"<rubric>\n{RUBRIC}\n</rubric>" in script.requests[1].messages[0]["content"]


def test_a_conversation_is_judged_as_a_transcript() -> None:
    turns = (Message(role="system", content="Be brief."), Message(role="user", content="Hi"))
    script = ScriptedLM([RUBRIC_TEXT, *judges("A")])
    call(RubricRM(enforce_checks=True), False, script, **PAIR | {"prompt": turns})
    for asked in script.requests:
        assert "<prompt>\n\n\nSystem: Be brief.\n\nHuman: Hi\n\nAssistant:\n</prompt>" in asked.messages[0]["content"]


@both_speeds
@both_orders
def test_swapping_the_responses_swaps_the_verdict(orders: str, asynchronous: bool) -> None:
    program = RubricRM(orders=orders)  # pyright: ignore[reportArgumentType]
    script = world(friendly)
    assert call(program, asynchronous, script, **PAIR).preferred == "A"
    assert call(program, asynchronous, script, **SWAPPED).preferred == "B"
    assert len(script.requests) - len(judging_requests(script)) == 1


@both_speeds
def test_agreeing_orders_are_a_verdict(asynchronous: bool) -> None:
    judgment = judged(world(friendly), asynchronous, orders="both")
    assert judgment.preferred == "A"
    assert judgment.orders_agree is True
    assert [order.order for order in judgment.orders] == ["AB", "BA"]
    assert [order.outcome.kind for order in judgment.orders] == ["verdict", "verdict"]


@both_speeds
def test_findings_are_mapped_back_to_the_names_of_the_caller(asynchronous: bool) -> None:
    judgment = judged(world(friendly), asynchronous, orders="both")
    for order in judgment.orders:
        outcomes = [order.outcome, *(vote.outcome for vote in order.votes)]
        for outcome in outcomes:
            assert isinstance(outcome, Verdict)
            assert outcome.preferred == "A"
            about = {f.response: f.text for f in outcome.findings if f.criterion == 2}
            assert about == {"A": "says Hello!", "B": "says Go away, please."}
    assert "Winner: Response B" in judgment.orders[1].votes[0].raw


def test_a_judge_that_prefers_a_place_is_a_tie_that_says_so() -> None:
    judgment = judged(ScriptedLM([RUBRIC_TEXT, *judges("A", "A")]), orders="both")
    assert isinstance(judgment.outcome, Tie)
    assert judgment.outcome.reason == ("the orders disagree: Response A when A is shown first, Response B when B is")
    assert judgment.orders_agree is False
    assert judgment.outcome.findings


def test_a_verdict_and_a_tie_disagree() -> None:
    judgment = judged(ScriptedLM([RUBRIC_TEXT, *judges("tie", "B")]), orders="both")
    assert isinstance(judgment.outcome, Tie)
    assert judgment.outcome.reason == "the orders disagree: tie when A is shown first, Response A when B is"


def test_two_ties_are_a_tie_of_the_judge() -> None:
    judgment = judged(ScriptedLM([RUBRIC_TEXT, *judges("tie", "tie")]), orders="both")
    assert isinstance(judgment.outcome, Tie)
    assert judgment.outcome.reason == "the judge answered tie"
    assert judgment.orders_agree is True


@pytest.mark.parametrize(("replies", "failed"), [([GARBAGE, reply("B")], "AB"), ([reply("A"), GARBAGE], "BA")])
def test_a_failed_order_makes_the_judgment_failed_and_is_named(replies: list[str], failed: str) -> None:
    judgment = judged(ScriptedLM([RUBRIC_TEXT, *replies]), orders="both")
    assert isinstance(judgment.outcome, Failed)
    assert judgment.outcome.reason.startswith(f"order {failed} failed: ")
    assert judgment.outcome.raw == GARBAGE
    assert judgment.orders_agree is None
    kinds = {order.order: order.outcome.kind for order in judgment.orders}
    assert kinds == {"AB": "verdict", "BA": "verdict"} | {failed: "failed"}


def test_the_probability_of_both_orders_is_their_mean() -> None:
    samples = [sampled(reply("A"), "A", 0.9), sampled(reply("B"), "B", 0.7)]
    judgment = judged(ScriptedLM([RUBRIC_TEXT, *samples]), judge=GatekeeperJudge(probabilities=True), orders="both")
    assert isinstance(judgment.outcome, Verdict)
    assert judgment.preferred == "A"
    assert judgment.outcome.probability == pytest.approx(0.8)


@both_speeds
@pytest.mark.parametrize("entry", [GARBAGE, TimeoutError("too slow")])
def test_without_a_rubric_the_judgment_is_failed_and_nobody_judges(entry: str | Exception, asynchronous: bool) -> None:
    script = ScriptedLM([entry])
    judgment = judged(script, asynchronous, orders="both")
    assert isinstance(judgment.outcome, Failed)
    assert judgment.outcome.reason.startswith("no rubric: ")
    assert judgment.outcome.raw == (entry if isinstance(entry, str) else "")
    assert (judgment.rubric, judgment.orders) == (None, ())
    assert judging_requests(script) == []


@both_speeds
@both_orders
def test_an_endpoint_that_answers_nobody_raises(orders: str, asynchronous: bool) -> None:
    script = ScriptedLM(lambda messages, request: AuthError("no key") if is_judging(messages) else RUBRIC_TEXT)
    with pytest.raises(EndpointError, match="no key"):
        judged(script, asynchronous, orders=orders)


@both_speeds
def test_votes_share_one_rubric_in_both_orders(asynchronous: bool) -> None:
    script = world(friendly)
    judgment = judged(script, asynchronous, votes=5, orders="both")
    assert [len(order.votes) for order in judgment.orders] == [3, 3]
    assert judging_requests(script) == [3, 3]
    assert len(script.requests) == 3


@both_speeds
def test_a_fixed_rubric_is_used_and_none_is_written(asynchronous: bool) -> None:
    fixed = Rubric.parse("1. The response is short. [Hard Rule]")
    script = ScriptedLM(judges("B"))
    judgment = judged(script, asynchronous, rubric=fixed)
    assert judgment.rubric == fixed
    assert f"<rubric>\n{fixed}\n</rubric>" in script.requests[0].messages[0]["content"]


SCRIPTS: dict[str, tuple[ScriptedLM, ...]] = {
    "verdict": tuple(world(friendly) for _ in range(2)),
    "tie": tuple(world(len) for _ in range(2)),
    "no rubric": tuple(ScriptedLM(lambda messages, request: GARBAGE) for _ in range(2)),
    "errors": tuple(
        ScriptedLM(lambda messages, request: ServerError("down") if is_judging(messages) else RUBRIC_TEXT)
        for _ in range(2)
    ),
    "by content": tuple(
        ScriptedLM(
            lambda messages, request: (
                (GARBAGE if shown(messages)[0] == "Hello!" else reply("B")) if is_judging(messages) else RUBRIC_TEXT
            )
        )
        for _ in range(2)
    ),
}


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("votes", [1, 3])
@both_orders
def test_both_speeds_give_the_same_judgment(name: str, votes: int, orders: str) -> None:
    sync, asynchronous = SCRIPTS[name]
    first = judged(sync, False, orders=orders, votes=votes)
    assert judged(asynchronous, True, orders=orders, votes=votes) == first
    assert first.usage.calls > 0


@both_speeds
def test_usage_adds_up(asynchronous: bool) -> None:
    script = world(friendly)
    program = RubricRM(votes=3, orders="both")
    with usage_meter() as meter:
        first = call(program, asynchronous, script, **PAIR)
        second = call(program, asynchronous, script, **SWAPPED)
    assert (first.usage.calls, second.usage.calls) == (3, 2)
    assert first.usage + second.usage == meter.usage
    assert meter.usage.calls == len(script.requests)
    read = sum(len(asked.messages[0]["content"].split()) for asked in script.requests)
    assert meter.usage.prompt_tokens == read


@both_speeds
@pytest.mark.parametrize("options", [{}, {"rubric": RUBRIC}])
def test_without_a_model_the_error_says_how_to_set_one(options: dict[str, Rubric], asynchronous: bool) -> None:
    with pytest.raises(UsageError, match="--lm"):
        call(RubricRM(**options), asynchronous, None, **PAIR)  # pyright: ignore[reportArgumentType]


def test_judge_and_votes_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="both judge and votes"):
        RubricRM(judge=GatekeeperJudge(), votes=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"votes": 0}, "votes is 0"),
        ({"orders": "twice"}, r"unknown orders 'twice' \(orders are single and both\)"),
        ({"rubric": RUBRIC_TEXT}, r"rubric is .* of type str \(read text with Rubric\.parse"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RubricRM(**options)  # pyright: ignore[reportArgumentType]


@both_speeds
@pytest.mark.parametrize("argument", ["prompt", "response_a", "response_b"])
def test_an_argument_of_another_kind_is_named_before_any_request(argument: str, asynchronous: bool) -> None:
    script = ScriptedLM([])
    with pytest.raises(UsageError, match=argument):
        call(RubricRM(), asynchronous, script, **PAIR | {argument: 1})
    assert script.requests == []


def test_parts_may_be_given_and_may_have_models_of_their_own() -> None:
    writer, reader = ScriptedLM([RUBRIC_TEXT]), ScriptedLM(judges("B"))
    generator, judge = RubricGenerator(), GatekeeperJudge()
    generator.set_lm(writer)
    judge.set_lm(reader)
    assert RubricRM(generator, judge)(**PAIR).preferred == "B"
    assert (len(writer.requests), len(reader.requests)) == (1, 1)


# Hard rules that code decides.

ASKED = "Say hello in at most 5 words."
SHORT, LONG = "Hello there!", "Hello there, how are you doing today, my old friend?"


def enforced(prompt: Prompt, a: str, b: str, script: ScriptedLM, **options: object) -> Judgment:
    program = RubricRM(enforce_checks=True, **options)  # pyright: ignore[reportArgumentType]
    return call(program, False, script, prompt=prompt, response_a=a, response_b=b)


@both_orders
@pytest.mark.parametrize(("a", "b", "winner"), [(SHORT, LONG, "A"), (LONG, SHORT, "B")])
def test_code_decides_what_the_request_states_without_any_request(a: str, b: str, winner: str, orders: str) -> None:
    script = ScriptedLM([])
    judgment = enforced(ASKED, a, b, script, orders=orders)
    assert judgment.preferred == winner
    assert judgment.decided_by == "checks"
    assert (script.requests, judgment.usage.calls) == ([], 0)
    assert isinstance(judgment.outcome, Verdict)
    assert judgment.outcome.gatekeeper == "The response contains fewer than 6 words."
    loser = "B" if winner == "A" else "A"
    texts = {finding.response: finding.text for finding in judgment.outcome.findings}
    assert texts[winner].startswith("met, by code: 2 words")
    assert texts[loser].startswith("not met, by code: 10 words")
    at_most_5 = Check(name="length_constraints:number_words", arguments={"num_words": 6, "relation": "less than"})
    rule = Criterion(text="The response contains fewer than 6 words.", kind="hard_rule", check=at_most_5)
    assert judgment.rubric == Rubric(criteria=(rule,))
    assert judgment.orders_agree is (True if orders == "both" else None)


@both_speeds
def test_code_that_decides_needs_no_model(asynchronous: bool) -> None:
    program = RubricRM(enforce_checks=True)
    judgment = call(program, asynchronous, None, prompt=ASKED, response_a=SHORT, response_b=LONG)
    assert (judgment.preferred, judgment.decided_by) == ("A", "checks")


def test_with_a_fixed_rubric_code_decides_without_any_request() -> None:
    script = ScriptedLM([])
    judgment = enforced(ASKED, SHORT, LONG, script, rubric=RUBRIC)
    assert (judgment.preferred, judgment.decided_by) == ("A", "checks")
    assert judgment.usage.calls == 0
    assert script.requests == []


def test_with_a_fixed_rubric_code_needs_no_model() -> None:
    program = RubricRM(rubric=RUBRIC, enforce_checks=True)
    assert program(prompt=ASKED, response_a=LONG, response_b=SHORT).preferred == "B"


UNSEPARATED = pytest.mark.parametrize(
    ("a", "b"), [(SHORT, SHORT + "!"), (LONG, LONG + "!")], ids=["both pass", "both break"]
)


@UNSEPARATED
def test_the_judge_decides_what_code_cannot_separate(a: str, b: str) -> None:
    script = ScriptedLM([RUBRIC_TEXT, *judges("B")])
    judgment = enforced(ASKED, a, b, script)
    assert (judgment.preferred, judgment.decided_by) == ("B", "judge")
    assert judgment.rubric == RUBRIC


@UNSEPARATED
def test_the_judge_decides_what_code_cannot_separate_under_a_fixed_rubric(a: str, b: str) -> None:
    judgment = enforced(ASKED, a, b, ScriptedLM(judges("B")), rubric=RUBRIC)
    assert (judgment.preferred, judgment.decided_by) == ("B", "judge")
    assert judgment.rubric is not None
    assert judgment.rubric.criteria[0].check is not None


@pytest.mark.parametrize(
    "prompt", ["Say hello.", "Say hello in at most 50 words."], ids=["not asked", "another number"]
)
def test_rules_that_only_the_written_rubric_states_are_not_enforced(prompt: str) -> None:
    judgment = enforced(prompt, SHORT, LONG, ScriptedLM([RUBRIC_TEXT, *judges("B")]))
    assert (judgment.preferred, judgment.decided_by) == ("B", "judge")
    assert judgment.rubric == RUBRIC


FIXED = {
    "not asked for": ("Say hello.", RUBRIC),
    "another number": ("Say hello in at most 50 words.", RUBRIC),
    "a principle": (ASKED, Rubric.parse(RUBRIC_TEXT.replace("Hard Rule", "Principle"))),
    "a principle with a check": (
        ASKED,
        Rubric(
            criteria=(
                Criterion(
                    text="The response is short.",
                    kind="principle",
                    check=Check(name="text:word_count", arguments={"maximum": 5}),
                ),
            )
        ),
    ),
}


@pytest.mark.parametrize("name", FIXED)
def test_code_decides_only_hard_rules_of_a_fixed_rubric_that_are_asked_for(name: str) -> None:
    prompt, rubric = FIXED[name]
    judgment = enforced(prompt, SHORT, LONG, ScriptedLM(judges("B")), rubric=rubric)
    assert (judgment.preferred, judgment.decided_by) == ("B", "judge")
    assert judgment.rubric == rubric


def test_a_check_of_a_fixed_rubric_counts_even_where_nobody_asked() -> None:
    check = Check(name="text:word_count", arguments={"maximum": 5})
    rubric = Rubric(criteria=(Criterion(text="The response is short.", kind="hard_rule", check=check),))
    judgment = enforced("Say hello.", LONG, SHORT, ScriptedLM([]), rubric=rubric)
    assert (judgment.preferred, judgment.decided_by) == ("B", "checks")


def turns(*contents: str) -> tuple[Message, ...]:
    """A conversation in which the user speaks first and last."""
    return tuple(Message(role="assistant" if i % 2 else "user", content=text) for i, text in enumerate(contents))


@pytest.mark.parametrize("as_text", [False, True], ids=["messages", "transcript"])
@pytest.mark.parametrize(
    ("conversation", "decided_by"),
    [
        (turns("Hi.", "Yes?", ASKED), "checks"),
        (turns(ASKED, "Hello!", "Once more, please."), "judge"),
        (turns("Hi.", "Shall I answer in at most 5 words?", "Say hello."), "judge"),
        ((Message(role="system", content="Use at most 5 words."), *turns("Say hello.")), "judge"),
        ((*turns(ASKED), Message(role="assistant", content="Hello and")), "checks"),
    ],
    ids=["last turn", "earlier turn", "assistant", "system", "answer has begun"],
)
def test_of_a_conversation_only_the_last_turn_of_the_user_states_rules(
    conversation: tuple[Message, ...], decided_by: str, as_text: bool
) -> None:
    prompt = prompt_text(conversation) if as_text else conversation
    judgment = enforced(prompt, SHORT, LONG, ScriptedLM([RUBRIC_TEXT, *judges("B")]))
    assert judgment.decided_by == decided_by


@pytest.mark.parametrize("prompt", [f"{ASKED}\n\nHuman: Hi.", f"Human: {ASKED}", f"{ASKED}\nAssistant: no"])
def test_text_that_only_names_speakers_states_its_rules(prompt: str) -> None:
    judgment = enforced(prompt, SHORT, LONG, ScriptedLM([]))
    assert judgment.decided_by == "checks"


def test_without_enforcement_code_decides_nothing() -> None:
    judgment = call(
        RubricRM(), False, ScriptedLM([RUBRIC_TEXT, *judges("B")]), prompt=ASKED, response_a=SHORT, response_b=LONG
    )
    assert (judgment.preferred, judgment.decided_by) == ("B", "judge")


UNDECIDABLE = Criterion(
    text="The response is regular.",
    kind="hard_rule",
    check=Check(name="text:regex", arguments={"pattern": r"(?:a|aa|a?)+(?:a|aa)+b"}),
)


def test_a_check_that_cannot_be_decided_decides_nothing() -> None:
    endless = "a" * 5_000
    script = ScriptedLM(judges("B"))
    judgment = enforced("Be regular.", "ab", endless, script, rubric=Rubric(criteria=(UNDECIDABLE,)))
    assert (judgment.preferred, judgment.decided_by) == ("B", "judge")


def test_a_check_that_cannot_be_decided_does_not_stop_the_others() -> None:
    rubric = Rubric(criteria=(UNDECIDABLE, RUBRIC.criteria[0]))
    judgment = enforced(ASKED, "ab", "a" * 5_000 + " and so on and on", ScriptedLM([]), rubric=rubric)
    assert (judgment.preferred, judgment.decided_by) == ("A", "checks")
    assert isinstance(judgment.outcome, Verdict)
    assert {finding.criterion for finding in judgment.outcome.findings} == {2}


@pytest.mark.parametrize("pickler", [pickle, cloudpickle])
def test_a_program_without_a_model_survives_pickling(pickler: ModuleType) -> None:
    """So Ray carries it to its workers; the library itself never unpickles."""
    program = RubricRM(judge=GatekeeperJudge(form="v3", votes=3), orders="both", enforce_checks=True)
    script = ScriptedLM([RUBRIC_TEXT])
    call(program.generate, False, script, prompt=PAIR["prompt"])
    copied = pickler.loads(pickler.dumps(program))
    assert (copied.fingerprint, copied.settings) == (program.fingerprint, program.settings)
    again = ScriptedLM([RUBRIC_TEXT, [reply("A", form="v3")] * 2, [reply("B", form="v3")] * 2])
    assert call(copied, False, again, **PAIR).preferred == "A"


def test_a_judgment_survives_json() -> None:
    outcomes: list[Outcome] = []
    for script in (world(friendly), ScriptedLM([RUBRIC_TEXT, GARBAGE, GARBAGE]), ScriptedLM([GARBAGE])):
        with dspy.context(lm=script):
            judgment = RubricRM(orders="both")(**PAIR)
        assert Judgment.model_validate_json(judgment.model_dump_json()) == judgment
        outcomes.append(judgment.outcome)
    assert [outcome.kind for outcome in outcomes] == ["verdict", "failed", "failed"]


class _Shouting(RubricGenerator):
    """Changes what the generator wrote, each time."""

    async def aforward(self, prompt: Prompt) -> Rubric | Failed:
        rubric = await super().aforward(prompt)
        assert isinstance(rubric, Rubric)
        return Rubric(criteria=tuple(Criterion(text=c.text.upper(), kind=c.kind) for c in rubric.criteria))


@pytest.mark.parametrize("direct", [False, True], ids=["dspy", "direct"])
def test_what_a_generator_of_ones_own_does_is_done_also_to_a_rubric_from_memory(direct: bool) -> None:
    rm = RubricRM(_Shouting())
    ask = Direct() if direct else lambda program, **inputs: program.acall(**inputs)

    async def judge() -> list[Judgment]:
        return [await ask(rm, prompt="p", response_a="a", response_b=b) for b in ("b", "c")]

    with dspy.context(lm=ScriptedLM([RUBRIC_TEXT, reply("A"), reply("A")])):
        first, second = asyncio.run(judge())
    assert first.rubric == second.rubric
    assert first.rubric is not None
    assert first.rubric.criteria[0].text.isupper()


def test_a_rubric_from_memory_still_appears_in_the_trace() -> None:
    rm = RubricRM()
    with dspy.context(lm=ScriptedLM([RUBRIC_TEXT, reply("A"), reply("A")])):
        rm(prompt="p", response_a="a", response_b="b")
        with dspy.context(trace=[]):
            rm(prompt="p", response_a="a", response_b="c")
            assert [step[0] for step in dspy.settings.trace] == [rm.generate.predict, rm.judge.predict]
