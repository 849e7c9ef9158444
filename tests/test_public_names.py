"""The public names of the package and of every room; a change here is a change for users."""

import importlib

import pytest

import openrubrics

NAMES: dict[str, list[str]] = {
    "openrubrics": [
        "ContrastiveRubricGenerator",
        "Criterion",
        "Failed",
        "GatekeeperJudge",
        "Judgment",
        "PreferencePair",
        "Rubric",
        "RubricGenerator",
        "RubricRM",
        "ScriptedLM",
        "Tie",
        "Verdict",
        "aevaluate",
        "evaluate",
        "lm",
        "measure",
    ],
    "openrubrics.signatures": [
        "BudgetError",
        "Check",
        "Contract",
        "ContrastResponses",
        "Criterion",
        "DataError",
        "Failed",
        "Finding",
        "GenerateRubric",
        "JUDGMENT",
        "JudgeForm",
        "JudgePair",
        "JudgeTrace",
        "Judgment",
        "LMError",
        "Label",
        "Message",
        "MissingExtraError",
        "OpenRubricsError",
        "Order",
        "OrderOutcome",
        "Orders",
        "Outcome",
        "ParseError",
        "PreferencePair",
        "Prompt",
        "RUBRIC",
        "RankedResponses",
        "Rubric",
        "Tie",
        "Usage",
        "UsageError",
        "VerbatimAdapter",
        "Verdict",
        "Vote",
        "fingerprint",
        "invert",
        "prompt_text",
        "render_judgment",
    ],
    "openrubrics.verifiers": [
        "CheckResult",
        "Recognised",
        "Verifier",
        "attach_checks",
        "describe",
        "recognise",
        "registry",
        "stated_rules",
        "verify",
    ],
    "openrubrics.lms": [
        "Asked",
        "AsyncHttpEngine",
        "Budget",
        "Endpoint",
        "EndpointError",
        "EngineLM",
        "HttpEngine",
        "Meter",
        "Price",
        "Reply",
        "ScriptExhaustedError",
        "ScriptedLM",
        "budget",
        "candidates",
        "is_systemic",
        "lm",
        "lm_error",
        "lm_identity",
        "usage_meter",
    ],
    "openrubrics.programs": [
        "Comparison",
        "ContrastiveRubricGenerator",
        "ContrastiveRubricRM",
        "Direct",
        "GatekeeperJudge",
        "Program",
        "Ranking",
        "Replies",
        "RubricGenerator",
        "RubricRM",
    ],
    "openrubrics.data": [
        "Attempt",
        "Cluster",
        "ClusterError",
        "Comparison",
        "ContrastsResponses",
        "CuratedItem",
        "CuratedPair",
        "CuratedRow",
        "CurationCounts",
        "CurationSettings",
        "CurationSummary",
        "EvaluationPrompts",
        "JudgesByRubric",
        "LeaveOut",
        "Ledger",
        "Manifest",
        "PRESETS",
        "Provenance",
        "RewardEnsemble",
        "TopicFinding",
        "acurate",
        "calls",
        "cannot_write",
        "check_disjoint",
        "curate",
        "curate_one",
        "describe_curated",
        "export_curated",
        "in_bulk",
        "read_candidates",
        "read_comparisons",
        "read_curated",
        "read_pairs",
        "read_questions",
        "read_ranked",
        "sha256",
        "shown_responses",
        "slot_of_chosen",
        "split_by_prompt",
        "synthetic_pairs",
        "topic_findings",
        "versions",
        "write_whole",
    ],
    "openrubrics.evaluation": [
        "EvaluatedPair",
        "Figures",
        "PairJudge",
        "Paired",
        "RunWriter",
        "Summary",
        "aevaluate",
        "compare",
        "evaluate",
        "kappa",
        "measure",
        "summarize",
    ],
    "openrubrics.optimizers": [
        "OPTIMIZERS",
        "Card",
        "Compiled",
        "Demos",
        "Difference",
        "LabelMetric",
        "Optimizer",
        "Progress",
        "SplitScores",
        "as_example",
        "card_text",
        "compile",
        "diff",
        "read_card",
        "save_compiled",
    ],
    "openrubrics.train": [
        "SFTData",
        "SFTRecord",
        "Stage",
        "judge_record",
        "rubric_record",
        "sft_data",
    ],
    "openrubrics.serving": [
        "VLLMServer",
        "served_name",
    ],
    "openrubrics.cli": [],
}


@pytest.mark.parametrize("module", NAMES)
def test_the_public_names_are_these(module: str) -> None:
    found = getattr(importlib.import_module(module), "__all__", [])
    assert sorted(found) == sorted(NAMES[module])
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("module", NAMES)
def test_every_public_name_is_there_and_listed(module: str) -> None:
    room = importlib.import_module(module)
    for name in NAMES[module]:
        assert getattr(room, name) is not None
        assert name in dir(room)


def test_a_name_of_the_package_is_the_very_object_of_its_room() -> None:
    for name in NAMES["openrubrics"]:
        homes = [room for room in NAMES if room != "openrubrics" and name in NAMES[room]]
        assert any(getattr(openrubrics, name) is getattr(importlib.import_module(home), name) for home in homes), name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'openrubrics' has no attribute 'Rubrik'"):
        _ = openrubrics.Rubrik  # pyright: ignore[reportAttributeAccessIssue]
