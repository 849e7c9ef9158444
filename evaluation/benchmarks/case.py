"""The units that benchmarks are made of, and what judges said about them."""

from typing import Self

from pydantic import Field, JsonValue, model_validator

from openrubrics.evaluation.results import Category
from openrubrics.signatures.values import Frozen, PreferencePair, Prompt, fingerprint


class Point(Frozen):
    """A criterion of a benchmark's own rubric, with the points that a response gets where it is met.

    Attributes:
        text: The criterion, as the benchmark words it.
        points: Below 0 for a fault.
    """

    text: str
    points: float = Field(allow_inf_nan=False)


class Case(Frozen):
    """One unit that a benchmark's rule scores: a prompt with its responses.

    Attributes:
        id: Unique within the benchmark.
        subset: The benchmark's own name of the part that it belongs to.
        group: What cases have in common that are not independent, such as one prompt; intervals resample groups.
        prompt: The request.
        responses: One or more answers; two of them may be the same text.
        better: Pairs of places (i, j) where response i is known to be better than response j. They are what a pairwise
            judge is asked, in this order; empty where only scores can tell.
        rubric: The benchmark's own criteria; empty where it has none.
        meta: What the rule needs besides, and reference answers. Never shown to a judge that is not given a key.
    """

    id: str
    subset: str
    group: str
    prompt: Prompt
    responses: tuple[str, ...] = Field(min_length=1)
    better: tuple[tuple[int, int], ...] = ()
    rubric: tuple[Point, ...] = ()
    meta: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _places_exist(self) -> Self:
        for i, j in self.better:
            if i == j or not (0 <= i < len(self.responses) and 0 <= j < len(self.responses)):
                raise ValueError(f"({i}, {j}) are not the places of two of {len(self.responses)} responses")
        return self

    @classmethod
    def of(cls, pair: PreferencePair, *, subset: str = "", group: str = "") -> Self:
        """Return a pair as a case with two responses, the chosen one first.

        Args:
            pair: The pair; its `meta` goes along.
            subset: Default: the pair's domain.
            group: Default: the pair's id.
        """
        return cls(
            id=pair.id,
            subset=subset or pair.domain,
            group=group or pair.id,
            prompt=pair.prompt,
            responses=(pair.chosen, pair.rejected),
            better=((0, 1),),
            meta=pair.meta,
        )

    def pairs(self, source: str, answer_key: str | None = None) -> tuple[PreferencePair | None, ...]:
        """Return what a pairwise judge is asked, in the order of `better`; of `meta` only an answer key goes along.

        None stands for two responses that are the same text: nobody needs to be asked, it is a tie. A single pair has
        the id of the case; of more, pair (i, j) of case x has the id ``x#i>j``, counted from 1.
        """
        return tuple(
            None
            if self.responses[i] == self.responses[j]
            else PreferencePair(
                id=self.id if len(self.better) == 1 else f"{self.id}#{i + 1}>{j + 1}",
                prompt=self.prompt,
                chosen=self.responses[i],
                rejected=self.responses[j],
                domain=self.subset,
                source=source,
                meta={name: value for name, value in self.meta.items() if name == answer_key},
            )
            for i, j in self.better
        )

    def slim(self) -> Self:
        """Return the case with the fingerprint of its texts in the place of the prompt, and no text besides.

        All that rules read is still there, and cases that are equal had equal texts.
        """
        texts = fingerprint(self.model_dump(mode="json", include={"prompt", "responses", "rubric"}))
        points = tuple(Point(text="", points=point.points) for point in self.rubric)
        return self.model_copy(update={"prompt": texts, "responses": ("",) * len(self.responses), "rubric": points})


class Compared(Frozen):
    """What a pairwise judge said about a case.

    Attributes:
        case: The case.
        outcomes: For each pair of `Case.better`, what each order that was asked came to, where "chosen" is the better
            response. One order or two, the same number for all pairs of a run.
    """

    case: Case
    outcomes: tuple[tuple[Category, ...], ...]


class Rated(Frozen):
    """What a scorer said about a case.

    Attributes:
        case: The case.
        scores: Score of each response, higher is better; None where the scorer failed.
        met: For each response, whether each criterion of `Case.rubric` is met, None where that is not known; empty
            where the case has no rubric of its own.
    """

    case: Case
    scores: tuple[float | None, ...]
    met: tuple[tuple[bool | None, ...], ...] = ()


Answer = Compared | Rated
"""What a judge said about a case."""


class Scores(Frozen):
    """What a rule makes of the answers to a benchmark.

    Attributes:
        overall: The headline figure in [0, 1]; None where a part that it needs has no cases.
        parts: Figures of subsets, sections or levels by name, in the order in which they are shown; a name holds
            slashes where parts lie in parts. None where a part has no cases.
    """

    overall: float | None
    parts: dict[str, float | None] = Field(default_factory=dict)
