"""Figures over a set of rubrics: what they are written for, what they are made of, how long and how general they are.

Every request counts once for each different rubric that it has, however many pairs of responses go with it. Shares
of requests have Wilson intervals; shares of criteria have bootstrap intervals over whole rubrics, since the criteria
of one rubric are not independent. All intervals are 95 %.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev
from typing import Self

import numpy as np
from pydantic import Field

from openrubrics.data import TopicFinding, topic_findings
from openrubrics.evaluation.intervals import Interval, bootstrap, bootstrap_ratio, wilson
from openrubrics.evaluation.rubrics.read import RubricRow
from openrubrics.signatures.errors import DataError
from openrubrics.signatures.rubric_text import CriterionKind
from openrubrics.signatures.values import Frozen, Rubric, fingerprint, prompt_text
from openrubrics.verifiers import attach_checks, own_request

MOST_EXAMPLES = 10

PUBLISHED: Mapping[str, str] = {
    "prompts with a rubric": "35.7k (Figure 2a)",
    "judged pairs": "85.6k (Figure 6)",
    "hard rules + principles": "3 + 5 and 5 + 5 in the two rubrics that are printed (Tables 5 and 9); a plot of all, "
    "read by eye at second hand, has about 0 to 4 and 2 to 6",
    "domains": "pie charts only, no numbers",
    "lengths, checks, topics": "no numbers known to us",
}
"""What OpenRubrics (v3) says of its own set under these names."""

_WORD = re.compile(r"\w+(?:['’\-]\w+)*")


class Share(Frozen):
    """How many of a number of things have a property.

    Attributes:
        count: Those that have it.
        of: All, at least 1.
        share: count / of.
        interval: 95 % interval of `share`.
    """

    count: int
    of: int
    share: float = Field(ge=0, le=1)
    interval: Interval

    @classmethod
    def of_all(cls, count: int, of: int) -> Self:
        """Return a share of independent things, with Wilson's interval."""
        return cls(count=count, of=of, share=count / of, interval=wilson(count, of))


class Spread(Frozen):
    """How a number is spread over things, of which there is at least one.

    Attributes:
        of: How many things.
        mean: Their mean.
        sd: Standard deviation.
        smallest: Of all.
        tenth: Tenth percentile.
        median: Fiftieth percentile.
        ninetieth: Ninetieth percentile.
        largest: Of all.
    """

    of: int
    mean: float
    sd: float
    smallest: float
    tenth: float
    median: float
    ninetieth: float
    largest: float

    @classmethod
    def over(cls, numbers: Sequence[float]) -> Self:
        """Return the spread of numbers."""
        percentiles = np.percentile(numbers, [0, 10, 50, 90, 100])
        smallest, tenth, median, ninetieth, largest = map(float, percentiles)
        return cls(
            of=len(numbers),
            mean=fmean(numbers),
            sd=pstdev(numbers),
            smallest=smallest,
            tenth=tenth,
            median=median,
            ninetieth=ninetieth,
            largest=largest,
        )


class CommonCriterion(Frozen):
    """A criterion that the rubrics of several requests have.

    Attributes:
        text: Its words.
        kind: Its kind where it was met first.
        rubrics: Different requests whose rubrics have it.
    """

    text: str
    kind: CriterionKind
    rubrics: int


class TopicExample(Frozen):
    """A principle that is bound to the topic of its request."""

    id: str
    principle: str
    found: TopicFinding


