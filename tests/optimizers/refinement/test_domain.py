"""Edits of a domain part, proposed and tried in the simulated world of `refining`."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from planted_pairs import QUALITIES
from poor_domain import POOR_DOMAIN
from refining import FEW, FULL, RefiningWorld, scripted

from openrubrics.data import Ledger
from openrubrics.evaluation import evaluate
from openrubrics.lms import Budget, ScriptedLM, budget
from openrubrics.optimizers.refinement import DomainPlan, Judging, Proposals, apropose_for_domain
from openrubrics.optimizers.refinement.domain import pairs_identity
from openrubrics.optimizers.refinement.failures import is_right
from openrubrics.signatures.edits import apply_edit
from openrubrics.signatures.errors import BudgetError, DataError, LMError, UsageError
from openrubrics.signatures.values import PreferencePair, prompt_text


def plan_of(model: ScriptedLM, **changes: object) -> DomainPlan:
    plan = DomainPlan(POOR_DOMAIN, "health", Judging.adaptive(model, domain="health"), model, FEW.train, concurrency=2)
    return replace(plan, **changes)


def proposed(plan: DomainPlan, path: Path) -> Proposals:
    with Ledger(path, identity=plan.identity()) as ledger:
        return asyncio.run(apropose_for_domain(plan, ledger))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Proposals, ScriptedLM, RefiningWorld]:
    world = RefiningWorld()
    model = scripted(world)
    return proposed(plan_of(model), tmp_path_factory.mktemp("domain") / "ledger"), model, world


def test_what_an_edit_fixes_and_breaks_is_what_judging_again_says(
    found: tuple[Proposals, ScriptedLM, RefiningWorld],
) -> None:
    proposals, model, _ = found
    assert {one.edit.kind for one in proposals.proposals} == {"add", "delete"}
    judging = Judging.adaptive(model, domain="health")
    before = {one.id: is_right(one, "single") for one in evaluate(judging.make(POOR_DOMAIN), FEW.train)}
    assert (proposals.pairs, proposals.right, proposals.failed) == (12, sum(before.values()), 0)
    for one in proposals.proposals:
        judged = evaluate(judging.make(apply_edit(POOR_DOMAIN, one.edit)), FEW.train)
        after = {pair.id: is_right(pair, "single") for pair in judged}
        assert [pair.id for pair in one.fixes] == [name for name in after if after[name] and not before[name]]
        assert [pair.id for pair in one.breaks] == [name for name in after if before[name] and not after[name]]
    assert any(one.fixes for one in proposals.proposals)


def test_a_pair_is_shown_as_the_judge_saw_it(found: tuple[Proposals, ScriptedLM, RefiningWorld]) -> None:
    proposals, _, _ = found
    known = {pair.id: pair for pair in FEW.train}
    shown = [pair for one in proposals.proposals for pair in one.fixes]
    assert {pair.label for pair in shown} == {"A", "B"}
    for pair in shown:
        asked = known[pair.id]
        by_label = {"A": pair.response_a, "B": pair.response_b}
        assert (pair.prompt, by_label.pop(pair.label)) == (prompt_text(asked.prompt), asked.chosen)
        assert list(by_label.values()) == [asked.rejected]
        assert (pair.before.outcome in ("rejected", "tie"), pair.after.outcome) == (True, "chosen")
        (order,) = pair.after.orders
        assert order.score is not None
        assert (order.score > 0) == (pair.label == "A")
        assert FULL in {one.text for one in pair.before.orders[0].compared}


def test_the_author_sees_failures_and_what_it_may_change(found: tuple[Proposals, ScriptedLM, RefiningWorld]) -> None:
    _, _, world = found
    assert world.shown
    for text in world.shown:
        assert "Principles for health, which you may change" in text
        assert QUALITIES["relevance"].criterion in text


def test_equal_runs_propose_the_same_and_the_most_useful_come_first(
    found: tuple[Proposals, ScriptedLM, RefiningWorld], tmp_path: Path
) -> None:
    proposals, _, _ = found
    again = scripted(RefiningWorld())
    assert proposed(plan_of(again, concurrency=7), tmp_path / "ledger") == proposals
    gains = [len(one.fixes) - len(one.breaks) for one in proposals.proposals]
    assert gains == sorted(gains, reverse=True)
    assert len(proposed(plan_of(again, most=1), tmp_path / "other").proposals) == 1


def test_a_run_that_was_stopped_asks_for_nothing_twice(
    found: tuple[Proposals, ScriptedLM, RefiningWorld], tmp_path: Path
) -> None:
    whole, _, world = found
    model = scripted(RefiningWorld())
    for limit in (5, 14, 9):
        with pytest.raises(BudgetError), budget(Budget(max_calls=limit)):
            proposed(plan_of(model), tmp_path / "ledger")
    assert proposed(plan_of(model), tmp_path / "ledger") == whole
    assert len(model.requests) == 12 * (1 + len(whole.proposals)) + len(world.shown)


def test_an_author_that_says_nothing_leaves_nothing_to_decide(tmp_path: Path) -> None:
    proposals = proposed(plan_of(scripted(RefiningWorld("silent"))), tmp_path / "ledger")
    assert (proposals.proposals, proposals.pairs) == ((), 12)


def test_what_cannot_work_is_refused(tmp_path: Path) -> None:
    model = scripted(RefiningWorld())
    with pytest.raises(UsageError, match="poor has no domain 'verse'") as refused:
        plan_of(model, domain="verse").check()
    assert "its domains are health" in refused.value.hint
    with pytest.raises(DataError, match="there are no pairs"):
        plan_of(model, pairs=()).check()
    with pytest.raises(DataError, match="several pairs"):
        plan_of(model, pairs=(*FEW.train, FEW.train[0])).check()
    unreadable = ScriptedLM(["Hm."] * 12)
    with pytest.raises(LMError, match="no judgment could be read"):
        proposed(plan_of(model, judging=Judging.adaptive(unreadable, domain="health")), tmp_path / "ledger")


def test_pairs_are_told_apart_by_what_is_judged() -> None:
    pair = PreferencePair(id="1", prompt="a", chosen="b", rejected="c")
    changed = [pair.model_copy(update={name: "x"}) for name in ("id", "prompt", "chosen", "rejected")]
    assert len({pairs_identity([one]) for one in (pair, *changed)}) == 5
    assert pairs_identity([pair]) == pairs_identity([pair.model_copy(update={"meta": {"note": 1}})])
