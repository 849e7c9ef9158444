"""Changes of a meta-rubric, proposed from comparisons that went wrong (OpenRS, two-level refinement)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from openrubrics.programs.predict import BoundPredict
from openrubrics.programs.program import Program
from openrubrics.programs.steps import Call, Steps, arun, run
from openrubrics.signatures import Failed
from openrubrics.signatures.edits_task import EDITS, ProposeEdits
from openrubrics.signatures.edits_text import Drafts, FailingCase
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.meta_rubric import GENERAL, MetaRubric, Part


class EditProposer(Program):
    """Propose one to three changes of the principles of a part, from a handful of cases that went wrong.

    OpenRS asks a policy that it has trained for this and does not publish; here it is whatever language model is set,
    with a prompt of ours.
    """

    if TYPE_CHECKING:

        def __call__(
            self,
            meta_rubric: MetaRubric,
            cases: Sequence[FailingCase],
            part: str = GENERAL,
            tried: Sequence[str] = (),
        ) -> Drafts | Failed:
            """As `forward`, through DSPy."""
            ...

        async def acall(
            self,
            meta_rubric: MetaRubric,
            cases: Sequence[FailingCase],
            part: str = GENERAL,
            tried: Sequence[str] = (),
        ) -> Drafts | Failed:
            """As `aforward`, through DSPy."""
            ...

    def __init__(self) -> None:
        super().__init__()
        self.predict = BoundPredict(ProposeEdits, EDITS)

    def forward(
        self,
        meta_rubric: MetaRubric,
        cases: Sequence[FailingCase],
        part: str = GENERAL,
        tried: Sequence[str] = (),
    ) -> Drafts | Failed:
        """Return the changes that fit the part, and why others do not; `Failed` where the reply cannot be read.

        Args:
            meta_rubric: What is to be changed; it stays as it is.
            cases: At least one; long texts are shown in part.
            part: The part to change. Beside that of a domain the general principles are shown.
            tried: Changes that were tried already, each in one line with what came of it.

        Raises:
            UsageError: There are no cases, or no such part; nothing was sent.
            LMError: The endpoint cannot answer at all.
        """
        return run(self.steps(meta_rubric, cases, part, tried))

    async def aforward(
        self,
        meta_rubric: MetaRubric,
        cases: Sequence[FailingCase],
        part: str = GENERAL,
        tried: Sequence[str] = (),
    ) -> Drafts | Failed:
        """As `forward`."""
        return await arun(self.steps(meta_rubric, cases, part, tried))

    def steps(
        self,
        meta_rubric: MetaRubric,
        cases: Sequence[FailingCase],
        part: str = GENERAL,
        tried: Sequence[str] = (),
    ) -> Steps[Drafts | Failed]:
        """See `Program.steps`."""
        if not cases:
            raise UsageError("there are no cases to learn from", "give comparisons that went wrong")
        shown = "\n\n".join(f"Case {number}\n{case}" for number, case in enumerate(cases, 1))
        inputs = {
            "principles": _principles(meta_rubric, part),
            "tried": "\n".join(f"- {line}" for line in tried) or "(nothing so far)",
            "cases": shown,
        }
        (prediction,) = yield [Call(self.predict, inputs)]
        suggested = prediction.edits
        return suggested if isinstance(suggested, Failed) else Drafts.of(suggested, meta_rubric, part)


def _principles(meta_rubric: MetaRubric, name: str) -> str:
    mine = _listed(meta_rubric.part(name))
    if name == GENERAL:
        return mine
    general = _listed(meta_rubric.general)
    return f"General principles, which stay:\n{general}\n\nPrinciples for {name}, which you may change:\n{mine}"


def _listed(part: Part) -> str:
    return "\n".join(f"- {one.name} [{one.type}]: {one.text}" for one in part.principles) or "(none so far)"
