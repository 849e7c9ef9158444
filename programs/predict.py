"""The predictor of all programs: it brings its own adapter, and turns failed requests into values.

DSPy knows one adapter per context; ours are bound to the predictor, since each task has its own contract.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self, cast

import dspy

from openrubrics.lms import is_systemic, lm_error
from openrubrics.lms.samples import Sample
from openrubrics.signatures import Contract, Failed, VerbatimAdapter
from openrubrics.signatures.adapter import check_template
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.model_text import excerpt

_MADE_BY_DSPY = "augmented"
"""DSPy's mark of a demonstration that a program wrote, in contrast to one from the data; optimizers read it."""

_LOW_TEMPERATURE = 0.15
_RAISED_TEMPERATURE = 0.7


class BoundPredict(dspy.Predict):
    """A predictor whose output is always a value of ours.

    A request that fails for its own reasons (a timeout after all retries, a prompt beyond the context length) gives
    `Failed`; one that would fail for every other item too (no server, wrong key, unknown model, budget used up) raises.

    Args:
        signature: The task.
        contract: The form of the reply.
        template: Text that replaces the whole prompt (see `openrubrics.signatures.adapter`).

    Raises:
        UsageError: The template has no place for an input of the task.
    """

    # DSPy's own does nothing but warn of direct calls of `forward`, and takes a twentieth of a judgment's time.
    __getattribute__ = object.__getattribute__  # pyright: ignore[reportAssignmentType] - a slot of C

    def __init__(self, signature: type[dspy.Signature], contract: Contract, template: str | None = None) -> None:
        super().__init__(signature)
        if template is not None:
            check_template(template, signature)
        self.adapter = VerbatimAdapter(contract, template)

    @property
    def task(self) -> type[dspy.Signature]:
        """The Signature, as optimizers may have rewritten it."""
        return cast("type[dspy.Signature]", self.signature)

    @property
    def output(self) -> str:
        """Name of the output field."""
        return next(iter(self.task.output_fields))

    def current_lm(self) -> dspy.BaseLM:
        """Return the LM that a call would use now.

        Raises:
            UsageError: None is configured.
        """
        lm = self.lm or dspy.settings.lm
        if lm is None:
            raise UsageError(
                "no language model is configured",
                "use dspy.context(lm=openrubrics.lms.lm(...)) or module.set_lm(...); on the command line --lm",
            )
        return lm

    def messages(self, **inputs: object) -> list[dict[str, str]]:
        """Return the chat messages that a call with these inputs sends."""
        return self.adapter.format(self.task, self._demonstrations(), inputs)

    def dump_state(self, json_mode: bool = True) -> dict[str, Any]:
        """Return instructions and demonstrations as JSON content; an LM is no part of it, and need not be savable.

        Of a demonstration that is the fields of the task: optimizers put whole training examples there, with labels
        and with what other predictors are for, and none of that is ever shown.
        """
        bare = copy.copy(self)
        bare.lm = None
        state = super(BoundPredict, bare).dump_state(json_mode)
        known = self._demo_fields()
        return state | {"demos": [{key: demo[key] for key in demo if key in known} for demo in state["demos"]]}

    def restore(self, instructions: str, demos: Sequence[Mapping[str, Any]]) -> None:
        """Take instructions and demonstrations, as `dump_state` gives them; all else stays as it is.

        Raises:
            ValueError: A demonstration has a field that the task does not have, or cannot be shown.
        """
        foreign = sorted({key for demo in demos for key in demo} - self._demo_fields())
        if foreign:
            raise ValueError(
                f"a demonstration has a field {excerpt(foreign[0])}, but the task has {', '.join(self.task.fields)}"
            )
        self.signature = self.task.with_instructions(instructions)
        self.demos: list[Any] = [dict(demo) for demo in demos]
        self.messages(**dict.fromkeys(self.task.input_fields, ""))

    def _demo_fields(self) -> set[str]:
        return {*self.task.fields, _MADE_BY_DSPY}

    def load_state(self, state: dict[str, Any], *, allow_unsafe_lm_state: bool = False) -> Self:
        """Take instructions and demonstrations; the LM stays as it is."""
        lm = self.lm
        super().load_state(state | {"lm": None}, allow_unsafe_lm_state=allow_unsafe_lm_state)
        self.lm = lm
        return self

    def forward(self, **inputs: Any) -> dspy.Prediction:  # noqa: ANN401 - DSPy's signature
        """Ask the LM; the prediction's output field holds the value."""
        self.current_lm()
        with dspy.context(adapter=self.adapter), self.failures() as failure:
            return super().forward(**{"demos": self._demonstrations()} | inputs)
        return failure.prediction()

    async def aforward(self, **inputs: Any) -> dspy.Prediction:  # noqa: ANN401 - DSPy's signature
        """Ask the LM; the prediction's output field holds the value."""
        self.current_lm()
        with dspy.context(adapter=self.adapter), self.failures() as failure:
            return await super().aforward(**{"demos": self._demonstrations()} | inputs)
        return failure.prediction()

    def _demonstrations(self) -> list[Any]:
        """Return the demonstrations that hold a value; optimizers collect failed replies too."""
        demos = self.demos
        return [demo for demo in demos if not _is_failure(demo.get(self.output))] if demos else []

    def request(self, **inputs: Any) -> tuple[dspy.BaseLM, dict[str, Any], list[dict[str, str]]]:  # noqa: ANN401
        """Return whom a call with these inputs asks, with which options of the call, and the messages.

        Args:
            inputs: The fields of the task, and ``config`` with options for this call alone.

        Raises:
            UsageError: No LM is configured.
        """
        lm = self.current_lm()
        options = {**self.config, **inputs.pop("config", {})}
        # DSPy's rule: several samples at a temperature near 0 would all be the same.
        n = options.get("n") or lm.kwargs.get("n") or 1
        temperature = options.get("temperature") or lm.kwargs.get("temperature")
        if n > 1 and (temperature is None or temperature <= _LOW_TEMPERATURE):
            options["temperature"] = _RAISED_TEMPERATURE
        return lm, options, self.adapter.messages(self.task, self._demonstrations(), inputs)

    def prediction(self, samples: Sequence[Sample]) -> dspy.Prediction:
        """Return what a call returns whose request was answered with these samples."""
        return dspy.Prediction.from_completions(self._values(samples), signature=self.task)

    def answers(self, samples: Sequence[Sample]) -> "Answers":
        """Return the same in short."""
        return Answers(self._values(samples))

    def _values(self, samples: Sequence[Sample]) -> list[dict[str, Any]]:
        return self.adapter.read(self.task, [sample.as_output() for sample in samples])

    @contextmanager
    def failures(self) -> Iterator["Failure"]:
        """Take a failure of this request alone into a value, and raise any other as an error of ours."""
        failure = Failure(self.output)
        try:
            yield failure
        except Exception as error:
            ours = lm_error(error)
            if ours is None:
                raise
            if is_systemic(ours):
                raise ours from error
            failure.reason = str(ours)


