"""Programs in bulk: the same requests and outcomes as through DSPy, at a fraction of the cost."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeGuard

import dspy

from openrubrics.lms.direct import Route, Routes
from openrubrics.lms.metering import meters_for_threads, record_again, task_meter
from openrubrics.lms.samples import LMReply, Sample
from openrubrics.programs.predict import Answers, BoundPredict
from openrubrics.programs.program import Program, states_its_algorithm
from openrubrics.programs.steps import Call, arun
from openrubrics.signatures.errors import UsageError


class Replies(Protocol):
    """Where replies of LMs are kept, such as `openrubrics.data.Ledger`."""

    def reply(self, key: str) -> bytes | None:
        """Return the reply that was kept under a key; None where there is none."""
        ...

    def keep_replies(self, replies: Sequence[tuple[str, bytes]]) -> None:
        """Keep replies under their keys; they have reached the operating system when this returns."""
        ...


class _Loop:
    """What `Direct` holds for one event loop: free slots, requests under way, and the replies of this turn of the loop.

    Replies that come in one turn are kept together at its end, which costs hardly more than one of them.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, concurrency: int) -> None:
        self.loop = loop
        self.free = asyncio.Semaphore(concurrency)
        self.asking: dict[str, asyncio.Event] = {}
        self._waiting: list[tuple[str, bytes, asyncio.Future[None]]] = []

    async def keep(self, replies: Replies, key: str, reply: bytes) -> None:
        """Keep a reply; return when it is."""
        kept = self.loop.create_future()
        self._waiting.append((key, reply, kept))
        if len(self._waiting) == 1:
            self.loop.call_soon(self._end, replies)
        await kept

    def _end(self, replies: Replies) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            replies.keep_replies([(key, reply) for key, reply, _ in waiting])
        except Exception as error:  # noqa: BLE001 - raised where each of them is awaited
            for _, _, kept in waiting:
                if not kept.done():
                    kept.set_exception(error)
            return
        for _, _, kept in waiting:
            if not kept.done():
                kept.set_result(None)


class CalledLikeAProgram(Protocol):
    """Anything that is called like a program."""

    @property
    def acall(self) -> Callable[..., Awaitable[Any]]:
        """Takes its own keyword arguments and returns the result."""
        ...


class Direct:
    """Runs programs without DSPy's layers between a program and its LM.

    It drives the very algorithm that ``program.acall`` drives, renders the same prompts, sends the same requests and
    reads the replies by the same contract, so the result is the same. What DSPy does on the way is left out: no
    callbacks, trace, history or usage tracker sees these calls (`openrubrics.lms.usage_meter` and budgets do).

    Only LMs of `openrubrics.lms` for OpenAI-compatible servers and inside this process are asked directly; an LM with
    ``cache`` or ``callbacks`` of its own and every other `dspy.LM` is called as DSPy calls it. So is a module that is
    not a `Program`, or that overrides ``forward`` or ``aforward``. The bound holds for these too.

    Args:
        concurrency: Most LM requests in flight at a time; a module that DSPy calls counts as one.
        replies: Keeps each reply before it is used, and answers an equal request of the same LM (also of an earlier
            process) instead of the LM. So after a kill at most `concurrency` requests are repeated. Failed requests
            are not kept. What a kept reply cost counts again towards the usage of the result that it goes into, but not
            towards a budget.
        salt: Part of what must be equal for a kept reply to be used.

    Raises:
        UsageError: `concurrency` is below 1.
    """

    def __init__(self, *, concurrency: int = 16, replies: Replies | None = None, salt: str = "") -> None:
        if concurrency < 1:
            raise UsageError(f"concurrency is {concurrency}, but at least one request must be allowed")
        self.concurrency = concurrency
        self.replies = replies
        self.salt = salt
        self._routes = Routes()
        self._loop: _Loop | None = None

    async def __call__(self, program: CalledLikeAProgram, /, **inputs: Any) -> Any:  # noqa: ANN401 - each program has its own
        """Return what ``await program.acall(**inputs)`` returns.

        Raises:
            UsageError: An argument is not what it should be; nothing was sent.
            LMError: The endpoint cannot answer at all.
        """
        if dspy.settings.disable_history and dspy.settings.trace is None:
            return await self._call(program, inputs)
        with dspy.context(disable_history=True, trace=None):
            return await self._call(program, inputs)

    async def _answer(self, call: Call) -> Any:  # noqa: ANN401
        if call.once is None and _is_ours(call.module):
            return await self._predict(call.module, call.inputs, BoundPredict.answers)
        return await self._call(call.module, call.inputs, metered=call.metered)

    async def _call(self, module: CalledLikeAProgram, inputs: Mapping[str, Any], *, metered: bool = True) -> Any:  # noqa: ANN401
        if isinstance(module, Program) and states_its_algorithm(type(module)):
            steps = module.steps(**inputs)
            return await arun(steps, self._answer, metered=metered and module.metered, meter=task_meter)
        if _is_ours(module):
            return await self._predict(module, inputs, BoundPredict.prediction)
        async with self._here().free:
            with meters_for_threads():
                return await module.acall(**inputs)

    async def _predict(
        self,
        predict: BoundPredict,
        inputs: Mapping[str, Any],
        told: Callable[[BoundPredict, Sequence[Sample]], dspy.Prediction | Answers],
    ) -> dspy.Prediction | Answers:
        lm, options, messages = predict.request(**inputs)
        try:
            samples = await self._samples(self._routes.to(lm, options), messages)
        except Exception:  # every error goes through `failures`, which is entered only where there is one
            with predict.failures() as failure:
                raise
            return failure.prediction()
        return told(predict, samples)

    async def _samples(self, route: Route, messages: list[dict[str, str]]) -> Sequence[Sample]:
        here = self._here()
        if self.replies is None:
            async with here.free:
                return (await route.ask(messages)).samples
        key = self._key(route, messages)
        while asking := here.asking.get(key):  # the same request is under way: wait for its reply
            await asking.wait()
        if (kept := self.replies.reply(key)) is not None:
            reply = LMReply.from_bytes(kept)
            record_again(reply.usage)
            return reply.samples
        here.asking[key] = asked = asyncio.Event()
        try:
            async with here.free:
                reply = await route.ask(messages)
                await here.keep(self.replies, key, reply.to_bytes())
                return reply.samples
        finally:
            del here.asking[key]
            asked.set()

    def _key(self, route: Route, messages: list[dict[str, str]]) -> str:
        digest = hashlib.sha256()
        for part in (route.key, self.salt, *(text for m in messages for text in (m["role"], m["content"]))):
            content = part.encode()
            digest.update(b"%d:" % len(content))
            digest.update(content)
        return digest.hexdigest()[:32]

    def _here(self) -> _Loop:
        """Return what belongs to the running event loop."""
        loop, here = asyncio.get_running_loop(), self._loop
        if here is None or here.loop is not loop:
            here = self._loop = _Loop(loop, self.concurrency)
        return here


def _is_ours(module: object) -> TypeGuard[BoundPredict]:
    return isinstance(module, BoundPredict) and type(module).aforward is BoundPredict.aforward
