"""Benchmarks are read whole: from the hub, or from local files in the upstream format."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

from openrubrics.data.rows import PassedOver, RowError
from openrubrics.data.sources_open import Address, local_files, open_rows
from openrubrics.evaluation.benchmarks.benchmark import Benchmark
from openrubrics.evaluation.benchmarks.case import Case
from openrubrics.signatures.errors import DataError, UsageError


@dataclass(frozen=True)
class Loaded:
    """The cases of a benchmark.

    Attributes:
        benchmark: Which one.
        cases: At least one, in the order of the data.
        left_out: Number of rows that are no cases, by reason.
        files: What was read on this machine.
        cut: Whether no more than a given number of cases was read.
    """

    benchmark: Benchmark
    cases: tuple[Case, ...]
    left_out: Mapping[str, int]
    files: tuple[Path, ...]
    cut: bool

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """Number of cases in each subset, in the order of the data."""
        return Counter(case.subset for case in self.cases)

    @cached_property
    def differences(self) -> tuple[str, ...]:
        """How the cases differ from those that were published; empty where the numbers are the same.

        Numbers alone are compared: whether the texts are the published ones cannot be known here.
        """
        if not self.benchmark.counts:
            return ("how many cases were published is not known here",)
        names = dict.fromkeys((*self.benchmark.counts, *self.counts))
        found = [
            f"{name}: {self.counts.get(name, 0):,} of {self.benchmark.counts.get(name, 0):,} cases"
            for name in names
            if self.counts.get(name, 0) != self.benchmark.counts.get(name, 0)
        ]
        return tuple(found)


def load(
    benchmark: Benchmark, path: Path | None = None, *, responses: Path | None = None, limit: int | None = None
) -> Loaded:
    """Read a benchmark.

    Args:
        benchmark: Which one.
        path: File or folder with its rows; None for the hub.
        responses: Responses to its prompts, where it comes without; rows that bring their own do not need them.
        limit: Most cases to read, the first of every subset in turn, so that all subsets are there; None for all.

    Raises:
        UsageError: Responses are missing, or not for this benchmark; or it is not on the hub.
        DataError: The rows cannot be read, one is not what it should be, an id comes twice, or there is no case.
    """
    if responses is not None and not benchmark.responses:
        raise UsageError(f"{benchmark.name} comes with responses", "leave --responses out")
    rows = chain.from_iterable(map(open_rows, _addresses(benchmark, path)))
    answers = open_rows(Address(str(responses))) if responses else iter(())
    left_out: Counter[str] = Counter()
    cases: dict[str, Case] = {}
    try:
        for made in benchmark.cases(rows, answers):
            if isinstance(made, PassedOver):
                left_out[made.reason] += 1
            elif made.id in cases:
                raise DataError(f"id {made.id!r} comes twice in {benchmark.title}", "give every case once")
            else:
                cases[made.id] = made
    except RowError as error:
        raise RowError(error.message, error.hint or _what_rows(benchmark, error, responses), error.reason) from error
    if not cases and benchmark.responses and responses is None:
        hint = f"name a file with --responses whose rows hold {benchmark.responses}"
        raise UsageError(f"{benchmark.name} needs responses", hint)
    if not cases:
        reasons = "".join(f"; {count} rows left out: {reason}" for reason, count in left_out.most_common(3))
        hint = f"--responses: rows with {benchmark.responses}" if benchmark.responses else "see `openrubrics data`"
        raise DataError(f"{path or benchmark.title}: there is no case of {benchmark.title} in it{reasons}", hint)
    found = tuple(cases.values())
    kept = found if limit is None else _first_of_each(found, limit)
    return Loaded(benchmark, kept, left_out, _files(path, responses), cut=len(kept) < len(found))


def _what_rows(benchmark: Benchmark, error: RowError, responses: Path | None) -> str:
    """Return what rows have to be; of which file this one is tells the error's message."""
    if responses and error.message.startswith(str(responses)):
        return f"rows of --responses hold {benchmark.responses}"
    return f"rows of {benchmark.title} are taken as its authors publish them; other labelled pairs go with --pairs"


def _addresses(benchmark: Benchmark, path: Path | None) -> list[Address]:
    if path is not None:
        return [Address(str(path))]
    if benchmark.source is None:
        raise UsageError(f"{benchmark.title} is not on the hub", "name its files with --path")
    source = benchmark.source
    if source.files:
        return [Address(source.hub, revision=source.revision, files=source.files)]
    return [Address(source.hub, source.config, split, revision=source.revision) for split in source.split]


def _files(*paths: Path | None) -> tuple[Path, ...]:
    return tuple(chain.from_iterable(local_files(str(path)) or [path] for path in paths if path))


def _first_of_each(cases: tuple[Case, ...], limit: int) -> tuple[Case, ...]:
    """Return so many cases, in the order of the data: rank within the subset decides, then the order."""
    rank: Counter[str] = Counter()
    ranked: list[tuple[int, int]] = []
    for place, case in enumerate(cases):
        ranked.append((rank[case.subset], place))
        rank[case.subset] += 1
    return tuple(cases[place] for place in sorted(place for _, place in sorted(ranked)[:limit]))
