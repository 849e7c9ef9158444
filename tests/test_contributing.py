"""The rules for contributors are few, and each names a check that exists."""

import re
from pathlib import Path

import layout_checks
import pytest

RULE = re.compile(r"^(\d+)\. (.+) \(([^()]+)\)$", re.MULTILINE)


@pytest.fixture
def rules(repository: Path) -> list[tuple[str, str, str]]:
    text = (repository / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Rules")[2]
    found = RULE.findall(text)
    assert len(found) == len(re.findall(r"^\d", text, re.MULTILINE))
    return found


def test_rules_are_numbered_few_and_short(rules: list[tuple[str, str, str]]) -> None:
    assert [int(number) for number, _, _ in rules] == list(range(1, len(rules) + 1))
    assert 20 <= len(rules) <= 25
    assert max(len(text) for _, text, _ in rules) <= 130


def test_every_rule_names_a_check_that_exists(rules: list[tuple[str, str, str]], repository: Path) -> None:
    selected = (repository / "pyproject.toml").read_text(encoding="utf-8").partition("select = [")[2].partition("]")[0]
    known = set(re.findall(r'"(\w+)"', selected))
    for number, _, checks in rules:
        for check in re.split(r"; |: ", checks):
            words = check.replace(",", "").split()
            if check[0] == "`":
                name = check.strip("`")
                exists = hasattr(layout_checks, name) or name.startswith("make ") or (repository / name).is_file()
                assert exists, f"rule {number}: {name}"
            elif words[0] == "ruff":
                assert all(known & {code, code.rstrip("0123456789")} for code in words[1:]), f"rule {number}: {check}"
            else:
                assert check in ("review", "pyright", "pytest-socket"), f"rule {number}: {check}"
