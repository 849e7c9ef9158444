"""The pointwise reward model: which criteria of a rubric a response meets, and the share of their weight."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from openrubrics.programs.arguments import check_responses, check_rubric, check_texts
from openrubrics.programs.predict import BoundPredict
from openrubrics.programs.program import Program
from openrubrics.programs.rubric_generator import RubricGenerator
from openrubrics.programs.steps import Call, Steps, arun, at_most, run, through_dspy
from openrubrics.signatures import (
    FINDINGS,
    Best,
    Failed,
    Grade,
    Met,
    Prompt,
    Rubric,
    Score,
    ScoreResponse,
    ScoreTrace,
    prompt_text,
)
from openrubrics.signatures.errors import UsageError
from openrubrics.verifiers import attach_checks, own_request, verify


class RubricScorer(Program):
    """Say which criteria of a rubric a response meets; the score is their weight / the weight of all, in [0, 1].

    Criteria with a check are decided by code, and no model is asked about them: those that had one already, and hard
    rules that the request itself states (`openrubrics.verifiers.attach_checks`; of a conversation the last turn of the
    user states rules). A check that cannot be decided leaves its criterion to the model. The score is that of this
    rubric alone: scores under different rubrics do not compare.

    Args:
        generator: Writes the rubric where none is given; a fresh `RubricGenerator` by default.
        rubric: A fixed rubric for all requests; then none is written.
        per_criterion: Ask about each criterion in a request of its own, so that no finding colours another, at the cost
            of as many requests.
        template: Text that replaces the whole scoring prompt; slots ``{prompt} {rubric} {response}``.

    Raises:
        UsageError: The rubric is none, or the template lacks a slot.
    """

    metered = True

    if TYPE_CHECKING:

        def __call__(self, prompt: Prompt, response: str, rubric: Rubric | None = None) -> Grade:
            """As `forward`, through DSPy."""
            ...

        async def acall(self, prompt: Prompt, response: str, rubric: Rubric | None = None) -> Grade:
            """As `aforward`, through DSPy."""
            ...

    def __init__(
        self,
        generator: RubricGenerator | None = None,
        *,
        rubric: Rubric | None = None,
        per_criterion: bool = False,
        template: str | None = None,
    ) -> None:
        super().__init__()
        if rubric is not None:
            check_rubric(rubric)
        self.generate = generator or RubricGenerator()
        self.predict = BoundPredict(ScoreResponse, FINDINGS, template)
        self.rubric = rubric
        self.per_criterion = per_criterion

    @property
    def settings(self) -> dict[str, JsonValue]:
        """See `Program.settings`."""
        own: dict[str, JsonValue] = {
            "per_criterion": self.per_criterion,
            "rubric": self.rubric.model_dump(mode="json") if self.rubric else None,
        }
        return super().settings | own

    def forward(self, prompt: Prompt, response: str, rubric: Rubric | None = None) -> Grade:
        """Return the grade; what went wrong for this response only is a `Failed` outcome.

        Args:
            prompt: The request.
            response: The answer.
            rubric: Goes before the fixed rubric; without either one is written for the request.

        Raises:
            UsageError: An argument is not what it should be; nothing was sent.
            LMError: The endpoint cannot answer at all.
        """
        return run(self.steps(prompt, response, rubric), metered=True)

    async def aforward(self, prompt: Prompt, response: str, rubric: Rubric | None = None) -> Grade:
        """As `forward`; with `per_criterion` all criteria are asked about at the same time."""
        return await arun(self.steps(prompt, response, rubric), metered=True)

    def best_of_n(self, prompt: Prompt, responses: Sequence[str], rubric: Rubric | None = None) -> Best:
        """Score responses under one rubric, one after the other, and choose the best.

        Args:
            prompt: The request.
            responses: One or more answers.
            rubric: As for `forward`.

        Raises:
            UsageError: There are no responses, or an argument is not what it should be.
            LMError: The endpoint cannot answer at all.
        """
        return run(self._best_steps(prompt, responses, rubric), metered=True)

    async def abest_of_n(
        self, prompt: Prompt, responses: Sequence[str], rubric: Rubric | None = None, concurrency: int = 16
    ) -> Best:
        """As `best_of_n`.

        Args:
            prompt: The request.
            responses: One or more answers.
            rubric: As for `forward`.
            concurrency: Number of responses at most that are under way; with `per_criterion` each is several requests.
        """
        steps = self._best_steps(prompt, responses, rubric)
        return await arun(steps, at_most(concurrency, through_dspy), metered=True)

    def steps(self, prompt: Prompt, response: str, rubric: Rubric | None = None) -> Steps[Grade]:
        """See `Program.steps`."""
        text = prompt_text(prompt)
        check_texts(response=response)
        written = yield from self._rubric(text, rubric)
        if isinstance(written, Failed):
            return _without_rubric(written)
        rubric = attach_checks(own_request(text), written)
        found = _decided_by_code(rubric, response)
        open_places = [place for place in range(1, len(rubric.criteria) + 1) if place not in found]
        step = 1 if self.per_criterion else max(1, len(open_places))
        asked = [open_places[i : i + step] for i in range(0, len(open_places), step)]
        replies: list[ScoreTrace | Failed] = []
        if asked:
            predictions = yield [Call(self.predict, _inputs(text, rubric, response, places)) for places in asked]
            replies = [prediction.findings for prediction in predictions]
        for places, reply in zip(asked, replies, strict=True):
            found |= _numbered(reply, places)
        return Grade(
            outcome=_outcome(rubric, found, replies),
            rubric=rubric,
            met=tuple(found[place] for place in sorted(found)),
            raw=tuple(reply.text if isinstance(reply, ScoreTrace) else reply.raw for reply in replies),
        )

    def _rubric(self, text: str, rubric: Rubric | None) -> Steps[Rubric | Failed]:
        if rubric is not None:
            check_rubric(rubric)
            return rubric
        known = self.rubric or self.generate.known(text)
        if known is None:
            (known,) = yield [Call(self.generate, {"prompt": text})]
        return known

    def _best_steps(self, prompt: Prompt, responses: Sequence[str], rubric: Rubric | None) -> Steps[Best]:
        text = prompt_text(prompt)
        check_responses(responses)
        if not responses:
            raise UsageError("no responses given, but choosing takes at least one")
        written = yield from self._rubric(text, rubric)
        if isinstance(written, Failed):
            return Best.of([_without_rubric(written)] * len(responses))
        inputs = {"prompt": text, "rubric": written}
        grades = yield [Call(self, inputs | {"response": response}) for response in responses]
        return Best.of(grades)


def _without_rubric(failed: Failed) -> Grade:
    return Grade(outcome=Failed(reason=f"no rubric: {failed.reason}", raw=failed.raw))


def _decided_by_code(rubric: Rubric, response: str) -> dict[int, Met]:
    found: dict[int, Met] = {}
    for place, criterion in enumerate(rubric.criteria, 1):
        result = verify(criterion.check, response) if criterion.check else None
        if result is not None and result.passed is not None:
            found[place] = Met(criterion=place, met=result.passed, reason=result.detail, decided_by="check")
    return found


def _inputs(text: str, rubric: Rubric, response: str, places: Sequence[int]) -> dict[str, Any]:
    shown = Rubric(criteria=tuple(rubric.criteria[place - 1] for place in places))
    return {"prompt": text, "rubric": shown, "response": response}


def _numbered(reply: ScoreTrace | Failed, places: Sequence[int]) -> dict[int, Met]:
    """Return the findings on what was shown, by their places in the whole rubric."""
    if isinstance(reply, Failed):
        return {}
    return {
        (place := places[finding.criterion - 1]): finding.model_copy(update={"criterion": place})
        for finding in reply.findings
        if finding.criterion <= len(places)
    }


def _outcome(rubric: Rubric, found: dict[int, Met], replies: Sequence[ScoreTrace | Failed]) -> Score | Failed:
    missing = [place for place in range(1, len(rubric.criteria) + 1) if place not in found]
    if missing:
        failed = next((reply for reply in replies if isinstance(reply, Failed)), None)
        why = failed.reason if failed else "the reply says neither met nor not met"
        named = ", ".join(map(str, missing[:10])) + ", ..." * (len(missing) > 10)
        raw = failed.raw if failed else "\n\n".join(map(str, replies))
        return Failed(reason=f"no finding on criterion {named} of {len(rubric.criteria)}: {why}", raw=raw)
    largest = max(criterion.weight for criterion in rubric.criteria)  # so that no sum is infinite
    weights = [criterion.weight / largest for criterion in rubric.criteria]
    met = math.fsum(weight for place, weight in enumerate(weights, 1) if found[place].met)
    return Score(value=met / math.fsum(weights))
