"""Which part of a meta-rubric a request is judged by."""

import json
from typing import TYPE_CHECKING

from openrubrics.lms import lm_identity
from openrubrics.programs.predict import Answers, BoundPredict
from openrubrics.programs.program import Program
from openrubrics.programs.rubric_cache import SharedCache
from openrubrics.programs.steps import Call, Once, Steps, arun, run
from openrubrics.signatures import Failed, Prompt, fingerprint, prompt_text
from openrubrics.signatures.adaptive import ROUTE, RouteRequest
from openrubrics.signatures.domain_text import DomainChoice, render_domains
from openrubrics.signatures.meta_rubric import GENERAL, MetaRubric


class _Choices(SharedCache[Answers]):
    """Answers with a choice."""

    def keeps(self, made: Answers) -> bool:
        """Whether there is a choice."""
        return isinstance(made.choice, DomainChoice)


class DomainRouter(Program):
    """Name the part of a meta-rubric that a request belongs to, by one short request to a model.

    It is asked once for each request, list of parts, LM and sampling, and then answers from memory, also where
    comparisons run side by side. A name that is none of the parts means the general part, as in OpenRS's released
    code, which looks a type of query up among its files; how it finds the type is not public.
    """

    if TYPE_CHECKING:

        def __call__(self, prompt: Prompt, meta_rubric: MetaRubric) -> str | Failed:
            """As `forward`, through DSPy."""
            ...

        async def acall(self, prompt: Prompt, meta_rubric: MetaRubric) -> str | Failed:
            """As `aforward`, through DSPy."""
            ...

    def __init__(self) -> None:
        super().__init__()
        self.predict = BoundPredict(RouteRequest, ROUTE)
        self.cache = _Choices()

    def forward(self, prompt: Prompt, meta_rubric: MetaRubric) -> str | Failed:
        """Return the name of the part, or why there is none; a meta-rubric without domains asks nobody.

        Raises:
            UsageError: The prompt is neither text nor a conversation; nothing was sent.
            LMError: The endpoint cannot answer at all.
        """
        return run(self.steps(prompt, meta_rubric))

    async def aforward(self, prompt: Prompt, meta_rubric: MetaRubric) -> str | Failed:
        """As `forward`."""
        return await arun(self.steps(prompt, meta_rubric))

    def steps(self, prompt: Prompt, meta_rubric: MetaRubric) -> Steps[str | Failed]:
        """See `Program.steps`."""
        if not meta_rubric.domains:
            return GENERAL
        inputs = {"domains": render_domains(meta_rubric), "prompt": prompt_text(prompt)}
        once = Once(self.cache, self._key(inputs))
        ((answer, _),) = yield [Call(self.predict, inputs, once)]
        choice: DomainChoice | Failed = answer.choice
        return choice if isinstance(choice, Failed) else choice.among(tuple(meta_rubric.parts))

    def _key(self, inputs: dict[str, str]) -> tuple[object, ...]:
        lm, config = self.predict.current_lm(), self.predict.config
        asked = json.dumps(config, sort_keys=True, default=str)
        return self.fingerprint, lm_identity(lm), lm.kwargs.get("rollout_id"), asked, fingerprint(inputs)
