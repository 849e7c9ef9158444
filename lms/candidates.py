"""Several samples in one request.

DSPy asks an engine once for every sample. Inside `candidates` the first of these calls asks the endpoint for all
samples, and the following ones are answered from what it returned. Where a server sends fewer and then fails, the
samples that arrived are kept and the others are lost samples.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from dspy.lm15 import Request, Response

from openrubrics.lms.finish import lost_sample, veiled


@dataclass
class Pending:
    """The samples of one request that have not been handed out yet."""

    engine: object
    request: Request
    missing: int
    ready: deque[Response] = field(default_factory=deque)
    started: bool = False

    def take(self) -> Response | None:
        """Return a sample that has arrived, if there is one."""
        return veiled(self.ready.popleft()) if self.ready else None

    def add(self, responses: list[Response]) -> Response:
        """Keep samples that arrived and hand out the first one; a server may send fewer than it was asked for."""
        self.started = True
        self.missing = max(0, self.missing - len(responses))
        self.ready.extend(responses)
        return veiled(self.ready.popleft())

    def give_up(self) -> Response | None:
        """Give up what is missing where some samples have arrived; None where there are none."""
        return self.add(self.missing * [lost_sample(self.request.model)]) if self.started else None


class _Scope:
    """Samples wanted for each request made inside one `candidates` block."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.pending: list[Pending] = []

    def find(self, engine: object, request: Request) -> Pending:
        self.pending = [p for p in self.pending if p.ready or p.missing]
        for pending in self.pending:
            if pending.engine is engine and pending.request == request:
                return pending
        self.pending.append(Pending(engine, request, missing=self.n))
        return self.pending[-1]


_SCOPE: ContextVar[_Scope | None] = ContextVar("openrubrics_candidates", default=None)


@contextmanager
def candidates(n: int) -> Iterator[None]:
    """Ask for `n` samples in one HTTP request where DSPy would send `n` requests.

    LMs of this room enter it themselves for every call with ``n`` above 1, so a program needs it only around ``n``
    explicit `dspy.lm15.Request` calls that are equal. Such calls must follow each other, not run at the same time.
    """
    token = _SCOPE.set(_Scope(n))
    try:
        yield
    finally:
        _SCOPE.reset(token)


def pending_samples(engine: object, request: Request) -> Pending:
    """Return what is open for this request at this engine: one sample outside of any `candidates` block."""
    scope = _SCOPE.get()
    return Pending(engine, request, missing=1) if scope is None else scope.find(engine, request)
