"""Which judgments are failures, what they have in common, and what a change of them is worth."""

from typing import Any

import pytest

from openrubrics.evaluation import EvaluatedPair
from openrubrics.optimizers.refinement import Effect, clusters, effect, failures
from openrubrics.signatures import DataError, Failed, Judgment, OrderOutcome, PreferencePair, Tie, Verdict
from openrubrics.signatures.outcomes import Compared, Outcome
from openrubrics.signatures.values import OTHER, Order


def pair(name: str, domain: str = "health") -> PreferencePair:
    return PreferencePair(id=name, prompt=f"ask {name}", chosen="good", rejected="worse", domain=domain)


def judged(one: PreferencePair, *said: str, compared: tuple[Compared, ...] = (), **options: Any) -> EvaluatedPair:  # noqa: ANN401
    """Judge a pair in one order or both: right, wrong, tie or failed, with criteria in the names chosen=A."""
    slot = EvaluatedPair.of(one, Judgment(outcome=Tie(reason="")), seed=0).chosen_slot
    outcomes: dict[str, Outcome] = {
        "right": Verdict(preferred=slot),
        "wrong": Verdict(preferred=OTHER[slot], justification="it is long"),
        "tie": Tie(reason="alike"),
        "failed": Failed(reason="cut"),
    }
    criteria = compared if slot == "A" else tuple(c.swapped() for c in compared)
    names: tuple[Order, Order] = ("AB", "BA")
    orders = tuple(
        OrderOutcome(order=order, outcome=outcomes[word], compared=criteria)
        for order, word in zip(names, said, strict=False)
    )
    shown = set(said)
    outcome = outcomes[said[0]] if len(shown) == 1 else outcomes["failed" if "failed" in shown else "tie"]
    return EvaluatedPair.of(one, Judgment(outcome=outcome, orders=orders, **options), seed=0)


def criterion(text: str, better: Any = "B", by: int = 2, type: Any = "core") -> Compared:  # noqa: A002, ANN401
    return Compared(text=text, type=type, better=better, by=by, reason="as I see it")


@pytest.mark.parametrize(
    ("said", "options", "kind"),
    [
        (("wrong",), {}, "wrong"),
        (("tie",), {}, "tied"),
        (("wrong",), {"decided_by": "checks"}, "guarded"),
        (("right", "wrong"), {}, "flipped"),
        (("wrong", "wrong"), {}, "wrong"),
        (("wrong", "failed"), {}, "wrong"),
    ],
)
def test_each_way_of_failing_has_its_name(said: tuple[str, ...], options: dict[str, Any], kind: str) -> None:
    found = failures([judged(pair("1"), *said, **options)], [pair("1")], orders="both" if len(said) > 1 else "single")
    assert [one.kind for one in found.failures] == [kind]
    assert found.unjudged == ()


def test_a_judgment_without_an_outcome_teaches_nothing_and_is_counted() -> None:
    pairs = [pair("1"), pair("2"), pair("3")]
    results = [
        judged(pairs[0], "failed", "failed"),
        judged(pairs[1], "right", "failed"),
        judged(pairs[2], "right", "right"),
    ]
    found = failures(results, pairs, orders="both")
    assert found.failures == ()
    assert found.unjudged == ("1", "2")


@pytest.mark.parametrize("name", ["1", "2", "3", "4"])  # both slots come up
def test_the_criterion_that_misled_is_of_the_highest_type_and_the_clearest(name: str) -> None:
    said = (
        criterion("The response is polite.", better="A", type="critical"),
        criterion("The response is long.", by=1),
        criterion("The response is full.", by=2),
        criterion("The response is bold.", type="highlight"),
    )
    one = failures([judged(pair(name), "wrong", compared=said)], [pair(name)]).failures[0]
    assert (one.criterion, one.type) == ("The response is full.", "core")
    assert "the other response is better by 2 on: 'The response is full.' [core]" in one.case.said
    assert one.case.said.index("full") < one.case.said.index("polite")


def test_an_order_that_came_out_right_misled_nobody() -> None:
    one = judged(pair("1"), "right", "wrong")
    slot = one.chosen_slot
    of_both = [
        shown.model_copy(update={"compared": (c if slot == "A" else c.swapped(),)})
        for shown, c in zip(
            one.judgment.orders,
            (criterion("The response is grand.", type="critical"), criterion("The response is bold.")),
            strict=True,
        )
    ]
    one = one.model_copy(update={"judgment": one.judgment.model_copy(update={"orders": tuple(of_both)})})
    assert failures([one], [pair("1")], orders="both").failures[0].criterion == "The response is bold."


def test_a_pair_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(DataError, match="'1' was judged, and is not among the pairs"):
        failures([judged(pair("1"), "wrong")], [])


def test_failures_are_grouped_by_domain_and_by_words_of_what_decided_big_groups_first() -> None:
    texts = {
        "1": "The response has enough length.",
        "2": "The response has a longer list.",
        "3": "The response is lengthy, and of great length.",
        "4": "The response shows a list.",
        "5": "The response rhymes.",
    }
    pairs = [pair(name) for name in texts] + [pair("6", domain="law"), pair("7", domain="law")]
    results = [judged(one, "wrong", compared=(criterion(texts[one.id]),)) for one in pairs[:5]]
    results += [judged(pairs[5], "tie"), judged(pairs[6], "tie")]
    pairs.append(pair("8"))
    results.append(judged(pairs[7], "wrong", decided_by="checks"))  # no principle changes what code decides
    groups = clusters(failures(results, pairs).failures)
    assert [(one.title, [f.id for f in one.failures]) for one in groups] == [
        ("health: 2 pairs, misled by criteria about 'length'", ["1", "3"]),
        ("health: 2 pairs, misled by criteria about 'list'", ["2", "4"]),
        ("law: 2 pairs, tied", ["6", "7"]),
        ("health: 1 pair, misled by various core criteria", ["5"]),
    ]


def test_a_title_steers_no_terminal() -> None:
    one = pair("1", domain="\x1b[31mred\n\n# heading")
    assert "\x1b" not in (title := clusters(failures([judged(one, "tie")], [one]).failures)[0].title)
    assert "\n" not in title


def test_an_edit_fixes_and_breaks_pairs_and_a_failure_is_never_a_gain() -> None:
    pairs = [pair(str(number)) for number in range(7)]
    before = ("wrong", "right", "right", "tie", "failed", "right", "wrong")
    after = ("right", "wrong", "failed", "failed", "right", "right", "tie")
    found = effect(
        [judged(one, said) for one, said in zip(pairs, before, strict=True)],
        [judged(one, said) for one, said in zip(reversed(pairs), reversed(after), strict=True)],
    )
    assert found == Effect(fixes=("0",), breaks=("1", "2"), failed=("2", "3"), recovered=("4",))
    assert found.gain == -1
