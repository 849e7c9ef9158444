"""The judge: what it asks, in which waves, and what becomes of the replies."""

from collections.abc import Sequence
from typing import Any

import pytest
from dspy.lm15 import AuthError, ContextLengthError, LM15Error, RateLimitError, TimeoutError, UnsupportedModelError  # noqa: A004
from judge_world import GARBAGE, RUBRIC, call, judges, judging_requests, reply, sampled
from server_plugin import ModelServer

from openrubrics.lms import Budget, EndpointError, Reply, ScriptedLM, budget, lm
from openrubrics.lms.scripted import Scripted
from openrubrics.programs import GatekeeperJudge
from openrubrics.signatures import (
    BudgetError,
    Failed,
    Finding,
    JudgePair,
    Judgment,
    LMError,
    Tie,
    UsageError,
    Verdict,
    invert,
)

both_speeds = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
PAIR = {"prompt": "Say hello.", "rubric": RUBRIC, "response_a": "Hello!", "response_b": "Go away."}


def judge(script: ScriptedLM, asynchronous: bool = False, **options: object) -> Judgment:
    return call(GatekeeperJudge(**options), asynchronous, script, **PAIR)  # pyright: ignore[reportArgumentType]


@both_speeds
def test_the_judgment_carries_what_the_judge_wrote(asynchronous: bool) -> None:
    script = ScriptedLM([reply("A", why="A greets.", a="kind", b="rude")])
    judgment = judge(script, asynchronous)
    assert judgment.outcome == Verdict(
        preferred="A",
        gatekeeper="The response has at most 5 words.",
        findings=(
            Finding(criterion=1, response="A", text="met"),
            Finding(criterion=2, response="A", text="kind"),
            Finding(criterion=1, response="B", text="met"),
            Finding(criterion=2, response="B", text="rude"),
        ),
        justification="A greets.",
    )
    (shown,) = judgment.orders
    assert (shown.order, shown.outcome) == ("AB", judgment.outcome)
    assert judgment.rubric is RUBRIC
    assert judgment.decided_by == "judge"
    assert judgment.usage.calls == 1
    assert judgment.usage.completion_tokens == len(reply("A", why="A greets.", a="kind", b="rude").split())


def test_the_prompt_carries_request_rubric_and_responses() -> None:
    script = ScriptedLM(judges("A"))
    judge(script)
    (asked,) = script.requests
    (message,) = asked.messages
    assert invert(message["content"], JudgePair) == {k: str(v) for k, v in PAIR.items()}


WAVES: list[tuple[int, Sequence[Scripted], list[int], str]] = [
    (1, [*judges("A")], [1], "A"),
    (2, judges("A", "A"), [1, 1], "A"),
    (3, [judges("A", "A")], [2], "A"),
    (3, [judges("A", "B"), reply("B")], [2, 1], "B"),
    (3, [[GARBAGE, reply("B")], reply("B")], [2, 1], "B"),
    (5, [judges("A", "A", "A")], [3], "A"),
    (5, [judges("A", "A", "B"), reply("A")], [3, 1], "A"),
    (5, [judges("A", "A", "B"), reply("B"), reply("B")], [3, 1, 1], "B"),
    (5, [judges("A", "B", "tie"), reply("tie"), reply("tie")], [3, 1, 1], "tie"),
    (5, [[reply("A"), reply("A"), GARBAGE], GARBAGE], [3, 1], "A"),
]


@both_speeds
@pytest.mark.parametrize(("votes", "script", "requests", "winner"), WAVES)
def test_votes_are_asked_for_in_waves_until_decided(
    votes: int, script: Sequence[Scripted], requests: list[int], winner: str, asynchronous: bool
) -> None:
    scripted = ScriptedLM(script)
    judgment = judge(scripted, asynchronous, votes=votes)
    assert judging_requests(scripted) == requests
    assert (judgment.preferred or judgment.outcome.kind) == winner
    assert len(judgment.orders[0].votes) == sum(requests)
    assert judgment.usage.calls == len(requests)


