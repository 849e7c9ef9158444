"""The text form of a judgment is read back part by part, and from whatever models make of it."""

import re
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from openrubrics.signatures import (
    Criterion,
    Finding,
    JudgeForm,
    JudgeTrace,
    Label,
    ParseError,
    Rubric,
    Tie,
    Verdict,
    render_judgment,
)
from openrubrics.signatures.judge_text import Winner

RUBRIC = Rubric(
    criteria=(
        Criterion(text="The response has at most 100 words.", kind="hard_rule"),
        Criterion(text="The response states its conclusion first.", kind="principle"),
        Criterion(text="The response gives one example.", kind="principle"),
    )
)
FINDINGS = (
    Finding(criterion=1, response="A", text="It has 80 words."),
    Finding(criterion=2, response="A", text="The conclusion is in the first line."),
    Finding(criterion=1, response="B", text="It has 120 words."),
    Finding(criterion=2, response="B", text="The conclusion is missing."),
)
SEED = """\
--- Compliance Check ---
Identified Gatekeeper Criterion: Criterion 1: at most 100 words.

--- Analysis ---
**Response A:**
- Criterion 1 [Hard Rule]: Justification: It has 80 words.
- Criterion 2 [Principle]: Justification: The conclusion is in the first line.
**Response B:**
- Criterion 1 [Hard Rule]: Justification: It has 120 words.
- Criterion 2 [Principle]: Justification: The conclusion is missing.

--- Final Judgment ---
Justification: Only A keeps to the limit.
Winner: Response A"""
V3 = SEED.replace("Identified", "Gatekeeper Reasoning: The limit can be counted.\nIdentified").replace(
    "Justification: Only", "Aggregation Summary: A keeps both.\nJustification: Only"
)


def test_the_forms_are_the_skeletons_of_the_contract() -> None:
    forms: dict[JudgeForm, str] = {"seed": SEED, "v3": V3}
    for form, text in forms.items():
        assert text == render_judgment(
            RUBRIC,
            gatekeeper="Criterion 1: at most 100 words.",
            findings=FINDINGS,
            justification="Only A keeps to the limit.",
            winner="A",
            form=form,
            gatekeeper_reasoning="The limit can be counted.",
            aggregation="A keeps both.",
        )


def _canonical(text: str) -> str:
    return " ".join(text.split())


# Sentences as a judge writes them: one line, beginning and ending with a word or a full stop, not themselves a verdict,
# a key of the form or a mark of thinking.
sentences = (
    st.from_regex(r"[^\W_][^\n]{0,60}[^\W_]\.?", fullmatch=True)
    .map(_canonical)
    .filter(lambda text: not re.search(r"winner|justification|</think>|[\ud800-\udfff]|^(none|n/a)\.?$", text, re.I))
)
winners: list[Winner] = ["A", "B", "tie"]
labels: list[Label] = ["A", "B"]
all_findings = st.lists(
    st.builds(Finding, criterion=st.integers(1, 3), response=st.sampled_from(labels), text=sentences),
    max_size=6,
    unique_by=lambda finding: (finding.criterion, finding.response),
)


@pytest.mark.parametrize("form", ["seed", "v3"])
@given(
    gatekeeper=sentences,
    findings=all_findings,
    justification=sentences,
    winner=st.sampled_from(winners),
    reasoning=sentences,
    aggregation=sentences,
)
@settings(deadline=None)
def test_every_part_is_read_back(
    form: JudgeForm,
    gatekeeper: str,
    findings: list[Finding],
    justification: str,
    winner: Winner,
    reasoning: str,
    aggregation: str,
) -> None:
    text = render_judgment(
        RUBRIC,
        gatekeeper=gatekeeper,
        findings=findings,
        justification=justification,
        winner=winner,
        form=form,
        gatekeeper_reasoning=reasoning,
        aggregation=aggregation,
    )
    v3 = form == "v3"
    assert JudgeTrace.parse(text) == JudgeTrace(
        text=text,
        winner=winner,
        gatekeeper=gatekeeper,
        gatekeeper_reasoning=reasoning if v3 else "",
        findings=tuple(sorted(findings, key=lambda finding: finding.response)),
        aggregation=aggregation if v3 else "",
        justification=justification,
    )


def test_a_trace_is_its_text_and_becomes_an_outcome() -> None:
    trace = JudgeTrace.parse(V3)
    assert str(trace) == V3
    assert (trace.gatekeeper_reasoning, trace.aggregation) == ("The limit can be counted.", "A keeps both.")
    assert trace.outcome(0.75) == Verdict(
        preferred="A",
        probability=0.75,
        gatekeeper="Criterion 1: at most 100 words.",
        findings=FINDINGS,
        justification="Only A keeps to the limit.",
    )
    tie = JudgeTrace.parse(V3.replace("Winner: Response A", "Winner: Tie")).outcome()
    assert tie == Tie(reason="the judge answered tie", gatekeeper=trace.gatekeeper, findings=FINDINGS)


