"""The pairwise judge: compliance check, analysis, verdict (OpenRubrics v3, section 4)."""

from typing import TYPE_CHECKING, Any

import dspy
from pydantic import JsonValue

from openrubrics.programs.arguments import check_rubric, check_texts
from openrubrics.programs.predict import Answers, BoundPredict, samples
from openrubrics.programs.probability import verdict_probability
from openrubrics.programs.program import Program
from openrubrics.programs.steps import Call, Steps, arun, run
from openrubrics.programs.votes import decided, tally
from openrubrics.signatures import (
    JUDGMENT,
    Failed,
    JudgeForm,
    JudgePair,
    JudgeTrace,
    Judgment,
    OrderOutcome,
    Prompt,
    Rubric,
    Vote,
    prompt_text,
)
from openrubrics.signatures.errors import UsageError

VOTING_TEMPERATURE = 0.7
"""Sampling temperature of the judge under voting (OpenRubrics v3, Table 8)."""


class GatekeeperJudge(Program):
    """Compare two responses under a rubric, in the order in which they are given.

    With several votes the first half (rounded up) is asked for in one request; then one vote at a time until the
    missing ones cannot change the outcome. `openrubrics.programs.votes` states the rule.

    Args:
        form: Skeleton of the reply.
        template: Text that replaces the whole prompt; slots ``{prompt} {rubric} {response_a} {response_b}``.
        votes: Number of replies that are asked for at most.
        temperature: Sampling temperature under voting; a single vote uses the LM's own.
        probabilities: Ask for token log-probabilities, so that verdicts carry a measured probability.

    Raises:
        UsageError: The form is unknown, `votes` is no whole number above 0, or several votes would be sampled at
            temperature 0 and so be all the same.
    """

    metered = True

    if TYPE_CHECKING:

        def __call__(self, prompt: Prompt, rubric: Rubric, response_a: str, response_b: str) -> Judgment:
            """As `forward`, through DSPy."""
            ...

        async def acall(self, prompt: Prompt, rubric: Rubric, response_a: str, response_b: str) -> Judgment:
            """As `aforward`, through DSPy."""
            ...

    def __init__(
        self,
        form: JudgeForm = "seed",
        template: str | None = None,
        votes: int = 1,
        temperature: float = VOTING_TEMPERATURE,
        probabilities: bool = False,
    ) -> None:
        super().__init__()
        if form not in JUDGMENT:
            raise UsageError(f"unknown form {form!r}", f"forms are {' and '.join(JUDGMENT)}")
        if not isinstance(votes, int) or votes < 1:
            raise UsageError(f"votes is {votes!r}, but a whole number of at least 1 is needed")
        if votes > 1 and not temperature > 0:
            raise UsageError(f"{votes} votes at temperature {temperature} would all be the same", "raise temperature")
        self.predict = BoundPredict(JudgePair, JUDGMENT[form], template)
        self.votes = votes
        self.temperature = temperature
        self.probabilities = probabilities

    @property
    def settings(self) -> dict[str, JsonValue]:
        """See `Program.settings`."""
        return {"votes": self.votes, "temperature": self.temperature, "probabilities": self.probabilities}

    def forward(self, prompt: Prompt, rubric: Rubric, response_a: str, response_b: str) -> Judgment:
        """Return the judgment for this one order.

        Raises:
            UsageError: An argument is not what it should be; nothing was sent.
            LMError: The endpoint cannot answer at all.
        """
        return run(self.steps(prompt, rubric, response_a, response_b), metered=True)

    async def aforward(self, prompt: Prompt, rubric: Rubric, response_a: str, response_b: str) -> Judgment:
        """As `forward`."""
        return await arun(self.steps(prompt, rubric, response_a, response_b), metered=True)

    def steps(self, prompt: Prompt, rubric: Rubric, response_a: str, response_b: str) -> Steps[Judgment]:
        """See `Program.steps`."""
        text = prompt_text(prompt)
        check_rubric(rubric)
        check_texts(response_a=response_a, response_b=response_b)
        inputs = {
            "prompt": text,
            "rubric": rubric,
            "response_a": response_a,
            "response_b": response_b,
        }
        votes: list[Vote] = []
        wave = (self.votes + 1) // 2
        while not votes or not decided(votes, self.votes):
            (prediction,) = yield [Call(self.predict, inputs | {"config": self._config(wave, len(votes))})]
            votes += _votes(prediction, wave, rubric)
            wave = 1
        outcome = tally(votes)
        return Judgment(
            outcome=outcome,
            rubric=rubric,
            orders=(OrderOutcome(order="AB", outcome=outcome, votes=tuple(votes)),),
        )

    def _config(self, wave: int, asked: int) -> dict[str, Any]:
        config: dict[str, Any] = {}
        if self.votes > 1:
            options = self.predict.current_lm().kwargs | self.predict.config
            # The rollout id keeps DSPy's cache from answering a later vote with an earlier one; that of the LM, which
            # optimizers set to sample anew, stays a part of it.
            rollout = options.get("rollout_id", 0)
            config |= {"n": wave, "temperature": self.temperature, "rollout_id": f"{rollout}.{asked + 1}"}
            # A server seeds sample i of a request with seed + i, so a later vote goes on where the last one stopped.
            if asked and isinstance(seed := options.get("seed"), int):
                config["seed"] = seed + asked
        if self.probabilities:
            config |= {"logprobs": True, "top_logprobs": 5}
        return config


def _votes(prediction: dspy.Prediction | Answers, wanted: int, rubric: Rubric) -> list[Vote]:
    votes = [_vote(value, logprobs, rubric) for value, logprobs in samples(prediction, "judgment")]
    if prediction.completions is None:  # the request failed, and all its samples with it
        return votes * wanted
    missing = Vote(outcome=Failed(reason="the endpoint sent fewer samples than it was asked for"))
    return votes + [missing] * (wanted - len(votes))


def _vote(value: JudgeTrace | Failed, logprobs: Any, rubric: Rubric) -> Vote:  # noqa: ANN401 - as DSPy hands it on
    if isinstance(value, Failed):
        return Vote(outcome=value, raw=value.raw)
    probability = None
    if logprobs and value.winner != "tie":
        probability = verdict_probability(logprobs.content, value.winner)
    known = len(rubric.criteria)
    if any(finding.criterion > known for finding in value.findings):
        value = value.model_copy(update={"findings": tuple(f for f in value.findings if f.criterion <= known)})
    return Vote(outcome=value.outcome(probability), raw=value.text)