def _is_failure(value: object) -> bool:
    return isinstance(value, Failed) or (isinstance(value, Mapping) and value.get("kind") == "failed")


class Failure:
    """Why a request failed, once it has."""

    def __init__(self, output: str) -> None:
        self.output = output
        self.reason = ""

    def prediction(self) -> dspy.Prediction:
        """Return what a call returns whose request failed."""
        return dspy.Prediction(**{self.output: Failed(reason=self.reason)})


class Answers:
    """What an algorithm needs of a `dspy.Prediction`, without the time that DSPy takes to make one.

    Attributes:
        completions: The values of all samples by field.
    """

    def __init__(self, values: Sequence[Mapping[str, Any]]) -> None:
        self.completions = {name: [value[name] for value in values] for name in values[0]}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - what the field holds
        """Return the value of the first sample."""
        return self.completions[name][0]


def samples(prediction: dspy.Prediction | Answers, output: str) -> list[tuple[Any, Any]]:
    """Return (value, token log-probabilities or None) for every sample of a prediction, in order."""
    completions = prediction.completions
    if completions is None:
        return [(getattr(prediction, output), None)]
    values = completions[output]
    logprobs = completions["logprobs"] if "logprobs" in completions else [None] * len(values)
    return list(zip(values, logprobs, strict=True))
