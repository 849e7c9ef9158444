"""The gate of an optimizer's run: one answer for equal requests, one budget, and an end that nothing swallows."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import replace
from typing import Any, TypeVar

import dspy

from openrubrics.data import Ledger
from openrubrics.lms import EndpointError, is_systemic, lm_error, usage_meter
from openrubrics.lms.gate import Messages, Outputs, gated
from openrubrics.lms.identity import call_identity
from openrubrics.lms.metering import Valve, charge
from openrubrics.lms.samples import LMReply, Sample, sample_of
from openrubrics.signatures.errors import LMError, OpenRubricsError, UsageError
from openrubrics.signatures.outcomes import Usage

T = TypeVar("T")
Item = TypeVar("Item")


class SearchEnded(BaseException):
    """Ends a search from wherever in DSPy it is, where every `Exception` is taken for a wrong answer.

    Attributes:
        error: Why: a limit that was reached, what no later request can get over, or a fault in a program.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def never_a_score() -> Iterator[None]:
    """Let an error end the search, which DSPy would take for a wrong answer and score with 0.

    Raises:
        SearchEnded: Anything went wrong inside.
    """
    try:
        yield
    except Exception as error:
        raise SearchEnded(error) from error


class Replay:
    """Answers a call from the ledger of its run where an equal one was answered before.

    So a run that was stopped and is started again goes the same way and asks for nothing twice, whatever the optimizer,
    and within a run equal requests have one answer, as with DSPy's own cache. What a reply of an earlier start cost
    counts towards budgets when it is first used, so that limits hold for all starts of a run together.

    A call that fails for its own reasons fails again for the rest of the start, so that a prompt has one score however
    often it is scored; the next start asks again. What it cost is kept, and counts, like that of a reply.

    Attributes:
        replayed: Calls of an earlier start that were answered again.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.replayed = 0
        self._ledger = ledger
        self._state = threading.Condition()
        self._asking: set[str] = set()
        self._paid: set[str] = set()
        self._failed: dict[str, LMError] = {}

    @property
    def different(self) -> int:
        """How many different calls there were in this start."""
        return len(self._paid)

    @contextmanager
    def gate(self) -> Iterator[None]:
        """Let all calls inside pass a gate (`openrubrics.lms.gate`), which is shut for good at the end.

        The first error that every later request would meet shuts it before: it is raised as `SearchEnded` there and in
        every later call. Requests that are in flight then are waited for, but not repeated: their replies are paid, and
        are kept.
        """
        gate = _Gate(self)
        try:
            with gated(gate), gate.valve.open():
                yield
        finally:
            gate.shut(UsageError("the search is over"))  # DSPy leaves threads behind
            with self._state:
                while self._asking:
                    self._state.wait()

    def spread(self, work: Callable[[Item], T], items: Iterable[Item], concurrency: int) -> list[T]:
        """Do work on threads behind a gate, so many items at a time, and return the results in the order of the items.

        An exception, be it an interrupt, waits for the requests in flight, and cancels what has not begun.

        Raises:
            SearchEnded: A limit is reached, or no request can succeed.
        """
        with ThreadPoolExecutor(concurrency) as pool, self.gate():
            try:
                futures = [pool.submit(copy_context().run, work, item) for item in items]
                return [future.result() for future in futures]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    @contextmanager
    def claim(self, key: str, is_shut: Callable[[], bool]) -> Iterator[None]:
        """Wait while an equal call is under way, unless the gate is shut meanwhile."""
        with self._state:
            while key in self._asking and not is_shut():
                self._state.wait()
            mine = key not in self._asking and not is_shut()
            if mine:
                self._asking.add(key)
        try:
            yield
        finally:
            self.wake(key if mine else None)

    def wake(self, done: str | None = None) -> None:
        """Let those who wait look again; `done` is no longer under way."""
        with self._state:
            if done is not None:
                self._asking.discard(done)
            self._state.notify_all()

    def answer(self, lm: dspy.LM, key: str, ask: Callable[[], Outputs]) -> LMReply:
        """Return the kept reply, or ask, and keep the reply before it is used.

        Raises:
            LMError: An equal call has failed in this start.
            Exception: What asking or the ledger raises.
        """
        content = self._ledger.reply(key)
        kept = LMReply([]) if content is None else LMReply.from_bytes(content)
        if key not in self._paid:
            charge(lm.model, kept.usage)
            self._paid.add(key)
            self.replayed += bool(kept.samples)
        if kept.samples:
            return kept
        if key in self._failed:
            before = self._failed[key]
            raise LMError(before.message, before.hint, before.retryable, before.status)
        with usage_meter() as spent:
            spent.add(kept.usage)
            try:
                outputs = ask()
            except Exception as error:
                self._fail(key, error, spent.usage)
                raise
        return self._keep(key, LMReply([_valid(sample_of(output)) for output in outputs], spent.usage))

    def _fail(self, key: str, error: Exception, usage: Usage) -> None:
        ours = lm_error(error)
        if ours is None or isinstance(ours, EndpointError):
            return
        if not is_systemic(ours):
            self._failed[key] = ours
        if usage.calls:
            self._keep(key, LMReply([], usage))

    def _keep(self, key: str, reply: LMReply) -> LMReply:
        self._ledger.keep_replies([(key, reply.to_bytes())])
        return reply


class _Gate:
    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self.valve = Valve()
        self._end: Exception | None = None

    def call(self, lm: dspy.LM, messages: Messages, options: Mapping[str, Any], ask: Callable[[], Outputs]) -> Outputs:
        key = _key(lm, messages, options)
        with self._replay.claim(key, lambda: self._end is not None):
            if self._end is not None:
                raise SearchEnded(self._end)
            try:
                reply = self._replay.answer(lm, key, ask)
            except Exception as error:
                self._shut_if_systemic(error)
                raise
        return [sample.as_output() for sample in reply.samples]

    def shut(self, error: Exception) -> Exception:
        """Let no later call pass, and return the error that shut it first."""
        self._end = self._end or error
        self.valve.shut()
        self._replay.wake()
        return self._end

    def _shut_if_systemic(self, error: Exception) -> None:
        ours = error if isinstance(error, OpenRubricsError) else lm_error(error)
        if ours is not None and (not isinstance(ours, LMError) or is_systemic(ours)):
            raise SearchEnded(self.shut(ours)) from error


def _key(lm: dspy.LM, messages: Messages, options: Mapping[str, Any]) -> str:
    asked = json.dumps([call_identity(lm, options), messages], default=str)
    return hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()


def _valid(sample: Sample) -> Sample:
    """Return a sample without halves of surrogate pairs, which no prompt and no file can hold."""
    return replace(sample, text=sample.text.encode("utf-8", "replace").decode())