SAME_AS_SEED = {
    "windows line ends": SEED.replace("\n", "\r\n"),
    "code fence": f"```\n{SEED}\n```",
    "thinking": f"<think>\nWinner: Response B\n</think>\n\n{SEED}",
    "thinking without its opening tag": f"Winner: Response B\n</think>\n{SEED}",
    "markdown headings": re.sub(r"--- (.*) ---", r"### \1", SEED),
    "bold headings": re.sub(r"--- (.*) ---", r"**\1**", SEED),
    "bold keys": re.sub(r"(?m)^(Identified.*?|Justification|Winner):", r"**\1:**", SEED),
    "bold keys, colon outside": re.sub(r"(?m)^(Identified.*?|Justification|Winner):", r"**\1**:", SEED),
    "full-width colons": SEED.replace(": ", "：").replace("Criterion 1：at", "Criterion 1: at"),
    "no bullets": SEED.replace("- Criterion", "Criterion"),
    "other bullets": SEED.replace("- Criterion", "* **Criterion").replace("]: Just", "]**: Just"),
    "findings without tags": SEED.replace(" [Hard Rule]", "").replace(" [Principle]", ""),
    "findings with other tags": SEED.replace("[Hard Rule]", "(hard rule)").replace("[Principle]", "【Principle】"),
    "findings without the word": SEED.replace("]: Justification: ", "]: "),
    "findings over lines": SEED.replace("It has 80", "It\n  has 80").replace(
        "]: Justification:", "]:\n  Justification:"
    ),
    "plain response headings": SEED.replace("**Response", "Response").replace(":**", ":"),
    "response headings without colon": SEED.replace("Response A:**", "Response A**").replace(
        "Response B:**", "response b"
    ),
    "justification over lines": SEED.replace("Only A keeps", "Only A\nkeeps"),
    "shorter key": SEED.replace("Identified Gatekeeper", "Gatekeeper"),
    "British spelling": SEED.replace("Judgment", "Judgement"),
    "an earlier winner": SEED.replace("--- Final", "Winner: Response B, so far\n\n--- Final"),
    "a postscript": f"{SEED}\n\nLet me know if you want more details.\nJustification: none",
    "a restart in Markdown": re.sub(r"--- (.*) ---", r"## \1", f"{SEED.replace('80', '8')}\n\nOnce more.\n\n{SEED}"),
    "another end": SEED.replace("Only A keeps", "B keeps")
    + "\n\nNo, wait.\nJustification: Only A keeps to the limit.\nWinner: Response A",
    "nested justifications": SEED.replace("]: Justification: It has", "]: It\n  Justification: has"),
    "bulleted justifications": SEED.replace("]: Justification: It has", "]: It\n- Justification: has"),
    "findings in a numbered list": SEED.replace("- Criterion", "1. Criterion"),
    "parts repeated": SEED.replace("Analysis ---", "Analysis ---\nIdentified Gatekeeper Criterion: no"),
    "a remark after the gatekeeper": SEED.replace("\n\n--- Analysis", "\n\nNow to the items.\n\n--- Analysis"),
    "a false start": SEED.replace("80", "8").replace("Only A keeps", "A breaks") + f"\n\nLet me redo this.\n\n{SEED}",
}


@pytest.mark.parametrize("form", SAME_AS_SEED)
def test_what_models_write_is_read_as_what_they_were_asked_for(form: str) -> None:
    text = SAME_AS_SEED[form]
    assert text != SEED
    assert JudgeTrace.parse(text) == JudgeTrace.parse(SEED).model_copy(update={"text": text})


VERDICTS: dict[str, Winner] = {
    "Winner: Response A": "A",
    "Winner: Response B.": "B",
    "Winner: B": "B",
    "Winner: a": "A",
    "winner: response_b": "B",
    "WINNER: RESPONSE A": "A",
    "**Winner:** Response B": "B",
    "**Winner**: Response B": "B",
    "**Winner: Response B**": "B",
    "Winner: **Response B**": "B",
    "__Winner__ : `Response A`": "A",
    "### Winner: Response A": "A",
    "Winner：Response B": "B",
    "Winner：「Response B」": "B",
    "Winner:\nResponse B": "B",
    "**Winner:**\n\n**Response B**": "B",
    "Winner: [[B]]": "B",
    "Winner: <Response B>": "B",
    "Winner: (A)": "A",
    "Winner: The response B": "B",
    "Winner: Assistant A": "A",
    "Winner: Response [B]": "B",
    "Winner: Response A (Response B breaks the gatekeeper)": "A",
    "Winner: Response A, not Response B": "A",
    "Winner: A - it is shorter": "A",
    "Winner: Response A > Response B": "A",
    "Winner: Response A over Response B": "A",
    "Winner: Response A, Response B breaks the gatekeeper": "A",
    "Winner: Tie - both break a rule": "tie",
    "The winner: B": "B",
    "Both are fine. Winner: Response B": "B",
    '{"justification": "shorter", "winner": "Response B"}': "B",
    "{'winner': 'A'}": "A",
    "Winner: Response A\nWinner: Response B": "B",
    "Winner: Response A\nNo, wait.\nWinner: Response B\nThat is all.": "B",
    "Winner: tie": "tie",
    "Winner: Tie.": "tie",
    "Winner: **Tie**": "tie",
    "Winner: It's a tie": "tie",
    "Winner: tied": "tie",
    "Winner: Response A\nOn reflection:\nWinner: tie": "tie",
}