class RubricStatistics(Frozen):
    """What a set of rubrics looks like. A word is a run of letters and digits; None is what could not be measured.

    Attributes:
        rows: Rows that were read.
        without_rubric: Rows for which no rubric could be written; they count nowhere else.
        prompts: Different requests; None where no row holds its request.
        rubrics: Different pairs of request and rubric, at least 1; the unit of all that follows.
        without_prompt: Those of them whose row does not hold the request.
        domains: Share of the requests in each domain, largest first; where a row does not hold its request, its id
            stands for it.
        criteria: Number of criteria in a rubric.
        criteria_counts: How many rubrics have so many.
        hard_rules: Number of hard rules in a rubric.
        hard_rule_counts: How many rubrics have so many.
        principles: Number of principles in a rubric.
        principle_counts: How many rubrics have so many.
        balance: Mean share of hard rules within a rubric.
        balance_ci: Its interval, by bootstrap over rubrics.
        no_hard_rules: Rubrics without a hard rule.
        no_principles: Rubrics without a principle.
        prompt_words: Words in a request, transcripts whole.
        prompt_characters: The same in characters.
        rubric_words: Words in the criteria of a rubric.
        criterion_words: Words in a criterion.
        checkable: Hard rules that code can check: they have a check already, or state one that the request states too
            (`openrubrics.verifiers.attach_checks`), which takes the request. None without hard rules, or requests.
        topic_specific: Rubrics with a principle that code found to be bound to its topic
            (`openrubrics.data.specificity`, which misses some, and hardly ever accuses wrongly); None without requests.
        topic_principles: The same as a share of principles.
        topic_examples: The first of them.
        repeated_rubrics: Rubrics with the very same criteria, in any order and case, as one of another request.
        repeated_criteria: Criteria that the rubric of another request has too.
        common_criteria: The most frequent of them.
        prompts_with_several: Requests with more than one rubric; None without requests.
    """

    rows: int
    without_rubric: int
    prompts: int | None
    rubrics: int
    without_prompt: int
    domains: Mapping[str, Share]
    criteria: Spread
    criteria_counts: Mapping[int, int]
    hard_rules: Spread
    hard_rule_counts: Mapping[int, int]
    principles: Spread
    principle_counts: Mapping[int, int]
    balance: float
    balance_ci: Interval
    no_hard_rules: Share
    no_principles: Share
    prompt_words: Spread | None
    prompt_characters: Spread | None
    rubric_words: Spread
    criterion_words: Spread
    checkable: Share | None
    topic_specific: Share | None
    topic_principles: Share | None
    topic_examples: tuple[TopicExample, ...]
    repeated_rubrics: Share
    repeated_criteria: Share
    common_criteria: tuple[CommonCriterion, ...]
    prompts_with_several: Share | None


@dataclass(frozen=True)
class _Item:
    """A request and one rubric of it."""

    id: str
    request: str | None
    rubric: Rubric
    domain: str
    findings: tuple[TopicFinding, ...]

    @property
    def owner(self) -> str:
        """Text that is equal for items of one request."""
        return f"id {self.id}" if self.request is None else f"prompt {self.request}"


def describe_rubrics(rows: Iterable[RubricRow], *, seed: int = 0) -> RubricStatistics:
    """Return the figures of a set of rubrics; it is held in memory, apart from the responses.

    Args:
        rows: What `openrubrics.evaluation.rubrics.read_rubrics` reads.
        seed: For the bootstrap.

    Raises:
        DataError: There is no rubric.
        UsageError: `seed` is negative.
    """
    items, read, missing = _different(rows)
    if not items:
        raise DataError(f"there is no rubric in {read} rows", "give curated folders, or files with rubrics")
    asked = [item for item in items if item.request is not None]
    counts = {kind: [_number(item.rubric, kind) for item in items] for kind in ("hard_rule", "principle")}
    sizes = [len(item.rubric.criteria) for item in items]
    shares = [hard / size for hard, size in zip(counts["hard_rule"], sizes, strict=True)]
    owners = Counter(item.owner for item in asked)
    criterion_words = [[_words(c.text) for c in item.rubric.criteria] for item in items]
    several = sum(n > 1 for n in owners.values())
    repeats = _Repeats(items)
    domains: dict[str, str] = {}
    for item in items:
        domains.setdefault(item.owner, item.domain)
    return RubricStatistics(
        rows=read,
        without_rubric=missing,
        prompts=len(owners) or None,
        rubrics=len(items),
        without_prompt=len(items) - len(asked),
        domains={name: Share.of_all(count, len(domains)) for name, count in Counter(domains.values()).most_common()},
        criteria=Spread.over(sizes),
        criteria_counts=_counted(sizes),
        hard_rules=Spread.over(counts["hard_rule"]),
        hard_rule_counts=_counted(counts["hard_rule"]),
        principles=Spread.over(counts["principle"]),
        principle_counts=_counted(counts["principle"]),
        balance=fmean(shares),
        balance_ci=bootstrap(shares, seed=seed),
        no_hard_rules=Share.of_all(counts["hard_rule"].count(0), len(items)),
        no_principles=Share.of_all(counts["principle"].count(0), len(items)),
        prompt_words=Spread.over([_words(item.request or "") for item in asked]) if asked else None,
        prompt_characters=Spread.over([len(item.request or "") for item in asked]) if asked else None,
        rubric_words=Spread.over([sum(words) for words in criterion_words]),
        criterion_words=Spread.over([words for each in criterion_words for words in each]),
        checkable=_ratio([_checkable(item) for item in asked], seed),
        topic_specific=Share.of_all(sum(bool(item.findings) for item in asked), len(asked)) if asked else None,
        topic_principles=_ratio([_topic_principles(item) for item in asked], seed),
        topic_examples=tuple(_examples(asked))[:MOST_EXAMPLES],
        prompts_with_several=Share.of_all(several, len(owners)) if owners else None,
        repeated_rubrics=Share.of_all(repeats.rubrics(), len(items)),
        repeated_criteria=_ratio_of(repeats.criteria(), seed),
        common_criteria=repeats.common(),
    )


