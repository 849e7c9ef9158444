"""The page and its requests; see `openrubrics.serving.review.guard` for who may send them."""

import json
import secrets
from collections.abc import Callable
from importlib.resources import files
from typing import TypeVar

from aiohttp import web
from pydantic import Field, ValidationError

from openrubrics.optimizers.refinement.decisions import Verdict
from openrubrics.optimizers.refinement.review import Review
from openrubrics.serving.review.guard import CSRF, LARGEST_BODY, TOKEN, add_headers, guarded, refuse
from openrubrics.serving.review.view import shown, standing
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.meta_rubric import MetaRubric
from openrubrics.signatures.values import Frozen

_HERE = "openrubrics.serving.review"
_REPORT = "openrubrics.evaluation.report"


class Sent(Frozen):
    """What every change names: the hash of the last line that the page has seen, so that nobody signs unseen lines."""

    head: str = Field(max_length=64)


class Decide(Sent):
    """A decision as the page sends it; the other fields are those of `Review.decide`."""

    proposal: str = Field(max_length=64)
    verdict: Verdict
    who: str
    note: str = ""
    type: str = Field(default="", max_length=64)
    text: str = ""


class Sign(Sent):
    """A signature as the page sends it."""

    name: str
    leave_undecided: bool = False


Body = TypeVar("Body", Decide, Sign)


def review_app(review: Review, *, token: str, on_signed: Callable[[MetaRubric], None], out: str) -> web.Application:
    """Return the page of an open review.

    Args:
        review: Decisions are saved here.
        token: First part of every path; a secret.
        on_signed: Is given the document once it is signed; nothing can be decided after that.
        out: Where the document is going to be written, for the page to say.
    """
    app = web.Application(middlewares=[guarded], client_max_size=LARGEST_BODY)
    app[TOKEN], app[CSRF] = token, secrets.token_urlsafe(32)
    app.on_response_prepare.append(add_headers)
    page = _Page(review, app[CSRF], on_signed, out)
    app.router.add_get("/{token}/", page.whole)
    app.router.add_get("/{token}/page.css", page.style)
    app.router.add_get("/{token}/page.js", page.script)
    app.router.add_get("/{token}/review", page.review)
    app.router.add_post("/{token}/decide", page.decide)
    app.router.add_post("/{token}/sign", page.sign)
    return app


class _Page:
    """What the requests do."""

    def __init__(self, review: Review, csrf: str, on_signed: Callable[[MetaRubric], None], out: str) -> None:
        self._review = review
        self._csrf = csrf
        self._on_signed = on_signed
        self._shown = shown(review, out)
        self._signed: str | None = None

    async def whole(self, _: web.Request) -> web.Response:
        return web.Response(text=_text(_HERE, "page.html"), content_type="text/html", charset="utf-8")

    async def style(self, _: web.Request) -> web.Response:
        """Send the style sheet of reports, and what is different here."""
        text = _text(_REPORT, "page.css") + _text(_HERE, "page.css")
        return web.Response(text=text, content_type="text/css", charset="utf-8")

    async def script(self, _: web.Request) -> web.Response:
        return web.Response(text=_text(_HERE, "page.js"), content_type="text/javascript", charset="utf-8")

    async def review(self, _: web.Request) -> web.Response:
        return _json({**self._shown, "csrf": self._csrf, "state": standing(self._review), "signed": self._signed})

    async def decide(self, request: web.Request) -> web.Response:
        given = await _body(request, Decide)
        if isinstance(given, web.Response):
            return given
        decision = given.model_dump(exclude={"head"})
        return self._saved(given, lambda: self._review.decide(**decision))

    async def sign(self, request: web.Request) -> web.Response:
        given = await _body(request, Sign)
        if isinstance(given, web.Response):
            return given
        return self._saved(given, lambda: self._sign(given))

    def _sign(self, given: Sign) -> None:
        document = self._review.sign(given.name, leave_undecided=given.leave_undecided)
        self._signed = f"version {document.version}"
        self._on_signed(document)

    def _saved(self, given: Sent, save: Callable[[], None]) -> web.Response:
        if self._signed:
            return refuse(409, "the review is signed, and over", "start the command again to go on")
        if given.head != self._review.head:
            hint = "look at it here, then choose again"
            return refuse(409, "something was decided in another window meanwhile", hint, standing(self._review))
        try:
            save()
        except UsageError as error:
            return refuse(422, error.message, error.hint)
        return _json({"state": standing(self._review), "signed": self._signed})


async def _body(request: web.Request, kind: type[Body]) -> Body | web.Response:
    """Return what was sent, or why it cannot be read."""
    try:
        return kind.model_validate_json(await request.read())
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        return refuse(422, ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"]))))


def _json(content: dict[str, object]) -> web.Response:
    return web.json_response(content, dumps=json.dumps)


def _text(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")
