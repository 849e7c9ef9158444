"""A review page that runs in a thread of this process, and requests to it as a browser would send them."""

import asyncio
import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openrubrics.optimizers.refinement.evidence import Proposals
from openrubrics.optimizers.refinement.review import Review
from openrubrics.serving.review import aserve_review
from openrubrics.signatures.meta_rubric import MetaRubric


@dataclass
class Reply:
    """An answer of the server."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever was sent
        return json.loads(self.body)


class Served:
    """A page that is being served."""

    def __init__(self, proposals: Proposals, path: Path, out: str = "new.md", port: int = 0) -> None:
        self._port = port
        self._proposals = proposals
        self._path = path
        self._out = out
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[MetaRubric] | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.url = ""
        self.document: MetaRubric | None = None
        self.error: BaseException | None = None

    def _run(self) -> None:
        async def serve() -> None:
            with Review(self._proposals, self._path) as review:
                self._task = asyncio.ensure_future(
                    aserve_review(review, on_ready=self._told, out=self._out, port=self._port)
                )
                self.document = await self._task

        try:
            self._loop.run_until_complete(serve())
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            self.error = error
            self._ready.set()
        finally:
            self._loop.close()

    def _told(self, url: str) -> None:
        self.url = url
        self._ready.set()

    def start(self) -> None:
        self.thread.start()
        assert self._ready.wait(30)

    def stop(self) -> None:
        if self.thread.is_alive() and self._task:
            self._loop.call_soon_threadsafe(self._task.cancel)
        self.thread.join(30)

    @property
    def address(self) -> str:
        return self.url.split("/")[2]

    @property
    def path(self) -> str:
        return "/" + self.url.split("/", 3)[3]

    def ask(
        self,
        path: str = "",
        body: object = None,
        *,
        method: str = "",
        headers: dict[str, str | None] | None = None,
        absolute: bool = False,
    ) -> Reply:
        """Send one request as the page would; headers given replace those of the page, None leaves one out."""
        if isinstance(body, dict) and "head" not in body:
            body = {"head": self.head} | body
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        sent: dict[str, str | None] = {"Host": self.address}
        if content is not None:
            sent |= {"Origin": f"http://{self.address}", "Content-Type": "application/json"}
            sent |= {"X-CSRF-Token": self.csrf if headers is None or "X-CSRF-Token" not in headers else None}
        sent |= headers or {}
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            target = path if absolute else self.path + path
            connection.putrequest(method or ("GET" if content is None else "POST"), target, skip_host=True)
            for name, value in sent.items():
                if value is not None:
                    connection.putheader(name, value)
            if content is not None:
                connection.putheader("Content-Length", str(len(content)))
            connection.endheaders(content)
            reply = connection.getresponse()
            return Reply(reply.status, dict(reply.headers), reply.read())
        finally:
            connection.close()

    @property
    def csrf(self) -> str:
        return self.ask("review").json["csrf"]

    @property
    def head(self) -> str:
        return self.ask("review").json["state"]["head"]


@contextmanager
def served(proposals: Proposals, path: Path, out: str = "new.md") -> Iterator[Served]:
    """Serve a review until the end of the block."""
    page = Served(proposals, path, out)
    page.start()
    try:
        yield page
    finally:
        page.stop()
