"""The gate of an optimizer's run: one answer for equal requests, one budget, and an end that nothing swallows."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

import dspy

from openrubrics.data import Ledger
from openrubrics.lms import is_systemic, lm_error, usage_meter
from openrubrics.lms.gate import Messages, Outputs
from openrubrics.lms.identity import call_identity
from openrubrics.lms.metering import charge
from openrubrics.lms.samples import LMReply, sample_of
from openrubrics.signatures.errors import BudgetError, LMError, OpenRubricsError


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
    """Answers a call from the ledger of its run where an equal one was answered before; see `openrubrics.lms.gate`.

    So a run that was stopped and is started again goes the same way and asks for nothing twice, whatever the optimizer,
    and within a run equal requests have one answer, as with DSPy's own cache. What a reply of an earlier start cost
    counts towards budgets when it is first used, so that limits hold for all starts of a run together.

    The first error that every later request would meet ends the run: it is raised as `SearchEnded` there and in every
    later call.

    Attributes:
        replayed: Calls of an earlier start that were answered again.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.replayed = 0
        self._ledger = ledger
        self._state = threading.Condition()
        self._asking: set[str] = set()
        self._paid: set[str] = set()
        self._end: OpenRubricsError | None = None

    def call(self, lm: dspy.LM, messages: Messages, options: Mapping[str, Any], ask: Callable[[], Outputs]) -> Outputs:
        """Return the outputs of a call, from the ledger or from the LM.

        Raises:
            SearchEnded: The run is over.
        """
        key = _key(lm, messages, options)
        with self._state:
            while key in self._asking and self._end is None:  # an equal call is under way: take its reply
                self._state.wait()
            self._go_on()
            self._asking.add(key)
        try:
            reply = self._kept(lm, key) or self._fresh(key, ask)
        except Exception as error:
            self._end_if_systemic(error)
            raise
        finally:
            with self._state:
                self._asking.discard(key)
                self._state.notify_all()
        return [sample.as_output() for sample in reply.samples]

    def again(self) -> None:
        """Take calls again after a limit ended the search, under another budget."""
        self.wait()
        if isinstance(self._end, BudgetError):
            self._end = None

    def wait(self) -> None:
        """Wait until no request is in flight: its reply is paid for, and is kept."""
        with self._state:
            while self._asking:
                self._state.wait()

    def end(self, error: OpenRubricsError) -> None:
        """Let every later call raise `SearchEnded`; the first error is the one that counts."""
        with self._state:
            self._end = self._end or error
            self._state.notify_all()

    def _go_on(self) -> None:
        if self._end is not None:
            raise SearchEnded(self._end)

    def _kept(self, lm: dspy.LM, key: str) -> LMReply | None:
        kept = self._ledger.reply(key)
        if kept is None:
            return None
        reply = LMReply.from_bytes(kept)
        if key not in self._paid:
            charge(lm.model, reply.usage)
            self._paid.add(key)
            self.replayed += 1
        return reply

    def _fresh(self, key: str, ask: Callable[[], Outputs]) -> LMReply:
        with usage_meter() as spent:
            outputs = ask()
        reply = LMReply([sample_of(output) for output in outputs], spent.usage)
        self._ledger.keep_replies([(key, reply.to_bytes())])
        self._paid.add(key)
        return reply

    def _end_if_systemic(self, error: Exception) -> None:
        ours = error if isinstance(error, OpenRubricsError) else lm_error(error)
        if ours is not None and (not isinstance(ours, LMError) or is_systemic(ours)):
            self.end(ours)
            raise SearchEnded(ours) from error

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


def _key(lm: dspy.LM, messages: Messages, options: Mapping[str, Any]) -> str:
    asked = json.dumps([call_identity(lm, options), messages], default=str)
    return hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()
