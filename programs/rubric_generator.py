"""Rubrics from a request alone, and from ranked answers to it."""

import hashlib
import json
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import dspy

from openrubrics.lms import lm_identity
from openrubrics.programs.arguments import check_responses
from openrubrics.programs.predict import BoundPredict
from openrubrics.programs.program import Program, states_its_algorithm
from openrubrics.programs.rubric_cache import RubricCache
from openrubrics.programs.steps import Call, Once, Steps, arun, run
from openrubrics.signatures import RUBRIC, ContrastResponses, Failed, GenerateRubric, Prompt, Rubric, prompt_text
from openrubrics.signatures.errors import UsageError

RESAMPLING_TEMPERATURE = 0.7
"""Least sampling temperature of every rubric after the first one for the same responses.

OpenRubrics writes rubrics at temperature 0, which would give the same rubric again, and says nothing of a second one;
this is the only positive temperature it uses (v3, Table 8, for the judge).
"""


class RubricGenerator(Program):
    """Write a rubric from the request alone (OpenRubrics v3, section 3: the generator sees no responses).

    A rubric is written once for each prompt, program, LM and sampling, and then taken from memory; the call still
    appears in DSPy's trace, so optimizers see it.

    Args:
        template: Text that replaces the whole prompt, for checkpoints trained on another wording; slot ``{prompt}``.
    """

    if TYPE_CHECKING:

        def __call__(self, prompt: Prompt) -> Rubric | Failed:
            """As `forward`, through DSPy."""
            ...

        async def acall(self, prompt: Prompt) -> Rubric | Failed:
            """As `aforward`, through DSPy."""
            ...

    def __init__(self, template: str | None = None) -> None:
        super().__init__()
        self.predict = BoundPredict(GenerateRubric, RUBRIC, template)
        self.cache = RubricCache()
        self._identity: tuple[tuple[object, ...], str] | None = None

    def forward(self, prompt: Prompt) -> Rubric | Failed:
        """Return the rubric, or why there is none.

        Raises:
            UsageError: The prompt is neither text nor a conversation; nothing was sent.
            LMError: The endpoint cannot answer at all.
        """
        return run(self.steps(prompt))

    async def aforward(self, prompt: Prompt) -> Rubric | Failed:
        """As `forward`."""
        return await arun(self.steps(prompt))

    def steps(self, prompt: Prompt) -> Steps[Rubric | Failed]:
        """See `Program.steps`."""
        text = prompt_text(prompt)
        once = Once(self.cache, self._key(text))
        ((prediction, known),) = yield [Call(self.predict, {"prompt": text}, once)]
        return self._rubric(text, prediction, known)

    def known(self, prompt: str) -> Rubric | None:
        """Return the rubric that a call would take from memory, at a fraction of its cost.

        Args:
            prompt: The text of the request.

        Returns:
            None where it has to be written or waited for, where DSPy traces calls, or where a subclass does more.
        """
        if dspy.settings.trace is not None or not states_its_algorithm(type(self)):
            return None
        prediction = self.cache.known(self._key(prompt))
        return None if prediction is None else prediction.rubric

    def _key(self, text: str) -> Hashable:
        lm, config = self.predict.current_lm(), self.predict.config
        known = json.dumps(config, sort_keys=True, default=str) if config else "{}"
        content = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        return self._prompt_identity(), lm_identity(lm), lm.kwargs.get("rollout_id"), known, content

    def _prompt_identity(self) -> str:
        """Return the fingerprint of this program, from memory where nothing that it covers can have changed."""
        predict = self.predict
        if predict.demos:  # demonstrations can change in place
            return self.fingerprint
        parts = (predict.task, predict.task.__doc__, predict.adapter.contract, predict.adapter.template)
        if self._identity is None or self._identity[0] != parts:
            self._identity = parts, self.fingerprint
        return self._identity[1]

    def _rubric(self, text: str, prediction: dspy.Prediction, known: bool) -> Rubric | Failed:
        trace = dspy.settings.trace
        if known and trace is not None and isinstance(prediction.rubric, Rubric):
            trace.append((self.predict, {"prompt": text}, prediction))
        return prediction.rubric


class ContrastiveRubricGenerator(Program):
    """Write a rubric from a request and ranked answers (Contrastive Rubric Generation, OpenRubrics v3, section 3).

    Args:
        template: Text that replaces the whole prompt; slots ``{prompt}`` and ``{responses}``.
    """

    if TYPE_CHECKING:

        def __call__(self, prompt: Prompt, responses: Sequence[str], attempt: int = 0) -> Rubric | Failed:
            """As `forward`, through DSPy."""
            ...

        async def acall(self, prompt: Prompt, responses: Sequence[str], attempt: int = 0) -> Rubric | Failed:
            """As `aforward`, through DSPy."""
            ...

    def __init__(self, template: str | None = None) -> None:
        super().__init__()
        self.predict = BoundPredict(ContrastResponses, RUBRIC, template)

    def forward(self, prompt: Prompt, responses: Sequence[str], attempt: int = 0) -> Rubric | Failed:
        """Return the rubric, or why there is none.

        Args:
            prompt: The request.
            responses: Two or more different answers, best first.
            attempt: 0 samples as the LM is set; each number above is a sample of its own, at `RESAMPLING_TEMPERATURE`
                or the LM's own temperature where that is higher.

        Raises:
            UsageError: There are fewer than two different responses, or an argument is not what it should be.
            LMError: The endpoint cannot answer at all.
        """
        return run(self.steps(prompt, responses, attempt))

    async def aforward(self, prompt: Prompt, responses: Sequence[str], attempt: int = 0) -> Rubric | Failed:
        """As `forward`."""
        return await arun(self.steps(prompt, responses, attempt))

    def steps(self, prompt: Prompt, responses: Sequence[str], attempt: int = 0) -> Steps[Rubric | Failed]:
        """See `Program.steps`."""
        (prediction,) = yield [Call(self.predict, _ranked(prompt, responses) | self._sampling(attempt))]
        return prediction.rubric

    def _sampling(self, attempt: int) -> dict[str, Any]:
        """Return what a later attempt sends otherwise than the first one."""
        if not attempt:
            return {}
        options = self.predict.current_lm().kwargs | self.predict.config
        config: dict[str, Any] = {
            "temperature": max(RESAMPLING_TEMPERATURE, options.get("temperature") or 0.0),
            "rollout_id": f"{options.get('rollout_id', 0)}.{attempt}",  # DSPy's cache tells attempts apart by it
        }
        if isinstance(seed := options.get("seed"), int):
            config["seed"] = seed + attempt
        return {"config": config}


def _ranked(prompt: Prompt, responses: Sequence[str]) -> dict[str, Any]:
    check_responses(responses)
    if len(set(responses)) < 2:
        raise UsageError(f"{len(responses)} response(s) given, but a contrast takes at least two different ones")
    return {"prompt": prompt_text(prompt), "responses": list(responses)}
