"""From what goes wrong on the way to a server to DSPy's typed errors.

``provider_code`` is one of `NO_CONNECTION` where no connection could be made; every error names the endpoint as
``provider``.
"""

import builtins
import email.utils
import errno
import time
from collections.abc import Mapping

import aiohttp
import orjson
from dspy.lm15 import (
    AuthError,
    BillingError,
    ConfigurationError,
    ContextLengthError,
    InvalidRequestError,
    LM15Error,
    ProviderError,
    RateLimitError,
    ServerError,
    TimeoutError,  # noqa: A004
    TransportError,
    UnsupportedModelError,
)

UNREACHABLE = "unreachable"
UNKNOWN_HOST = "unknown_host"
BAD_TLS = "bad_tls"
NO_CONNECTION = (UNREACHABLE, UNKNOWN_HOST, BAD_TLS)

_BY_STATUS: dict[int, type[ProviderError]] = {
    401: AuthError,
    402: BillingError,
    403: AuthError,
    408: TimeoutError,
    429: RateLimitError,
    504: TimeoutError,
}
_CONTEXT_WORDS = ("context length", "context_length", "context window", "maximum model length", "max_model_len")
_MAX_TEXT = 300


def status_error(status: int, headers: Mapping[str, str], body: bytes, endpoint: str) -> LM15Error:
    """Return the error for a reply other than 200."""
    text, code = _explanation(body)
    if 300 <= status < 400 and "Location" in headers:
        text = f"the server sends requests on to {_first_words(headers['Location'])}"
    return _status_class(status, text.lower(), code)(
        f"HTTP {status}: {text}",
        provider=endpoint,
        provider_code=code,
        status=status,
        retry_after=retry_after(headers.get("Retry-After")),
    )


def _status_class(status: int, text: str, code: str | None) -> type[ProviderError]:
    if code == "insufficient_quota":
        return BillingError
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return ServerError
    if status == 404 and "model" in text:
        return UnsupportedModelError
    if status in (400, 413, 422) and (code in _CONTEXT_WORDS or any(words in text for words in _CONTEXT_WORDS)):
        return ContextLengthError
    return InvalidRequestError if 400 <= status < 500 else ProviderError


def _explanation(body: bytes) -> tuple[str, str | None]:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _first_words(body.decode("utf-8", "replace")), None
    if not isinstance(content, dict):
        return _first_words(str(content)), None
    error = content.get("error", content)
    if not isinstance(error, dict):
        return _first_words(str(error)), None
    code = error.get("code") or error.get("type")
    text = error.get("message") or error.get("detail") or body.decode("utf-8", "replace")
    return _first_words(str(text)), code if isinstance(code, str) else None


def _first_words(text: str) -> str:
    line = " ".join(text.split())
    if line[:1] == "<":
        return "the reply is a web page, not an answer of a model server"
    return line[:_MAX_TEXT] or "the reply is empty"


def retry_after(value: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks to wait, given as a number or as a date."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        date = email.utils.parsedate_tz(value)
        if date is None:
            return None
        seconds = email.utils.mktime_tz(date) - time.time()
    return max(0.0, seconds) if seconds < float("inf") else None


def transport_error(error: Exception, endpoint: str, timeout: float) -> LM15Error:
    """Return the error for a request that got no complete reply."""
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientSSLError | aiohttp.ConnectionTimeoutError):
        code, reason = _no_connection(error)
        return TransportError(f"no connection to {endpoint}: {reason}", provider=endpoint, provider_code=code)
    if isinstance(error, aiohttp.InvalidURL):
        return ConfigurationError(f"{endpoint} is not the URL of a server", provider=endpoint)
    if isinstance(error, builtins.TimeoutError):
        return TimeoutError(f"no complete reply from {endpoint} within {timeout:g} s", provider=endpoint)
    return TransportError(
        f"the connection to {endpoint} broke: {str(error) or type(error).__name__}", provider=endpoint
    )


def _no_connection(error: Exception) -> tuple[str, str]:
    """Return the code and the words for a connection that could not be made."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return BAD_TLS, str(error.certificate_error)
        case aiohttp.ClientConnectorDNSError():
            return UNKNOWN_HOST, f"the host name is unknown: {_words(error.os_error)}"
        case aiohttp.ClientConnectorSSLError():
            return BAD_TLS, _words(error.os_error)
        case aiohttp.ClientConnectorError():
            refused = error.os_error.errno == errno.ECONNREFUSED
            return UNREACHABLE, "connection refused" if refused else _words(error.os_error)
        case _:
            return UNREACHABLE, "the connection timed out"


def _words(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