@pytest.mark.parametrize("text", VERDICTS)
def test_verdicts_in_the_wild(text: str) -> None:
    assert JudgeTrace.parse(text).winner == VERDICTS[text]


REFUSED = {
    "": "the reply is empty",
    "I cannot judge these.": 'no "Winner:" line',
    SEED.partition("Winner")[0]: 'no "Winner:" line .*cut',
    SEED.removesuffix(" Response A"): 'the last "Winner:" names no response',
    SEED.removesuffix("A"): "names no response: 'Response'",
    f"<think>\n{SEED}": "the thinking block never ends",
    f"<think>\n{SEED}\n</think>\n": "the reply is empty",
    "The winner is Response A": 'no "Winner:" line',
    "Winner\n: Response A": 'no "Winner:" line',
    "Winner\n```text\n: Response A": 'no "Winner:" line',
    "Winner: Response A / Response B": "names both responses: 'Response A / Response B'",
    "Winner: <Response A or Response B>": "names both responses",
    "Winner: [Response A|Response B]": "names both responses",
    "Winner: A or B": "names both responses",
    "Winner: Response A and B are equal": "names both responses",
    "Winner: Response A, Response B": "names both responses: 'Response A, Response B'",
    "Winner: Response A = Response B": "names both responses",
    "Winner: **Response A** = **Response B**": "names both responses",
    "Winner: Response A vs Response B": "names both responses",
    "Winner: Response A vs. Response B": "names both responses",
    "Winner: Response A versus Response B, hard to say": "names both responses",
    "Winner: Response B - Response A": "names both responses",
    "Winner: A, B": "names both responses",
    "Winner: A = B": "names both responses",
    "Winner: A vs B": "names both responses",
    "Winner: Tie-breaker goes to Response B": "names no response: 'Tie-breaker goes",
    "Winner: Tie breaker: Response B": "names no response",
    "Winner: Tiebreak for B": "names no response",
    "Winner: Both": "names no response: 'Both'",
    "Winner: A better one": "names no response: 'A better one'",
    "Winner: Answer": "names no response: 'Answer'",
    "Winner: Neither": "names no response: 'Neither'",
    "Winner: not Response A": "names no response",
    "Winner: Response C": "names no response",
    "Winner: Response 1": "names no response",
    "Winner: ResponseAB": "names no response",
    "Winner: Alice": "names no response",
    "Winner: Response A\nWinner: unclear": "names no response: 'unclear'",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_verdict_is_an_error_that_says_what_was_there(text: str) -> None:
    with pytest.raises(ParseError, match=REFUSED[text]):
        JudgeTrace.parse(text)


@pytest.mark.parametrize(
    "written", ["none", '"none"', "None.", "**None**", "N/A", "<none>", "no objective criterion", ""]
)
def test_no_gatekeeper_is_no_gatekeeper(written: str) -> None:
    assert JudgeTrace.parse(f"Identified Gatekeeper Criterion: {written}\nWinner: A").gatekeeper is None


def test_findings_need_a_response_and_a_criterion() -> None:
    text = "Criterion 1: no side\n**Response A:**\n- Criterion 0: nothing\n- Criterion 2: here\nWinner: A"
    assert JudgeTrace.parse(text).findings == (Finding(criterion=2, response="A", text="here"),)


FRAGMENTS = [
    *("Winner", "winner:", "Winner：", ":", "**", "`", '"', " ", "\t", "\n", "\r\n", "\u2028", "```\n", "```text\n"),
    *(
        "Response A",
        "Response B",
        "**Response A:**\n",
        "response b",
        "A",
        "b",
        "tie",
        " or ",
        " / ",
        "{",
        "}",
        "<",
        "[",
    ),
    *("--- Compliance Check ---\n", "--- Analysis ---\n", "--- Final Judgment ---\n", "- Criterion 1 [Hard Rule]: "),
    *("Identified Gatekeeper Criterion: ", "Justification: ", "Aggregation Summary: ", "Criterion 999: ", "none"),
    *("<think>", "</think>", "</think>\n", "\\", "\x00", "\ud800", "İ", "ı"),
]


@given(st.text() | st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join))
@example("Justification: \ud800\nWinner: A")
@example("**Response A:**\nCriterion 000: x\nWinner: A")
@settings(deadline=None, max_examples=500)
def test_any_text_is_a_judgment_or_a_parse_error(text: str) -> None:
    with suppress(ParseError):
        trace = JudgeTrace.parse(text)
        assert JudgeTrace.model_validate_json(trace.model_dump_json()) == trace
        assert JudgeTrace.parse(str(trace)) == trace
