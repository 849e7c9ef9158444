"""The text form of a judgment: the gatekeeper judge's skeleton (OpenRubrics v3, section 4 and appendix).

    --- Compliance Check ---
    [Gatekeeper Reasoning: ...]                       form v3 only
    Identified Gatekeeper Criterion: ...

    --- Analysis ---
    **Response A:**
    - Criterion 1 [Hard Rule]: Justification: ...
    **Response B:**
    - Criterion 1 [Hard Rule]: Justification: ...

    --- Final Judgment ---
    [Aggregation Summary: ...]                        form v3 only
    Justification: ...
    Winner: Response A

The parser takes both forms and asks for one thing only, a last "Winner:" that names Response A, Response B or a tie;
everything else is read where it is found. Nothing after the last verdict is read, and a new "--- Compliance Check ---"
starts over, so a reply that quotes what it judges, before or after its own judgment, is still its own judgment. It goes
line by line with bounded patterns, in linear time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from openrubrics.signatures.errors import ParseError
from openrubrics.signatures.markers import VERDICT
from openrubrics.signatures.model_text import answer_lines, excerpt, well_formed
from openrubrics.signatures.rubric_text import TAGS
from openrubrics.signatures.values import Finding, Frozen, Label, Rubric, Tie, Verdict

JudgeForm = Literal["seed", "v3"]
"""Which skeleton the prompt asks for; v3 adds a gatekeeper reasoning and an aggregation summary."""

Winner = Literal["A", "B", "tie"]

_NOUN = r"(?:response|answer|assistant|option|output)"
_NAMED = re.compile(rf"(?:the )?{_NOUN}[\s_*\-\[('\"]{{0,4}}([ab])(?![^\W_])", re.IGNORECASE)
_BARE = re.compile(r"([ab])(?=\W*$|\s?[.,;:!)\]}(—–\-/|&]|\s(?:or|and)\b)", re.IGNORECASE)
_TIE = re.compile(r"(?:it'?s |it is )?(?:an? )?tied?\b", re.IGNORECASE)
_BOTH = re.compile(
    rf"[\W_]{{0,6}}(?:[/|&]|or\b|and\b)[\W_]{{0,6}}(?:the )?(?:{_NOUN}[\s_]?)?([ab])(?![^\W_])", re.IGNORECASE
)
_DECORATION = " \t\r*_`\"'<[({>#-–—=:：【［（「“"
_FINDING = re.compile(
    r"criterion[\s#]{0,2}(\d{1,3})[*_]{0,2}\s?(?:[\[(【][^\])】]{0,40}[\])】])?[\s*_]{0,4}[:：]?", re.IGNORECASE
)
_RESPONSE = re.compile(r"response[\s_]([ab])[*_]{0,2}(?:\s?[:：]|\s*$)", re.IGNORECASE)
_KEYS = {
    "gatekeeper reasoning": "gatekeeper_reasoning",
    "identified gatekeeper criterion": "gatekeeper",
    "gatekeeper criterion": "gatekeeper",
    "gatekeeper": "gatekeeper",
    "aggregation summary": "aggregation",
    "justification": "justification",
}
_HEADERS = {"compliance check", "analysis", "final judgment", "final judgement"}
_NO_CRITERION = {"none", "n/a", "no objective criterion"}


class JudgeTrace(Frozen):
    """A judge's whole reply, and what was read from it.

    Attributes:
        text: The reply, verbatim; this is what SFT targets and demonstrations contain.
        winner: "A", "B" or "tie", with the responses named as they were shown.
        gatekeeper: The criterion put first; None where none was named.
        gatekeeper_reasoning: Form v3; empty in seed.
        findings: Criterion by criterion, for A and for B.
        aggregation: Form v3; empty in seed.
        justification: The final one.
    """

    text: str
    winner: Winner
    gatekeeper: str | None = None
    gatekeeper_reasoning: str = ""
    findings: tuple[Finding, ...] = ()
    aggregation: str = ""
    justification: str = ""

    @classmethod
    def parse(cls, text: str) -> JudgeTrace:
        """Read a judgment as a model writes it.

        Raises:
            ParseError: There is no usable verdict; the message says what was there instead.
        """
        text = well_formed(text)
        lines = answer_lines(text)
        winner = _winner("\n".join(lines))
        while not VERDICT.search(lines[-1]):
            lines.pop()
        reader = _Reader()
        for line in lines:
            reader.read(line)
        return cls(text=text, winner=winner, findings=tuple(reader.findings), **reader.values())

    def __str__(self) -> str:
        return self.text

    def outcome(self, probability: float | None = None) -> Verdict | Tie:
        """Return the outcome; `probability` is that of the winner where it was measured."""
        if self.winner == "tie":
            return Tie(reason="the judge answered tie", gatekeeper=self.gatekeeper, findings=self.findings)
        return Verdict(
            preferred=self.winner,
            probability=probability,
            gatekeeper=self.gatekeeper,
            findings=self.findings,
            justification=self.justification,
        )


def render_judgment(
    rubric: Rubric,
    *,
    gatekeeper: str,
    findings: Sequence[Finding],
    justification: str,
    winner: Winner,
    form: JudgeForm = "seed",
    gatekeeper_reasoning: str = "",
    aggregation: str = "",
) -> str:
    """Write the skeleton; `JudgeTrace.parse` gives back every part, white space collapsed; "none" is no gatekeeper."""
    v3 = form == "v3"
    lines = ["--- Compliance Check ---"]
    lines += [f"Gatekeeper Reasoning: {_line(gatekeeper_reasoning)}"] if v3 else []
    lines += [f"Identified Gatekeeper Criterion: {_line(gatekeeper)}", "", "--- Analysis ---"]
    labels: tuple[Label, ...] = ("A", "B")
    for label in labels:
        lines.append(f"**Response {label}:**")
        for finding in findings:
            if finding.response == label:
                tag = TAGS[rubric.criteria[finding.criterion - 1].kind]
                lines.append(f"- Criterion {finding.criterion} [{tag}]: Justification: {_line(finding.text)}")
    lines += ["", "--- Final Judgment ---"]
    lines += [f"Aggregation Summary: {_line(aggregation)}"] if v3 else []
    verdict = "Tie" if winner == "tie" else f"Response {winner}"
    return "\n".join([*lines, f"Justification: {_line(justification)}", f"Winner: {verdict}"])


def _line(text: str) -> str:
    return " ".join(text.split())


def _winner(text: str) -> Winner:
    keys = list(VERDICT.finditer(text))
    if not keys:
        raise ParseError('no "Winner:" line', "the output was cut, or the model does not follow the form")
    tail = text[keys[-1].end() :].lstrip(" \t*_`\"'").lstrip()
    line = tail.split("\n", 1)[0]
    stripped = line.lstrip(_DECORATION)
    if _TIE.match(stripped):
        return "tie"
    match = _NAMED.match(stripped) or _BARE.match(stripped)
    if match is None:
        raise ParseError(f'the last "Winner:" names no response: {excerpt(line)}')
    label: Label = "A" if match[1] in "aA" else "B"
    both = _BOTH.match(stripped[match.end() :])
    if both and both[1].upper() != label:
        raise ParseError(f'the last "Winner:" names both responses: {excerpt(line)}')
    return label


class _Reader:
    """Collects the parts of a judgment line by line."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._parts: dict[str, list[str]] = {}
        self._part: list[str] | None = None
        self._response: Label | None = None
        self._finding: tuple[int, Label, list[str]] | None = None

    def read(self, line: str) -> None:
        verdict = VERDICT.search(line)
        line = line[: verdict.start()] if verdict else line
        plain = line.lstrip(_DECORATION).rstrip(" \t\r*_")
        if (header := plain.rstrip(_DECORATION).casefold()) in _HEADERS:
            self._close(part=None)
            self._response = None
            if header == "compliance check" and line.lstrip().startswith("--"):
                self.findings.clear()
                self._parts.clear()
        elif (name := _key(plain)) and not self._finding_begins(name[0]):
            key, value = name
            self._close(part=self._parts.setdefault(key, []))
            self._parts[key][:] = [value]
        elif match := _RESPONSE.match(plain):
            self._close(part=None)
            self._response = "A" if match[1] in "aA" else "B"
        elif self._response and (match := _FINDING.match(plain)):
            self._close(part=None)
            text = _without_key(plain[match.end() :])
            self._finding = (int(match[1]), self._response, [text] if text else [])
        elif plain and self._part is not None:
            self._part.append(line.strip())
        elif plain and self._finding:
            text = _without_key(plain) if self._finding_begins("justification") else line.strip()
            self._finding[2].extend([text] if text else [])
        if verdict:
            self._close(part=None)

    def _finding_begins(self, key: str) -> bool:
        """Whether a line with this key is the text of a finding whose first line ended before it."""
        return key == "justification" and self._finding is not None and not self._finding[2]

    def values(self) -> dict[str, str]:
        self._close(part=None)
        texts = {name: _line(" ".join(part)) for name, part in self._parts.items()}
        if texts.get("gatekeeper", "").strip(_DECORATION + ".])}>").casefold() in {"", *_NO_CRITERION}:
            texts.pop("gatekeeper", None)
        return texts

    def _close(self, part: list[str] | None) -> None:
        if self._finding and self._finding[0] >= 1:
            number, response, text = self._finding
            self.findings.append(Finding(criterion=number, response=response, text=_line(" ".join(text))))
        self._finding, self._part = None, part


def _key(plain: str) -> tuple[str, str] | None:
    head, separator, _ = plain[:60].replace("：", ":").partition(":")
    name = _KEYS.get(head.strip(" *_").casefold()) if separator else None
    return (name, plain[len(head) + 1 :].strip(" *_")) if name else None


def _without_key(text: str) -> str:
    text = text.lstrip(" *_:：-–—").rstrip(" *_")
    head = text[:14].casefold()
    return text[13:].lstrip(" *_:：") if head.startswith("justification") else text
