"""A scalar reward model as a scorer."""

import asyncio
from math import isfinite
from pathlib import Path

from openrubrics.data.reward_model import RewardModel
from openrubrics.data.rows import PassedOver
from openrubrics.programs.arguments import check_texts
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.grades import Grade, Score
from openrubrics.signatures.outcomes import Failed
from openrubrics.signatures.values import Prompt, Rubric


class RewardModelScorer:
    """Scores responses by a sequence classifier with one label; the score is the logit, on a scale of its own.

    The conversation is written by the model's chat template. Code that comes with a checkpoint is never run, and
    nothing is ever cut: a conversation that is too long, or that the template refuses, has no score. What is asked for
    at the same time is scored together, in another thread.

    Args:
        name: Name on the hub, or folder of a checkpoint.
        device: Such as ``cuda`` or ``cpu``; else ``cuda`` where there is one.
        dtype: Such as ``bfloat16``; else that of the checkpoint.
        batch_size: Conversations scored at a time.
        max_tokens: Longest conversation in tokens, where the model's own limit is too long for the machine.

    Raises:
        UsageError: The model cannot be loaded, or is no reward model; an argument is out of range; or there is no such
            device here.
        MissingExtraError: The ``train`` extra is not installed.
    """

    def __init__(
        self,
        name: str | Path,
        *,
        device: str | None = None,
        dtype: str | None = None,
        batch_size: int = 8,
        max_tokens: int | None = None,
    ) -> None:
        self._model = RewardModel(name, device=device, dtype=dtype, batch_size=batch_size, max_tokens=max_tokens)
        self._waiting: list[tuple[list[int], asyncio.Future[float]]] = []
        self._scoring: asyncio.Task[None] | None = None

    async def acall(self, *, prompt: Prompt, response: str, rubric: Rubric | None = None) -> Grade:
        """Return the grade.

        Raises:
            UsageError: A rubric is given, or the device has too little memory.
        """
        if rubric is not None:
            raise UsageError("a reward model cannot grade by a rubric", "use RubricScorer, or a scorer of your own")
        check_texts(response=response)
        tokens = self._model.tokens(prompt, response)
        if isinstance(tokens, PassedOver):
            return Grade(outcome=Failed(reason=tokens.reason))
        score = await self._score(tokens)
        return Grade(outcome=Score(value=score) if isfinite(score) else Failed(reason="the score is not a number"))

    async def _score(self, tokens: list[int]) -> float:
        score: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting.append((tokens, score))
        if self._scoring is None or self._scoring.done():
            self._scoring = asyncio.create_task(self._score_all())
        return await score

    async def _score_all(self) -> None:
        """Score what waits, all of it at a time, until nothing does."""
        await asyncio.sleep(0)  # what is asked for in the same turn of the loop comes along
        while self._waiting:
            waiting = [(tokens, score) for tokens, score in self._waiting if not score.done()]
            self._waiting = []
            try:
                found = await asyncio.to_thread(self._model.scores, [tokens for tokens, _ in waiting])
            except Exception as error:  # noqa: BLE001 - raised where each of them is awaited
                for _, score in waiting:
                    if not score.done():
                        score.set_exception(error)
                continue
            for (_, score), value in zip(waiting, found, strict=True):
                if not score.done():
                    score.set_result(value)