def test_all_votes_are_asked_under_one_prompt_at_the_voting_temperature() -> None:
    script = ScriptedLM([judges("A", "A", "B"), *judges("B", "B")], temperature=0.0)
    judge(script, votes=5, temperature=0.9)
    prompts = {asked.messages[0]["content"] for asked in script.requests}
    assert len(prompts) == 1
    assert [asked.options["temperature"] for asked in script.requests] == [0.9] * 3


def test_a_single_vote_leaves_the_sampling_to_the_model() -> None:
    script = ScriptedLM(judges("A"), temperature=0.1)
    judge(script)
    assert script.requests[0].options["temperature"] == 0.1


def test_every_vote_is_in_the_judgment_with_its_text() -> None:
    texts = [reply("A", why="first"), GARBAGE, reply("B", why="third"), reply("A", why="fourth"), reply("A")]
    judgment = judge(ScriptedLM([texts[:3], *texts[3:]]), votes=5)
    (shown,) = judgment.orders
    assert [vote.raw for vote in shown.votes] == texts
    assert [vote.outcome.kind for vote in shown.votes] == ["verdict", "failed", "verdict", "verdict", "verdict"]
    assert isinstance(judgment.outcome, Verdict)
    assert judgment.outcome.justification == "first"


def test_split_votes_are_a_tie_that_says_so() -> None:
    judgment = judge(ScriptedLM([judges("A", "B"), GARBAGE]), votes=3)
    assert isinstance(judgment.outcome, Tie)
    assert "split" in judgment.outcome.reason


def test_a_tie_of_the_judge_is_a_tie() -> None:
    judgment = judge(ScriptedLM(judges("tie")))
    assert isinstance(judgment.outcome, Tie)
    assert judgment.outcome.reason == "the judge answered tie"
    assert judgment.preferred is None


def test_all_failed_is_failed_with_the_reasons() -> None:
    judgment = judge(ScriptedLM([[GARBAGE, "Winner: neither"], TimeoutError("too slow")]), votes=3)
    assert isinstance(judgment.outcome, Failed)
    assert judgment.outcome.raw == GARBAGE
    for part in ("all 3 votes failed", 'no "Winner:" line', "names no response", "too slow"):
        assert part in judgment.outcome.reason


def test_a_single_reply_without_a_verdict_is_failed_with_the_text() -> None:
    judgment = judge(ScriptedLM([GARBAGE]))
    assert isinstance(judgment.outcome, Failed)
    assert judgment.outcome.raw == GARBAGE
    assert judgment.orders[0].votes[0].raw == GARBAGE


@both_speeds
@pytest.mark.parametrize("kind", [TimeoutError, RateLimitError, ContextLengthError])
def test_a_request_that_fails_for_its_own_reasons_is_failed(kind: type[LM15Error], asynchronous: bool) -> None:
    judgment = judge(ScriptedLM([kind("not this time")]), asynchronous)
    assert isinstance(judgment.outcome, Failed)
    assert "not this time" in judgment.outcome.reason
    assert judgment.orders[0].votes[0].outcome == judgment.outcome


@both_speeds
@pytest.mark.parametrize("kind", [AuthError, UnsupportedModelError])
def test_what_would_fail_for_every_item_raises(kind: type[LM15Error], asynchronous: bool) -> None:
    with pytest.raises(EndpointError, match="not for you"):
        judge(ScriptedLM([kind("not for you")]), asynchronous, votes=3)


def test_a_script_that_runs_out_raises() -> None:
    with pytest.raises(LMError, match="ran out"):
        judge(ScriptedLM([]))


@both_speeds
def test_a_spent_budget_raises(asynchronous: bool) -> None:
    with budget(Budget(max_calls=0)), pytest.raises(BudgetError):
        judge(ScriptedLM(judges("A")), asynchronous)


