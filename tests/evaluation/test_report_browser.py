"""The page in a real browser: nothing hostile runs, cases are found and read by keyboard, ten thousand open at once."""

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from browser_plugin import Browser
from hostile_texts import Trap
from report_runs import SAID, hostile_rubric, some_pairs, write_pairs, write_run

from openrubrics.evaluation import EvaluatedPair
from openrubrics.evaluation.report import read_folder, write_report
from openrubrics.signatures import Failed, PreferencePair, Tie, Verdict
from openrubrics.signatures.outcomes import Compared, Finding
from openrubrics.signatures.values import Label

pytestmark = pytest.mark.browser

READY = "document.documentElement.dataset.ready"


@pytest.fixture
def trap() -> Iterator[Trap]:
    trap = Trap()
    yield trap
    trap.close()


def hostile_page(trap: Trap, folder: Path) -> Path:
    """A page with each text in each place that a file or a model can fill."""
    pairs = [
        PreferencePair(id=f"{n} {text}", prompt=text, chosen=f"{text} chosen", rejected=text, domain=text, source=text)
        for n, text in enumerate(trap.texts)
    ]
    labels: tuple[Label, ...] = ("A", "B")
    findings = tuple(
        Finding(criterion=number, response=label, text=text)
        for number, text in enumerate(trap.texts, 1)
        for label in labels
    )
    everything = "\n".join(trap.texts)
    outcomes: dict[str, Any] = {
        "A": Verdict(preferred="A", gatekeeper=everything, findings=findings, justification=everything),
        "t": Tie(reason=everything, gatekeeper=everything, findings=findings),
        "f": Failed(reason=everything, raw=everything),
    }
    said = [("AA", "tt", "ff", "At")[number % 4] for number in range(len(pairs))]
    first = write_run(
        folder / trap.texts[4].replace("/", "-"),
        pairs,
        said,
        rubric=hostile_rubric(trap.texts),
        outcomes=outcomes,
        lm=everything,
        method=everything,
        extras={everything: everything, "source": {"pairs": everything}},
    )
    second = write_run(folder / "second", pairs, said[::-1], outcomes=outcomes, lm=everything)
    runs = [read_folder(first), read_folder(second)]
    source = write_pairs(folder / "pairs.jsonl", pairs)
    return write_report(runs, folder / "report.html", pairs=[str(source)])[0]


def marks(browser: Browser, trap: Trap) -> list[object]:
    """Whatever shows that something ran, was loaded, or left the page."""
    browser.run("new Promise((done) => setTimeout(done, 300))")
    found: list[object] = list(trap.asked)
    if browser.run("window.pwned") or browser.run("document.title").startswith("pwned"):
        found.append("a script ran")
    blocked = {event["requestId"] for event in browser.happened("Network.loadingFailed") if event.get("blockedReason")}
    asked = [e for e in browser.happened("Network.requestWillBeSent") if e["requestId"] not in blocked]
    found += [e["request"]["url"] for e in asked if not e["request"]["url"].startswith(("file:", "about:blank"))]
    found += browser.happened("Page.javascriptDialogOpening")
    return found


def refused(browser: Browser) -> list[object]:
    """What the policy had to refuse: nothing, where everything is escaped."""
    return [event for event in browser.happened("Audits.issueAdded") if "contentSecurityPolicy" in str(event)]


def test_nothing_of_a_hostile_run_runs_loads_or_becomes_markup(browser: Browser, trap: Trap, tmp_path: Path) -> None:
    browser.open(hostile_page(trap, tmp_path))
    browser.wait_for(READY)
    for number in range(2):
        browser.run(f"document.getElementById('run').value = '{number}'")
        browser.run("document.getElementById('run').dispatchEvent(new Event('change'))")
        browser.wait_for(f"location.hash.startsWith('#case-{number + 1}-')")
        for place, text in enumerate(trap.texts):
            browser.run(f"document.querySelectorAll('#rows button')[{place}].click()")
            browser.wait_for(f"document.querySelector('#case h3').textContent.startsWith('{place} ')")
            browser.run("document.querySelectorAll('#case summary').forEach((one) => one.click())")
            shown = browser.run("[...document.querySelectorAll('#case pre.text')].map((one) => one.textContent)")
            assert text in shown
    browser.run("document.getElementById('query').value = '<script>'")
    browser.run("document.getElementById('query').dispatchEvent(new Event('input'))")
    browser.wait_for("document.getElementById('count').textContent.endsWith('cases')")

    assert marks(browser, trap) == []
    assert refused(browser) == []
    assert browser.happened("Runtime.exceptionThrown") == []
    assert browser.run("document.title").startswith("openrubrics: ")
    foreign = "iframe, object, embed, img, base, link, form[action], template, animate, video, a:not([href^='#'])"
    assert browser.run(f'document.querySelectorAll("{foreign}").length') == 0
    handlers = (
        "[...document.querySelectorAll('*')].filter((e) => [...e.attributes].some((a) => a.name.startsWith('on')))"
    )
    assert browser.run(f"{handlers}.length") == 0
    assert browser.run("document.querySelectorAll('script:not([type])').length") == 1


