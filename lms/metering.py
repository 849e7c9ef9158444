"""What LM requests cost, and limits on it.

Meters and budgets are held in DSPy's settings, as `dspy.context` sets them: so they follow `asyncio` tasks,
`asyncio.to_thread` and the threads of `dspy.Parallel`, `dspy.Evaluate` and the optimizers, but not other threads that
start with an empty context. Only real requests count: answers from DSPy's cache are free.
"""

import math
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import dspy
from dspy.utils.exceptions import LMError as DSPyLMError

from openrubrics.signatures.errors import BudgetError, UsageError
from openrubrics.signatures.outcomes import Usage

_LOCK = threading.Lock()


@dataclass(frozen=True)
class Price:
    """What a model charges.

    Attributes:
        prompt_per_million: US dollars for a million prompt tokens.
        completion_per_million: US dollars for a million completion tokens.

    Raises:
        UsageError: A price is negative or not a number.
    """

    prompt_per_million: float
    completion_per_million: float

    def __post_init__(self) -> None:
        for name in ("prompt_per_million", "completion_per_million"):
            price = getattr(self, name)
            if not 0 <= price < math.inf:
                raise UsageError(f"{name} is {price!r}, but a price must be a number from 0")

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Return US dollars for so many tokens."""
        return (prompt_tokens * self.prompt_per_million + completion_tokens * self.completion_per_million) / 1e6


@dataclass(frozen=True)
class Budget:
    """Limits on what may be spent; None means no limit.

    `max_calls` is exact under any concurrency, for OpenAI-compatible servers, where ``n`` samples are one request, and
    for other providers, where each sample is a request of its own; only what the client libraries of some providers
    repeat inside one request is not seen. Cost is known only after a request, so requests already in flight when the
    limit is reached still finish and may overshoot by what they use.

    Attributes:
        max_calls: Requests, with those that are repeated after a failure.
        max_cost: US dollars. A model of unknown price cannot be called under this limit.
        max_total_tokens: Tokens read and written. Like cost, they are known only after a request.
    """

    max_calls: int | None = None
    max_cost: float | None = None
    max_total_tokens: int | None = None

    def __post_init__(self) -> None:
        for name in ("max_calls", "max_cost", "max_total_tokens"):
            limit = getattr(self, name)
            if limit is not None and not limit >= 0:
                raise UsageError(f"{name} is {limit!r}, but a limit cannot be negative")


class SpentBudgetError(BudgetError, DSPyLMError):
    """The `BudgetError` of this room: also one of DSPy's errors, which DSPy passes on unchanged and never retries."""


class Meter:
    """Adds up what was spent while it was active."""

    def __init__(self) -> None:
        self._calls = self._prompt_tokens = self._completion_tokens = 0
        self._cost: float | None = 0.0

    @property
    def usage(self) -> Usage:
        """What was spent so far: the sum of what was added."""
        return Usage(
            calls=self._calls,
            prompt_tokens=self._prompt_tokens,
            completion_tokens=self._completion_tokens,
            cost=self._cost if self._calls else None,
        )

    def add(self, usage: Usage) -> None:
        """Count what one request cost."""
        self._calls += usage.calls
        self._prompt_tokens += usage.prompt_tokens
        self._completion_tokens += usage.completion_tokens
        if usage.calls:
            self._cost = None if self._cost is None or usage.cost is None else self._cost + usage.cost


class _Account(Meter):
    """A budget with what has been reserved and spent under it."""

    def __init__(self, budget: Budget) -> None:
        super().__init__()
        self.budget = budget
        self.reserved = 0

    def check(self, model: str, priced: bool) -> None:
        limit, spent = self.budget, self.usage
        if limit.max_calls is not None and self.reserved >= limit.max_calls:
            raise _reached(f"the budget of {limit.max_calls} calls is used up", "--max-calls")
        if limit.max_total_tokens is not None and spent.tokens >= limit.max_total_tokens:
            raise _reached(f"the budget of {limit.max_total_tokens} tokens is used up", "--max-total-tokens")
        if limit.max_cost is None:
            return
        if not priced or (spent.calls and spent.cost is None):
            raise SpentBudgetError(
                f"a cost limit is set, but the price of {model} is unknown",
                "give its price (--price), or limit calls instead (--max-calls)",
            )
        if (spent.cost or 0.0) >= limit.max_cost:
            raise _reached(f"{spent.cost or 0.0:.4f} of {limit.max_cost:.4f} US dollars are used up", "--max-cost")


