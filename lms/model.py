"""The `dspy.LM` that this room hands out."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from dspy.lm15 import Request

from openrubrics.lms.candidates import candidates
from openrubrics.lms.finish import FinishLM
from openrubrics.lms.gate import passes_gate
from openrubrics.lms.identity import address
from openrubrics.lms.options import check_options, fold, place


class EngineLM(FinishLM):
    """A `dspy.LM` on one of our engines, whose calls may carry every option of `openrubrics.lms.options`.

    It changes nothing but the options of a call on their way in: DSPy's canonical request has no field for some of
    them, and an engine sees that request only. ``n`` above 1 becomes one request (`candidates`). The address of the
    server travels along, because DSPy's answer cache tells requests apart but not servers.

    Args:
        model: Name as DSPy shows it.
        engine: Answers `__call__`.
        async_engine: Answers `acall`.
        cache: Whether an answer of an earlier call or run is reused for an equal request to the same server.
        options: Generation options, and ``callbacks`` and ``rollout_id`` of `dspy.LM`.

    Raises:
        UsageError: An option is unknown.
    """

    def __init__(
        self, model: str, *, engine: object, async_engine: object, cache: bool = False, **options: object
    ) -> None:
        check_options(options)
        checked: dict[str, Any] = options
        # Each engine repeats failed requests by its own rules.
        super().__init__(model, engine=engine, async_engine=async_engine, cache=cache, num_retries=0, **checked)

    @property
    def async_engine(self) -> object:
        """What answers `acall`."""
        return self._async_engine_spec

    @passes_gate
    def __call__(self, prompt=None, *, messages=None, **options):  # noqa: ANN001, ANN003, ANN204
        """Answer like `dspy.LM`."""
        if isinstance(prompt, Request):
            return super().__call__(place(prompt, address(self.engine)), messages=messages, **options)
        with self._samples(options):
            return super().__call__(prompt, messages=messages, **self._folded(options))

    async def acall(self, prompt=None, *, messages=None, **options):  # noqa: ANN001, ANN003, ANN201
        """Answer like `dspy.LM.acall`."""
        if isinstance(prompt, Request):
            return await super().acall(place(prompt, address(self.engine)), messages=messages, **options)
        with self._samples(options):
            return await super().acall(prompt, messages=messages, **self._folded(options))

    def _folded(self, options: dict[str, object]) -> dict[str, object]:
        return fold(self.kwargs, options, address(self.engine))

    def _samples(self, options: dict[str, object]) -> AbstractContextManager[None]:
        n = options.get("n") or self.kwargs.get("n")
        return candidates(n) if isinstance(n, int) and n > 1 else nullcontext()
