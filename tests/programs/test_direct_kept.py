"""Replies that are kept at the end of a turn of the event loop: none used before, none lost, nobody left waiting."""

import asyncio
from collections.abc import Sequence
from typing import Any

import dspy
import pytest
from judge_world import RUBRIC, reply, world
from server_plugin import ModelServer

from openrubrics.lms import ScriptedLM, lm
from openrubrics.programs import Direct, GatekeeperJudge
from openrubrics.signatures import Judgment
from openrubrics.signatures.errors import UsageError

PAIR: dict[str, Any] = {"prompt": "p", "rubric": RUBRIC, "response_a": "a", "response_b": "b"}


class Kept(dict[str, bytes]):
    """Replies in memory, which can be told to fail."""

    def __init__(self) -> None:
        super().__init__()
        self.error: BaseException | None = None
        self.together: list[int] = []

    def reply(self, key: str) -> bytes | None:
        return self.get(key)

    def keep_replies(self, replies: Sequence[tuple[str, bytes]]) -> None:
        self.together.append(len(replies))
        if self.error is not None:
            raise self.error
        self.update(replies)


async def judged(direct: Direct, count: int) -> list[Judgment | BaseException]:
    calls = (direct(GatekeeperJudge(), **PAIR | {"prompt": str(i)}) for i in range(count))
    return await asyncio.gather(*calls, return_exceptions=True)


def test_replies_of_one_turn_are_kept_together_and_a_full_disk_is_told_to_all_of_them() -> None:
    kept, model = Kept(), world(len)
    direct = Direct(replies=kept)
    with dspy.context(lm=model):
        kept.error = UsageError("the disk is full")
        failed = asyncio.run(judged(direct, 5))
        assert [str(error) for error in failed] == ["the disk is full"] * 5
        assert (kept.together, len(kept)) == ([5], 0)
        kept.error = None
        done = asyncio.run(judged(direct, 5))
    assert all(isinstance(judgment, Judgment) for judgment in done)
    assert (kept.together, len(kept)) == ([5, 5], 5)


def test_a_reply_is_kept_although_its_call_is_cancelled_in_the_same_turn() -> None:
    kept, model = Kept(), ScriptedLM([reply("A")])

    async def main() -> None:
        direct = Direct(replies=kept)
        task = asyncio.create_task(direct(GatekeeperJudge(), **PAIR))
        await asyncio.sleep(0)  # now it has its reply and waits for the end of the turn
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(kept) == 1
        judgment = await direct(GatekeeperJudge(), **PAIR)
        assert judgment.preferred == "A"

    with dspy.context(lm=model):
        asyncio.run(main())
    assert len(model.requests) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_while_replies_are_kept_ends_the_loop(error: type[BaseException]) -> None:
    kept, model = Kept(), world(len)
    direct = Direct(replies=kept)
    with dspy.context(lm=model):
        kept.error = error()
        with pytest.raises(error):
            asyncio.run(judged(direct, 3))
        kept.error = None
        assert all(isinstance(judgment, Judgment) for judgment in asyncio.run(judged(direct, 3)))
    assert len(kept) == 3


def test_a_loop_that_was_left_does_not_keep_the_next_one_waiting(model_server: ModelServer) -> None:
    model_server.text, model_server.gather = reply("B"), 100
    direct, judge = Direct(replies=Kept()), GatekeeperJudge()
    left = asyncio.new_event_loop()

    async def asked() -> None:
        while not model_server.received:
            await asyncio.sleep(0.01)

    with dspy.context(lm=lm("openai/judge", api_base=model_server.url)):
        pending = left.create_task(direct(judge, **PAIR))
        left.run_until_complete(asked())
        model_server.gather = 0
        judgment = asyncio.run(asyncio.wait_for(direct(judge, **PAIR), 20))
        assert judgment.preferred == "B"
        pending.cancel()
        left.run_until_complete(asyncio.gather(pending, return_exceptions=True))
        left.run_until_complete(left.shutdown_asyncgens())
        left.close()
