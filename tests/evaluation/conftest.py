"""A short way to write judged pairs by hand."""

from collections.abc import Callable

import pytest

from openrubrics.evaluation import EvaluatedPair
from openrubrics.signatures import Failed, Judgment, Label, Order, OrderOutcome, Outcome, Tie, Verdict

Judged = Callable[..., EvaluatedPair]

LETTERS: dict[str, Outcome] = {
    "A": Verdict(preferred="A"),
    "B": Verdict(preferred="B"),
    "t": Tie(reason="equal"),
    "f": Failed(reason="no Winner line"),
}
SHOWN: tuple[Order, ...] = ("AB", "BA")


@pytest.fixture
def judged() -> Judged:
    """Make a judged pair: a letter of A, B, t(ie), f(ailed) for each order that was shown, or a result without any."""
    counter = iter(range(1_000_000))

    def make(
        said: str = "",
        *,
        result: str = "f",
        chosen: Label = "A",
        longer: Label | None = None,
        domain: str = "general",
        name: str | None = None,
    ) -> EvaluatedPair:
        orders = tuple(
            OrderOutcome(order=order, outcome=LETTERS[letter]) for order, letter in zip(SHOWN, said, strict=False)
        )
        agreed = LETTERS[said[0]] if said and len(set(said)) == 1 else LETTERS["t" if said else result]
        return EvaluatedPair(
            id=name or f"pair/{next(counter)}",
            domain=domain,
            source="tests",
            chosen_slot=chosen,
            longer_slot=longer,
            judgment=Judgment(outcome=agreed, orders=orders),
        )

    return make
