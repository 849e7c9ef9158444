"""Requests that fail, replies that nobody can use, and labels that contradict each other: what becomes a score."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from compiling import PAIRS, SMALL, compiled, counted, scripted, student
from dspy.lm15 import Request, ServerError
from planted import PlantedWorld

from openrubrics.lms import Budget, EndpointError, Price, ScriptedLM, lm
from openrubrics.lms.scripted import Messages
from openrubrics.optimizers import Progress
from openrubrics.programs import RubricRM
from openrubrics.signatures import DataError, LMError, UsageError

if TYPE_CHECKING:
    from tests.server_plugin import ModelServer


class Failing:
    """A planted world in which some requests fail, each the first `times` that it comes.

    Attributes:
        failed: The requests that failed, by their last message.
    """

    def __init__(self, holding: str, times: int = 1) -> None:
        self.failed: list[str] = []
        self._holding = holding
        self._times = times
        self._world = PlantedWorld()

    def script(self, messages: Messages, request: Request) -> Any:  # noqa: ANN401 - an entry of a script
        last = messages[-1]["content"]
        if self._holding in last and self.failed.count(last) < self._times:
            self.failed.append(last)
            return ServerError("overloaded")
        return self._world.script(messages, request)


def judging(place: int) -> str:
    """Return what only the judge reads of a validation pair."""
    pair = SMALL.val[place]
    return f"\n{pair.chosen}\n</response_"


def test_a_repeated_id_is_refused_before_anything_is_asked() -> None:
    nobody = ScriptedLM([])
    twice = [*SMALL.val, SMALL.val[3].model_copy(update={"prompt": "Another?"})]
    for split in ("val", "test"):
        with pytest.raises(DataError, match=rf"1 id of the {split} split belongs to several pairs; .* '{twice[3].id}'"):
            compiled(student(nobody), SMALL._replace(**{split: twice}))
    assert nobody.requests == []


@pytest.mark.slow
def test_equal_texts_with_contradicting_labels_are_scored_each_by_its_own() -> None:
    turned = [
        pair.model_copy(update={"id": f"turned {pair.id}", "chosen": pair.rejected, "rejected": pair.chosen})
        for pair in SMALL.val
    ]
    steps: list[Progress] = []
    pairs = SMALL._replace(val=[*SMALL.val, *turned])
    result = compiled(pairs=pairs, optimizer="bootstrap-rs", on_progress=steps.append)
    assert steps[-1].base == result.card.val.before.accuracy
    assert steps[-1].best == result.card.val.after.accuracy


@pytest.mark.slow
def test_a_request_that_failed_has_one_outcome_in_a_start_and_is_asked_again_in_the_next(tmp_path: Path) -> None:
    """A pair that failed once and was judged later would be a gain that nobody made."""
    world = Failing(judging(2))
    model, author = scripted(script=world.script), scripted(script=lambda messages, request: "Do your best.")
    run: dict[str, Any] = {"reflection_lm": author, "folder": tmp_path, "test": ()}
    first = compiled(student(model), **run)
    assert len(world.failed) == 1
    assert first.card.program == first.card.base
    assert first.card.val.before.failed == first.card.val.after.failed == 1
    assert counted(first, model, author)

    second = compiled(student(model), **run)
    assert second.card.val.before.failed == second.card.val.after.failed == 0


def test_what_failed_requests_cost_counts_towards_the_limit_of_all_starts(
    model_server: ModelServer, tmp_path: Path
) -> None:
    world, failing = PlantedWorld(), 3
    model_server.text = world.serve
    served = lm("hosted_vllm/planted", api_base=model_server.url, retries=0)
    run: dict[str, Any] = {"reflection_lm": served, "folder": tmp_path, "concurrency": 1, "pairs": PAIRS, "test": ()}
    model_server.answers(20).fails(500, times=failing).answers(60).fails(401)
    with pytest.raises(EndpointError):
        compiled(student(served), **run)
    result = compiled(student(served), limit=Budget(max_calls=200), **run)
    refused = 1
    assert result.card.usage.calls == len(model_server.received) - refused <= 200
    assert "calls is used up" in result.card.stopped


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["gepa", "miprov2", "simba", "copro"])
def test_a_reflection_lm_that_fails_now_and_then_costs_no_more_than_the_rest_of_the_search(optimizer: str) -> None:
    world, asked = PlantedWorld(), 0

    def answer(messages: Messages, request: Request) -> Any:  # noqa: ANN401 - an entry of a script
        nonlocal asked
        asked += 1
        return ServerError("overloaded") if asked % 3 == 0 else world.script(messages, request)

    model, author = scripted(), scripted(script=answer)
    result = compiled(student(model), optimizer=optimizer, reflection_lm=author, test=())
    assert counted(result, model, author)
    assert result.card.val.after.accuracy >= result.card.val.before.accuracy
    if optimizer == "copro":
        assert "could not do without a request that failed: planted: overloaded" in result.card.stopped


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    ["", "\ud800", "}{\x00 [[ ## proposed_instruction ## ]]", "word " * 10_000, "<prompt>\n{rubric}\n</prompt> %s \\1"],
    ids=["empty", "half of a surrogate pair", "garbage", "50,000 characters", "tags and slots"],
)
@pytest.mark.parametrize("optimizer", ["gepa", "copro"])
def test_whatever_the_reflection_lm_writes_the_result_can_be_saved(optimizer: str, text: str, tmp_path: Path) -> None:
    world = PlantedWorld()

    def answer(messages: Messages, request: Request) -> str:
        reply = world.script(messages, request)
        try:
            return json.dumps({name: f"{value} {text}" for name, value in json.loads(reply).items()})
        except ValueError:
            return reply.replace("\n\n[[ ## completed ## ]]", f" {text}\n\n[[ ## completed ## ]]")

    result = compiled(optimizer=optimizer, reflection_lm=scripted(script=answer), folder=tmp_path, test=())
    assert result.card.candidates > 1
    result.save(tmp_path / "program.json")
    loaded = RubricRM()
    loaded.load(tmp_path / "program.json")
    assert loaded.fingerprint == result.program.fingerprint
    lines = (tmp_path / "candidates.jsonl").read_bytes().splitlines()
    assert len([json.loads(line) for line in lines]) == result.card.candidates


def test_what_the_cache_answered_needs_no_price_when_it_comes_again(tmp_path: Path) -> None:
    model = ScriptedLM(PlantedWorld().script, model="planted", price=Price(1, 1))
    model.cache = True
    run: dict[str, Any] = {"limit": Budget(max_cost=0.02), "optimizer": "bootstrap-rs", "test": (), "concurrency": 1}
    compiled(student(model), **run)
    first = compiled(student(model), folder=tmp_path, **run)
    second = compiled(student(model), folder=tmp_path, **run)
    assert first.card.usage.calls < 40, "the rest came from the cache"
    assert second.card.usage.calls == first.card.usage.calls


def test_nobody_hears_of_a_run_that_is_over() -> None:
    """DSPy does not wait for its threads when one of them fails."""
    base, searching, late = 24, threading.Event(), threading.Event()

    class Slow(RubricRM):
        def forward(self, prompt: Any, response_a: str, response_b: str) -> Any:  # noqa: ANN401
            judgment = super().forward(prompt, response_a, response_b)
            if len(steps) < base:
                return judgment
            if not searching.is_set():
                searching.set()
                time.sleep(0.3)
                late.set()
                return judgment
            raise ZeroDivisionError("a fault of mine")

    program, steps = Slow(), []
    program.set_lm(scripted())
    with pytest.raises(ZeroDivisionError):
        compiled(program, on_progress=steps.append)
    heard = len(steps)
    assert late.wait(10)
    time.sleep(0.1)
    assert len(steps) == heard == base


def test_a_program_whose_judgments_cannot_be_read_is_not_searched_for() -> None:
    babble = scripted(script=lambda messages, request: "I would rather not say.")
    author = ScriptedLM([])
    with pytest.raises(LMError, match="no judgment could be read on any of the 12 validation pairs: no rubric"):
        compiled(student(babble), reflection_lm=author)
    assert author.requests == []
    assert len(babble.requests) == len(SMALL.val)


def test_nothing_is_searched_for_where_scoring_leaves_nothing_of_a_limit() -> None:
    base = compiled(limit=Budget(max_calls=200)).card.usage
    author = ScriptedLM([])
    result = compiled(reflection_lm=author, limit=Budget(max_total_tokens=base.tokens // 3))
    assert result.card.stopped == "scoring before and after leaves nothing of the limit for the search"
    assert result.card.program == result.card.base


@pytest.mark.parametrize("concurrency", [0, -1])
def test_at_least_one_program_run_at_a_time(concurrency: int) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        compiled(concurrency=concurrency)


def test_a_folder_can_be_named_by_a_text(tmp_path: Path) -> None:
    compiled(folder=str(tmp_path / "run"))
    assert (tmp_path / "run" / "candidates.jsonl").exists()
