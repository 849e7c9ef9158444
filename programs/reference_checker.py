"""Whether an answer is correct by a reference answer."""

from typing import TYPE_CHECKING

from openrubrics.programs.arguments import check_texts
from openrubrics.programs.predict import BoundPredict
from openrubrics.programs.program import Program
from openrubrics.programs.steps import Call, Steps, arun, run
from openrubrics.signatures import Failed, Prompt, prompt_text
from openrubrics.signatures.reference import REFERENCE_FINDING, CheckAgainstReference
from openrubrics.signatures.reference_text import ReferenceTrace


class ReferenceChecker(Program):
    """Ask a model whether a response is correct by a reference answer, such as the key of a benchmark.

    The finding of `ReferenceTrace` has the scores of OpenRS (arXiv 2602.14069): 1 correct, 0 unclear, -1 incorrect. Who
    compares by them knows the answer beforehand; such a judgment says that it is reference-assisted. Nothing that a
    model wrote is run.
    """

    if TYPE_CHECKING:

        def __call__(self, prompt: Prompt, response: str, reference: str) -> ReferenceTrace | Failed:
            """As `forward`, through DSPy."""
            ...

        async def acall(self, prompt: Prompt, response: str, reference: str) -> ReferenceTrace | Failed:
            """As `aforward`, through DSPy."""
            ...

    def __init__(self) -> None:
        super().__init__()
        self.predict = BoundPredict(CheckAgainstReference, REFERENCE_FINDING)

    def forward(self, prompt: Prompt, response: str, reference: str) -> ReferenceTrace | Failed:
        """Return the finding, or why there is none.

        Args:
            prompt: The request.
            response: The answer to check.
            reference: An answer that is known to be right.

        Raises:
            UsageError: An argument is not text; nothing was sent.
            LMError: The endpoint cannot answer at all.
        """
        return run(self.steps(prompt, response, reference))

    async def aforward(self, prompt: Prompt, response: str, reference: str) -> ReferenceTrace | Failed:
        """As `forward`."""
        return await arun(self.steps(prompt, response, reference))

    def steps(self, prompt: Prompt, response: str, reference: str) -> Steps[ReferenceTrace | Failed]:
        """See `Program.steps`."""
        text = prompt_text(prompt)
        check_texts(response=response, reference=reference)
        inputs = {"prompt": text, "reference": reference, "response": response}
        (prediction,) = yield [Call(self.predict, inputs)]
        return prediction.finding
