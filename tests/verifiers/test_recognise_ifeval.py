"""Precision and recall of the recognisers on the prompts of IFEval.

They were developed on the prompts whose group is even; the odd ones were only ever counted.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import JsonValue

from openrubrics.verifiers import recognise

Key = tuple[str, str]


@dataclass(frozen=True)
class Score:
    """Counts of distinct (prompt, name, arguments)."""

    right: int
    recognised: int
    labelled: int

    @property
    def precision(self) -> float:
        return self.right / self.recognised

    @property
    def recall(self) -> float:
        return self.right / self.labelled


def is_even(row: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether a row belongs to the half that may be looked at."""
    return int(row["meta"]["group"], 16) % 2 == 0


def key(name: str, arguments: Mapping[str, JsonValue]) -> Key:
    """Compare without nulls; no IFEval check but one depends on case, and none on the order of a list."""
    return name, json.dumps({k: folded(v) for k, v in arguments.items() if v is not None}, sort_keys=True)


def folded(value: JsonValue) -> JsonValue:
    if isinstance(value, list):
        return sorted((folded(item) for item in value), key=str)
    return value.strip().casefold() if isinstance(value, str) else value


def score(rows: Iterable[dict[str, JsonValue]]) -> Score:
    right = recognised = labelled = 0
    for row in rows:
        names, kwargs = row["instruction_id_list"], row["kwargs"]
        assert isinstance(names, list)
        assert isinstance(kwargs, list)
        truth = {
            key(str(name), arguments)
            for name, arguments in zip(names, kwargs, strict=True)
            if isinstance(arguments, dict)
        }
        ours = {key(one.check.name, one.check.arguments) for one in recognise(str(row["prompt"]))}
        right, recognised, labelled = right + len(truth & ours), recognised + len(ours), labelled + len(truth)
    return Score(right, recognised, labelled)


@pytest.mark.parametrize(("even", "precision", "recall"), [(True, 0.98, 0.95), (False, 0.92, 0.87)])
def test_precision_and_recall(
    shared_data: Callable[[str], Path],
    record_property: Callable[[str, object], None],
    even: bool,
    precision: float,
    recall: float,
) -> None:
    with shared_data("ifeval_prompts.jsonl").open(encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if is_even(row) == even]
    result = score(rows)
    record_property("score", str(result))
    print(f"{'even' if even else 'odd'}: precision {result.precision:.4f} recall {result.recall:.4f} of {result}")  # noqa: T201

    assert result.precision >= precision
    assert result.recall >= recall
