"""The rule of voting, over all sequences of votes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrubrics.programs.votes import decided, tally
from openrubrics.signatures import Failed, Finding, Outcome, Tie, Verdict, Vote

ANSWERS = {
    "A": Verdict(preferred="A"),
    "B": Verdict(preferred="B"),
    "tie": Tie(reason="the judge answered tie"),
    "failed": Failed(reason="no verdict"),
}
SEQUENCES = st.lists(st.sampled_from(sorted(ANSWERS)), min_size=1, max_size=9)


def _votes(answers: list[str]) -> list[Vote]:
    return [Vote(outcome=ANSWERS[answer]) for answer in answers]


def _label(outcome: Outcome) -> str:
    return outcome.preferred if isinstance(outcome, Verdict) else outcome.kind


@given(SEQUENCES)
def test_stopping_early_never_changes_the_outcome(answers: list[str]) -> None:
    votes = _votes(answers)
    final = _label(tally(votes))
    stops = [k for k in range(1, len(votes) + 1) if decided(votes[:k], len(votes))]
    assert stops[-1] == len(votes)
    assert {_label(tally(votes[:k])) for k in stops} == {final}


@given(SEQUENCES, st.randoms(use_true_random=False))
def test_the_order_of_votes_does_not_matter(answers: list[str], random: object) -> None:
    shuffled = list(answers)
    random.shuffle(shuffled)  # pyright: ignore[reportAttributeAccessIssue]
    assert _label(tally(_votes(shuffled))) == _label(tally(_votes(answers)))


@given(SEQUENCES)
def test_the_most_frequent_answer_that_is_not_a_failure_wins(answers: list[str]) -> None:
    counts = {label: answers.count(label) for label in ("A", "B", "tie")}
    best = [label for label, n in counts.items() if n == max(counts.values())]
    expected = "failed" if max(counts.values()) == 0 else best[0] if len(best) == 1 else "tie"
    assert _label(tally(_votes(answers))) == expected


@pytest.mark.parametrize(
    ("answers", "wanted", "done"),
    [
        (["A", "A"], 3, True),
        (["A", "B"], 3, False),
        (["A", "failed"], 3, False),
        (["A", "A", "A"], 5, True),
        (["A", "A", "B"], 5, False),
        (["A", "A", "failed"], 5, False),
        (["A", "A", "failed", "failed"], 5, True),
        (["failed", "failed"], 3, False),
        (["tie", "tie"], 3, True),
    ],
)
def test_voting_stops_only_when_the_rest_cannot_matter(answers: list[str], wanted: int, done: bool) -> None:
    assert decided(_votes(answers), wanted) is done


def test_split_votes_are_a_tie_that_says_so() -> None:
    outcome = tally(_votes(["A", "B", "failed"]))
    assert isinstance(outcome, Tie)
    assert outcome.reason == "the votes are split: A 1, B 1"


def test_all_failed_gives_every_reason_once() -> None:
    votes = [
        Vote(outcome=Failed(reason=reason), raw=raw) for reason, raw in (("x", "one"), ("y", "two"), ("x", "three"))
    ]
    assert tally(votes) == Failed(reason="all 3 votes failed: x; y", raw="one")


def test_a_verdict_carries_the_findings_of_the_first_vote_that_agrees() -> None:
    finding = Finding(criterion=1, response="A", text="too long")
    first, second = Verdict(preferred="B", findings=(finding,), justification="first"), Verdict(preferred="B")
    outcome = tally([Vote(outcome=ANSWERS["A"]), Vote(outcome=first), Vote(outcome=second)])
    assert outcome == first


def test_the_probability_is_the_mean_over_the_verdicts_that_have_one() -> None:
    outcomes = (
        Verdict(preferred="A", probability=0.9),
        Verdict(preferred="B", probability=0.6),
        Verdict(preferred="A"),
        Tie(reason="the judge answered tie"),
    )
    outcome = tally([Vote(outcome=one) for one in outcomes])
    assert isinstance(outcome, Verdict)
    assert outcome.probability == pytest.approx((0.9 + 0.4) / 2)
