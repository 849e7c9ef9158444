"""From DSPy's LM errors to the project's own."""

from dspy.utils import exceptions as dspy_errors

from openrubrics.lms.failures import UNREACHABLE
from openrubrics.lms.scripted import ScriptExhaustedError
from openrubrics.signatures.errors import BudgetError, LMError


class EndpointError(LMError):
    """No request can succeed as things are: wrong key, unknown model, no server."""


_MISCONFIGURED = (
    dspy_errors.LMAuthError,
    dspy_errors.LMBillingError,
    dspy_errors.LMUnsupportedModelError,
    dspy_errors.LMUnsupportedFeatureError,
    dspy_errors.LMConfigurationError,
)
_HINTS: tuple[tuple[type[Exception], str], ...] = (
    (dspy_errors.LMAuthError, "set OPENRUBRICS_API_KEY or --api-key"),
    (dspy_errors.LMBillingError, "the account behind the key has no credit left"),
    (dspy_errors.LMUnsupportedModelError, "the server serves other models; its /models page lists them"),
    (dspy_errors.ContextWindowExceededError, "the prompt is longer than the model can read"),
    (dspy_errors.LMRateLimitError, "lower --concurrency, or try later"),
    (dspy_errors.LMTimeoutError, "lower --concurrency, or allow more time for a request"),
    (dspy_errors.LMServerError, "the server's own log says more"),
    (dspy_errors.LMTransportError, "the server may have stopped; its own log says more"),
)


def lm_error(error: Exception) -> LMError | None:
    """Return what went wrong with an LM call as one of the project's errors.

    Args:
        error: Whatever a call raised.

    Returns:
        None where the error has nothing to do with the LM: it is then someone else's.
    """
    if isinstance(error, LMError):
        return error
    if not isinstance(error, dspy_errors.LMError):
        return None
    kind = EndpointError if _is_endpoint_failure(error) else LMError
    return kind(_one_line(error), _hint(error), retryable=dspy_errors.is_retryable_lm_error(error), status=error.status)


def is_systemic(error: LMError) -> bool:
    """Return whether other items must fail in the same way, so that going on is pointless."""
    return isinstance(error, EndpointError | BudgetError)


def _is_endpoint_failure(error: dspy_errors.LMError) -> bool:
    return (
        isinstance(error, _MISCONFIGURED)
        or error.status in (404, 405)
        or error.provider_code == UNREACHABLE
        or isinstance(error.__cause__, ScriptExhaustedError)
    )


def _one_line(error: dspy_errors.LMError) -> str:
    text = " ".join(error.message.split("\n\n", 1)[0].split()) or error.code or type(error).__name__
    where = f" at {error.provider}" if error.provider and error.provider not in text else ""
    return f"{error.model or 'LM'}{where}: {text}"


def _hint(error: dspy_errors.LMError) -> str:
    if error.provider_code == UNREACHABLE:
        return f"is the server running at {error.provider}?"
    if error.status in (404, 405) and not isinstance(error, dspy_errors.LMUnsupportedModelError):
        return "does --api-base end in /v1?"
    return next((hint for kind, hint in _HINTS if isinstance(error, kind)), "")