def _different(rows: Iterable[RubricRow]) -> tuple[list[_Item], int, int]:
    """Return each request with each different rubric of it once, and how many rows there were, and without rubric."""
    items: dict[str, _Item] = {}
    read = missing = 0
    for row in rows:
        read += 1
        if row.rubric is None:
            missing += 1
            continue
        request = None if row.prompt is None else prompt_text(row.prompt)
        key = fingerprint([request, None if request is not None else row.id, row.rubric.fingerprint])
        if key not in items:
            found = () if row.prompt is None else topic_findings(row.prompt, row.rubric, row.responses)
            items[key] = _Item(row.id, request, row.rubric, row.domain, found)
    return list(items.values()), read, missing


def _ratio(parts: Sequence[tuple[int, int]], seed: int) -> Share | None:
    """Return a share of things that come in bundles; None where there are none."""
    kept = [part for part in parts if part[1]]
    return _ratio_of(kept, seed) if kept else None


def _ratio_of(parts: Sequence[tuple[int, int]], seed: int) -> Share:
    count, of = sum(having for having, _ in parts), sum(total for _, total in parts)
    return Share(count=count, of=of, share=count / of, interval=bootstrap_ratio(parts, seed=seed))


def _counted(numbers: Sequence[int]) -> dict[int, int]:
    return dict(sorted(Counter(numbers).items()))


def _number(rubric: Rubric, kind: str) -> int:
    return sum(criterion.kind == kind for criterion in rubric.criteria)


def _words(text: str) -> int:
    return sum(1 for _ in _WORD.finditer(text))


def _checkable(item: _Item) -> tuple[int, int]:
    bound = attach_checks(own_request(item.request or ""), item.rubric).hard_rules
    return sum(criterion.check is not None for criterion in bound), len(bound)


def _topic_principles(item: _Item) -> tuple[int, int]:
    return len({finding.criterion for finding in item.findings}), len(item.rubric.principles)


def _examples(items: Iterable[_Item]) -> Iterable[TopicExample]:
    for item in items:
        for finding in item.findings[:1]:
            principle = item.rubric.criteria[finding.criterion - 1].text
            yield TopicExample(id=item.id, principle=principle, found=finding)


class _Repeats:
    """What the rubrics of several requests share."""

    def __init__(self, items: Sequence[_Item]) -> None:
        self._items = items
        self._wholes: dict[frozenset[str], set[str]] = {}
        self._texts: dict[str, set[str]] = {}
        self._first: dict[str, tuple[str, CriterionKind]] = {}
        for item in items:
            self._wholes.setdefault(_whole(item.rubric), set()).add(item.owner)
            for criterion in item.rubric.criteria:
                self._texts.setdefault(criterion.text.casefold(), set()).add(item.owner)
                self._first.setdefault(criterion.text.casefold(), (criterion.text, criterion.kind))

    def rubrics(self) -> int:
        """Return how many rubrics are those of another request too."""
        return sum(len(self._wholes[_whole(item.rubric)]) > 1 for item in self._items)

    def criteria(self) -> list[tuple[int, int]]:
        """Return for each rubric how many of its criteria another request has too, and how many it has."""
        return [
            (sum(len(self._texts[text]) > 1 for text in _whole(item.rubric)), len(item.rubric.criteria))
            for item in self._items
        ]

    def common(self) -> tuple[CommonCriterion, ...]:
        """Return the criteria of several requests, the most frequent first."""
        found = sorted((-len(owners), text) for text, owners in self._texts.items() if len(owners) > 1)
        return tuple(
            CommonCriterion(text=self._first[text][0], kind=self._first[text][1], rubrics=-count)
            for count, text in found[:MOST_EXAMPLES]
        )


def _whole(rubric: Rubric) -> frozenset[str]:
    return frozenset(criterion.text.casefold() for criterion in rubric.criteria)
