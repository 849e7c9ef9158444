"""The `dspy.LM` that this room hands out."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import dspy

from openrubrics.lms.candidates import candidates
from openrubrics.lms.options import check_options, fold


class EngineLM(dspy.LM):
    """A `dspy.LM` on one of our engines, whose calls may carry every option of `openrubrics.lms.options`.

    It changes nothing but the options of a call on their way in: DSPy's canonical request has no field for some of
    them, and an engine sees that request only. ``n`` above 1 becomes one request (`candidates`).

    Args:
        model: Name as DSPy shows it.
        engine: Answers `__call__`.
        async_engine: Answers `acall`.
        options: Generation options, and ``cache``, ``callbacks`` and ``rollout_id`` of `dspy.LM`.

    Raises:
        UsageError: An option is unknown.
    """

    def __init__(self, model: str, *, engine: object, async_engine: object, **options: object) -> None:
        check_options(options)
        checked: dict[str, Any] = options
        # Each engine repeats failed requests by its own rules.
        super().__init__(model, engine=engine, async_engine=async_engine, num_retries=0, **checked)

    def __call__(self, prompt=None, *, messages=None, **options):  # noqa: ANN001, ANN003, ANN204
        """Answer like `dspy.LM`."""
        with self._samples(options):
            return super().__call__(prompt, messages=messages, **fold(self.kwargs, options))

    async def acall(self, prompt=None, *, messages=None, **options):  # noqa: ANN001, ANN003, ANN201
        """Answer like `dspy.LM.acall`."""
        with self._samples(options):
            return await super().acall(prompt, messages=messages, **fold(self.kwargs, options))

    def _samples(self, options: dict[str, object]) -> AbstractContextManager[None]:
        n = options.get("n") or self.kwargs.get("n")
        return candidates(n) if isinstance(n, int) and n > 1 else nullcontext()
