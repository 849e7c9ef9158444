"""Calls over a cluster: what travels, what is bounded, and what happens when the work itself breaks."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import aclosing

import dspy
import pytest

from openrubrics.data import Cluster, ClusterError
from openrubrics.data.cluster import in_cluster
from openrubrics.lms import HttpEngine, Price, lm, lm_identity
from openrubrics.programs import ContrastiveRubricGenerator, Direct, GatekeeperJudge, RubricGenerator, RubricRM
from openrubrics.signatures.errors import UsageError

ASKED = {"prompt": "Name a prime. Do not use commas.", "response_a": "Seven", "response_b": "3, 5"}


@pytest.mark.parametrize(
    "model",
    [
        lm("embedded"),
        lm("hosted_vllm/judge", api_base="http://127.0.0.1:1/v1", api_key="key", price=Price(1, 2), temperature=0.5),
        lm("anthropic/claude", api_key="key"),
    ],
    ids=["embedded", "server", "provider"],
)
def test_language_models_travel(model: dspy.LM) -> None:
    cloudpickle = pytest.importorskip("ray").cloudpickle
    copy = cloudpickle.loads(cloudpickle.dumps(model))
    assert type(copy) is type(model)
    assert lm_identity(copy) == lm_identity(model)
    assert copy.kwargs == model.kwargs
    if isinstance(model.engine, HttpEngine) and isinstance(copy.engine, HttpEngine):
        assert copy.engine.endpoint == model.engine.endpoint  # with its key and price


@pytest.mark.parametrize("kind", [RubricRM, RubricGenerator, ContrastiveRubricGenerator, GatekeeperJudge])
def test_programs_travel(kind: type[RubricRM]) -> None:
    cloudpickle = pytest.importorskip("ray").cloudpickle
    program = kind()
    program.set_lm(lm("embedded"))
    copy = cloudpickle.loads(cloudpickle.dumps(program))
    assert copy.fingerprint == program.fingerprint


def test_a_program_that_has_worked_travels_with_its_way_of_asking() -> None:
    cloudpickle = pytest.importorskip("ray").cloudpickle
    program, ask = RubricRM(orders="both"), Direct(concurrency=3)
    program.set_lm(lm("embedded"))
    here = program(**ASKED)
    program_copy, ask_copy = cloudpickle.loads(cloudpickle.dumps((program, ask)))
    assert asyncio.run(ask_copy(program_copy, **ASKED)) == here


def test_a_cluster_has_workers() -> None:
    with pytest.raises(UsageError, match="workers is 0"):
        Cluster(workers=0)


@pytest.mark.cluster
def test_items_are_taken_as_results_come_back_and_a_deadly_one_ends_the_run() -> None:
    taken: list[int] = []
    ahead: list[int] = []

    async def call(item: int) -> int:
        if item == 150:
            os._exit(1)
        return item

    def items() -> Iterator[int]:
        for item in range(200):
            taken.append(item)
            yield item

    async def run() -> None:
        results: set[int] = set()
        async with aclosing(in_cluster(call, items(), concurrency=8, cluster=Cluster(2))) as finished:
            async for result in finished:
                assert result not in results
                results.add(result)
                ahead.append(len(taken) - len(results))

    with pytest.raises(ClusterError, match=r"the cluster lost the work: .*died"):
        asyncio.run(run())
    assert len(ahead) > 100
    assert max(ahead) <= 2 * 2 * 8 + 4
