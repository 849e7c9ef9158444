"""What a curation comes to: counts that are kept while it runs, and its summary."""

from collections import Counter
from collections.abc import Mapping

from pydantic import Field

from openrubrics.data.curated import CuratedItem, CurationSettings
from openrubrics.signatures.outcomes import Failed, Usage
from openrubrics.signatures.values import Frozen, Orders

MOST_DOMAINS = 1000
"""How many domains are counted apart, so that an input with a domain of its own in each row stays countable."""

OTHER_DOMAINS = "(other domains)"

MOST_FAILURES = 100
"""How many messages of failures are counted apart, as those of servers and parsers may each be another."""

OTHER_FAILURES = "(other failures)"


class DomainCounts(Frozen):
    """What became of the pairs of one domain.

    Attributes:
        pairs: Pairs, the induced ones of longer rankings each on its own.
        kept: Those that passed the filter.
        kept_share: Kept / pairs, in [0, 1].
    """

    pairs: int
    kept: int
    kept_share: float


class CurationSummary(Frozen):
    """The figures of a curation: summary.json.

    Attributes:
        items: Rankings that were curated; a pair is a ranking of two.
        pairs: Induced pairs of all items.
        kept: Pairs whose rubric passed the filter.
        kept_share: Kept / pairs, in [0, 1]; 0 without pairs.
        failed: Pairs without a rubric or without a judgment.
        failures: What went wrong with these, most frequent first; beyond a hundred messages the rest together.
        attempts: Rubrics that were asked for.
        reasons: Pairs by reason, most frequent first.
        by_domain: The same shares for each domain, most pairs first; beyond a thousand domains the rest together.
        rubrics: Items with a rubric in the attempt that counts.
        topic_specific: How many of these rubrics have a topic-specific principle.
        topic_specific_share: Topic-specific / rubrics, in [0, 1]; 0 without rubrics.
        topic_specific_kinds: Findings in these rubrics by kind.
        settings: How the filter decided.
        orders: Orders in which each pair was judged, as in `settings`.
        method: What was done.
        lm: Names of all models.
        calls: Requests behind these items, over all runs that filled the folder; so are tokens and cost. A reply that
            serves two items, as their requests were the same, counts for both. What only other settings asked for, and
            failed requests that a later run repeated, are not among them.
        tokens: Prompt and completion tokens together.
        cost: US dollars; None where a price is unknown.
        seconds: Wall time, over all runs.
    """

    items: int
    pairs: int
    kept: int
    kept_share: float
    failed: int
    failures: Mapping[str, int]
    attempts: int
    reasons: Mapping[str, int]
    by_domain: Mapping[str, DomainCounts]
    rubrics: int
    topic_specific: int
    topic_specific_share: float
    topic_specific_kinds: Mapping[str, int]
    settings: CurationSettings
    orders: Orders
    method: str
    lm: str
    calls: int
    tokens: int
    cost: float | None
    seconds: float = Field(ge=0, allow_inf_nan=False)


class CurationCounts:
    """Counts items as they are finished, in bounded memory: domains and messages are counted apart up to a number.

    Attributes:
        items: Items.
        pairs: Induced pairs.
        kept: Pairs that are kept.
        failed: Pairs without a rubric or without a judgment.
        usage: What was spent on them.
    """

    def __init__(self) -> None:
        self.items = 0
        self.pairs = 0
        self.kept = 0
        self.failed = 0
        self.usage = Usage()
        self._attempts = 0
        self._rubrics = 0
        self._specific = 0
        self._kinds: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._pairs: Counter[str] = Counter()
        self._kept: Counter[str] = Counter()

    def __repr__(self) -> str:
        """Return what a person at a prompt wants to see."""
        return f"CurationCounts(items={self.items}, pairs={self.pairs}, kept={self.kept}, failed={self.failed})"

    def add(self, item: CuratedItem) -> None:
        """Count one item."""
        best = item.best
        self.items += 1
        self.pairs += len(best.reasons)
        self.kept += best.kept
        self.failed += len(best.failures)
        self.usage += item.usage
        self._attempts += len(item.attempts)
        self._rubrics += not isinstance(best.rubric, Failed)
        self._specific += bool(best.topic_specific)
        self._kinds.update(finding.kind for finding in best.topic_specific)
        self._reasons.update(best.reasons)
        for failure in best.failures:
            self._failures[_bounded(failure.reason, self._failures, MOST_FAILURES, OTHER_FAILURES)] += 1
        domain = _bounded(item.item.domain, self._pairs, MOST_DOMAINS, OTHER_DOMAINS)
        self._pairs[domain] += len(best.reasons)
        self._kept[domain] += best.kept

    @property
    def kept_share(self) -> float:
        """Kept / pairs, 0 without pairs."""
        return _share(self.kept, self.pairs)

    def summary(self, settings: CurationSettings, *, lm: str, seconds: float) -> CurationSummary:
        """Return the summary.

        Args:
            settings: How the filter decided.
            lm: Names of all models.
            seconds: Wall time.
        """
        return CurationSummary(
            items=self.items,
            pairs=self.pairs,
            kept=self.kept,
            kept_share=self.kept_share,
            failed=self.failed,
            failures=dict(self._failures.most_common()),
            attempts=self._attempts,
            reasons=dict(self._reasons.most_common()),
            by_domain={
                domain: DomainCounts(pairs=pairs, kept=self._kept[domain], kept_share=_share(self._kept[domain], pairs))
                for domain, pairs in sorted(self._pairs.items(), key=lambda entry: (-entry[1], entry[0]))
            },
            rubrics=self._rubrics,
            topic_specific=self._specific,
            topic_specific_share=_share(self._specific, self._rubrics),
            topic_specific_kinds=dict(sorted(self._kinds.items())),
            settings=settings,
            orders=settings.orders,
            method="contrastive",
            lm=lm,
            calls=self.usage.calls,
            tokens=self.usage.tokens,
            cost=self.usage.cost,
            seconds=seconds,
        )


def _bounded(name: str, counted: Counter[str], most: int, others: str) -> str:
    """Return a name that is to be counted, or that of the others where enough names are counted apart."""
    return name if name in counted or len(counted) < most else others


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
