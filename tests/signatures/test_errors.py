"""Errors say whose fault it is and what to do next, also after a trip through another process."""

import pickle

import pytest

from openrubrics.signatures import (
    BudgetError,
    DataError,
    LMError,
    MissingExtraError,
    OpenRubricsError,
    ParseError,
    UsageError,
)

EXIT_CODES: dict[type[OpenRubricsError], int] = {
    OpenRubricsError: 1,
    UsageError: 2,
    DataError: 3,
    ParseError: 1,
    MissingExtraError: 2,
    LMError: 4,
    BudgetError: 4,
}
REFINED: dict[type[OpenRubricsError], type[Exception]] = {
    UsageError: ValueError,
    DataError: ValueError,
    ParseError: ValueError,
    MissingExtraError: ImportError,
    LMError: RuntimeError,
    BudgetError: RuntimeError,
}


@pytest.mark.parametrize("kind", EXIT_CODES)
def test_an_error_survives_pickling(kind: type[OpenRubricsError]) -> None:
    error = pickle.loads(pickle.dumps(kind("line 3: no field 'id'", "add one")))  # noqa: S301 (our own bytes)
    assert type(error) is kind
    assert (error.message, error.hint) == ("line 3: no field 'id'", "add one")
    assert str(error) == "line 3: no field 'id' (add one)"
    assert (error.exit_code, error.retryable) == (EXIT_CODES[kind], False)


@pytest.mark.parametrize("kind", [LMError, BudgetError])
def test_an_lm_error_keeps_status_and_whether_to_retry(kind: type[LMError]) -> None:
    error = pickle.loads(pickle.dumps(kind("busy", "wait", retryable=True, status=429)))  # noqa: S301 (our own bytes)
    assert (error.message, error.hint, error.retryable, error.status) == ("busy", "wait", True, 429)
    assert not LMError("refused").retryable


def test_an_error_without_a_hint_is_its_message() -> None:
    assert str(UsageError("no such file")) == "no such file"


@pytest.mark.parametrize("kind", REFINED)
def test_existing_except_clauses_keep_working(kind: type[OpenRubricsError]) -> None:
    with pytest.raises(REFINED[kind]):
        raise kind("wrong")
