"""The error tree: whose fault it is, whether to try again, and what to do next.

    OpenRubricsError
    |-- UsageError         an argument or option cannot be used as given
    |-- DataError          an input file or value is not what it should be
    |-- ParseError         a model's text is outside the contract
    |-- MissingExtraError  an optional dependency is not installed
    `-- LMError            an endpoint did not answer as asked
        `-- BudgetError    a limit the user set on calls, tokens or cost was reached

Every error also inherits from the standard exception it refines, so existing ``except`` clauses keep working, and
takes its message and its hint as plain arguments, so it survives pickling.
"""


class OpenRubricsError(Exception):
    """Base of every error this project raises on purpose.

    Attributes:
        message: What is wrong, with the offending value.
        hint: What the reader can do next; may be empty.
        retryable: Whether the same call may succeed later without any change.
    """

    exit_code = 1
    retryable = False

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(OpenRubricsError, ValueError):
    """An argument or option cannot be used as given."""

    exit_code = 2


class DataError(OpenRubricsError, ValueError):
    """An input file or value is not what it should be; the message names file, line and field where there are any."""

    exit_code = 3


class ParseError(OpenRubricsError, ValueError):
    """A model's text is outside the contract. Programs turn it into a `Failed` outcome."""


class MissingExtraError(OpenRubricsError, ImportError):
    """An optional dependency is not installed; the hint names the extra."""

    exit_code = 2


class LMError(OpenRubricsError, RuntimeError):
    """An endpoint did not answer as asked.

    Attributes:
        retryable: True for rate limits, timeouts, server errors and broken connections.
        status: HTTP status where there was one.
    """

    exit_code = 4

    def __init__(self, message: str, hint: str = "", retryable: bool = False, status: int | None = None) -> None:
        super().__init__(message, hint)
        self.retryable = retryable
        self.status = status


class BudgetError(LMError):
    """A limit the user set on calls, tokens or cost was reached."""
