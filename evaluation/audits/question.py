"""What an audit asks, and what it has to go by."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple, TypeVar

from openrubrics.evaluation.audits.result import Audit, Example
from openrubrics.evaluation.results import Category, EvaluatedPair
from openrubrics.signatures.outcomes import Failed, Tie, Verdict
from openrubrics.signatures.values import Orders, PreferencePair, Prompt

MOST_EXAMPLES = 5

Item = TypeVar("Item")


@dataclass(frozen=True)
class Question:
    """A changed pair.

    It has the id of the pair that it was made of, and so its responses are in the same slots; its source says which
    audit asked what.

    Attributes:
        place: Position of the pair that it was made of.
        name: What was changed, for counting.
        change: What was changed, for a person.
        pair: The changed pair.
    """

    place: int
    name: str
    change: str
    pair: PreferencePair


class Asked(NamedTuple):
    """A question and its judgment."""

    question: Question
    result: EvaluatedPair


@dataclass(frozen=True)
class Given:
    """What audits go by.

    Attributes:
        pairs: The pairs as they are.
        judged: What the judge said of them, in this order; empty before it was asked.
        again: What it said when it was asked again, once for each time.
        orders: In which each comparison is asked for.
        seed: For slots, samples and intervals.
        most: Most pairs that an audit changes.
        paraphrases: Texts in other words, or why there are none; None where nobody was asked for them.
    """

    pairs: Sequence[PreferencePair]
    orders: Orders
    judged: Sequence[EvaluatedPair] = ()
    again: Sequence[Sequence[EvaluatedPair]] = ()
    seed: int = 0
    most: int = 40
    paraphrases: Mapping[str, str | Failed] | None = field(default=None)

    def category(self, place: int) -> Category:
        """Return what the judge said of a pair as it is."""
        return category(self.judged[place])

    def before(self, place: int) -> str:
        """Return the same in words; empty where it was not asked."""
        return said(self.judged[place]) if self.judged else ""

    def places(self, *, right: bool = False) -> list[int]:
        """Return the positions of at most `most` pairs, drawn by their ids, in their order.

        Args:
            right: Only pairs that the judge had right; before it was asked, all.
        """
        fitting = [place for place in range(len(self.pairs)) if not (right and self.judged) or self._is_right(place)]
        return drawn(fitting, self.most, lambda place: f"{self.seed}\n{self.pairs[place].id}")

    def _is_right(self, place: int) -> bool:
        return self.category(place) == "chosen"

    def question(
        self,
        audit: str,
        place: int,
        name: str,
        change: str,
        *,
        prompt: Prompt | None = None,
        chosen: str | None = None,
        rejected: str | None = None,
    ) -> Question | None:
        """Return a question on a changed pair; None where nothing is changed, or both responses become the same."""
        pair = self.pairs[place]
        update = {
            "prompt": pair.prompt if prompt is None else prompt,
            "chosen": pair.chosen if chosen is None else chosen,
            "rejected": pair.rejected if rejected is None else rejected,
        }
        if update["chosen"] == update["rejected"] or all(getattr(pair, key) == text for key, text in update.items()):
            return None
        changed = pair.model_copy(update=update | {"source": f"audit {audit}: {name}"})
        return Question(place, name, change, changed)


@dataclass(frozen=True)
class Auditor:
    """One audit.

    Attributes:
        name: By which it is asked for.
        title: What it looks for.
        measure: Makes its result of what was given and of its questions' judgments.
        ask: Returns its questions. Before anything was judged it returns all that it may ask.
        needs_judged: Whether it goes by what the judge said of the pairs as they are.
        needs_again: Whether it goes by what the judge said of them when it was asked again.
    """

    name: str
    title: str
    measure: Callable[[Given, Sequence[Asked]], Audit]
    ask: Callable[[Given], Iterable[Question]] = lambda given: ()
    needs_judged: bool = True
    needs_again: bool = False


def category(result: EvaluatedPair) -> Category:
    """Return what a whole judgment says about the pair."""
    return result.category(result.judgment.outcome)


def said(result: EvaluatedPair) -> str:
    """Return what a judgment came to, in words."""
    match result.judgment.outcome:
        case Verdict():
            return f"the {category(result)} response"
        case Failed() as failed:
            return f"failed: {failed.reason}"
        case Tie():
            verdicts = {one.outcome.preferred for one in result.judgment.orders if isinstance(one.outcome, Verdict)}
            return "tie: each order prefers another response" if len(verdicts) > 1 else "tie"


def drawn(items: Sequence[Item], most: int, key: Callable[[Item], str]) -> list[Item]:
    """Return at most so many items, drawn by the hash of their keys, in their order."""
    if len(items) <= most:
        return list(items)
    by_hash = sorted(range(len(items)), key=lambda i: sha256(key(items[i]).encode("utf-8", "surrogatepass")).digest())
    return [items[i] for i in sorted(by_hash[:most])]


def examples(found: Iterable[Example]) -> tuple[Example, ...]:
    """Return the first few."""
    return tuple(one for _, one in zip(range(MOST_EXAMPLES), found, strict=False))


def failures(asked: Sequence[Asked]) -> int:
    """Return how many questions have no outcome."""
    return sum(category(one.result) == "failed" for one in asked)
