"""Rewards of groups that the adaptive judge compares: the score of its criteria, and its guards."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from openrubrics import ScriptedLM
from openrubrics.lms.scripted import Messages
from openrubrics.programs import AdaptiveRubricJudge
from openrubrics.signatures import invert
from openrubrics.signatures.adaptive import CompareAdaptively
from openrubrics.signatures.adaptive_text import render_adaptive
from openrubrics.signatures.outcomes import Compared
from openrubrics.train import RubricReward

PROMPT = "Name three primes. Do not use any commas."
LEVELS = {"2 and 3 and 5.": 0, "3 and 5 and 7.": 1, "5 and 7 and 11.": 2, "2, 3 and 5.": 2, "": 2}
FAIR, GOOD, BEST, BREAKS, EMPTY = LEVELS


def by_levels(messages: Messages, _: object) -> str:
    """Compare on one core criterion by the levels, and find no difference on two important ones."""
    fields = invert(messages[-1]["content"], CompareAdaptively)
    ahead = LEVELS[str(fields["response_a"])] - LEVELS[str(fields["response_b"])]
    better = "A" if ahead > 0 else "B" if ahead < 0 else "tie"
    found = [Compared(text="The response names larger primes.", type="core", better=better, by=abs(ahead))]
    same = ("The response names primes.", "The response names three.")
    found += [Compared(text=text, type="important", better="tie", by=0) for text in same]
    return render_adaptive("Primes.", "How large they are.", found)


def judged(completions: Sequence[str], *, orders: Any = "both", **options: Any) -> tuple[list[float | None], int]:  # noqa: ANN401
    """Return the rewards and how many requests they took."""
    judge = AdaptiveRubricJudge(domain="general", orders=orders)
    scripted = ScriptedLM(by_levels)
    judge.set_lm(scripted)
    reward = RubricReward(judge, anchor="first", **options)
    return asyncio.run(reward(len(completions) * [PROMPT], completions)), len(scripted.requests)


@pytest.mark.parametrize("orders", ["single", "both"])
def test_graded_pays_the_score_of_the_criteria_and_a_whole_win_where_code_decides(orders: str) -> None:
    weights = AdaptiveRubricJudge().meta_rubric.weights
    core = weights["core"] / (weights["core"] + 2 * weights["important"])
    found, requests = judged([GOOD, FAIR, BEST, BREAKS], orders=orders, payment="graded")
    assert found == pytest.approx([0, -core / 2, core / 2, -1])
    assert requests == 2 * (1 if orders == "single" else 2), "a rule that is broken asks nobody"
    assert judged([FAIR, BEST], orders=orders, payment="graded")[0] == pytest.approx([0, core])


def test_guards_keep_what_breaks_a_rule_from_winning() -> None:
    assert judged([FAIR, GOOD, BREAKS, EMPTY], payment="brpo")[0] == [0, 1, -1, -1]
    assert judged([BREAKS, FAIR, GOOD], payment="brpo") == ([0, 1, 1], 0)


def test_checks_add_to_what_the_judge_pays() -> None:
    found, _ = judged([FAIR, GOOD, BREAKS, EMPTY], payment="brpo", verifiable_weight=0.5)
    assert found[:2] == [0.5, 1.5]
    assert found[3] == -1
    assert found[2] is not None
    assert -1 < found[2] < -0.5
