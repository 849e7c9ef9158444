"""The embedded reader over real pairs: its figures, and that the guide tells the same ones."""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from openrubrics.data import read_pairs
from openrubrics.evaluation.audits import ATTACKS, AUDITS, Audits, AuditSettings, Measured, audit
from openrubrics.lms import lm
from openrubrics.programs import RubricRM

pytestmark = pytest.mark.slow

SHOWN = {
    "position": ("flips",),
    "length": ("moved by padding",),
    "format": ("moved by a list",),
    "confidence": ("moved by a claim of certainty",),
    "injection": ("success beyond the control",),
    "invariance": ("changed by neutral edits",),
    "sensitivity": ("prefers the original",),
    "repeats": ("Krippendorff's alpha",),
}


@cache
def found(path: Path) -> Audits:
    judge = RubricRM(orders="both")
    judge.set_lm(lm("embedded"))
    return audit(judge, list(read_pairs(path)), AuditSettings())


def cell(one: Measured) -> str:
    assert one.value is not None
    assert one.interval is not None
    low, high = one.interval
    return f"{one.name} {one.value:.3f} ({low:.3f} to {high:.3f}, n {one.n})".replace("-0.000", "0.000")


def test_the_guide_tells_what_the_audits_find(repository: Path) -> None:
    guide = (repository / "docs" / "evaluation.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| (.*) \|$", guide.partition("## Audits")[2], re.MULTILINE))
    audits = found(repository / "data" / "starter" / "test.jsonl")
    assert audits.failed == 0
    assert list(SHOWN) == list(AUDITS)
    for name, figures in SHOWN.items():
        said = ", ".join(cell(audits.audit(name).figure(figure)) for figure in figures)
        print(f"{name}: {said}")  # noqa: T201 - shown by pytest -s, and where the test fails
        assert rows.get(name) == said
    assert len({attack.family for attack in ATTACKS}) == 8
    assert f"{len(ATTACKS)} attacks of eight families" in guide


def test_the_reader_is_deterministic_and_knows_no_order(repository: Path) -> None:
    audits = found(repository / "data" / "starter" / "test.jsonl")
    assert audits.audit("repeats").figure("same outcome").value == 1
    assert audits.audit("position").figure("flips").value == 0
    assert audits.audit("injection").figure("success beyond the control").effect is False
    assert [one.name for one in audits.audits if one.failed] == []


def test_it_sees_the_rules_that_it_checks(shared_data: Callable[[str], Path]) -> None:
    """IFEval's rules, which the reader decides by code: it sees nearly every broken one."""
    judge = RubricRM(orders="both")
    judge.set_lm(lm("embedded"))
    pairs = list(read_pairs(shared_data("ifeval_verified_pairs.jsonl")))
    sensitivity = audit(judge, pairs, AuditSettings(only=("sensitivity",), most=100)).audit("sensitivity")
    for one in sensitivity.measured:
        print(one.name, one.group, one.value, one.n)  # noqa: T201
    assert (sensitivity.figure("prefers the original").value or 0) > 0.9
    assert sensitivity.figure("original minus broken").effect
