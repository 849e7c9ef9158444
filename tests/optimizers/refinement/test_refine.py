"""Refinements in the simulated world of `refining`: what is found, refused, counted and said."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dspy
import pytest
from planted_pairs import QUALITIES
from refining import BOLD, FEW, FULL, PAIRS, POOR, RefiningWorld, names, refined, scripted

from openrubrics.lms import Budget, EndpointError, Price, ScriptedLM, lm
from openrubrics.optimizers import Progress
from openrubrics.optimizers.refinement import Refined, Sizes, read_refinement
from openrubrics.optimizers.refinement.candidates import COST_UNIT
from openrubrics.signatures import DataError, UsageError, prompt_text
from openrubrics.signatures.edits import apply_edit
from openrubrics.signatures.edits_text import Drafts, SuggestedEdits
from openrubrics.signatures.errors import LMError
from openrubrics.signatures.meta_rubric import MetaRubric
from openrubrics.signatures.meta_rubric_shown import shown

if TYPE_CHECKING:
    from tests.server_plugin import ModelServer


@pytest.fixture(scope="module")
def world() -> RefiningWorld:
    return RefiningWorld()


@pytest.fixture(scope="module")
def model(world: RefiningWorld) -> ScriptedLM:
    return scripted(world)


@pytest.fixture(scope="module")
def result(model: ScriptedLM) -> Refined:
    """One refinement that works."""
    return refined(model=model)


def without_time(found: Refined) -> dict[str, Any]:
    return found.card.model_dump(mode="json", exclude={"seconds"})


def test_a_poor_meta_rubric_improves_on_held_out_pairs(result: Refined, model: ScriptedLM) -> None:
    card = result.card
    assert card.test is not None
    assert card.test.change.verdict == card.verdict == "reliable gain"
    assert card.test.after.accuracy > card.test.before.accuracy + 0.2
    assert "fullness" not in names(result.meta_rubric)
    assert {"evidence", "candour", "directness"} & set(names(result.meta_rubric))
    assert card.usage.calls == len(model.requests)
    assert card.cost == (len(shown(POOR)), len(shown(result.meta_rubric)))
    assert card.cost_unit == COST_UNIT
    assert sum(one.pairs for one in card.domains.values()) == card.test.pairs
    assert set(card.domains) == set(QUALITIES)
    for which in ("before", "after"):
        right = sum(getattr(one, which) * one.pairs for one in card.domains.values())
        assert right == pytest.approx(getattr(card.test, which).accuracy * card.test.pairs)
    assert card.domains["relevance"].before == pytest.approx(24 / 28)


def test_the_result_counts_up_and_what_was_given_stays(result: Refined) -> None:
    assert (POOR.version, result.meta_rubric.version, result.card.version) == (1, 2, 2)
    assert result.meta_rubric.name == "poor"
    assert (result.card.base, result.card.refined) == (POOR.fingerprint, result.meta_rubric.fingerprint)


def test_every_accepted_edit_keeps_its_evidence_and_the_lineage_leads_to_the_result(result: Refined) -> None:
    made, steps = POOR, result.card.lineage
    assert len(steps) > 1
    train = {pair.id for pair in PAIRS.train}
    for step in steps:
        assert step.parent == made.fingerprint
        for proposal in step.proposals:
            made = apply_edit(made, proposal.edit)
            assert proposal.effect is not None
            assert proposal.effect.gain >= 0
            assert {*proposal.failures, *proposal.effect.fixes, *proposal.effect.breaks} <= train
            assert proposal.cluster
            assert proposal.reason
        assert step.effect.gain == len(step.effect.fixes) - len(step.effect.breaks) >= 0
        assert step.train_after >= step.train_before
    assert made.model_copy(update={"version": 2}) == result.meta_rubric
    assert steps[0].val_before == result.card.val.before.accuracy
    assert steps[-1].val_after == result.card.val.after.accuracy
    assert [step.train_before for step in steps] == [result.card.train[0], *(step.train_after for step in steps[:-1])]


def test_a_crossover_takes_the_edits_of_two_parents(result: Refined) -> None:
    crossed = [one for one in result.history if one.other]
    assert crossed
    assert {one.fate for one in crossed} == {"accepted"}
    for one in crossed:
        assert {one.parent, one.other} <= {other.candidate for other in result.history}


@pytest.mark.parametrize("split", ["val", "test"])
def test_who_proposes_edits_sees_training_pairs_only(result: Refined, world: RefiningWorld, split: str) -> None:
    assert result.card.asked > 0
    assert world.shown
    for text in world.shown:
        assert any(prompt_text(pair.prompt) in text for pair in PAIRS.train)
        assert not any(prompt_text(pair.prompt) in text for pair in getattr(PAIRS, split))


def test_the_folder_holds_document_card_and_candidates(result: Refined, tmp_path: Path) -> None:
    result.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["candidates.jsonl", "meta_rubric.md", "refinement.json"]
    assert MetaRubric.parse((tmp_path / "meta_rubric.md").read_text()) == result.meta_rubric
    assert read_refinement(tmp_path / "refinement.json") == result.card
    lines = [json.loads(line) for line in (tmp_path / "candidates.jsonl").read_text().splitlines()]
    assert [line["candidate"] for line in lines] == [one.candidate for one in result.history]
    assert len(lines) == result.card.candidates
    assert result.card.accepted == sum(line["fate"] == "accepted" for line in lines)


def test_an_id_that_no_file_can_hold_ends_no_run(tmp_path: Path) -> None:
    odd = [pair.model_copy(update={"id": f"\ud800{pair.id}", "domain": "\ud800"}) for pair in FEW.train]
    found = refined(pairs=FEW._replace(train=odd), sizes=Sizes(generations=1, population=2))
    assert found.card.accepted == 2
    found.save(tmp_path)
    assert read_refinement(tmp_path / "refinement.json").lineage[0].effect.fixes[0].startswith("?planted-")


@pytest.mark.parametrize("content", ["", "[]", '{"name": "x"}'])
def test_what_is_no_card_is_an_error(content: str, tmp_path: Path) -> None:
    (path := tmp_path / "refinement.json").write_text(content)
    with pytest.raises(DataError, match="is no card of a refinement"):
        read_refinement(path)


@pytest.mark.parametrize("author", ["useless", "harmful", "silent"])
def test_where_nothing_helps_the_document_stays_and_no_gain_is_claimed(author: Any) -> None:  # noqa: ANN401
    found = refined(RefiningWorld(author), FEW, sizes=Sizes(generations=2, population=2))
    assert found.meta_rubric is POOR
    assert found.card.verdict == "no reliable gain"
    assert found.card.test is not None
    assert found.card.test.change.difference == 0
    assert found.card.refined == found.card.base
    assert found.card.lineage == ()
    assert found.card.accepted == 0
    assert sum(found.card.unreadable.values()) == (found.card.asked if author == "silent" else 0)
    assert all("no change found in 'I would leave everything as it is.'" in why for why in found.card.unreadable)


def test_an_edit_that_breaks_more_than_it_fixes_is_not_accepted() -> None:
    found = refined(RefiningWorld("harmful"), FEW, sizes=Sizes(generations=1, population=1))
    (tried,) = found.history[1:]
    assert tried.fate == "no better on train"
    assert tried.effect is not None
    assert len(tried.effect.breaks) > len(tried.effect.fixes)
    assert BOLD not in str(found.meta_rubric)


def test_a_judgment_that_fails_is_never_a_gain() -> None:
    """With the principle that helps, the judge's replies cannot be read: those pairs are broken, and none is fixed."""
    world = RefiningWorld()

    def script(messages: Any, request: Any) -> str:  # noqa: ANN401
        text = messages[-1]["content"]
        mute = "<response_a>\n" in text and QUALITIES["evidence"].criterion in text
        return "I cannot say." if mute else world.reply(messages)

    found = refined(pairs=FEW, model=ScriptedLM(script, model="planted"))
    mute = [
        one
        for one in found.history
        if any(p.edit.kind == "add" and p.edit.principle.name == "evidence" for p in one.proposals)
    ]
    assert mute
    for one in mute:
        assert one.fate == "no better on train"
        assert one.effect is not None
        assert one.effect.fixes == ()
        assert len(one.effect.failed) == len(FEW.train)
        assert set(one.effect.breaks) <= set(one.effect.failed)
    assert "evidence" not in names(found.meta_rubric)