def adaptive_page(texts: list[str], folder: Path) -> Path:
    """A page of a judge that wrote its own criteria, with each text wherever a model can write one."""
    pairs = some_pairs(len(texts))
    write_run(folder / "run", pairs, ["++"] * len(texts), method="openrs")
    path = folder / "run" / "judgments.jsonl"
    lines = []
    for line, text in zip(path.read_text().splitlines(), texts, strict=True):
        judged = EvaluatedPair.model_validate_json(line)
        one = Compared(
            text=f"1 {text}",
            type="critical",
            better="B",
            by=2,
            evidence_a=text,
            evidence_b=text,
            reason=text,
            unquoted=("B",),
        )
        orders = tuple(
            order.model_copy(update={"compared": (one, one.model_copy(update={"better": "tie"})), "score": -0.5})
            for order in judged.judgment.orders
        )
        changed = judged.judgment.model_copy(update={"orders": orders, "reference_assisted": True, "domain": text})
        lines.append(judged.model_copy(update={"judgment": changed}).line().decode())
    path.write_text("\n".join(lines) + "\n")
    return write_report([read_folder(folder / "run")], folder / "report.html")[0]


def test_criteria_with_margins_and_evidence_are_shown_as_text(browser: Browser, trap: Trap, tmp_path: Path) -> None:
    browser.open(adaptive_page(trap.texts, tmp_path))
    browser.wait_for(READY)
    for place, text in enumerate(trap.texts):
        browser.run(f"document.querySelectorAll('#rows button')[{place}].click()")
        browser.wait_for(f"document.querySelector('#case h3').textContent.startsWith('pair-{place}')")
        shown = browser.run("document.getElementById('case').textContent")
        assert shown.count(text) >= 2 * 2 * 4
        assert ("B by 2" in shown, "not found in Response B" in shown, "not found in Response A" in shown) == (
            True,
            True,
            False,
        )
        assert "score -0.500, above 0 for Response A" in shown
        assert f"Judged by the part {text} of the meta-rubric." in shown
        assert ("reason (Response B is A in it, as it was shown)" in shown) == ("B shown first" in shown)
        assert "B shown first" in shown
        assert "Reference-assisted: the judge was given the right answer." in shown
    assert marks(browser, trap) == []
    assert refused(browser) == []
    assert browser.happened("Runtime.exceptionThrown") == []


