"""From DSPy's LM errors to the project's own."""

from dspy.utils import exceptions as dspy_errors

from openrubrics.lms.failures import BAD_TLS, NO_CONNECTION, UNKNOWN_HOST, UNREACHABLE
from openrubrics.lms.names import name_hint
from openrubrics.signatures.errors import BudgetError, LMError


class EndpointError(LMError):
    """No request can succeed as things are: wrong key, unknown model, no server."""


_MISCONFIGURED = (
    dspy_errors.LMAuthError,
    dspy_errors.LMBillingError,
    dspy_errors.LMUnsupportedModelError,
    dspy_errors.LMUnsupportedFeatureError,
    dspy_errors.LMConfigurationError,
    dspy_errors.LMUnexpectedError,
)
_NO_PROVIDER = "LLM Provider NOT provided"
"""How LiteLLM says that it does not know a name."""

_CONNECTION_HINTS = {
    UNREACHABLE: "is the server running at {}?",
    UNKNOWN_HOST: "check the address of the server, {}",
    BAD_TLS: "check http or https in {}, and the certificate of the server",
}
_HINTS: tuple[tuple[type[Exception], str], ...] = (
    (dspy_errors.LMAuthError, "set OPENRUBRICS_API_KEY or --api-key"),
    (dspy_errors.LMBillingError, "the account behind the key has no credit left"),
    (dspy_errors.LMUnsupportedModelError, "the server serves other models; its /models page lists them"),
    (dspy_errors.ContextWindowExceededError, "the prompt is longer than the model can read"),
    (dspy_errors.LMRateLimitError, "lower --concurrency, or try later"),
    (dspy_errors.LMTimeoutError, "lower --concurrency, or allow more time for a request with --timeout"),
    (dspy_errors.LMServerError, "the server's own log says more"),
    (dspy_errors.LMTransportError, "the server may have stopped; its own log says more"),
)
_PROVIDER_HINTS: tuple[tuple[type[Exception], str], ...] = (
    (dspy_errors.LMAuthError, "check the key of this provider, or give --api-key"),
    (dspy_errors.LMUnsupportedModelError, "the provider has other models"),
    (dspy_errors.LMServerError, "the provider may be down; try later"),
    (dspy_errors.LMTransportError, "check the network; the provider may be down"),
    *_HINTS,
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
        or _is_redirect(error)
        or error.provider_code in NO_CONNECTION
        or _NO_PROVIDER in error.message
    )


def _is_redirect(error: dspy_errors.LMError) -> bool:
    return error.status is not None and 300 <= error.status < 400


def _one_line(error: dspy_errors.LMError) -> str:
    if _NO_PROVIDER in error.message:
        return f"there is no language model {error.model!r}"
    if isinstance(error, dspy_errors.LMNotConfiguredError) and getattr(error, "env_keys", ()):
        return f"{error.model or 'LM'}: no API key is set"
    text = " ".join(error.message.split("\n\n", 1)[0].split()) or error.code or type(error).__name__
    where = f" at {error.provider}" if error.provider and error.provider not in text else ""
    return f"{error.model or 'LM'}{where}: {text}"


def _hint(error: dspy_errors.LMError) -> str:
    if _NO_PROVIDER in error.message:
        return name_hint(error.model or "")
    if variables := getattr(error, "env_keys", ()):
        return f"set {' or '.join(variables)} or --api-key"
    if error.provider_code in NO_CONNECTION:
        return _CONNECTION_HINTS[error.provider_code].format(error.provider)
    if _is_redirect(error):
        return "give the address that the server points to with --api-base"
    if error.status in (404, 405) and not isinstance(error, dspy_errors.LMUnsupportedModelError):
        return "does --api-base end in /v1?"
    own_server = "://" in (error.provider or "://")
    hints = _HINTS if own_server else _PROVIDER_HINTS
    return next((hint for kind, hint in hints if isinstance(error, kind)), "")
