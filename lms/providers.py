"""LMs that DSPy reaches itself (OpenAI, Anthropic and whatever LiteLLM knows), with usage and budgets.

DSPy keeps its connections here and repeats failed requests itself, so one LM call is counted as one request however
often it was repeated, and DSPy may send several requests for ``n`` samples. What an answer used arrives through DSPy's
usage tracker, which is not told about cached answers, and what it cost through the history entry.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

import dspy

from openrubrics.lms.metering import Price, record, release, reserve, usage_of


class _Tracker(Protocol):
    def add_usage(self, lm: str, usage_entry: Mapping[str, object]) -> None: ...


class _Bill:
    """What one call used, collected through DSPy's usage tracker."""

    def __init__(self, outer: _Tracker | None, keep_history: bool) -> None:
        self.outer = outer
        self.keep_history = keep_history
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


class ProviderLM(dspy.LM):
    """A `dspy.LM` whose calls are measured and limited by `openrubrics.lms.metering`.

    Args:
        model: Name as DSPy knows it.
        price: What the model charges; otherwise DSPy's own estimate is taken.
        options: As for `dspy.LM`.
    """

    def __init__(self, model: str, *, price: Price | None = None, **options) -> None:  # noqa: ANN003
        super().__init__(model, **options)
        self.price = price

    def __call__(self, prompt=None, *, messages=None, **options):  # noqa: ANN001, ANN003, ANN204
        """Answer like `dspy.LM`."""
        with self._billed():
            return super().__call__(prompt, messages=messages, **options)

    async def acall(self, prompt=None, *, messages=None, **options):  # noqa: ANN001, ANN003, ANN201
        """Answer like `dspy.LM.acall`."""
        with self._billed():
            return await super().acall(prompt, messages=messages, **options)

    def update_history(self, entry: dict[str, object]) -> None:
        """Take the cost of the call from its history entry."""
        bill = _BILL.get()
        cost = entry.get("cost")
        if bill is not None and isinstance(cost, int | float):
            bill.cost = float(cost)
        if bill is None or bill.keep_history:
            super().update_history(entry)

    @contextmanager
    def _billed(self) -> Iterator[None]:
        reserve(self.model)
        bill = _Bill(dspy.settings.usage_tracker, keep_history=not dspy.settings.disable_history)
        token = _BILL.set(bill)
        try:
            with dspy.context(usage_tracker=bill, disable_history=False):
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