class Valve(_Account):
    """Lets requests pass until it is shut; then not even those are repeated that have failed."""

    def __init__(self) -> None:
        super().__init__(Budget())

    def shut(self) -> None:
        """Let no request pass from now on."""
        self.budget = Budget(max_calls=0)

    def open(self) -> AbstractContextManager[Meter]:
        """Let all requests inside pass it."""
        return _Activation(self)


def _reached(message: str, option: str) -> SpentBudgetError:
    return SpentBudgetError(message, f"raise {option}")


_SETTING = "openrubrics_meters"


_OF_THE_TASK: ContextVar[tuple[Meter, ...]] = ContextVar("openrubrics_meters", default=())


def _active() -> tuple[Meter, ...]:
    return (*dspy.settings.get(_SETTING, ()), *_OF_THE_TASK.get())


class _Activation(AbstractContextManager[Meter]):
    """A meter that is active inside; entered for every judgment, so without a generator of its own."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._context = nullcontext()

    def __enter__(self) -> Meter:
        self._context = dspy.context(**{_SETTING: (*dspy.settings.get(_SETTING, ()), self._meter)})
        self._context.__enter__()
        return self._meter

    def __exit__(self, *error: Any) -> None:  # noqa: ANN401 - as the protocol has it
        self._context.__exit__(*error)


def usage_meter() -> AbstractContextManager[Meter]:
    """Measure what LM requests made inside cost; meters nest, and each counts all that happens inside it."""
    return _Activation(Meter())


class task_meter(AbstractContextManager[Meter]):  # noqa: N801 - used as a function
    """Measure like `usage_meter`, at a tenth of the cost, but for one task and what it awaits or starts only.

    The threads that DSPy starts do not see it, unless they are started inside `meters_for_threads`.
    """

    def __enter__(self) -> Meter:
        meter = Meter()
        self._token = _OF_THE_TASK.set((*_OF_THE_TASK.get(), meter))
        return meter

    def __exit__(self, *error: object) -> None:
        _OF_THE_TASK.reset(self._token)


@contextmanager
def meters_for_threads() -> Iterator[None]:
    """Let the meters of this task count in the threads of DSPy, too."""
    meters = _active()
    token = _OF_THE_TASK.set(())
    try:
        with dspy.context(**{_SETTING: meters}):
            yield
    finally:
        _OF_THE_TASK.reset(token)


def budget(limit: Budget) -> AbstractContextManager[Meter]:
    """Refuse LM requests inside that would go beyond a limit, before they are sent and with `BudgetError`.

    Budgets nest, and each request must fit all of them. The meter tells what was spent under this one.
    """
    return _Activation(_Account(limit))


def _accounts() -> list[_Account]:
    return [meter for meter in _active() if isinstance(meter, _Account)]


def active_budgets() -> list[Budget]:
    """Return the limits that hold here."""
    return [account.budget for account in _accounts()]


def reserve(model: str, *, priced: bool = True) -> None:
    """Take one call from every active budget, or raise and take none.

    Args:
        model: Name for the message.
        priced: Whether the price of the model is known.

    Raises:
        BudgetError: A limit is reached.
    """
    accounts = _accounts()
    with _LOCK:
        for account in accounts:
            account.check(model, priced)
        for account in accounts:
            account.reserved += 1


def release() -> None:
    """Give back a reserved call for which no request was sent."""
    with _LOCK:
        for account in _accounts():
            account.reserved -= 1


def record(usage: Usage) -> None:
    """Add what a request cost to every active meter and budget."""
    with _LOCK:
        for meter in _active():
            meter.add(usage)


def charge(model: str, usage: Usage) -> None:
    """Take what a kept reply cost from every budget, and add it to every meter, as if it were asked for now.

    What came from DSPy's cache was free, whatever is known of its price.

    Raises:
        BudgetError: A limit was reached before; nothing is taken.
    """
    if not usage.calls:
        return
    accounts = _accounts()
    with _LOCK:
        for account in accounts:
            account.check(model, usage.cost is not None)
        for account in accounts:
            account.reserved += usage.calls
    record(usage)


def record_again(usage: Usage) -> None:
    """Add what a kept reply cost when it was asked for to every active meter, but to no budget: it is paid already."""
    with _LOCK:
        for meter in _active():
            if not isinstance(meter, _Account):
                meter.add(usage)


def usage_of(prompt_tokens: int | None, completion_tokens: int | None, price: Price | None) -> Usage:
    """Return the usage of one request; its cost is None unless price and tokens are both known."""
    known = price is not None and prompt_tokens is not None and completion_tokens is not None
    prompt, completion = prompt_tokens or 0, completion_tokens or 0
    return Usage(
        calls=1,
        prompt_tokens=prompt,
        completion_tokens=completion,
        cost=price.cost(prompt, completion) if price is not None and known else None,
    )