def test_an_edit_that_changes_no_judgment_is_accepted_only_where_the_document_gets_shorter() -> None:
    idle = apply_edit(POOR, next(e for e in _edits("Add idle [core]: The response is idle.", POOR)))
    script = RefiningWorld("silent")

    def reply(messages: Any, request: Any) -> str:  # noqa: ANN401
        if "<cases>\n" in messages[-1]["content"]:
            return "Why: shorter\nDelete idle\n\nWhy: longer\nAdd calm [core]: The response is calm."
        return script.reply(messages)

    found = refined(
        pairs=FEW, model=ScriptedLM(reply, model="planted"), meta_rubric=idle, sizes=Sizes(generations=1, population=2)
    )
    assert {str(one.proposals[0].edit).split(":")[0]: one.fate for one in found.history[1:]} == {
        "delete idle of general": "accepted",
        "add to general": "no better on train",
    }
    assert found.meta_rubric == POOR.model_copy(update={"version": 2})
    assert found.card.verdict == "no reliable gain"


def _edits(text: str, meta_rubric: MetaRubric) -> list[Any]:
    return [one.edit for one in Drafts.of(SuggestedEdits.parse(text), meta_rubric, "general").drafts]


def test_edits_that_do_not_fit_are_counted_with_their_reasons() -> None:
    def reply(messages: Any, request: Any) -> str:  # noqa: ANN401
        if "<cases>\n" in messages[-1]["content"]:
            return f"Delete nothing\n\nAdd fullness [core]: {FULL}"
        return RefiningWorld().reply(messages)

    card = refined(pairs=FEW, model=ScriptedLM(reply, model="planted"), sizes=Sizes(generations=1, population=2)).card
    assert card.refused == {
        "cannot delete nothing of general: part general has no principle 'nothing'": 2,
        f"cannot add to general: fullness [core]: {FULL}: part general has a principle of that name": 2,
    }
    assert card.candidates == 1


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"limit": Budget()}, UsageError, "until a limit is reached"),
        ({"limit": Budget(max_calls=20)}, UsageError, "20 calls are too few"),
        ({"sizes": Sizes(beam=0)}, UsageError, "beam is 0"),
        ({"concurrency": 0}, UsageError, "concurrency is 0"),
        ({"seed": -1}, UsageError, "seed is -1"),
        ({"test": FEW.val[:1]}, DataError, "share 1 prompt"),
        ({"pairs": PAIRS._replace(train=[])}, DataError, "the train split has no pairs"),
        ({"pairs": PAIRS._replace(val=[])}, DataError, "the val split has no pairs"),
        ({"pairs": PAIRS._replace(train=[*PAIRS.train, PAIRS.train[0]])}, DataError, "several pairs"),
        ({"model": dspy.LM("openai/gpt", api_key="x")}, UsageError, "whose requests cannot be counted"),
        ({"meta_rubric": POOR.model_copy(update={"version": 999_999})}, UsageError, "there is no higher one"),
        ({"judging": {"domain": "law"}}, UsageError, "no part 'law'"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_asked(
    changes: dict[str, Any], error: type[Exception], says: str, tmp_path: Path
) -> None:
    nobody = ScriptedLM([])
    with pytest.raises(error, match=says):
        refined(**({"pairs": FEW, "model": nobody, "folder": tmp_path / "run"} | changes))
    assert nobody.requests == []
    assert not (tmp_path / "run").exists()


def test_a_limit_on_calls_is_kept_and_leaves_enough_for_scoring_after() -> None:
    least = 12 + 12 + 12 + 3 * 12 + 12 + 1 + 12
    with pytest.raises(UsageError, match=f"take {least}"):
        refined(pairs=FEW, limit=Budget(max_calls=least - 1))
    one = 12 + 1
    for calls, made in ((least, 1), (least + one - 1, 1), (least + one, 2), (least + 3 * one - 1, 3)):
        model = scripted()
        card = refined(pairs=FEW, model=model, limit=Budget(max_calls=calls)).card
        assert card.usage.calls == len(model.requests) <= calls
        assert card.candidates == 1 + made
        assert card.stopped == "its part of the limit does not last for another candidate"
        assert card.candidates > 1
        assert card.test is not None


@pytest.mark.slow
@pytest.mark.parametrize("limit", [Budget(max_total_tokens=330_000), Budget(max_cost=0.33)])
def test_limits_on_tokens_and_cost_are_kept(limit: Budget) -> None:
    model = ScriptedLM(RefiningWorld().script, model="planted", price=Price(1, 1))
    card = refined(model=model, limit=limit, sizes=Sizes(generations=9, population=4)).card
    assert card.stopped == "its part of the limit does not last for another candidate"
    assert card.usage.tokens <= 330_000
    assert card.candidates > 2
    assert card.test is not None


def test_a_judge_nobody_can_read_ends_the_run_before_the_search() -> None:
    model = ScriptedLM(lambda messages, request: "Hm.", model="planted")
    with pytest.raises(LMError, match="no judgment could be read on any of the 24 validation pairs"):
        refined(model=model)
    assert len(model.requests) == 24


@pytest.mark.slow
def test_a_batch_saves_requests_and_drops_what_does_not_help() -> None:
    whole, batched = (
        refined(RefiningWorld("useless"), sizes=Sizes(generations=2, population=3, batch=batch)) for batch in (None, 6)
    )
    assert batched.card.usage.calls < whole.card.usage.calls
    assert {one.fate for one in batched.history[1:]} == {"no better on the batch"}
    helped = refined(sizes=Sizes(generations=3, population=4, beam=2, batch=8))
    assert helped.card.verdict == "reliable gain"


@pytest.mark.slow
def test_the_same_seed_gives_the_same_result_whatever_the_concurrency(result: Refined) -> None:
    again = refined(concurrency=1)
    assert without_time(again) == without_time(result)
    assert again.history == result.history
    assert Counter(one.candidate for one in refined(seed=5).history) != Counter(one.candidate for one in result.history)


def test_both_orders_are_judged_and_a_pair_is_fixed_only_where_both_are_right() -> None:
    found = refined(pairs=FEW, judging={"orders": "both"}, sizes=Sizes(generations=1, population=2))
    assert found.card.orders == "both"
    assert found.card.val.before.consistent_accuracy is not None
    assert found.card.usage.calls <= 2 * 36 + 2 * (1 + 24) + 2 * (24 + 12)


def test_progress_tells_how_far_the_run_is() -> None:
    seen: list[Progress] = []
    card = refined(pairs=FEW, on_progress=seen.append, sizes=Sizes(generations=1, population=2)).card
    phases = list(dict.fromkeys(one.phase for one in seen))
    assert phases == ["validation before", "test before", "training before", "search", "validation after", "test after"]
    assert [one.runs for one in seen] == list(range(1, card.judgments + 1))
    assert seen[-1].best is not None
    assert seen[-1].best >= card.train[1] > card.train[0]
    assert seen[-1].base == card.train[0]


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on_to_the_same_result_and_asks_for_nothing_twice(
    result: Refined, tmp_path: Path
) -> None:
    asked: Counter[str] = Counter()
    world, left = RefiningWorld(), [0]

    def reply(messages: Any, request: Any) -> str:  # noqa: ANN401
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        asked[messages[-1]["content"]] += 1
        return world.reply(messages)

    model = ScriptedLM(reply, model="planted")
    for calls in (30, 150, 100):
        left[0] = calls
        with pytest.raises(KeyboardInterrupt):
            refined(model=model, folder=tmp_path, concurrency=1)
        assert (tmp_path / "refine.ledger").exists()
    left[0] = -1
    found = refined(model=model, folder=tmp_path)
    assert without_time(found) == without_time(result)
    assert found.history == result.history
    assert max(asked.values()) == 1
    assert found.card.usage.calls == asked.total()
    assert without_time(refined(model=model, folder=tmp_path)) == without_time(result)
    assert found.card.usage.calls == asked.total()
    with pytest.raises(UsageError, match="population was 4 and is 5"):
        refined(model=model, folder=tmp_path, sizes=Sizes(3, 5, 2))


def test_over_http_the_server_counts_what_we_count(model_server: ModelServer) -> None:
    model_server.text = RefiningWorld().serve
    served = lm("hosted_vllm/planted", api_base=model_server.url)
    card = refined(pairs=FEW, model=served, sizes=Sizes(generations=1, population=2)).card
    assert card.usage.calls == len(model_server.bodies)
    assert card.accepted == 2
    assert set(card.lms) > {"judge predict", "author"}
    assert set(card.lms.values()) == {"hosted_vllm/planted"}


def test_a_server_that_goes_away_ends_the_run(model_server: ModelServer) -> None:
    model_server.text = RefiningWorld().serve
    model_server.answers(30).fails(401, times=99)
    with pytest.raises(EndpointError):
        refined(pairs=FEW, model=lm("hosted_vllm/planted", api_base=model_server.url, retries=0))
