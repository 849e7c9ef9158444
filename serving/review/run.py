"""Runs the page until it is signed or interrupted."""

import asyncio
import secrets
from collections.abc import Callable

from aiohttp import web

from openrubrics.optimizers.refinement.review import Review
from openrubrics.serving.review.app import review_app
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.meta_rubric import MetaRubric

LOOPBACK = "127.0.0.1"
_SHUTDOWN_SECONDS = 2.0


async def aserve_review(review: Review, *, on_ready: Callable[[str], None], port: int = 0, out: str = "") -> MetaRubric:
    """Serve the page of an open review on loopback, and return the document when it is signed.

    What was decided is saved before the page shows it, so that an interrupt at any time loses nothing.

    Args:
        review: What is decided about.
        on_ready: Is given the address, which holds a secret, when the page is there.
        port: TCP port; 0 takes a free one.
        out: Where the document is going to be written, for the page to say.

    Raises:
        UsageError: The port cannot be used.
    """
    signed: asyncio.Future[MetaRubric] = asyncio.get_running_loop().create_future()
    token = secrets.token_urlsafe(32)
    app = review_app(review, token=token, on_signed=signed.set_result, out=out)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
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
