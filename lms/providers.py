"""LMs that DSPy reaches itself (OpenAI, Anthropic and whatever LiteLLM knows), with retries, usage and budgets.

DSPy keeps its connections here. Each sample is a call of its own, and each attempt is sent by this module, so that what
is counted and limited is what is sent. What an answer used arrives through DSPy's usage tracker, which is not told
about cached answers, and what it cost through the history entry.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

import dspy
from dspy.lm15 import Request
from dspy.utils.exceptions import LMError as DSPyLMError
from dspy.utils.exceptions import is_retryable_lm_error

from openrubrics.lms.backoff import wait_before
from openrubrics.lms.finish import NO_TEXT, FinishLM
from openrubrics.lms.gate import passes_gate
from openrubrics.lms.metering import Price, record, release, reserve, usage_of
from openrubrics.lms.options import check_ranges
from openrubrics.signatures.errors import BudgetError


class _Tracker(Protocol):
    def add_usage(self, lm: str, usage_entry: Mapping[str, object]) -> None: ...


class _Bill:
    """What one request used, collected through DSPy's usage tracker."""

    def __init__(self, outer: _Tracker | None) -> None:
        self.outer = outer
        self.answered = False
        self.prompt_tokens: int | None = None
        self.completion_tokens: int | None = None
        self.cost: float | None = None

    def add_usage(self, lm: str, usage_entry: Mapping[str, object]) -> None:
        self.answered = True
        self.prompt_tokens = _count(usage_entry.get("prompt_tokens"))
        self.completion_tokens = _count(usage_entry.get("completion_tokens"))
        if self.outer is not None:
            self.outer.add_usage(lm, usage_entry)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None


_BILL: ContextVar[_Bill | None] = ContextVar("openrubrics_bill", default=None)


class ProviderLM(FinishLM):
    """A `dspy.LM` whose calls are measured and limited by `openrubrics.lms.metering`.

    ``n`` samples are asked for one after the other. Where the first ones arrive and a later one fails for good, the
    call returns what arrived, and lost samples for the rest.

    Args:
        model: Name as DSPy knows it.
        price: What the model charges; otherwise DSPy's own estimate is taken.
        num_retries: How often a failed request is repeated, where that may help.
        options: As for `dspy.LM`.

    Raises:
        UsageError: A generation option is out of its range.
    """

    def __init__(self, model: str, *, price: Price | None = None, num_retries: int = 0, **options) -> None:  # noqa: ANN003
        check_ranges(options)
        super().__init__(model, num_retries=0, **options)
        self.price = price
        # DSPy itself repeats nothing.
        self.retries = num_retries

    @passes_gate
    def __call__(self, prompt=None, *, messages=None, **options):  # noqa: ANN001, ANN003, ANN204
        """Answer like `dspy.LM`."""
        if isinstance(prompt, Request):
            return self._one(prompt, messages, options)
        outputs: list[Any] = []
        calls = self._calls(options)
        for call in calls:
            try:
                outputs += self._one(prompt, messages, call)
            except DSPyLMError as error:
                _let_go(error, outputs)
                break
        return _filled(outputs, len(calls))

    async def acall(self, prompt=None, *, messages=None, **options):  # noqa: ANN001, ANN003, ANN201
        """Answer like `dspy.LM.acall`."""
        if isinstance(prompt, Request):
            return await self._aone(prompt, messages, options)
        outputs: list[Any] = []
        calls = self._calls(options)
        for call in calls:
            try:
                outputs += await self._aone(prompt, messages, call)
            except DSPyLMError as error:
                _let_go(error, outputs)
                break
        return _filled(outputs, len(calls))

    def dump_state(self) -> dict[str, Any]:
        """Return what `dspy.LM` saves, with the retries of this class."""
        return {**super().dump_state(), "num_retries": self.retries}

    def update_history(self, entry: dict[str, Any]) -> None:
        """Take the cost of the call from its history entry."""
        bill, cost = _BILL.get(), entry.get("cost")
        if bill is not None and isinstance(cost, int | float):
            bill.cost = float(cost)
        super().update_history(entry)

    def _one(self, prompt: Any, messages: Any, options: dict[str, Any]) -> Any:  # noqa: ANN401
        for attempt in range(self.retries + 1):
            try:
                with self._billed():
                    return super().__call__(prompt, messages=messages, **options)
            except DSPyLMError as error:
                time.sleep(self._wait(attempt, error))
        raise AssertionError("the last attempt returns or raises")

    async def _aone(self, prompt: Any, messages: Any, options: dict[str, Any]) -> Any:  # noqa: ANN401
        for attempt in range(self.retries + 1):
            try:
                with self._billed():
                    return await super().acall(prompt, messages=messages, **options)
            except DSPyLMError as error:
                await asyncio.sleep(self._wait(attempt, error))
        raise AssertionError("the last attempt returns or raises")

    def _calls(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the options of each sample's call.

        All but the first have names of their own in DSPy's cache, and seeds of their own, as a server gives the samples
        of one request.
        """
        merged = {**self.kwargs, **options}
        n, rollout, seed = merged.get("n"), merged.get("rollout_id"), merged.get("seed")
        if not isinstance(n, int) or n <= 1:
            return [options]
        named = options.get("cache", self.cache)
        names = [{"rollout_id": f"{rollout or 0}, sample {i}"} if named and i else {} for i in range(n)]
        seeds = [{"seed": seed + i} if isinstance(seed, int) else {} for i in range(n)]
        return [{**options, "n": None, **name, **own} for name, own in zip(names, seeds, strict=True)]

    def _wait(self, attempt: int, error: DSPyLMError) -> float:
        """Return the seconds until the next attempt, or raise where there is none."""
        wait = wait_before(attempt, error.retry_after) if is_retryable_lm_error(error) else None
        if wait is None or attempt >= self.retries:
            raise error
        return wait

    @contextmanager
    def _billed(self) -> Iterator[None]:
        reserve(self.model)
        bill = _Bill(dspy.settings.usage_tracker)
        token = _BILL.set(bill)
        try:
            with dspy.context(usage_tracker=bill):
                yield
        except BaseException:
            bill.answered = True
            raise
        finally:
            _BILL.reset(token)
            self._settle(bill)

    def _settle(self, bill: _Bill) -> None:
        if not bill.answered:
            release()
            return
        usage = usage_of(bill.prompt_tokens, bill.completion_tokens, self.price)
        record(usage if self.price is not None else usage.model_copy(update={"cost": bill.cost}))


def _let_go(error: DSPyLMError, outputs: list[Any]) -> None:
    """Raise the error of a sample unless others have arrived; a limit that is reached always counts."""
    if not outputs or isinstance(error, BudgetError):
        raise error


def _filled(outputs: list[Any], n: int) -> list[Any]:
    """Return `n` outputs, all of one form, with lost samples for those that are missing."""
    lost = (n - len(outputs)) * [{"text": "", "finish_reason": NO_TEXT}]
    if not lost and not any(isinstance(output, dict) for output in outputs):
        return outputs
    return [output if isinstance(output, dict) else {"text": output} for output in outputs + lost]
