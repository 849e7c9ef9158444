"""Fails the test after which a room is found imported under its bare name."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from layout_checks import bare_rooms

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def no_bare_names() -> Iterator[None]:
    """Hold every test to full import names; a second copy of a module would have other classes."""
    yield
    found = bare_rooms(sys.modules, ROOT)
    assert not found, f"imported under bare names instead of openrubrics.NAME: {found}"
