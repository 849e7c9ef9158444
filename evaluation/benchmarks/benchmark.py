"""What a benchmark is: where its rows come from, how they become cases, and the rules that score the answers."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from openrubrics.data.rows import Located, PassedOver
from openrubrics.evaluation.benchmarks.case import Case, Compared, Rated, Scores
from openrubrics.signatures.values import Orders

AnswerT = TypeVar("AnswerT", Compared, Rated)

Kind = Literal["pairwise", "scores"]
"""What a judge does: compares two responses, or scores one."""

Reading = Callable[[Sequence[AnswerT]], Scores]
"""Makes figures of the answers to all cases; a pure function, since intervals come from calling it on resamples."""


@dataclass(frozen=True)
class Rule(Generic[AnswerT]):
    """How the answers of one kind of judge are scored.

    Attributes:
        says: The rule in a sentence or two, with what it makes of ties and failures.
        official: Whether it is the benchmark's own for this kind of judge; if not, it is ours.
        readings: By name, the headline first: ``official`` (or ``ours``), then ``strict``, in which a failure is
            wrong, and where the rule is ours ``lenient``.
        orders: What a pairwise judge is asked; None where the user may choose.
        quirks: What is odd about the official rule and is reproduced all the same.
    """

    says: str
    official: bool
    readings: Mapping[str, Reading[AnswerT]]
    orders: Orders | None = None
    quirks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """Where the rows of a benchmark lie on the hub.

    Attributes:
        hub: Name of the data set.
        split: Split that holds the benchmark; several are read one after the other.
        config: Configuration.
        files: Paths of the files that hold it, where the data set does not open as one; split and config mean nothing
            then.
        revision: Commit that is read; None for the newest.
    """

    hub: str
    split: tuple[str, ...] = ("test",)
    config: str | None = None
    files: tuple[str, ...] = ()
    revision: str | None = None


@dataclass(frozen=True)
class Benchmark:
    """A benchmark.

    Attributes:
        name: What it is called in options.
        title: What it is called in print.
        says: What it measures, in a sentence.
        licence: Of the data, as its authors state it; "not verified" where nobody of us saw it.
        citation: Authors, title, year and address.
        source: Its place on the hub; None where it is not there, and its files have to be named.
        cases: Makes cases of rows in the upstream format, and of rows in the normalised form of pairs (id, prompt,
            chosen, rejected, domain) where a case is a pair. The second argument holds the rows of ``--responses`` for
            benchmarks that come without answers, and is empty otherwise. A row that is left out on purpose, such as a
            tie of the annotators, gives a `PassedOver`, which is counted. Raises `RowError` with the place of a row
            that is not what it should be.
        counts: Published number of cases in each subset; a run over other numbers is marked "not official", and so is
            every run where they are not known.
        pairs: Rule for pairwise judges; None where they cannot answer it.
        scores: Rule for scorers; None where they cannot answer it.
        responses: What a row of ``--responses`` holds, in words; empty where the benchmark comes with answers.
        answer_key: Whether upstream rows hold reference answers. No judge is shown them unless a key is asked for.
        notes: What has to be known besides, such as what is unknown about it.
    """

    name: str
    title: str
    says: str
    licence: str
    citation: str
    source: Source | None
    cases: Callable[[Iterable[Located], Iterable[Located]], Iterator[Case | PassedOver]]
    counts: Mapping[str, int]
    pairs: Rule[Compared] | None = None
    scores: Rule[Rated] | None = None
    responses: str = ""
    answer_key: bool = False
    notes: tuple[str, ...] = ()

    def rule(self, kind: Kind) -> Rule[Any] | None:
        """Return the rule for a kind of judge; None where there is none."""
        return self.pairs if kind == "pairwise" else self.scores