def test_a_failed_wave_is_as_many_failed_votes() -> None:
    script = ScriptedLM([TimeoutError("too slow"), *judges("B", "B")])
    judgment = judge(script, votes=5)
    assert judging_requests(script) == [3, 1, 1]
    assert judgment.preferred == "B"
    kinds = [vote.outcome.kind for vote in judgment.orders[0].votes]
    assert kinds == ["failed", "failed", "failed", "verdict", "verdict"]


def test_a_cut_sample_is_one_failed_vote() -> None:
    cut = Reply(reply("A").partition("Winner")[0], finish_reason="length")
    script = ScriptedLM([[Reply(reply("B")), cut], reply("B")])
    judgment = judge(script, votes=3)
    assert judging_requests(script) == [2, 1]
    assert judgment.preferred == "B"
    assert [vote.outcome.kind for vote in judgment.orders[0].votes] == ["verdict", "failed", "verdict"]


def seeds(bodies: list[dict[str, Any]]) -> list[int]:
    """The seed of every sample, as a server derives it from that of the request."""
    return [body["seed"] + i for body in bodies for i in range(body.get("n", 1))]


@both_speeds
@pytest.mark.parametrize("of_the_predictor", [False, True])
def test_every_vote_is_sampled_with_a_seed_of_its_own(
    model_server: ModelServer, of_the_predictor: bool, asynchronous: bool
) -> None:
    replies = iter([reply("A"), reply("B"), reply("tie"), reply("B"), reply("A")])
    model_server.text = lambda body: next(replies)
    program = GatekeeperJudge(votes=5)
    program.predict.config = {"seed": 70} if of_the_predictor else {}
    served = lm("hosted_vllm/judge", api_base=model_server.url, seed=7, cache=False)
    judgment = call(program, asynchronous, served, **PAIR)
    assert len(judgment.orders[0].votes) == 5
    assert [body.get("n", 1) for body in model_server.bodies] == [3, 1, 1]
    first = 70 if of_the_predictor else 7
    assert seeds(model_server.bodies) == list(range(first, first + 5))


def test_without_a_seed_none_is_sent() -> None:
    script = ScriptedLM([judges("A", "B"), reply("A")])
    judge(script, votes=3)
    assert all("seed" not in asked.options for asked in script.requests)


def test_a_rollout_id_of_the_predictor_asks_anew() -> None:
    script = ScriptedLM([judges("A", "A"), judges("B", "B")])
    caching = script.copy(cache=True)
    program = GatekeeperJudge(votes=3)
    assert call(program, False, caching, **PAIR).preferred == "A"
    program.predict.config = {"rollout_id": 1}
    assert call(program, False, caching, **PAIR).preferred == "B"


def test_findings_about_criteria_that_do_not_exist_are_dropped() -> None:
    invented = reply("A").replace("- Criterion 2 ", "- Criterion 9 ")
    judgment = judge(ScriptedLM([invented]))
    assert isinstance(judgment.outcome, Verdict)
    assert [(f.criterion, f.response) for f in judgment.outcome.findings] == [(1, "A"), (1, "B")]
    assert judgment.orders[0].votes[0].raw == invented


@both_speeds
@pytest.mark.parametrize(
    ("argument", "value", "hint"),
    [
        ("response_a", 1, "a response is text"),
        ("response_b", None, "a response is text"),
        ("rubric", str(RUBRIC), "Rubric.parse"),
        ("rubric", {"criteria": []}, "Rubric.model_validate"),
        ("prompt", 1, ""),
        ("prompt", (), ""),
    ],
)
def test_an_argument_of_another_kind_is_named_before_any_request(
    argument: str, value: object, hint: str, asynchronous: bool
) -> None:
    script = ScriptedLM([])
    with pytest.raises(UsageError, match=f"{argument}.*{hint}"):
        call(GatekeeperJudge(), asynchronous, script, **PAIR | {argument: value})
    assert script.requests == []


def test_an_empty_response_is_a_response() -> None:
    assert call(GatekeeperJudge(), False, ScriptedLM(judges("B")), **PAIR | {"response_a": ""}).preferred == "B"


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(UsageError, match=r"unknown form 'v4' \(forms are seed and v3\)"):
        GatekeeperJudge(form="v4")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("options", [{"votes": 0}, {"votes": -1}, {"votes": 2.5}, {"votes": 3, "temperature": 0.0}])
