"""A real browser without a screen, spoken to over Chromium's DevTools protocol (two pipes, no port)."""

import json
import os
import select
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# Read on import: no test sees variables of this project.
REQUIRED = os.environ.get("OPENRUBRICS_REQUIRE_BROWSER") == "1"
NAMES = (os.environ.get("OPENRUBRICS_BROWSER", ""), "chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
    *("--no-proxy-server", "--remote-debugging-pipe"),
)
TIMEOUT = 60.0


class Browser:
    """A running browser with one tab."""

    def __init__(self, program: str, profile: Path) -> None:
        read_commands, self._write = os.pipe()
        self._read, write_replies = os.pipe()
        command = shlex.join([program, *FLAGS, f"--user-data-dir={profile}", "about:blank"])
        self._process = subprocess.Popen(  # noqa: S603
            ["/bin/bash", "-c", f"exec {command} 3<&{read_commands} 4>&{write_replies}"],
            pass_fds=(read_commands, write_replies),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(read_commands)
        os.close(write_replies)
        self._number = 0
        self._rest = b""
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        page = next(t for t in self.send("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self._session = self.send("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "Audits"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: object) -> dict[str, Any]:
        """Send a command and return its result; events that come meanwhile are kept."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        return self._until(lambda reply: reply.get("id") == self._number, method)["result"]

    def _until(self, wanted: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        end = time.monotonic() + TIMEOUT
        while True:
            while b"\0" not in self._rest:
                if not select.select([self._read], [], [], max(0.0, end - time.monotonic()))[0]:
                    raise TimeoutError(what)
                self._rest += os.read(self._read, 1 << 20) or b'{"id": -1, "error": "gone"}\0'
            line, _, self._rest = self._rest.partition(b"\0")
            message = json.loads(line)
            if "error" in message:
                raise RuntimeError(f"{what}: {message['error']}")
            if wanted(message):
                return message
            self.events.append(message)

    def open(self, path: Path, fragment: str = "") -> None:
        """Open a file and wait until its load event; what happened before is forgotten."""
        self.visit(f"{path.resolve().as_uri()}{fragment}")

    def visit(self, url: str) -> None:
        """Open an address in the same way."""
        for place in ("about:blank", url):
            self.events.clear()
            self.send("Page.navigate", url=place)
            if not self.happened("Page.loadEventFired"):
                self.events.append(self._until(lambda event: event.get("method") == "Page.loadEventFired", "load"))

    def run(self, script: str) -> Any:  # noqa: ANN401 - whatever the script gives
        """Return what an expression of JavaScript comes to; a promise is waited for."""
        done = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def wait_for(self, script: str) -> None:
        """Wait until an expression is true."""
        self.run(
            f"new Promise((done) => {{ const look = () => ({script}) ? done() : setTimeout(look, 20); look(); }})",
        )

    def press(self, key: str) -> None:
        """Press a key where the focus is."""
        text = {"Enter": "\r", " ": " "}.get(key, "")
        self.send(
            "Input.dispatchKeyEvent", type="keyDown", key=key, code=key, text=text, windowsVirtualKeyCode=CODES[key]
        )
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=CODES[key])

    def write(self, text: str) -> None:
        """Write where the focus is."""
        self.send("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """Click with the mouse into the middle of an element."""
        self.run(
            f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center', behavior: 'instant'}})"
        )
        box = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
        x, y = self.run(f"[{box}.x + {box}.width / 2, {box}.y + {box}.height / 2]")
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def happened(self, *methods: str) -> list[dict[str, Any]]:
        """Return the parameters of the events of these kinds since the page was opened."""
        return [event["params"] for event in self.events if event.get("method") in methods]

    def close(self) -> None:
        """End the browser and all of its processes."""
        os.close(self._write)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._read)


CODES = {"Tab": 9, "Enter": 13, " ": 32, "ArrowUp": 38, "ArrowDown": 40}


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The browser that OPENRUBRICS_BROWSER names, or one that is installed.

    Without it the test is skipped, or fails where OPENRUBRICS_REQUIRE_BROWSER=1.
    """
    program = next((found for name in NAMES if name and (found := shutil.which(name))), None)
    if program is None:
        reason = "no browser: get one with scripts/browser-env, or name a Chromium with OPENRUBRICS_BROWSER"
        if REQUIRED:
            pytest.fail(reason)
        pytest.skip(reason)
    running = Browser(program, tmp_path_factory.mktemp("browser"))
    yield running
    running.close()
