"""Runs the page until it is signed or interrupted."""

import asyncio
import logging
import secrets
from collections.abc import Callable

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from openrubrics.optimizers.refinement.review import Review
from openrubrics.serving.review.app import review_app
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.meta_rubric import MetaRubric

LOOPBACK = "127.0.0.1"
_SHUTDOWN_SECONDS = 2.0
_LOG = logging.getLogger(__name__)


async def aserve_review(review: Review, *, on_ready: Callable[[str], None], out: str, port: int = 0) -> MetaRubric:
    """Serve the page of an open review on loopback, and return the document when it is signed.

    What was decided is saved before the page shows it, so that an interrupt at any time loses nothing.

    Args:
        review: What is decided about.
        on_ready: Is given the address, which holds a secret, when the page is there.
        out: Where the document is going to be written, for the page to say.
        port: TCP port; 0 takes a free one.

    Raises:
        UsageError: The port cannot be used.
    """
    signed: asyncio.Future[MetaRubric] = asyncio.get_running_loop().create_future()
    token = secrets.token_urlsafe(32)
    app = review_app(review, token=token, on_signed=signed.set_result, out=out)
    _LOG.addFilter(_is_ours)
    runner = web.AppRunner(app, access_log=None, logger=_LOG, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, LOOPBACK, port).start()
        except OSError as error:
            raise UsageError(
                f"port {port} cannot be used on {LOOPBACK}: {error.strerror or error}",
                "choose another, or 0 for a free one",
            ) from error
        on_ready(f"http://{LOOPBACK}:{runner.addresses[0][1]}/{token}/")
        return await signed
    finally:
        await runner.cleanup()


def _is_ours(record: logging.LogRecord) -> bool:
    """Leave out requests that are no HTTP: whatever runs on this machine may send them, and they quote the address."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))