def test_votes_that_make_no_sense_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="vote"):
        GatekeeperJudge(**options)  # pyright: ignore[reportArgumentType]


def test_without_a_model_the_error_says_how_to_set_one() -> None:
    with pytest.raises(UsageError, match="--lm"):
        GatekeeperJudge(votes=3)(**PAIR)


def test_form_v3_is_asked_for_and_read() -> None:
    script = ScriptedLM([reply("B", form="v3")])
    judgment = judge(script, form="v3")
    assert judgment.preferred == "B"
    assert "Aggregation Summary:" in script.requests[0].messages[0]["content"]
    seed = ScriptedLM(judges("B"))
    judge(seed)
    assert "Aggregation Summary:" not in seed.requests[0].messages[0]["content"]


def test_a_template_replaces_the_whole_prompt() -> None:
    script = ScriptedLM(["Both fine. Winner: Response B"])
    template = "Q {prompt}\nR {rubric}\n1 {response_a}\n2 {response_b}\n{unknown}"
    assert judge(script, template=template).preferred == "B"
    (message,) = script.requests[0].messages
    assert message["content"] == f"Q Say hello.\nR {RUBRIC}\n1 Hello!\n2 Go away.\n{{unknown}}"


def test_a_template_that_loses_a_response_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no place for \{response_b\}"):
        GatekeeperJudge(template="{prompt} {rubric} {response_a}")


@both_speeds
def test_the_probability_is_measured_at_the_verdict(asynchronous: bool) -> None:
    script = ScriptedLM([sampled(reply("B"), "B", 0.8)])
    judgment = judge(script, asynchronous, probabilities=True)
    assert isinstance(judgment.outcome, Verdict)
    assert judgment.outcome.probability == pytest.approx(0.8)
    assert script.requests[0].options["logprobs"] is True
    assert script.requests[0].options["top_logprobs"] == 5


def test_without_asking_there_is_no_probability() -> None:
    script = ScriptedLM(judges("B"))
    judgment = judge(script)
    assert isinstance(judgment.outcome, Verdict)
    assert judgment.outcome.probability is None
    assert "logprobs" not in script.requests[0].options


def test_an_endpoint_without_scores_gives_no_probability() -> None:
    judgment = judge(ScriptedLM(judges("B")), probabilities=True)
    assert isinstance(judgment.outcome, Verdict)
    assert judgment.outcome.probability is None


def test_under_voting_the_probability_is_the_mean() -> None:
    samples = [sampled(reply("A"), "A", 0.9), sampled(reply("B"), "B", 0.7)]
    judgment = judge(ScriptedLM([samples, sampled(reply("A"), "A", 0.6)]), votes=3, probabilities=True)
    assert isinstance(judgment.outcome, Verdict)
    assert judgment.preferred == "A"
    assert judgment.outcome.probability == pytest.approx((0.9 + 0.3 + 0.6) / 3)


@both_speeds
def test_a_cache_never_answers_one_vote_with_another(asynchronous: bool) -> None:
    script = ScriptedLM([judges("A", "A", "B"), *judges("B", "A"), judges("B", "B", "B")])
    caching = script.copy(cache=True)
    for _ in range(2):
        assert judge(caching, asynchronous, votes=5).preferred == "A"
    assert judging_requests(script) == [3, 1, 1]
    assert judge(caching.copy(rollout_id=1), asynchronous, votes=5).preferred == "B"
    assert judging_requests(script) == [3, 1, 1, 3]


@both_speeds
def test_a_model_may_be_attached_to_the_judge(asynchronous: bool) -> None:
    script = ScriptedLM(judges("A"))
    program = GatekeeperJudge()
    program.set_lm(script)
    assert call(program, asynchronous, None, **PAIR).preferred == "A"
    assert program.fingerprint == GatekeeperJudge().fingerprint
