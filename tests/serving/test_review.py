"""The page of a review over HTTP: whom it answers, what it saves, and what it never does."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from review_pages import Reply, Served, served
from reviews import small_document, some_proposals

from openrubrics.optimizers.refinement.decisions import read_decisions, replay
from openrubrics.signatures.errors import UsageError

PROPOSALS = some_proposals()
MODIFIED, ADDED, DELETED = (one.id for one in PROPOSALS.proposals)
ACCEPT = {"proposal": MODIFIED, "verdict": "accept", "who": "Ada"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "decisions.jsonl"


@pytest.fixture
def page(path: Path) -> Iterator[Served]:
    with served(PROPOSALS, path) as running:
        yield running


def decided(path: Path) -> int:
    return len(read_decisions(path).records)


def test_a_review_from_the_first_look_to_the_signature(page: Served, path: Path) -> None:
    shown = page.ask("review").json
    assert [one["kind"] for one in shown["proposals"]] == ["modify", "add", "delete"]
    assert (shown["domain"], shown["pairs"], shown["right"], shown["out"]) == ("health", 40, 25, "new.md")
    assert shown["proposals"][0]["fixes"][0]["before"]["orders"][0]["compared"][0]["better"] == "B"
    assert shown["state"]["undecided"] == [MODIFIED, ADDED, DELETED]

    state = page.ask("decide", ACCEPT | {"note": "short is better"}).json["state"]
    assert state["standing"][MODIFIED]["verdict"] == "accept"
    assert decided(path) == 1
    rewritten = {"proposal": ADDED, "verdict": "rewrite", "who": "Ada", "type": "core", "text": "Says where from."}
    state = page.ask("decide", rewritten).json["state"]
    assert [(one["principle"]["name"], one["change"]) for one in state["result"]] == [
        ("long", "changed"),
        ("doctor", "kept"),
        ("sources", "added"),
    ]
    refused = page.ask("sign", {"name": "Ada"})
    assert (refused.status, refused.json["error"]) == (422, "1 of 3 edits have no decision")
    signed = page.ask("sign", {"name": "Ada Lovelace", "leave_undecided": True}).json
    assert signed["signed"] == "version 2"
    page.thread.join(10)
    assert not page.thread.is_alive()
    assert page.document == replay(small_document(), path)
    assert read_decisions(path).head == signed["state"]["head"]


def test_what_is_sent_is_whole_and_reaches_nothing_else(page: Served) -> None:
    whole, style, script = page.ask(""), page.ask("page.css"), page.ask("page.js")
    kinds = [reply.headers["Content-Type"] for reply in (whole, style, script)]
    assert kinds == ["text/html; charset=utf-8", "text/css; charset=utf-8", "text/javascript; charset=utf-8"]
    for reply in (whole, style, script):
        text = reply.body.decode().replace("http://127.0.0.1", "")
        assert "http:" not in text
        assert "https:" not in text
        assert "url(" not in text
    assert whole.body.count(b"<script") == 1
    assert b"<style" not in whole.body
    assert b" on" not in b"".join(part.split(b">")[0] for part in whole.body.split(b"<")[1:])
    assert b"innerHTML" not in script.body
    assert b"insertAdjacent" not in script.body


REPLIES = ["", "page.css", "page.js", "review", "absent"]


@pytest.mark.parametrize("path_", REPLIES)
def test_every_reply_says_what_a_browser_may_do(path_: str, page: Served) -> None:
    check_headers(page.ask(path_))


def check_headers(reply: Reply) -> None:
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'; trusted-types 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    wanted = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Server": "openrubrics",
    }
    assert wanted.items() <= reply.headers.items()
    assert "Access-Control-Allow-Origin" not in reply.headers
    assert "Set-Cookie" not in reply.headers


def test_only_this_address_is_answered(page: Served) -> None:
    port = page.address.rpartition(":")[2]
    for host in (
        "evil.example",
        f"evil.example:{port}",
        f"localhost:{port}",
        "127.0.0.1",
        f"127.0.0.1:{port}.evil",
        "",
    ):
        for reply in (page.ask("review", headers={"Host": host}), page.ask(headers={"Host": host})):
            assert reply.status in (400, 403), host
            assert MODIFIED.encode() not in reply.body
    assert page.ask("review", headers={"Host": None}).status in (400, 403)
    check_headers(page.ask("review", headers={"Host": "evil.example"}))


def test_the_address_holds_a_secret(page: Served) -> None:
    token = page.path.strip("/")
    assert len(token) >= 40
    for target in (
        "/",
        "/review",
        f"/{token[:-1]}/",
        f"/{token}x/review",
        f"/{token.swapcase()}/review",
        "/%00/review",
    ):
        reply = page.ask(target, absolute=True)
        assert reply.status == 404, target
        assert token.encode() not in reply.body
    for target in (f"/{token}/../review", f"/{token}//review", f"/{token}/page.py", f"/{token}/..%2fapp.py"):
        assert page.ask(target, absolute=True).status == 404


def test_what_is_no_http_is_not_logged(page: Served, caplog: pytest.LogCaptureFixture) -> None:
    host, _, port = page.address.rpartition(":")
    for sent in (b"\x1b]0;x\x07\r\n\r\n", b"GET " + page.path.encode() + b"\x1b HTTP/1.1\r\n\r\n"):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(sent)
            assert b"400 Bad Request" in connection.recv(100)
    assert page.ask("review").status == 200
    assert caplog.text == ""


def test_it_listens_on_loopback_alone(page: Served) -> None:
    port = int(page.address.rpartition(":")[2])
    assert page.address.startswith("127.0.0.1:")
    try:
        name = socket.gethostbyname(socket.gethostname())
    except OSError:
        name = ""
    if name and not name.startswith("127."):
        with pytest.raises(OSError, match="refused"), socket.create_connection((name, port), timeout=2):
            pass


FOREIGN: dict[str, tuple[dict[str, str | None], int]] = {
    "no origin": ({"Origin": None}, 403),
    "null": ({"Origin": "null"}, 403),
    "another site": ({"Origin": "http://evil.example"}, 403),
    "another port": ({"Origin": "http://127.0.0.1:1"}, 403),
    "another scheme": ({"Origin": "https://127.0.0.1"}, 403),
    "cross-site": ({"Sec-Fetch-Site": "cross-site"}, 403),
    "same site": ({"Sec-Fetch-Site": "same-site"}, 403),
    "no token": ({"X-CSRF-Token": None}, 403),
    "wrong token": ({"X-CSRF-Token": "x" * 43}, 403),
    "empty token": ({"X-CSRF-Token": ""}, 403),
    "a form": ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    "plain text": ({"Content-Type": "text/plain"}, 415),
    "no type": ({"Content-Type": None}, 415),
}


@pytest.mark.parametrize("how", FOREIGN)
def test_posts_of_other_sites_are_refused(how: str, page: Served, path: Path) -> None:
    headers, status = FOREIGN[how]
    sent = {"X-CSRF-Token": page.csrf} | headers
    for target, body in (("decide", ACCEPT), ("sign", {"name": "Eve", "leave_undecided": True})):
        reply = page.ask(target, body, headers=sent)
        assert reply.status == status
        assert reply.json["error"]
        check_headers(reply)
    assert decided(path) == 0
    assert page.ask("decide", ACCEPT).status == 200


def test_other_methods_are_refused(page: Served, path: Path) -> None:
    for target in ("decide", "sign"):
        reply = page.ask(target)
        assert (reply.status, reply.headers["Allow"]) == (405, "POST")
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        reply = page.ask("review", {}, method=method)
        assert reply.status == 405
        assert reply.headers["Allow"] == "GET,HEAD"
    assert page.ask("review", {}, method="TRACE", headers={"Origin": None}).status == 403
    assert decided(path) == 0


def test_nobody_decides_or_signs_over_what_another_window_decided(page: Served, path: Path) -> None:
    seen = page.head
    page.ask("decide", ACCEPT)
    late: list[tuple[str, dict[str, object]]] = [
        ("decide", {"proposal": MODIFIED, "verdict": "reject", "who": "Ben"}),
        ("sign", {"name": "Ben", "leave_undecided": True}),
    ]
    for target, body in late:
        reply = page.ask(target, {"head": seen} | body)
        assert (reply.status, reply.json["error"]) == (409, "something was decided in another window meanwhile")
        assert reply.json["state"]["standing"][MODIFIED]["verdict"] == "accept"
        assert page.ask(target, {"head": None} | body).status == 422
    assert decided(path) == 1
    for target, body in late:
        assert page.ask(target, {"head": page.head} | body).status == 200


def test_what_is_too_large_or_no_decision_is_refused(page: Served, path: Path) -> None:
    assert page.ask("decide", ACCEPT | {"note": "n" * 70_000}).status == 413
    wrong: list[tuple[object, str]] = [
        (b"", "Invalid JSON"),
        (b"\xff\xfe", "Invalid JSON"),
        (b"[" * 60_000, "Invalid JSON"),
        ([], "Input should be an object"),
        ({"proposal": MODIFIED, "verdict": "accept"}, "who: Field required"),
        (ACCEPT | {"verdict": "burn"}, "verdict: Input should be"),
        (ACCEPT | {"who": 7}, "who: Input should be a valid string"),
        (ACCEPT | {"more": "x"}, "more: Extra inputs"),
        (ACCEPT | {"proposal": "absent"}, "there is no proposal 'absent'"),
        (ACCEPT | {"proposal": "a" * 65}, "proposal: String should have at most 64"),
        (ACCEPT | {"who": " "}, "the name is missing"),
        (ACCEPT | {"note": "n" * 4_001}, "the note has 4001 characters"),
        (ACCEPT | {"verdict": "rewrite", "type": "core", "text": ""}, "a line needs a letter"),
        (ACCEPT | {"verdict": "rewrite", "type": "huge", "text": "Yes."}, "type: Input should be 'critical'"),
    ]
    for body, said in wrong:
        reply = page.ask("decide", body)
        assert reply.status == 422
        assert said in reply.json["error"], reply.json
    assert decided(path) == 0
    assert "JSON" in page.ask("decide", b'{"who": "\\ud800"}').json["error"]


HOSTILE = "<img src=x onerror=alert(1)> </script> \"' & \u202e\x1b]8;;x\x07 \u2028 {{x}}"


def test_texts_are_data_in_every_field(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    with served(some_proposals(text=HOSTILE), path, out=f"{HOSTILE}.md") as page:
        reply = page.ask("review")
        assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
        assert "\u202e" not in json.dumps(reply.json, ensure_ascii=False)
        assert "\x1b" not in json.dumps(reply.json, ensure_ascii=False)
        assert "onerror" in reply.json["proposals"][0]["why"]
        assert b"onerror" not in page.ask("").body
        sent = {"verdict": "rewrite", "who": HOSTILE, "note": HOSTILE, "type": "core", "text": HOSTILE}
        saved = page.ask("decide", {"proposal": ADDED, **sent})
        assert saved.status == 200
        refused = page.ask("decide", ACCEPT | {"proposal": HOSTILE})
        assert refused.headers["Content-Type"].startswith("application/json")
        assert page.ask("sign", {"name": HOSTILE, "leave_undecided": True}).status == 200
        page.thread.join(10)
    assert page.document == replay(small_document(), path)


def test_nothing_is_decided_after_the_signature_and_an_end_loses_nothing(path: Path) -> None:
    with served(PROPOSALS, path) as page:
        page.ask("decide", ACCEPT)
    assert page.document is None
    assert decided(path) == 1
    with served(PROPOSALS, path) as page:
        state = page.ask("review").json["state"]
        assert (state["unsigned"], state["standing"][MODIFIED]["who"]) == (1, "Ada")
        page.ask("sign", {"name": "Ada", "leave_undecided": True})
        page.thread.join(10)
    assert page.document == replay(small_document(), path)


def test_a_port_that_is_taken_is_said(path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        page = Served(PROPOSALS, path, port=taken.getsockname()[1])
        page.start()
        page.stop()
    assert isinstance(page.error, UsageError)
    assert "cannot be used on 127.0.0.1" in page.error.message
