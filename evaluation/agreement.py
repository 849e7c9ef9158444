"""Does a judge say the same when it is asked again?"""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from statistics import fmean

from openrubrics.evaluation.results import Category, EvaluatedPair
from openrubrics.signatures.errors import DataError, UsageError


def kappa(runs: Sequence[Sequence[EvaluatedPair]]) -> float | None:
    """Return how far repeated runs over the same pairs agree beyond chance, in [-1, 1].

    What is compared is the outcome of the whole judgment: chosen, rejected, tie or failed. Two runs give Cohen's kappa;
    more give the mean of Cohen's kappa over all pairs of runs. It is None where it is not defined: every run gave one
    and the same category to all pairs, so that chance alone would agree as well.

    Args:
        runs: Two or more, in any order of pairs.

    Raises:
        UsageError: There are fewer than two runs.
        DataError: A run is empty, repeats an id, or has other ids than the first.
    """
    if len(runs) < 2:
        raise UsageError(f"agreement needs two runs or more, and there are {len(runs)}")
    tables: list[dict[str, Category]] = [
        {name: result.category(result.judgment.outcome) for name, result in run.items()} for run in by_id(runs)
    ]
    values = [value for a, b in combinations(tables, 2) if (value := _cohen(a, b)) is not None]
    return fmean(values) if values else None


def by_id(runs: Sequence[Sequence[EvaluatedPair]]) -> list[dict[str, EvaluatedPair]]:
    """Return the judged pairs of each run by their ids, which are the same in all runs.

    Raises:
        DataError: A run is empty, repeats an id, or has other ids than the first.
    """
    tables = [_table(run) for run in runs]
    for number, table in enumerate(tables[1:], start=2):
        different = sorted(table.keys() ^ tables[0].keys())
        if different:
            raise DataError(
                f"runs 1 and {number} differ in {len(different)} ids, the first is {different[0]!r}",
                "repeat a run on the same pairs",
            )
    return tables


def _table(run: Sequence[EvaluatedPair]) -> dict[str, EvaluatedPair]:
    table = {result.id: result for result in run}
    if not table:
        raise DataError("a run without judged pairs cannot be compared")
    if len(table) != len(run):
        twice = next(name for name, count in Counter(result.id for result in run).items() if count > 1)
        raise DataError(f"id {twice!r} comes more than once in a run")
    return table


def _cohen(first: dict[str, Category], second: dict[str, Category]) -> float | None:
    n = len(first)
    observed = sum(second[key] == category for key, category in first.items())
    shares = Counter(first.values()), Counter(second.values())
    by_chance = sum(count * shares[1][category] for category, count in shares[0].items())
    return None if by_chance == n * n else (n * observed - by_chance) / (n * n - by_chance)
