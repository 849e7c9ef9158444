"""The summary of a run: summary.json."""

from collections.abc import Mapping, Sequence

from pydantic import Field

from openrubrics.evaluation.metrics import Figures, decided_by, failures, measure
from openrubrics.evaluation.results import EvaluatedPair
from openrubrics.signatures.outcomes import Usage
from openrubrics.signatures.values import Orders


class Summary(Figures):
    """The figures of a whole run, over all pairs and by domain, with what they cost.

    Attributes:
        orders: What was asked for.
        by_domain: The same figures for each domain.
        failures: Failed comparisons by reason, most frequent first.
        kappa: Agreement of repeated runs; None for a single run, or where it is not defined. All other figures on
            judgments are those of the first run.
        method: Program that judged.
        lm: Model that judged.
        reference_assisted: Pairs whose judge was given the right answer, whatever decided then; figures with such pairs
            do not compare with those of judges that were not given any.
        decided_by: Pairs by what decided: ``judge`` by comparing (or failing to), ``checks`` of code before any model
            was asked, or a ``reference`` answer that told the responses apart. Empty in files of earlier versions.
        calls: Requests sent, over all runs where the run was repeated; so are tokens, cost and seconds.
        tokens: Prompt and completion tokens together.
        cost: US dollars; None where a price is unknown.
        seconds: Wall time.
    """

    orders: Orders
    by_domain: Mapping[str, Figures]
    failures: Mapping[str, int]
    kappa: float | None
    method: str
    lm: str
    reference_assisted: int = 0
    decided_by: Mapping[str, int] = Field(default_factory=dict)
    calls: int
    tokens: int
    cost: float | None
    seconds: float = Field(ge=0, allow_inf_nan=False)


def summarize(
    results: Sequence[EvaluatedPair],
    *,
    orders: Orders,
    lm: str,
    method: str,
    usage: Usage,
    seconds: float,
    seed: int = 0,
    kappa: float | None = None,
) -> Summary:
    """Return the summary of a run.

    Args:
        results: At least one; of the first run where it was repeated.
        orders: What the run asked for.
        lm: Model that judged.
        method: Program that judged.
        usage: What the run cost, with its repeats.
        seconds: Wall time, with its repeats.
        seed: For the bootstrap intervals.
        kappa: Agreement of repeated runs, from `openrubrics.evaluation.kappa`.

    Raises:
        DataError: There are no results, or a pair was judged in more orders than `orders`.
    """
    domains = sorted({result.domain for result in results})
    return Summary(
        **dict(measure(results, orders=orders, seed=seed)),
        orders=orders,
        by_domain={
            domain: measure([result for result in results if result.domain == domain], orders=orders, seed=seed)
            for domain in domains
        },
        failures=failures(results, orders),
        kappa=kappa,
        method=method,
        lm=lm,
        reference_assisted=sum(result.judgment.reference_assisted for result in results),
        decided_by=decided_by(results),
        calls=usage.calls,
        tokens=usage.tokens,
        cost=usage.cost,
        seconds=seconds,
    )