AT_ONCE = (0, 1, 3, 4, 5, 7, 10, 13, 14)
"""Places of the texts that run or load without anybody's doing."""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A small page."""
    return write_report([read_folder(write_run(tmp_path / "run", some_pairs(), ["++"] * 4))], tmp_path / "page.html")[0]


def with_hole(page: Path, hole: str, *, policy: bool) -> Path:
    """The page as it would be with one text that nobody escaped."""
    text = page.read_text().replace("<footer>", f"{hole}<footer>")
    if not policy:
        start = text.index("<meta http-equiv")
        text = text[:start] + text[text.index(">", start) + 1 :]
    path = page.with_name("hole.html")
    path.write_text(text)
    return path


def test_what_is_not_escaped_would_be_seen(browser: Browser, trap: Trap, page: Path) -> None:
    for place in AT_ONCE:
        trap.asked.clear()
        browser.open(with_hole(page, trap.texts[place], policy=False))
        assert marks(browser, trap) != [], trap.texts[place]


def test_the_policy_refuses_what_was_not_escaped(browser: Browser, trap: Trap, page: Path) -> None:
    for place in AT_ONCE:
        browser.open(with_hole(page, trap.texts[place], policy=True))
        assert marks(browser, trap) == [], trap.texts[place]
        assert refused(browser) != [], trap.texts[place]


def count(browser: Browser) -> str:
    return browser.run("document.getElementById('count').textContent")


def test_cases_are_filtered_searched_and_read_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    pairs = some_pairs(12, domains=("maths", "chat", "code"))
    said = ["++", "--", "tt", "ff", "+-", "++"] * 2
    first = read_folder(write_run(tmp_path / "first", pairs, said, outcomes=SAID))
    second = read_folder(write_run(tmp_path / "second", pairs, ["++"] * 12))
    source = write_pairs(tmp_path / "pairs.jsonl", pairs)
    page, *_ = write_report([first, second], tmp_path / "report.html", pairs=[str(source)])
    browser.open(page, "#case-1-4")
    browser.wait_for(READY)
    assert browser.run("document.activeElement.textContent") == "pair-3"
    assert count(browser) == "12 of 12 cases"
    assert browser.run("document.getElementById('count').getAttribute('aria-live')") == "polite"

    for name, expected in {"wrong": 2, "flipped": 2, "tied": 4, "failed": 2, "right": 4}.items():
        browser.run(f"document.querySelector('input[value={name}]').click()")
        assert count(browser) == f"{expected} of 12 cases", name
    browser.run("document.querySelector('input[value=all]').click()")
    browser.run("document.getElementById('domain').selectedIndex = 1")
    browser.run("document.getElementById('domain').dispatchEvent(new Event('change', { bubbles: true }))")
    assert count(browser) == "4 of 12 cases"
    browser.run("document.getElementById('domain').selectedIndex = 0")
    browser.run("document.getElementById('query').value = 'EIGHT, 7,'")
    browser.run("document.getElementById('query').dispatchEvent(new Event('input', { bubbles: true }))")
    browser.wait_for("document.getElementById('count').textContent === '1 of 12 cases'")
    browser.run("document.getElementById('query').value = ''")
    browser.run("document.getElementById('query').dispatchEvent(new Event('input', { bubbles: true }))")
    browser.wait_for("document.getElementById('count').textContent === '12 of 12 cases'")

    browser.run("document.querySelector('#rows button').focus()")
    browser.press("ArrowDown")
    browser.press("Enter")
    browser.wait_for("document.activeElement.textContent === 'pair-1'")
    assert browser.run("location.hash") == "#case-1-2"
    browser.press("Tab")
    browser.press("Tab")
    browser.press("Enter")
    browser.wait_for("document.activeElement.textContent === 'pair-2'")

    browser.run("document.getElementById('run').value = '1'")
    browser.run("document.getElementById('run').dispatchEvent(new Event('change'))")
    browser.wait_for("location.hash.startsWith('#case-2-')")
    browser.run("document.querySelector('input[value^=differs]').click()")
    assert count(browser) == "8 of 12 cases"
    assert browser.happened("Runtime.exceptionThrown") == []


def test_a_screen_reader_finds_names_and_places(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.wait_for(READY)
    nodes = browser.send("Accessibility.getFullAXTree")["nodes"]
    named = [
        (n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes if "role" in n and not n["ignored"]
    ]
    assert {"banner", "navigation", "main", "contentinfo", "search"} <= {role for role, _ in named}
    needed = ("button", "link", "textbox", "searchbox", "combobox", "radio", "image", "table", "region", "heading")
    assert [node for node in named if node[0] in needed and not node[1]] == []
    levels = browser.run("[...document.querySelectorAll('h1, h2, h3, h4')].map((one) => Number(one.tagName[1]))")
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    browser.press("Tab")
    assert browser.run("document.activeElement.className") == "skip"
    assert browser.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.run("document.getElementById('theme').click()")
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 29)"
    assert browser.run("document.getElementById('theme').textContent") == "Light colours"


def test_ten_thousand_cases_open_within_seconds(browser: Browser, tmp_path: Path) -> None:
    pairs = some_pairs(10_000, domains=[f"domain {number}" for number in range(12)])
    run = read_folder(write_run(tmp_path / "run", pairs, ["++", "--", "+-", "tt", "ff"] * 2_000))
    source = write_pairs(tmp_path / "pairs.jsonl", pairs)
    page, *_ = write_report([run], tmp_path / "report.html", pairs=[str(source)])
    start = time.monotonic()
    browser.open(page)
    browser.wait_for(READY)
    assert time.monotonic() - start < 5
    assert count(browser) == "10,000 of 10,000 cases"
    assert browser.run("document.querySelectorAll('#rows button').length") == 50
    start = time.monotonic()
    browser.run("document.getElementById('query').value = 'prime 9876.'")
    browser.run("document.getElementById('query').dispatchEvent(new Event('input', { bubbles: true }))")
    browser.wait_for("document.getElementById('count').textContent === '1 of 10,000 cases'")
    browser.wait_for("document.querySelector('#case h3').textContent === 'pair-9876'")
    assert time.monotonic() - start < 20
