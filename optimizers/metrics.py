"""Label accuracy as prompt optimizers take it: a score, a bool while they collect demonstrations, and words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dspy

from openrubrics.data import TopicFinding, topic_findings
from openrubrics.optimizers.feedback import Case, to_both, to_generator, to_judge
from openrubrics.signatures import Judgment, Label, PreferencePair, Verdict, prompt_text
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.values import OTHER

TraceStep = tuple[dspy.Predict, Mapping[str, Any], dspy.Prediction]
"""A predictor of DSPy, its inputs and what it returned."""


def as_example(pair: PreferencePair, slot: Label, contrastive: bool = False) -> dspy.Example:
    """Return a pair as DSPy's optimizers take it.

    Args:
        pair: The pair.
        slot: Where the chosen response is shown.
        contrastive: Give the program ``responses`` too, the chosen one first, as `ContrastiveRubricRM` asks for.
    """
    slots: dict[Label, str] = {slot: pair.chosen, OTHER[slot]: pair.rejected}
    ranked = {"responses": [pair.chosen, pair.rejected]} if contrastive else {}
    inputs = {"prompt": prompt_text(pair.prompt), "response_a": slots["A"], "response_b": slots["B"], **ranked}
    return dspy.Example(**inputs, label=slot).with_inputs(*inputs)


@dataclass(frozen=True)
class LabelMetric:
    """How well a judgment reproduces the label of an example that `as_example` made.

    With n orders asked, of which r prefer the labelled response::

        score = r / n * (1 - length_penalty * [the labelled response has more characters])
                      * (1 - position_penalty * [0 < r < n])

    A tie and a failure are not right. A failure is never worth more than any other outcome in its place; reports count
    failures apart (`openrubrics.evaluation`).

    Attributes:
        length_penalty: Share in [0, 1] that is taken off a right verdict for the longer response, so that a judge that
            only prefers length gains little.
        position_penalty: Share in [0, 1] that is taken off where only one of two orders is right.
        general_only: Score 0 where a principle of the rubric names things of its own request or responses, as
            `openrubrics.data.topic_findings` finds them: OpenRubrics v3, section 3, declares such principles invalid.

    Raises:
        UsageError: A penalty is outside [0, 1].
    """

    length_penalty: float = 0.0
    position_penalty: float = 0.0
    general_only: bool = False

    def __post_init__(self) -> None:
        for name in ("length_penalty", "position_penalty"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} is {getattr(self, name)!r}", "a penalty is a share between 0 and 1")

    def __call__(
        self,
        gold: dspy.Example,
        pred: Judgment | dspy.Prediction,
        trace: object = None,
        pred_name: str | None = None,
        pred_trace: Sequence[TraceStep] | None = None,
    ) -> float | bool | dspy.Prediction:
        """Score a judgment in the way that DSPy asks for.

        Args:
            gold: The example.
            pred: The judgment, or a prediction that holds it in its field ``judgment``.
            trace: Given alone where DSPy collects demonstrations: the result is whether all orders are right, and the
                rubric is general where that is asked for.
            pred_name: Name of a predictor; not used, since its output tells what it is.
            pred_trace: Its call; then the result is a `dspy.Prediction` with the score and feedback to this predictor.

        Raises:
            UsageError: There is no judgment.
        """
        judgment = _judgment(pred)
        if not pred_trace:
            strict = trace is not None
            return self._faultless(gold, judgment) if strict else self.score(gold, judgment)
        _, inputs, output = pred_trace[-1]
        case = Case.of(gold)
        if "rubric" in output:
            sees = "responses" in inputs
            text = to_generator(case, judgment, output["rubric"], sees, self._bound(gold, judgment))
        elif "judgment" in output:
            text = to_judge(case, judgment, swapped=inputs.get("response_a") != gold.response_a, reply=output.judgment)
        else:
            return self.explained(gold, judgment)
        return dspy.Prediction(score=self.score(gold, judgment), feedback=text)

    def score(self, example: dspy.Example, judgment: Judgment) -> float:
        """Return the score, in [0, 1]."""
        right = _right(example, judgment)
        share = sum(right) / len(right)
        if not share or self._bound(example, judgment):
            return 0.0
        case = Case.of(example)
        longer = len(case.preferred) > len(case.other)
        return share * (1 - self.length_penalty * longer) * (1 - self.position_penalty * (share < 1))

    def explained(self, gold: dspy.Example, pred: Judgment | dspy.Prediction) -> dspy.Prediction:
        """Return the score with feedback to all predictors in one text, as `dspy.SIMBA` takes it.

        Raises:
            UsageError: There is no judgment.
        """
        judgment = _judgment(pred)
        text = to_both(Case.of(gold), judgment, "responses" in gold, self._bound(gold, judgment))
        return dspy.Prediction(score=self.score(gold, judgment), feedback=text)

    def _faultless(self, example: dspy.Example, judgment: Judgment) -> bool:
        return all(_right(example, judgment)) and not self._bound(example, judgment)

    def _bound(self, example: dspy.Example, judgment: Judgment) -> tuple[TopicFinding, ...]:
        if not self.general_only or judgment.rubric is None:
            return ()
        return topic_findings(example.prompt, judgment.rubric, example.get("responses") or ())


def _judgment(pred: object) -> Judgment:
    judgment = pred.get("judgment") if isinstance(pred, dspy.Prediction) else pred
    if not isinstance(judgment, Judgment):
        raise UsageError(
            f"there is no judgment in what the program returned: {type(pred).__name__}",
            "a program whose labels are scored returns a Judgment, or a prediction with a field judgment",
        )
    return judgment


def _right(example: dspy.Example, judgment: Judgment) -> list[bool]:
    """Return for each order that was asked whether it prefers the labelled response; at least one item."""
    outcomes = [shown.outcome for shown in judgment.orders] or [judgment.outcome]
    return [isinstance(outcome, Verdict) and outcome.preferred == example.label for outcome in outcomes]
