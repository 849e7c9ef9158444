"""A stand-in for the hub on loopback: serves data sets from memory to the real client, as far as that client asks."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "a" * 40


@dataclass
class Hub:
    """What is served, and what was asked.

    Attributes:
        data: Files by path, by name of the data set; every commit and tag has the same.
        cut: Path of a file whose transfer breaks off; empty for none.
        url: Where it is.
        asked: Method and path of every request.
    """

    data: Mapping[str, Mapping[str, bytes]]
    cut: str = ""
    url: str = ""
    asked: list[str] = field(default_factory=list)

    def environment(self, home: Path) -> dict[str, str]:
        """Return the environment of a process whose client asks this hub and caches in `home`."""
        mine = {"HF_ENDPOINT": self.url, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "0"}
        return os.environ | mine | {"HF_HUB_DISABLE_XET": "1", "HF_DATASETS_OFFLINE": "0"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def answer(self) -> None:
        asked = urlsplit(self.path)
        path = unquote(asked.path)
        self.hub.asked.append(f"{self.command} {path}")
        for name, files in self.hub.data.items():
            if path.startswith(f"/api/datasets/{name}/tree/"):
                folder = path.split("/tree/")[1].partition("/")[2]
                return self.reply(_listing(folder, files, deep="recursive=true" in asked.query.lower()))
            if path.startswith(f"/api/datasets/{name}"):
                return self.reply({"id": name, "sha": COMMIT, "siblings": [{"rfilename": p} for p in files]})
            if path.startswith(f"/datasets/{name}/resolve/"):
                revision, _, file = path.split("/resolve/")[1].partition("/")
                return self.file(files.get(file), revision, cut=file == self.hub.cut)
        return self.reply({"error": "no such data set"}, {"X-Error-Code": "RepoNotFound"}, 404)

    do_GET = do_HEAD = answer  # noqa: N815 - the names that the library calls

    def file(self, content: bytes | None, revision: str, *, cut: bool) -> None:
        if content is None:
            return self.reply({"error": "no such file"}, {"X-Error-Code": "EntryNotFound"}, 404)
        commit = revision if len(revision) == len(COMMIT) else COMMIT
        headers = {"ETag": f'"{_digest(content)}"', "X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        if cut and self.command == "GET":
            self.close_connection = True
            return self.reply(content[:1], headers | {"Content-Length": str(len(content))})
        asked = self.headers.get("Range")
        if asked is None:
            return self.reply(content, headers)
        first, _, last = asked.removeprefix("bytes=").partition("-")
        part = content[int(first) : int(last or len(content) - 1) + 1]
        span = f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}"
        return self.reply(part, headers | {"Content-Range": span}, 206)

    def reply(self, body: Any, headers: Mapping[str, str] | None = None, code: int = 200) -> None:  # noqa: ANN401
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        for key, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Write nothing."""


@contextmanager
def serving(data: Mapping[str, Mapping[str, bytes]], cut: str = "") -> Iterator[Hub]:
    """Serve data sets until the end of the block."""
    hub = Hub(data, cut)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def _listing(folder: str, files: Mapping[str, bytes], *, deep: bool) -> list[dict[str, object]]:
    """Return what is in a folder, with all that is below it where asked."""
    start = f"{folder}/" if folder else ""
    found: dict[str, dict[str, object]] = {}
    for path, content in files.items():
        if path.startswith(start):
            child, below, _ = path[len(start) :].partition("/")
            if below:
                name = start + child
                found[name] = {"type": "directory", "path": name, "size": 0, "oid": COMMIT}
            if deep or not below:
                found[path] = {"type": "file", "path": path, "size": len(content), "oid": _digest(content)}
    return list(found.values())


def _digest(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()
