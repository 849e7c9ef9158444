"""What a run may spend: how much scoring takes, and what that leaves for the search."""

from collections.abc import Sequence

from openrubrics.lms import Budget
from openrubrics.lms.providers import ProviderLM
from openrubrics.optimizers.student import Compilable
from openrubrics.programs import RubricRM
from openrubrics.signatures import PreferencePair, prompt_text
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.outcomes import Usage

UNLIMITED_RUNS = 100_000
"""Program runs where a limit says nothing about them, as with models that cost nothing."""


def calls_of_run(program: Compilable) -> int:
    """Return how many requests one program run takes at most, without repeats after failures."""
    return 1 + _judging(program)


def calls_for(program: Compilable, pairs: Sequence[PreferencePair]) -> int:
    """Return how many requests judging these pairs takes at most, without repeats after failures."""
    once = isinstance(program, RubricRM)  # a rubric is written once for each request
    rubrics = len({prompt_text(pair.prompt) for pair in pairs}) if once else len(pairs)
    return rubrics + len(pairs) * _judging(program)


def _judging(program: Compilable) -> int:
    votes = program.judge.votes
    each = votes if isinstance(program.judge.predict.current_lm(), ProviderLM) else votes // 2 + 1
    return each * (2 if program.orders == "both" else 1)


def check_limit(limit: Budget, needed: int) -> None:
    """Refuse limits under which a run cannot end well, before anything is asked.

    Args:
        limit: Of the whole run.
        needed: Requests that scoring and the smallest search take at most.

    Raises:
        UsageError: There is no limit, or the limit on calls is below `needed`.
    """
    if limit == Budget():
        raise UsageError(
            "a search goes on until a limit is reached, and none is given",
            "give --max-calls, --max-total-tokens or --max-cost",
        )
    if limit.max_calls is not None and limit.max_calls < needed:
        raise UsageError(
            f"{limit.max_calls} calls are too few: scoring before and after and the smallest search take {needed}",
            f"give --max-calls {needed} or more, fewer pairs, or a search that is smaller or of another kind",
        )


def left_for_search(limit: Budget, spent: Usage, calls_after: int, again: Sequence[Usage]) -> Budget:
    """Return the limits of the search itself.

    Args:
        limit: Of the whole run.
        spent: Before the search.
        calls_after: Requests that scoring after the search takes at most.
        again: What scoring cost that comes again after the search; twice that is kept back of tokens and cost, since
            compiled prompts are longer.
    """
    tokens = spent.tokens + 2 * sum(usage.tokens for usage in again)
    cost = (spent.cost or 0.0) + 2 * sum(usage.cost or 0.0 for usage in again)
    return Budget(
        max_calls=None if limit.max_calls is None else max(0, limit.max_calls - spent.calls - calls_after),
        max_cost=None if limit.max_cost is None else max(0.0, limit.max_cost - cost),
        max_total_tokens=None if limit.max_total_tokens is None else max(0, limit.max_total_tokens - tokens),
    )


def affordable_runs(budget: Budget, scored: Usage, runs: int) -> int:
    """Return how many program runs a budget pays for.

    Args:
        budget: Of the search.
        scored: What `runs` program runs have cost.
        runs: At least 1.
    """
    limits = (
        (budget.max_calls, scored.calls),
        (budget.max_total_tokens, scored.tokens),
        (budget.max_cost, scored.cost),
    )
    bounds = [int(limit * runs / cost) for limit, cost in limits if limit is not None and cost]
    return min([*bounds, UNLIMITED_RUNS])
