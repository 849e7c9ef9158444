"""A server that answers JSON with JSON, such as a judge that is no language model."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import orjson
from dspy.clients.errors import error_boundary
from dspy.lm15 import ServerError
from dspy.utils.exceptions import LMError as DSPyLMError

from openrubrics.lms.connection import check_key, check_limits, checked_url
from openrubrics.lms.errors import EndpointError, lm_error
from openrubrics.lms.metering import record, reserve
from openrubrics.lms.posting import RETRIES, TIMEOUT, Address
from openrubrics.signatures.errors import LMError, UsageError
from openrubrics.signatures.model_text import well_formed
from openrubrics.signatures.outcomes import Usage


@dataclass(frozen=True)
class Service:
    """A URL that takes JSON objects by POST, and answers each with JSON.

    Each attempt counts as a call, without tokens and at an unknown price, for meters and budgets
    (`openrubrics.lms.usage_meter`, `openrubrics.lms.budget`).

    Attributes:
        address: Where it is, and how patiently it is asked; `service` makes one.
    """

    address: Address

    @property
    def name(self) -> str:
        """The URL, without a login that may be in it."""
        return self.address.name

    async def ask(self, content: Mapping[str, str]) -> bytes:
        """Send texts by name, again where that may help, and return the reply, which is JSON.

        Raises:
            EndpointError: No request can succeed as things are: no server, wrong key, wrong path.
            BudgetError: A limit was reached before an attempt.
            LMError: This request has failed.
        """
        body = orjson.dumps({name: well_formed(text) for name, text in content.items()})
        try:
            with error_boundary(self.name, provider=self.name):
                return await self.address.repeat(lambda: self._attempt(body))
        except DSPyLMError as error:
            ours = lm_error(error)
            if ours is None or ours is error:  # a budget's
                raise
            raise _with_hint(ours, self.name) from error

    async def _attempt(self, body: bytes) -> bytes:
        reserve(self.name, priced=False)
        try:
            reply = await self.address.post(body)
            _check_json(reply)
            return reply
        finally:
            record(Usage(calls=1))


def service(url: str, *, api_key: str | None = None, timeout: float = TIMEOUT, retries: int = RETRIES) -> Service:
    """Return the service at a URL.

    Args:
        url: Whole URL; one with a login is asked with it.
        api_key: Sent as a bearer token.
        timeout: Seconds for one request.
        retries: How often a request is repeated after rate limits, timeouts, server errors, broken connections and
            replies that are not JSON.

    Raises:
        UsageError: An argument is not what it should be.
    """
    checked_url(url)
    check_limits(timeout, retries)
    if api_key is not None:
        check_key(api_key)
        if without_login(url) != url:
            raise UsageError("the URL has a login, and a key is given too", "one request can carry only one of them")
    return Service(Address(url, without_login(url), api_key, timeout, retries=retries))


def without_login(url: str) -> str:
    """Return a URL without the user and password that may be in it."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _check_json(reply: bytes) -> None:
    try:
        orjson.loads(reply)
    except orjson.JSONDecodeError as error:
        raise ServerError(f"the reply is not JSON: {error}", status=200) from None


def _with_hint(error: LMError, name: str) -> LMError:
    """Return the error with a hint that fits a server that is no language model."""
    if error.status in (401, 403):
        hint = "the server wants a key; give --api-key (in Python api_key=)"
    elif error.status is not None and (error.status in (404, 405) or 300 <= error.status < 400):
        hint = f"is {name} the whole URL?"
    else:
        return error
    return EndpointError(error.message, hint, status=error.status)
