"""What pyproject.toml asks for is pinned, and the version has its part of the changelog."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from openrubrics import __version__

# Installed in an environment of its own: not part of the development environment.
ELSEWHERE = {"vllm"}


@pytest.fixture
def project(repository: Path) -> dict[str, Any]:
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def test_every_dependency_is_pinned(project: dict[str, Any], repository: Path) -> None:
    lines = (repository / "constraints" / "main.txt").read_text(encoding="utf-8").split()
    assert all("==" in line for line in lines)
    pinned = {name(line) for line in lines}
    extras = [requirement for extra in project["optional-dependencies"].values() for requirement in extra]
    wanted = {name(requirement) for requirement in [*project["dependencies"], *extras]} - ELSEWHERE
    assert wanted <= pinned, wanted - pinned
    assert len(wanted) > 20


def test_the_version_is_one_and_stands_in_the_changelog(project: dict[str, Any], repository: Path) -> None:
    assert project["version"] == __version__
    assert f"## [{__version__}]" in (repository / "CHANGELOG.md").read_text(encoding="utf-8")
