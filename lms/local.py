"""Engines that answer inside this process, without a server: scripts and the embedded reader."""

from dataclasses import replace
from typing import Protocol, Self

from dspy.lm15 import Request, Response, Usage

from openrubrics.lms.candidates import pending_samples
from openrubrics.lms.metering import Price, record, reserve, usage_of
from openrubrics.lms.samples import Sample
from openrubrics.lms.wire import response_sample


class Answers(Protocol):
    """Whatever can answer a request by itself."""

    def answer(self, request: Request, n: int) -> list[Response]:
        """Return `n` samples; each response carries its own usage."""
        ...


class Completes(Protocol):
    """An answerer that says the same thing every time."""

    def complete(self, request: Request) -> Response:
        """Return the answer."""
        ...


class Deterministic:
    """Gives all samples of a request the one answer there is."""

    def __init__(self, engine: Completes) -> None:
        self.engine = engine

    def answer(self, request: Request, n: int) -> list[Response]:
        """Return `n` equal samples; the first one carries the usage."""
        first = self.engine.complete(request)
        return [first, *(n - 1) * [replace(first, usage=Usage())]]


class LocalEngine:
    """Counts and limits what an answerer does as if it were a server."""

    supports_response_schema = True
    supported_params = frozenset({"response_format"})

    def __init__(self, model: str, source: Answers, price: Price | None = None) -> None:
        self.model = model
        self.source = source
        self.price = price

    def complete(self, request: Request) -> Response:
        """Answer one request of DSPy."""
        pending = pending_samples(self, request)
        return pending.take() or pending.add(self._ask(request, pending.missing))

    def sample(self, request: Request, n: int, *, scored: bool) -> list[Sample]:
        """Return `n` samples as DSPy would collect them; `scored` tells whether log-probabilities were asked for."""
        return [response_sample(response, scored=scored) for response in self._ask(request, n)]

    def _ask(self, request: Request, n: int) -> list[Response]:
        reserve(self.model, priced=self.price is not None)
        usage = usage_of(0, 0, self.price)
        try:
            responses = self.source.answer(request, n)
            read = sum(r.usage.input_tokens or 0 for r in responses)
            written = sum(r.usage.output_tokens or 0 for r in responses)
            usage = usage_of(read, written, self.price)
            return responses
        finally:
            record(usage)

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self


class AsyncLocalEngine:
    """The same engine for `dspy.LM.acall`."""

    def __init__(self, engine: LocalEngine) -> None:
        self.engine = engine

    async def complete(self, request: Request) -> Response:
        """Answer one request of DSPy."""
        return self.engine.complete(request)

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self
