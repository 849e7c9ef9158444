"""Many requests at once, several loops and threads, and what is left behind."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import dspy
import pytest

from openrubrics.lms import HttpEngine, lm

if TYPE_CHECKING:
    from tests.server_plugin import ModelServer


def judge(server: ModelServer) -> dspy.LM:
    return lm("hosted_vllm/judge", api_base=server.url, cache=False, retries=0)


async def ask_all(model: dspy.LM, count: int) -> list[list[str]]:
    return await asyncio.gather(*(model.acall(f"question {i}") for i in range(count)))


def test_two_hundred_calls_are_at_the_server_at_the_same_time(model_server: ModelServer) -> None:
    model_server.gather = 200
    answers = asyncio.run(ask_all(judge(model_server), 200))
    assert len(answers) == 200
    assert model_server.most_in_flight == 200


def test_threads_share_the_background_loop(model_server: ModelServer) -> None:
    model_server.gather = 16
    model = judge(model_server)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda i: model(f"question {i}"), range(16)))
    assert len(answers) == 16
    assert model_server.most_in_flight == 16


@pytest.mark.slow
def test_one_lm_works_in_one_loop_after_another_and_closes_each_session(model_server: ModelServer) -> None:
    model = judge(model_server)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", ResourceWarning)
        for _ in range(3):
            asyncio.run(ask_all(model, 2))
            gc.collect()
        model("and once without a loop of one's own")
    assert [str(warning.message) for warning in warned if warning.category is ResourceWarning] == []
    assert len(model_server.received) == 7


def run_program(server: ModelServer, *lines: str) -> str:
    opening = (
        "import asyncio, os, openrubrics.lms as lms",
        f"model = lms.lm('hosted_vllm/judge', api_base={server.url!r}, cache=False)",
    )
    command = [
        sys.executable,
        "-P",
        "-X",
        "dev",
        "-W",
        "ignore::DeprecationWarning",
        "-c",
        "\n".join((*opening, *lines)),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stderr  # noqa: S603


def test_a_program_ends_without_a_warning(model_server: ModelServer) -> None:
    printed = run_program(model_server, "model('sync')", "asyncio.run(model.acall('async'))", "model('sync again')")
    assert "nclosed" not in printed
    assert len(model_server.received) == 3


@pytest.mark.slow
def test_a_forked_child_can_go_on(model_server: ModelServer) -> None:
    run_program(
        model_server,
        "model('parent')",
        "child = os.fork()",
        "model('child' if child == 0 else 'parent again')",
        "assert child == 0 or os.waitpid(child, 0)[1] == 0",
    )
    assert len(model_server.received) == 3


def test_a_cancelled_call_goes_away_from_the_server_and_leaves_no_task(model_server: ModelServer) -> None:
    model_server.delay = 30
    model = judge(model_server)

    async def cancel() -> set[asyncio.Task[object]]:
        task = asyncio.create_task(model.acall("slow"))
        while not model_server.received:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(cancel()) == set()
    deadline = time.monotonic() + 5
    while not model_server.dropped and time.monotonic() < deadline:
        time.sleep(0.01)
    assert model_server.dropped == 1
    model_server.delay = 0
    assert model("next")


def test_a_deep_copy_shares_the_engine_and_a_pickled_lm_still_works(model_server: ModelServer) -> None:
    model = judge(model_server)
    engine = model.engine
    assert isinstance(engine, HttpEngine)
    assert copy.deepcopy(engine) is engine
    assert copy.deepcopy(model).engine is engine
    assert pickle.loads(pickle.dumps(model))("hi")  # noqa: S301
