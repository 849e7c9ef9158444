"""A simulated world in which the principles of a meta-rubric matter, and refinements in it.

A hidden rule decides which of two responses people prefer (`planted_pairs`): it shows a certain quality. The judge of
this world compares on the principles that it is shown and on nothing else; the author of edits reads the failing cases
that it is shown. Both are one deterministic function from a request to a reply. What it measures is the machinery of
the search, nothing else.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from dspy.lm15 import Request
from planted_guidelines import UnknownPromptError, digest
from planted_pairs import QUALITIES, Splits, is_fancier, is_longer, splits

from openrubrics.lms import Budget, ScriptedLM
from openrubrics.lms.scripted import Messages
from openrubrics.optimizers.case import LABELS
from openrubrics.optimizers.refinement import Judging, Refined, Sizes, refine
from openrubrics.signatures import Label, invert
from openrubrics.signatures.adaptive import CompareAdaptively, RouteRequest
from openrubrics.signatures.adaptive_text import render_adaptive
from openrubrics.signatures.edits_task import ProposeEdits
from openrubrics.signatures.meta_rubric import (
    CRITERION_TYPES,
    MetaPrinciple,
    MetaRubric,
    Part,
    TypeRule,
)
from openrubrics.signatures.outcomes import Compared
from openrubrics.signatures.values import OTHER

FULL = "The response is full and long."
BOLD = "The response looks like a document, with headings and bold type."
KIND = "The response is kind."

POOR = MetaRubric(
    name="poor",
    least=1,
    types=tuple(
        TypeRule(type=kind, weight=None if kind == "critical" else weight, text=f"what is {kind}")
        for kind, weight in zip(CRITERION_TYPES, (1, 5, 2, 1), strict=True)
    ),
    guards=(),
    general=Part(
        principles=(
            MetaPrinciple(name="fullness", type="critical", text=FULL),
            MetaPrinciple(name="relevance", type="core", text=QUALITIES["relevance"].criterion),
        )
    ),
)
"""It rewards length above all, and knows one quality of four."""

Author = Literal["helpful", "useless", "harmful", "silent"]


class RefiningWorld:
    """The models of the simulation.

    Args:
        author: What the author of edits is like: ``helpful`` adds the quality that a preferred response shows and no
            principle names, and deletes a principle that misled; ``useless`` adds what separates nothing; ``harmful``
            adds what misleads; ``silent`` writes no edit.

    Attributes:
        shown: What the author was shown, request by request.
    """

    def __init__(self, author: Author = "helpful") -> None:
        self.author: Author = author
        self.shown: list[str] = []

    def serve(self, body: dict[str, Any]) -> str:
        """Return a reply, as a `ModelServer` asks for it."""
        return self.reply(body["messages"])

    def script(self, messages: Messages, request: Request) -> str:
        """Return a reply, as `ScriptedLM` asks for it."""
        return self.reply(messages)

    def reply(self, messages: Messages) -> str:
        """Return the reply to a request.

        Raises:
            UnknownPromptError: No model of this world answers it.
        """
        text = messages[-1]["content"]
        if "<cases>\n" in text:
            self.shown.append(text)
            return self._edits(*(str(value) for value in invert(text, ProposeEdits).values()))
        if "<response_a>\n" in text:
            given = {name: str(value) for name, value in invert(text, CompareAdaptively).items()}
            return _judged(given["meta_rubric"], {"A": given["response_a"], "B": given["response_b"]})
        if "<domains>\n" in text:
            invert(text, RouteRequest)
            return "Reason: it is none of them\nChosen part: general"
        raise UnknownPromptError(text)

    def _edits(self, principles: str, tried: str, cases: str) -> str:
        match self.author:
            case "silent":
                return "I would leave everything as it is."
            case "useless":
                number = digest(cases) % 1000
                return f"Why: kindness is nice\nAdd kind-{number} [highlight]: {KIND[:-1]}, as in {number}."
            case "harmful":
                return f"Why: style counts\nAdd style [critical]: {BOLD}"
        edits = [
            f"Why: the preferred responses show it\nAdd {name} [core]: {quality.criterion}"
            for name, quality in QUALITIES.items()
            if quality.criterion not in principles and any(quality.is_in(one) for one in _preferred(cases))
        ]
        if FULL in cases and FULL in principles:
            edits.insert(0, "Why: it rewards length\nDelete fullness")
        return "\n\n".join(edits[:3]) or "Nothing to change."


def _preferred(cases: str) -> list[str]:
    """Return the preferred responses of the cases."""
    parts = cases.split("The response that people prefer:\n")[1:]
    return [part.partition("\nThe other response:\n")[0] for part in parts]


def _judged(rules: str, shown: Mapping[Label, str]) -> str:
    listed = rules.partition("Principles to make criteria from")[2]
    tagged = [line[2:].split("] ", 1) for line in listed.splitlines() if line.startswith("- [")]
    return render_adaptive("an answer", "they differ", [_compared(text, kind[1:], shown) for kind, text in tagged])


def _compared(text: str, kind: Any, shown: Mapping[Label, str]) -> Compared:  # noqa: ANN401
    better: Label | Literal["tie"] = "tie"
    for label in LABELS:
        if _is_better(text, shown[label], shown[OTHER[label]]):
            better = label
    return Compared(text=text, type=kind, better=better, by=0 if better == "tie" else 2, reason="so it is")


def _is_better(text: str, one: str, other: str) -> bool:
    if text == FULL:
        return is_longer(one, other)
    if text == BOLD:
        return is_fancier(one, other)
    return any(quality.criterion == text and quality.is_in(one) for quality in QUALITIES.values())


def in_domains(pairs: Splits) -> Splits:
    """Return the pairs with the hidden quality as their domain."""
    return Splits(*([one.model_copy(update={"domain": one.meta["quality"]}) for one in split] for split in pairs))


PAIRS = in_domains(splits())
FEW = Splits(PAIRS.train[:12], PAIRS.val[:12], PAIRS.test[:12])
SMALL = Sizes(generations=3, population=4, beam=2)


def refined(
    world: RefiningWorld | None = None,
    pairs: Splits = PAIRS,
    *,
    model: Any = None,  # noqa: ANN401 - any LM of openrubrics.lms
    meta_rubric: MetaRubric = POOR,
    judging: Mapping[str, Any] | None = None,
    **options: Any,  # noqa: ANN401
) -> Refined:
    """Refine, in this process unless a model is given."""
    model = model or scripted(world)
    settings: dict[str, Any] = {"domain": "general"} | dict(judging or {})
    options = {"limit": Budget(max_calls=2000), "test": pairs.test, "sizes": SMALL, "concurrency": 2} | options
    return refine(
        meta_rubric,
        pairs.train,
        pairs.val,
        judging=Judging.adaptive(model, **settings),
        author_lm=model,
        **options,
    )


def scripted(world: RefiningWorld | None = None) -> ScriptedLM:
    """Return the models of a world, in this process."""
    return ScriptedLM((world or RefiningWorld()).script, model="planted")


def names(meta_rubric: MetaRubric) -> Sequence[str]:
    """Return the names of the general principles."""
    return [one.name for one in meta_rubric.general.principles]
