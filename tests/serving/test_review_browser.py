"""The page of a review in a real browser: decided and signed by keyboard and by mouse, and nothing hostile runs."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from browser_plugin import Browser
from hostile_texts import Trap
from review_pages import Served, served
from reviews import small_document, some_proposals

from openrubrics.optimizers.refinement.decisions import read_decisions, replay
from openrubrics.signatures.edits import Modify
from openrubrics.signatures.meta_rubric import MetaPrinciple

pytestmark = pytest.mark.browser

READY = "document.documentElement.dataset.ready"
PROPOSALS = some_proposals()
MODIFIED, ADDED, DELETED = (one.id for one in PROPOSALS.proposals)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "decisions.jsonl"


@pytest.fixture
def page(browser: Browser, path: Path) -> Iterator[Served]:
    browser.send("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
    with served(PROPOSALS, path) as running:
        browser.visit(running.url)
        browser.wait_for(READY)
        yield running


def text(browser: Browser, selector: str) -> str:
    return browser.run(f"document.querySelector('{selector}').textContent")


def saved(browser: Browser, word: str) -> None:
    browser.wait_for(f"document.getElementById('said').textContent.startsWith('Saved: {word}')")


def focused(browser: Browser) -> str:
    return browser.run("document.activeElement.id || document.activeElement.textContent")


def tab_to(browser: Browser, wanted: str) -> None:
    """Press Tab until an element has the focus, which has to be seen."""
    for _ in range(60):
        browser.press("Tab")
        if focused(browser) == wanted:
            assert browser.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            return
    raise AssertionError(f"the focus never comes to {wanted}")


def test_a_review_by_keyboard_alone(browser: Browser, page: Served, path: Path) -> None:
    browser.press("Tab")
    assert focused(browser) == "Skip to the content"
    tab_to(browser, "who")
    browser.write("Ada")
    tab_to(browser, "note")
    browser.write("short is better")
    tab_to(browser, "choose-accept")
    browser.press("Enter")
    saved(browser, "accepted by Ada, not signed yet")
    assert focused(browser) == "choose-accept"
    assert browser.run("document.activeElement.getAttribute('aria-pressed')") == "true"

    browser.run("document.querySelector('#rows button').focus()")
    browser.press("ArrowDown")
    browser.press("Enter")
    assert focused(browser) == "Add sources"
    tab_to(browser, "choose-rewrite")
    browser.press(" ")
    assert focused(browser) == "text"
    browser.run("document.activeElement.select()")
    browser.write(" ... ")
    tab_to(browser, "save")
    browser.press("Enter")
    browser.wait_for("!document.getElementById('decide-problem').hidden")
    assert "a line needs a letter or a digit" in text(browser, "#decide-problem")
    assert len(read_decisions(path).records) == 1
    browser.run("document.getElementById('text').select()")
    browser.run("document.getElementById('text').focus()")
    browser.write("Says where claims come from.")
    tab_to(browser, "save")
    browser.press("Enter")
    saved(browser, "rewritten by Ada")
    assert text(browser, "#count") == "2 of 3 edits decided"
    assert browser.run("document.getElementById('decide-problem').hidden")
    assert "Nobody has judged them under another one" in text(browser, "#rewriting .note")

    assert browser.run("document.getElementById('sign-button').disabled")
    tab_to(browser, "leave")
    browser.press(" ")
    tab_to(browser, "name")
    assert browser.run("document.getElementById('sign-button').disabled")
    browser.write("Ada Lovelace")
    browser.press("Enter")
    browser.wait_for("!document.getElementById('done').hidden")
    assert focused(browser) == "done"
    page.thread.join(10)
    assert page.document == replay(small_document(), path)
    assert page.document is not None
    assert "version 2, and goes to new.md" in text(browser, "#done-text")
    assert read_decisions(path).head in text(browser, "#done-text")
    assert [one.text for one in page.document.part("health").principles] == [
        "No longer than it has to be.",
        "Sends people to a doctor where that is needed.",
        "Says where claims come from.",
    ]
    assert browser.happened("Runtime.exceptionThrown") == []


def test_a_review_by_mouse(browser: Browser, page: Served, path: Path) -> None:
    browser.click("#choose-accept")
    assert text(browser, "#decide-problem") == "Type your name above first."
    assert focused(browser) == "who"
    browser.write("Ben")
    browser.click("#choose-accept")
    saved(browser, "accepted by Ben")
    browser.click("#rows li:nth-child(3) button")
    browser.click("#choose-accept")
    browser.wait_for("!document.getElementById('decide-problem').hidden")
    assert "This does not fit with the other decisions" in text(browser, "#decide-problem")
    browser.click("#choose-reject")
    saved(browser, "rejected by Ben")
    browser.click("#rows li:nth-child(2) button")
    browser.click("#choose-reject")
    saved(browser, "rejected by Ben")
    assert browser.run("document.getElementById('leave-line').hidden")
    browser.click("#rows li:nth-child(1) button")
    browser.click("#choose-reject")
    saved(browser, "rejected by Ben")
    browser.click("#choose-accept")
    saved(browser, "accepted by Ben")
    marks = "[...document.querySelectorAll('#rows .mark')].map((one) => one.textContent)"
    assert browser.run(marks) == ["accepted", "rejected", "rejected"]
    browser.click("#name")
    browser.write("Ben")
    browser.click("#sign-button")
    browser.wait_for("!document.getElementById('done').hidden")
    page.thread.join(10)
    assert page.document == replay(small_document(), path)
    assert [record.kind for record in read_decisions(path).records] == ["decision"] * 5 + ["signature"]


def test_each_pair_is_shown_with_what_the_judge_said_before_and_after(browser: Browser, page: Served) -> None:
    assert page.url
    browser.click("#case details summary")
    shown = text(browser, "#case details[open]")
    for part in (
        "Response A people prefer this one",
        "Before judge prefers B",
        "After judge prefers A",
        "Score -1.5",
        "B shown first",
        "B by 2",
        "alike",
        "B (not in the response): First of all",
    ):
        assert part in shown, part
    assert browser.run("[...document.querySelectorAll('#case del')].map((one) => one.textContent.trim())") == [
        "The",
        "response",
        "is",
        "better.",
    ]


def test_what_was_typed_stays_while_looking_at_another_edit(browser: Browser, page: Served, path: Path) -> None:
    browser.run("document.getElementById('note').focus()")
    browser.write("half a thought")
    browser.click("#rows li:nth-child(2) button")
    assert browser.run("document.getElementById('note').value") == ""
    browser.click("#rows li:nth-child(1) button")
    assert browser.run("document.getElementById('note').value") == "half a thought"
    browser.run("document.getElementById('who').value = 'Ada'")
    browser.click("#choose-accept")
    saved(browser, "accepted")
    browser.visit(page.url)
    browser.wait_for(READY)
    assert text(browser, "#count") == "1 of 3 edits decided"
    assert text(browser, "#case h3") == "Add sources"
    assert browser.run("document.getElementById('who').value") == "Ada"
    page.stop()
    browser.click("#choose-accept")
    browser.wait_for("!document.getElementById('decide-problem').hidden")
    assert "The review is not running any more" in text(browser, "#decide-problem")
    assert len(read_decisions(path).records) == 1


def test_what_another_window_decided_is_seen_before_it_can_be_signed(
    browser: Browser, page: Served, path: Path
) -> None:
    browser.run("document.getElementById('who').value = 'Ada'")
    browser.click("#choose-reject")
    saved(browser, "rejected by Ada")
    page.ask("decide", {"proposal": MODIFIED, "verdict": "accept", "who": "Ben", "note": "no, it is good"})
    browser.click("#leave")
    browser.click("#name")
    browser.write("Ada")
    browser.click("#sign-button")
    browser.wait_for("!document.getElementById('sign-problem').hidden")
    assert "Something was decided in another window meanwhile" in text(browser, "#sign-problem")
    assert text(browser, "#said") == "Saved: accepted by Ben, not signed yet."
    assert browser.run("document.getElementById('note').value") == "no, it is good"
    assert text(browser, "#rows .mark") == "accepted"
    assert read_decisions(path).signed == ()
    browser.click("#sign-button")
    browser.wait_for("!document.getElementById('done').hidden")


def test_nothing_is_signed_while_something_typed_is_not_saved(browser: Browser, page: Served, path: Path) -> None:
    browser.run("document.getElementById('who').value = 'Ada'")
    browser.click("#choose-accept")
    saved(browser, "accepted")
    browser.click("#note")
    browser.write("an afterthought")
    assert text(browser, "#said").startswith("What you typed is not saved yet")
    browser.click("#rows li:nth-child(2) button")
    browser.click("#leave")
    browser.click("#name")
    browser.write("Ada")
    browser.click("#sign-button")
    assert "What you typed is not saved: Change long." in text(browser, "#sign-problem")
    assert read_decisions(path).signed == ()
    browser.click("#rows li:nth-child(1) button")
    browser.click("#choose-accept")
    saved(browser, "accepted")
    browser.click("#sign-button")
    browser.wait_for("!document.getElementById('done').hidden")
    page.thread.join(10)
    assert [one.note for one in read_decisions(path).records if one.kind == "decision"] == ["", "an afterthought"]


def test_a_rewritten_edit_is_shown_beside_the_proposed_one(browser: Browser, page: Served) -> None:
    assert page.url
    browser.run("document.getElementById('who').value = 'Ada'")
    browser.click("#choose-rewrite")
    browser.run("document.getElementById('type').value = 'critical'")
    browser.run("document.getElementById('type').dispatchEvent(new Event('change'))")
    assert text(browser, "#type-means") == "When it is critical."
    browser.run("document.getElementById('text').select()")
    browser.write("No longer than it must be.")
    browser.click("#save")
    saved(browser, "rewritten")
    assert text(browser, "#rewritten h4") == "As Ada rewrote it"
    assert browser.run("[...document.querySelectorAll('#rewritten ins')].map((one) => one.textContent)") == ["must"]
    assert text(browser, "#rewritten .mark.changed") == "critical"
    assert "writes version 2 of small to new.md" in text(browser, "#sign-goes")
    browser.click("#choose-reject")
    saved(browser, "rejected")
    assert text(browser, "#rewritten") == ""
    assert text(browser, "#type-means") == "When it is important."
    assert browser.run("document.getElementById('text').value") == "No longer than it has to be."


def test_a_screen_reader_finds_names_and_places(browser: Browser, page: Served) -> None:
    assert page.url
    browser.click("#choose-rewrite")
    browser.click("#case details summary")
    nodes = browser.send("Accessibility.getFullAXTree")["nodes"]
    named = [
        (n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes if "role" in n and not n["ignored"]
    ]
    assert {"banner", "navigation", "main", "contentinfo"} <= {role for role, _ in named}
    needed = ("button", "link", "textbox", "combobox", "checkbox", "table", "region", "heading", "article")
    assert [node for node in named if node[0] in needed and not node[1]] == []
    levels = browser.run(
        "[...document.querySelectorAll('h1, h2, h3, h4, h5')].filter((e) => e.checkVisibility())"
        ".map((one) => Number(one.tagName[1]))"
    )
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    browser.run("document.getElementById('theme').click()")
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 29)"


CONTRAST = """
(() => {
  const channel = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parts = (c) => c.match(/[\\d.]+/g).map(Number);
  const ground = (e) => { for (; e; e = e.parentElement) { const c = parts(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const poor = [];
  for (const e of document.querySelectorAll('body *')) {
    const says = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!says || !e.checkVisibility() || e.disabled || e.matches('.skip, option')) continue;
    const [a, b] = [light(parts(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push(`${e.className} ${e.textContent.slice(0, 30)}`);
  }
  return poor;
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_it_can_be_read_in_light_and_dark_wide_and_narrow(
    scheme: str, width: int, browser: Browser, page: Served
) -> None:
    assert page.url
    browser.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.send("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
    browser.run("document.getElementById('who').value = 'Ada'")
    browser.click("#choose-accept")
    saved(browser, "accepted")
    browser.click("#choose-rewrite")
    browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert browser.run(CONTRAST) == []
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    browser.send("Emulation.setEmulatedMedia", features=[])
    browser.send("Emulation.clearDeviceMetricsOverride")


def test_words_without_an_end_do_not_make_the_page_wide(browser: Browser, tmp_path: Path) -> None:
    with served(some_proposals(text="x" * 400), tmp_path / "decisions.jsonl") as page:
        browser.send("Emulation.setDeviceMetricsOverride", width=700, height=800, deviceScaleFactor=1, mobile=False)
        browser.visit(page.url)
        browser.wait_for(READY)
        browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    browser.send("Emulation.clearDeviceMetricsOverride")


@pytest.fixture
def trap() -> Iterator[Trap]:
    trap = Trap()
    yield trap
    trap.close()


def test_nothing_of_a_hostile_review_runs_loads_or_becomes_markup(browser: Browser, trap: Trap, tmp_path: Path) -> None:
    everything = "\n".join(trap.texts)
    edits = [
        Modify(part="health", principle=MetaPrinciple(name="long", type=type_, text=everything))
        for type_ in ("critical", "core", "highlight")
    ]
    proposals = some_proposals(edits, text=everything, document=small_document(when=everything))
    path = tmp_path / "decisions.jsonl"
    with served(proposals, path, out=everything) as page:
        browser.visit(page.url)
        browser.wait_for(READY)
        browser.run("document.getElementById('who').focus()")
        browser.write(trap.texts[4][:150])
        for place in range(3):
            browser.run(f"document.querySelectorAll('#rows button')[{place}].click()")
            browser.run("document.querySelectorAll('#case summary').forEach((one) => one.click())")
            browser.run("document.getElementById('note').focus()")
            browser.write(trap.texts[5])
            browser.run("document.getElementById('choose-reject').click()")
            saved(browser, "rejected")
            shown = browser.run("[...document.querySelectorAll('#case pre.text')].map((one) => one.textContent)")
            assert len(shown) == 9
            assert all(one in part for part in shown for one in (trap.texts[0], trap.texts[4], trap.texts[10]))
        browser.run("document.getElementById('choose-rewrite').click()")
        browser.run("document.getElementById('text').select()")
        browser.run("document.getElementById('text').focus()")
        browser.write(trap.texts[4])
        browser.run("document.getElementById('save').click()")
        saved(browser, "rewritten")
        browser.visit(page.url)
        browser.wait_for(READY)
        foreign = "iframe, object, embed, img, base, template, svg, style, form[action], a:not([href^='#'])"
        assert browser.run(f'document.querySelectorAll("{foreign}").length') == 0
        assert browser.run("document.querySelectorAll('script').length") == 1
        handlers = (
            "[...document.querySelectorAll('*')].filter((e) => [...e.attributes].some((a) => a.name.startsWith('on')))"
        )
        assert browser.run(f"{handlers}.length") == 0
        browser.run("document.getElementById('name').focus()")
        browser.write(trap.texts[0][:100])
        browser.run("document.getElementById('sign-button').click()")
        browser.wait_for("!document.getElementById('done').hidden")
        own = [e["request"]["url"] for e in browser.happened("Network.requestWillBeSent")]
        assert all(url.startswith((page.url, "about:blank")) for url in own), own
        page.thread.join(10)
    assert trap.asked == []
    assert browser.run("window.pwned") is None
    assert browser.happened("Page.javascriptDialogOpening", "Runtime.exceptionThrown") == []
    assert [event for event in browser.happened("Audits.issueAdded") if "contentSecurityPolicy" in str(event)] == []
    assert page.document is not None


def test_the_policy_refuses_what_would_run_if_it_got_in(browser: Browser, page: Served, trap: Trap) -> None:
    assert page.url
    taken = "(() => { try { document.body.innerHTML = '<b>x</b>'; return true; } catch { return false; } })()"
    assert not browser.run(taken)
    browser.run(f"Object.assign(document.createElement('img'), {{ src: '{trap.url}/image' }}).decode().catch(() => 0)")
    assert browser.run(f"fetch('{trap.url}/f').then(() => 'sent', () => 'refused')") == "refused"
    browser.run("new Promise((done) => setTimeout(done, 200))")
    assert trap.asked == []
