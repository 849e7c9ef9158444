"""`--method openrs` on the command line: what it asks, what it shows, what it refuses, and what a run says of it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from adaptive_world import adaptive_reply, kind_of
from cli_replies import Run
from meta_rubrics import META
from server_plugin import ModelServer

from openrubrics.data import Manifest
from openrubrics.evaluation import EvaluatedPair, Summary
from openrubrics.signatures import Judgment

ONE = ("--prompt", "What is 2 + 2?", "--a", "It is four.", "--b", "It is five, which is a wrong thing to say.")


@pytest.fixture
def openrs(server: ModelServer, served: tuple[str, ...], tmp_path: Path) -> tuple[object, ...]:
    """The options of a judge whose model goes by the texts alone, with a small meta-rubric."""
    server.text = lambda body: adaptive_reply(body["messages"])
    document = tmp_path / "meta.md"
    document.write_text(str(META))
    return ("--method", "openrs", "--meta-rubric", document, *served)


def asked(server: ModelServer) -> list[str]:
    return [kind_of(body["messages"]) for body in server.bodies]


def rows(count: int = 4) -> list[dict[str, Any]]:
    """Return pairs of which the first half holds the right answer."""
    return [
        {
            "id": f"p{n}",
            "prompt": f"What is 2 + {n}?",
            "chosen": f"It is {n + 2}.",
            "rejected": f"It is {n}, which is a wrong thing to say.",
            "meta": {"key": str(n + 2)} if n < count / 2 else {"key": ""},
        }
        for n in range(count)
    ]


def test_a_person_sees_intent_criteria_margins_and_evidence(cli: Run, openrs: tuple[object, ...]) -> None:
    ran = cli("judge", *openrs, *ONE)
    assert ran.code == 0, ran.err
    shown = [
        "Part of the meta-rubric: code",
        "Intent: To know.",
        "1. The response is right. [Critical] A by 2",
        "A: It is four.",
        "B: It is five,",
        "2 and 0",
        "3. The response is kind. [Highlight] tie",
        "Score +1.000 (above 0 for Response A): Response A",
        "decides before all others",
        "Winner: Response A",
    ]
    places = [" ".join(ran.out.split()).find(text) for text in shown]
    assert -1 not in places
    assert places == sorted(places)
    assert "not found" not in ran.out


def test_evidence_that_is_not_there_is_marked_and_nothing_steers_the_terminal(
    cli: Run, server: ModelServer, openrs: tuple[object, ...]
) -> None:
    server.text = lambda body: adaptive_reply(body["messages"]).replace('"It is five,"', '"six\x1b[2J[bold]"')
    out = cli("judge", *openrs, *ONE).out
    assert "B: six\ufffd[2J[bold] (not found in Response B)" in out
    assert "\x1b" not in out


def test_both_orders_in_two_calls(cli: Run, server: ModelServer, openrs: tuple[object, ...]) -> None:
    ran = cli("judge", *openrs, "--two-calls", "--orders", "both", "--domain", "verse", "--json", *ONE)
    judgment = Judgment.model_validate_json(ran.out)
    assert (judgment.preferred, judgment.domain, judgment.orders_agree) == ("A", "verse", True)
    assert asked(server) == ["criteria", "comparison", "comparison"]
    shown = cli("judge", *openrs, "--two-calls", "--orders", "both", "--aggregation", "released", *ONE).out
    assert "With Response B shown first (reasons call it Response A, as it was shown)" in shown
    assert "By the released rule over both orders" in shown


def test_the_intent_is_shown_where_both_of_two_calls_think(
    cli: Run, server: ModelServer, openrs: tuple[object, ...]
) -> None:
    for before in ("<think>\nhm\n</think>\n", "hm\n</think>\n"):
        server.text = lambda body, before=before: before + adaptive_reply(body["messages"])
        assert "Intent: To know." in cli("judge", *openrs, "--two-calls", "--domain", "verse", *ONE).out


def test_a_reference_answer_is_checked_first(
    cli: Run, server: ModelServer, openrs: tuple[object, ...], tmp_path: Path
) -> None:
    key = tmp_path / "key.txt"
    key.write_text("4")
    for options in (("--reference", "4"), ("--reference-file", key)):
        ran = cli("judge", *openrs, *options, *ONE)
        assert "Winner: Response A (decided by the reference answer) (reference-assisted)" in ran.out
    assert asked(server) == ["reference"] * 4


def test_guards_decide_unless_they_are_switched_off(cli: Run, server: ModelServer, openrs: tuple[object, ...]) -> None:
    empty = (*ONE[:4], "--b", " ")
    assert "Winner: Response A (decided by code)" in cli("judge", *openrs, *empty).out
    assert asked(server) == []
    assert cli("judge", *openrs, "--no-guards", "--domain", "general", *empty).code == 0
    assert asked(server) == ["one call"]


def test_a_threshold_makes_ties(cli: Run, openrs: tuple[object, ...]) -> None:
    one = (*ONE[:4], "--b", "It is four, and I say so at length.")
    assert "Winner: Response A" in cli("judge", *openrs, *one).out
    assert "Tie: score 0" in cli("judge", *openrs, "--threshold", 0.9, *one).out


REFUSED = {
    ("--votes", "3"): "--votes cannot be used with --method openrs",
    ("--rubric-lm", "x"): "--rubric-lm cannot be used with --method openrs",
    ("--threshold", "1.5"): "threshold is 1.5",
    ("--probabilities",): "--probabilities cannot be used with --method openrs",
    ("--enforce-checks",): "--enforce-checks cannot be used with --method openrs",
    ("--domain", "cooking"): "has no part 'cooking'",
    ("--reference", " "): "--reference is empty",
}


@pytest.mark.parametrize("options", REFUSED)
def test_what_does_not_fit_is_refused(
    options: tuple[str, ...], cli: Run, server: ModelServer, openrs: tuple[object, ...]
) -> None:
    ran = cli("judge", *openrs, *options, *ONE)
    assert (ran.code, server.bodies) == (2, [])
    assert REFUSED[options] in ran.err


@pytest.mark.parametrize("method", ["rubric-rm", "direct"])
@pytest.mark.parametrize("options", [("--two-calls",), ("--domain", "code"), ("--no-guards",), ("--threshold", "1")])
def test_its_options_are_refused_for_others(
    options: tuple[str, ...], method: str, cli: Run, served: tuple[str, ...]
) -> None:
    ran = cli("judge", *served, "--method", method, *options, *ONE)
    assert ran.code == 2
    assert f"{options[0]} cannot be used with --method {method}" in ran.err


def test_keys_are_refused_where_nobody_takes_them(
    cli: Run, served: tuple[str, ...], jsonl: Callable[..., Path]
) -> None:
    assert "--reference cannot be used with --method rubric-rm" in cli("judge", *served, "--reference", "4", *ONE).err
    ran = cli("evaluate", *served, "--answer-key", "key", "--pairs", jsonl(rows()))
    assert ran.code == 2
    assert "--answer-key cannot be used with --method rubric-rm" in ran.err


def test_a_document_that_is_none_is_named_with_its_line(
    cli: Run, served: tuple[str, ...], tmp_path: Path, server: ModelServer
) -> None:
    document = tmp_path / "bad.md"
    document.write_text(str(META).replace("Criteria: 5 to 15", "Criteria: some"))
    ran = cli("judge", "--method", "openrs", "--meta-rubric", document, *served, *ONE)
    assert (ran.code, server.bodies) == (3, [])
    assert "bad.md" in ran.err
    assert "line 4" in ran.err or ":4" in ran.err


def test_an_evaluation_with_a_key_says_so_everywhere(
    cli: Run, server: ModelServer, openrs: tuple[object, ...], jsonl: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    options = ("--domain", "code", "--answer-key", "key", "--pairs", jsonl(rows()), "--out", out)
    ran = cli("evaluate", *openrs, *options)
    assert ran.code == 0, ran.err
    assert "reference-assisted: 2 of 4 pairs" in ran.out
    assert sorted(asked(server)) == ["one call"] * 2 + ["reference"] * 4
    summary = Summary.model_validate_json((out / "summary.json").read_text())
    assert (summary.accuracy, summary.reference_assisted, summary.method) == (1.0, 2, "openrs")
    assert summary.decided_by == {"judge": 2, "checks": 0, "reference": 2}
    assert "decided without a comparison by the judge: 0 pairs by code, 2 by the reference answer" in ran.out
    manifest = Manifest.model_validate_json((out / "manifest.json").read_text())
    assert manifest.counts["reference-assisted"] == 2
    assert manifest.extras["answer_key"] == "key"
    assert not {"votes", "form", "probabilities", "enforce_checks", "rubric", "per_criterion"} & set(manifest.extras)
    assert manifest.extras["meta_rubric"] == f"a-small-one v7 ({META.fingerprint})"
    judged = [EvaluatedPair.model_validate_json(line) for line in (out / "judgments.jsonl").read_text().splitlines()]
    assert [one.judgment.reference_assisted for one in judged] == [True, True, False, False]


def test_an_evaluation_says_how_many_pairs_code_decided(
    cli: Run, openrs: tuple[object, ...], jsonl: Callable[..., Path]
) -> None:
    pairs = rows()
    pairs[0]["rejected"] = pairs[1]["rejected"] = " "
    ran = cli("evaluate", *openrs, "--pairs", jsonl(pairs))
    assert "decided without a comparison by the judge: 2 pairs by code, 0 by the reference answer" in ran.out
    assert json.loads(cli("evaluate", *openrs, "--pairs", jsonl(pairs), "--json").out)["decided_by"]["checks"] == 2
    assert "decided without" not in cli("evaluate", *openrs, "--pairs", jsonl(rows())).out


@pytest.mark.slow
def test_a_report_on_a_run_with_a_key_says_so(
    cli: Run, openrs: tuple[object, ...], jsonl: Callable[..., Path], tmp_path: Path
) -> None:
    out, page = tmp_path / "run", tmp_path / "report.html"
    cli("evaluate", *openrs, "--domain", "code", "--answer-key", "key", "--pairs", jsonl(rows()), "--out", out)
    assert cli("report", out, "--out", page).code == 0
    assert "openrs · labelled pairs · reference-assisted" in page.read_text()
    assert "2 of 4" in page.read_text()
    assert page.read_text().count("<dt>decided by the reference</dt>") == 2  # the figure, and what it means
    assert page.read_text().count("<dt>decided by code</dt>") == 1


def test_without_a_key_nothing_is_said_of_one(
    cli: Run, openrs: tuple[object, ...], jsonl: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    ran = cli("evaluate", *openrs, "--pairs", jsonl(rows()), "--out", out)
    assert "reference-assisted" not in ran.out
    assert json.loads((out / "summary.json").read_text())["reference_assisted"] == 0
    ran = cli("evaluate", *openrs, "--answer-key", "solution", "--pairs", jsonl(rows()))
    assert "warning: no pair has a right answer in meta.solution" in ran.err


CHANGES: dict[str, tuple[object, ...]] = {
    "meta_rubric": ("--meta-rubric", "other.md"),
    "domain": ("--domain", "code"),
    "two_calls": ("--two-calls",),
    "aggregation": ("--aggregation", "released"),
    "threshold": ("--threshold", 0.5),
    "guards": ("--no-guards",),
    "answer key": ("--answer-key", "key"),
}


def test_a_run_goes_on_only_with_the_same_document_and_options(
    cli: Run, server: ModelServer, openrs: tuple[object, ...], jsonl: Callable[..., Path], tmp_path: Path
) -> None:
    out, pairs = tmp_path / "run", jsonl(rows())
    (tmp_path / "other.md").write_text(str(META.model_copy(update={"most": 14})))
    stopped = cli("evaluate", *openrs, "--pairs", pairs, "--out", out, "--max-calls", 3, "--concurrency", 1)
    assert stopped.code != 0
    assert (out / "unfinished.ledger").exists()
    for name, options in CHANGES.items():
        ran = cli("evaluate", *openrs, *options, "--pairs", pairs, "--out", out)
        assert ran.code == 2, name
        assert name in ran.err
    before = len(server.bodies)
    assert cli("evaluate", *openrs, "--pairs", pairs, "--out", out, "--concurrency", 1).code == 0
    assert (before, len(server.bodies)) == (3, 8)


def test_a_forecast_asks_nothing(
    cli: Run, server: ModelServer, openrs: tuple[object, ...], jsonl: Callable[..., Path]
) -> None:
    ran = cli("evaluate", *openrs, "--two-calls", "--orders", "both", "--pairs", jsonl(rows()), "--dry-run")
    assert "about 4 requests for domains, and at most 4 for criteria and 8 for comparisons" in ran.out
    assert "none where code decides" in ran.out
    ran = cli("judge", *openrs, "--reference", "4", "--dry-run", *ONE)
    assert "besides, 2 for each pair with an answer key" in ran.out
    ran = cli("evaluate", *openrs, "--no-guards", "--pairs", jsonl(rows()), "--dry-run")
    assert "about 4 requests for domains, and at most 4 for comparisons, without repeats after failures; no" in ran.out
    assert server.bodies == []


def test_attribution_is_not_for_it(
    cli: Run, openrs: tuple[object, ...], jsonl: Callable[..., Path], tmp_path: Path
) -> None:
    pairs = jsonl(rows())
    cli("evaluate", *openrs, "--pairs", pairs, "--out", tmp_path / "run")
    compared = cli("evaluate", "--compare", tmp_path / "run", tmp_path / "run")
    assert compared.code == 3
    assert "openrubrics report" in compared.err
    ran = cli("attribute", tmp_path / "run", *openrs[4:], "--pairs", pairs)
    assert ran.code == 3
    assert "was judged by openrs, which writes criteria for each comparison anew" in ran.err


def test_audits_and_benchmarks_take_it(
    cli: Run, server: ModelServer, openrs: tuple[object, ...], jsonl: Callable[..., Path], tmp_path: Path
) -> None:
    found = cli("audit", *openrs, "--pairs", jsonl(rows()), "--only", "position", "--json")
    assert found.code == 0, found.err
    assert json.loads(found.out)["method"] == "openrs"
    cases = [
        row
        | {
            "id": f"judgebench/gpt/{row['id']}",
            "meta": {
                "split": "gpt",
                "subset": "mmlu-pro-law",
                "better_position": "A",
                "ground_truth": row["meta"]["key"],
            },
        }
        for row in rows()
    ]
    options = ("--benchmark", "judgebench", "--path", jsonl(cases, "cases.jsonl"), "--answer-key", "ground_truth")
    ran = cli("evaluate", *openrs, *options, "--out", tmp_path / "keyed")
    assert ran.code == 0, ran.err
    assert "answer key used for 2 pairs" in ran.out
    assert "the judge was given reference answers" in ran.out
    assert "decided without a comparison by the judge: 0 pairs by code, 2 by the reference answer" in ran.out
    forecast = cli("evaluate", *openrs, *options, "--dry-run").out
    assert "besides, 2 for each pair with an answer key" in forecast
    cli("evaluate", *openrs, *options[:-2], "--out", tmp_path / "plain")
    ran = cli("evaluate", "--compare", tmp_path / "plain", tmp_path / "keyed")
    assert ran.out.count("openrs, hosted_vllm/judge") == 2
    assert ran.out.count("openrs, hosted_vllm/judge (reference-assisted)") == 1
    ran = cli("evaluate", *openrs, *options[:-1], "solution")
    assert "no case of JudgeBench has an answer key 'solution'" in ran.err
