"""Who may talk to the page: the browser that was given its address, and no other site that is open in it.

The server listens on loopback. Against other sites: requests have to name this very address as Host (no name that was
pointed here later, "DNS rebinding"), posts have to come from this origin, as JSON, with a token that only the page has.
Against other users of the machine: the address holds a secret. Programs of the same user are trusted.
"""

import hmac
import json
from collections.abc import Awaitable, Callable

from aiohttp import web

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "openrubrics",
}
CSRF_HEADER = "X-CSRF-Token"
LARGEST_BODY = 64 * 1024
"""Bytes of a request; the longest decision takes about 40,000."""

TOKEN = web.AppKey("token", str)
CSRF = web.AppKey("csrf", str)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Put the headers on every response, those of errors too."""
    response.headers.update(HEADERS)


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what does not come from the page, and say in JSON why anything is refused."""
    try:
        return _refusal(request) or await handler(request)
    except web.HTTPException as error:
        said = refuse(error.status, error.reason)
        if "Allow" in error.headers:
            said.headers["Allow"] = error.headers["Allow"]
        return said


def refuse(status: int, error: str, hint: str = "", state: object = None) -> web.Response:
    """Return a refusal, with how things stand where that is why."""
    return web.json_response({"error": error, "hint": hint, "state": state}, status=status, dumps=_dumps)


def _refusal(request: web.Request) -> web.Response | None:
    address = _address(request)
    if request.host != address:
        return refuse(403, "the Host is not this server")
    token, _, _ = request.path.removeprefix("/").partition("/")
    if not _equal(token, request.app[TOKEN]):
        return refuse(404, "Not Found")
    return None if request.method in ("GET", "HEAD") else _refused_post(request, f"http://{address}")


def _refused_post(request: web.Request, origin: str) -> web.Response | None:
    if request.headers.get("Origin") != origin:
        return refuse(403, "the Origin is not this page")
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return refuse(403, "the request comes from another site")
    if not _equal(request.headers.get(CSRF_HEADER, ""), request.app[CSRF]):
        return refuse(403, "the token of the page is missing or wrong", "reload the page")
    if request.content_type != "application/json":
        return refuse(415, "the content is not application/json")
    return None


def _address(request: web.Request) -> str:
    """Return the address that the connection came in at."""
    name = request.transport.get_extra_info("sockname") if request.transport else None
    return f"{name[0]}:{name[1]}" if name else ""


def _equal(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), wanted.encode())


def _dumps(content: object) -> str:
    return json.dumps(content, ensure_ascii=True)
