"""Agreement with the verdicts that the authors of IFEval's checker published."""

import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from openrubrics.signatures.values import Check
from openrubrics.verifiers import registry, verify

UNRELIABLE = frozenset({1122, 1129, 1174})  # random letters upstream, and a check that contradicts its prompt

Tally = tuple[Counter[str], Counter[str]]


def agreement(shared_data: Callable[[str], Path], every: int) -> Tally:
    """Count verdicts and agreeing verdicts by check name, over each `every`-th response."""
    with shared_data("ifeval_prompts.jsonl").open(encoding="utf-8") as lines:
        prompts = {row["key"]: row for row in map(json.loads, lines)}
    total: Counter[str] = Counter()
    same: Counter[str] = Counter()
    with gzip.open(shared_data("ifeval_responses.jsonl.gz"), "rt", encoding="utf-8") as lines:
        for number, row in enumerate(map(json.loads, lines)):
            if number % every or row["key"] in UNRELIABLE:
                continue
            prompt = prompts[row["key"]]
            for i, (name, kwargs) in enumerate(zip(prompt["instruction_id_list"], prompt["kwargs"], strict=True)):
                for mode in ("strict", "loose"):
                    ours = verify(Check(name=name, arguments=kwargs), row["response"], mode).passed
                    total[name] += 1
                    same[name] += ours == row[f"follow_{mode}"][i]
    return total, same


def test_a_sample_agrees_with_upstream(shared_data: Callable[[str], Path]) -> None:
    total, same = agreement(shared_data, every=37)

    assert total.total() > 250
    assert same.total() / total.total() >= 0.99


@pytest.mark.slow
def test_all_verdicts_agree_with_upstream(
    shared_data: Callable[[str], Path], record_property: Callable[[str, object], None]
) -> None:
    total, same = agreement(shared_data, every=1)
    shares = {name: round(same[name] / total[name], 4) for name in sorted(total)}
    record_property("agreement", same.total() / total.total())
    record_property("agreement_by_check", shares)

    assert set(total) == {name for name in registry if not name.startswith(("text:", "guard:"))}
    assert same.total() / total.total() >= 0.999, shares
    assert min(shares.values()) >= 0.98, shares
