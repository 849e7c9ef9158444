"""The two stages of curation as one program: write a rubric by contrast, then compare under it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import JsonValue

from openrubrics.programs.arguments import check_texts
from openrubrics.programs.gatekeeper import GatekeeperJudge
from openrubrics.programs.orders import check_orders, judged_by
from openrubrics.programs.program import Program
from openrubrics.programs.rubric_generator import ContrastiveRubricGenerator
from openrubrics.programs.steps import Call, Steps, arun, run
from openrubrics.signatures import Judgment, Orders, Prompt, prompt_text


class ContrastiveRubricRM(Program):
    """Write a rubric from ranked responses, and compare two of them under it (OpenRubrics v3, section 3).

    This is what a curation asks for an item, as one program that can be optimized and saved. A rubric is written for
    each call; a curation writes one for all pairs of an item.

    It is no judge of new responses. Whoever writes the rubric sees the ranking, so how often the judgment agrees with
    the labels is label consistency: whether the rubric carries what the ranking says to someone who sees only the
    rubric. It does not say how well responses without labels are judged; for that measure `RubricRM`.

    Args:
        generator: Writes the rubric; a fresh `ContrastiveRubricGenerator` by default.
        judge: Compares under it; by default a fresh `GatekeeperJudge`.
        orders: As in `RubricRM`.

    Raises:
        UsageError: The orders are unknown.
    """

    metered = True

    if TYPE_CHECKING:

        def __call__(self, prompt: Prompt, responses: Sequence[str], response_a: str, response_b: str) -> Judgment:
            """As `forward`, through DSPy."""
            ...

        async def acall(self, prompt: Prompt, responses: Sequence[str], response_a: str, response_b: str) -> Judgment:
            """As `aforward`, through DSPy."""
            ...

    def __init__(
        self,
        generator: ContrastiveRubricGenerator | None = None,
        judge: GatekeeperJudge | None = None,
        *,
        orders: Orders = "single",
    ) -> None:
        super().__init__()
        check_orders(orders)
        self.generate = generator or ContrastiveRubricGenerator()
        self.judge = judge or GatekeeperJudge()
        self.orders: Orders = orders

    @property
    def rubric(self) -> None:
        """A fixed rubric, which this program never has: it is the contrast that writes one."""

    @property
    def settings(self) -> dict[str, JsonValue]:
        """See `Program.settings`."""
        return super().settings | {"orders": self.orders}

    def forward(self, prompt: Prompt, responses: Sequence[str], response_a: str, response_b: str) -> Judgment:
        """Return the judgment; what went wrong for this item only is a `Failed` outcome.

        Args:
            prompt: The request.
            responses: Two or more different answers, best first: what the rubric is written from.
            response_a: One of the two that are compared.
            response_b: The other one.

        Raises:
            UsageError: There are fewer than two different responses, or an argument is not what it should be; nothing
                was sent.
            LMError: The endpoint cannot answer at all.
        """
        return run(self.steps(prompt, responses, response_a, response_b), metered=True)

    async def aforward(self, prompt: Prompt, responses: Sequence[str], response_a: str, response_b: str) -> Judgment:
        """As `forward`; both orders are asked for at the same time."""
        return await arun(self.steps(prompt, responses, response_a, response_b), metered=True)

    def steps(self, prompt: Prompt, responses: Sequence[str], response_a: str, response_b: str) -> Steps[Judgment]:
        """See `Program.steps`."""
        text = prompt_text(prompt)
        check_texts(response_a=response_a, response_b=response_b)
        (rubric,) = yield [Call(self.generate, {"prompt": text, "responses": responses})]
        return (yield from judged_by(rubric, self.judge, self.orders, text, response_a, response_b))
