"""The benchmarks still run; what they measure is not asserted."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import dspy
import pytest

from openrubrics.evaluation.intervals import wilson
from openrubrics.lms import ScriptedLM
from openrubrics.programs import GatekeeperJudge
from openrubrics.signatures import PreferencePair, Rubric, prompt_text
from openrubrics.verifiers import recognise, stated_rules, verify

RUBRIC = Rubric.parse("1. The response names a prime. [Hard Rule]")


@pytest.mark.slow
def test_the_client_benchmark_runs_every_client(repository: Path, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    command = [sys.executable, "benchmarks/client_overhead.py", "--quick", "--out", str(out)]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=280, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    rows = json.loads(out.read_text())["rows"]
    assert {row["client"] for row in rows} == {"raw aiohttp", "litellm", "dspy.Evaluate", "openrubrics"}
    assert all(row["calls_per_second"] > 0 and row["cpu_ms_per_call"] > 0 for row in rows)
    assert "| openrubrics |" in done.stdout


@pytest.mark.slow
def test_the_distillation_demo_trains_both_students_and_reports_what_it_measured(
    repository: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "benchmarks/distill_demo.py", "--quick", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=280, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    for stage, measured in (("rubric", "well_formed"), ("judge", "right_in_both_orders")):
        assert json.loads((tmp_path / stage / "student" / "train.json").read_text())["steps"] == 4
        held_out = len((tmp_path / stage / "test.jsonl").read_text().splitlines())
        right = round(figures[stage][measured]["share"] * held_out)
        assert held_out == figures[stage]["prompts" if stage == "rubric" else "pairs"] > 0
        assert figures[stage][measured] == {"share": right / held_out, "interval": list(wilson(right, held_out))}
    assert f"F1 of hard rules                   {figures['rubric']['hard_rule_f1']:.3f}\n" in done.stdout
    assert f"parsable                           {figures['judge']['parsable']['share']:.1%} (" in done.stdout


def test_of_a_short_pair_code_decides_the_only_rule_for_the_chosen_response(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    pairs: list[PreferencePair] = list(importlib.import_module("short_pairs").short_pairs(200))
    for pair in pairs:
        (rule,) = stated_rules(prompt_text(pair.prompt))
        (found,) = recognise(rule.text)
        outcomes = [verify(found.check, text, "strict").passed for text in (pair.chosen, pair.rejected)]
        assert outcomes == [True, False]
    assert 70 < sum(len(pair.chosen) > len(pair.rejected) for pair in pairs) < 130


def test_of_the_distillation_demo_a_reply_that_cannot_be_read_is_wrong(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    figures = importlib.import_module("distill_figures")
    pairs = importlib.import_module("short_pairs").short_pairs(4)
    (tmp_path / "test.jsonl").write_text("".join(pair.model_dump_json() + "\n" for pair in pairs))
    written = ["Winner: Response A", "Winner: Response B", "Winner: Response A", "Winner: Response B"]
    written += ["Winner: ", "Winner: Response B", "Winner: Response B", "Winner: Response A"]
    monkeypatch.setattr(figures, "greedy_replies", lambda _, conversations: written[: len(conversations)])
    measured = figures.judge_figures(tmp_path)
    assert {name: value["share"] for name, value in measured.items() if name != "pairs"} == {
        "parsable": 7 / 8,
        "accuracy_chosen_first": 2 / 4,
        "accuracy_chosen_second": 3 / 4,
        "right_in_both_orders": 2 / 4,
    }


@pytest.mark.serving
@pytest.mark.timeout(600)
def test_the_serving_benchmark_measures_every_arm_with_an_empty_prefix_cache(
    repository: Path, tmp_path: Path, vllm_python: Path
) -> None:
    out = tmp_path / "figures.json"
    command = [sys.executable, "benchmarks/serving.py", "--quick", "--python", str(vllm_python), "--out", str(out)]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=580, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    (model,) = json.loads(out.read_text())["models"]
    rows = model["rows"]
    assert all(row["judgments_per_second"] > 0 and row["failed_votes"] == 0 for row in rows.values())
    assert {name: (row["requests"], row["votes"]) for name, row in rows.items() if "early" not in name} == {
        "1 vote": (1, 1),
        "1 vote, responses first": (1, 1),
        "1 vote, LLM.generate": (1, 1),
        "5 votes, all asked": (1, 5),
        "5 votes, LLM.generate": (1, 5),
    }
    early = rows["5 votes, early stopping"]
    assert 3 <= early["votes"] <= 5
    assert early["votes"] == pytest.approx(early["requests"] + 2), "three votes in one request, then one by one"
    for name in ("1 vote", "5 votes, all asked"):
        over_http, (offline,) = rows[name], rows[name.split(",")[0] + ", LLM.generate"]["rounds"]
        assert over_http["tokens"]["prompt"] == offline["tokens"]["prompt"] / offline["judgments"]
        assert over_http["tokens"]["cached"] == offline["reusable"] / offline["judgments"] > 0
    assert rows["1 vote, responses first"]["tokens"]["cached"] < rows["1 vote"]["tokens"]["cached"]
    assert "| random | 5 votes, early stopping | 5 votes, all asked |" in done.stdout


def test_of_the_serving_benchmark_a_block_is_computed_once_and_found_by_all_that_begin_with_it(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    reusable = importlib.import_module("serving_figures").reusable
    head = list(range(10))
    assert reusable([head, head], block=4) == 8, "a part of a block is not kept"
    assert reusable([head[:8], head[:8]], block=4) == 4, "the last token is computed"
    assert reusable([[*head, 1, 2], [*head, 3, 4]], block=4) == 8
    assert reusable([[7, *head], [8, *head]], block=4) == 0
    assert reusable([head], block=4, samples=3) == 16


def test_of_the_serving_benchmark_ratios_are_taken_round_by_round(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    figures = importlib.import_module("serving_figures")
    took = {"5 votes, early stopping": (10, 1, 4), "5 votes, all asked": (40, 2, 4)}
    found = {name: [{"judgments": 8, "seconds": s} for s in seconds] for name, seconds in took.items()}
    assert figures.ratios(found) == [
        {"of": "5 votes, early stopping", "to": "5 votes, all asked", "ratio": 2, "low": 1, "high": 4}
    ]


@pytest.mark.parametrize("warm", ["1 vote", "5 votes, all asked", "5 votes, LLM.generate"])
def test_the_serving_benchmark_refuses_figures_of_a_prefix_cache_that_was_not_empty(
    repository: Path, monkeypatch: pytest.MonkeyPatch, warm: str
) -> None:
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    figures = importlib.import_module("serving_figures")
    names = {name for both in figures.SAME_PROMPTS for name in both}
    found = {name: [{"tokens": {"cached": 64}, "reusable": 64}] * 2 for name in names}
    figures.check_cold(found)
    found[warm] = [*found[warm][:1], {"tokens": {"cached": 96}, "reusable": 64}]
    with pytest.raises(RuntimeError, match="not empty"):
        figures.check_cold(found)


def test_of_the_serving_benchmark_the_other_order_is_the_same_text(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    template = importlib.import_module("serving_work").RESPONSES_FIRST
    inputs = {"prompt": "Name a prime.", "rubric": RUBRIC, "response_a": "Seven.", "response_b": "It is 4."}
    (ours,), (other,) = (GatekeeperJudge(template=t).predict.messages(**inputs) for t in (None, template))
    assert sorted(ours["content"].split("\n\n")) == sorted(other["content"].split("\n\n"))
    assert len(ours["content"]) == len(other["content"])
    assert other["content"].startswith("<response_a>\nSeven.\n")


def test_of_the_serving_benchmark_all_votes_are_asked_for_at_once_and_counted_as_ever(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    judge = importlib.import_module("serving_work").AllVotes(votes=5)
    model = ScriptedLM([["Winner: Response B"] * 3 + ["Winner: Response A"] * 2])
    with dspy.context(lm=model):
        judgment = judge("Name a prime.", RUBRIC, "It is 4.", "Seven.")
    assert judgment.preferred == "B"
    assert [vote.raw[-1] for vote in judgment.orders[0].votes] == ["B", "B", "B", "A", "A"]
    assert judgment.usage.calls == 1
