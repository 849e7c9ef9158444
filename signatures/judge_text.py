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
starts over. Every part is taken once: a key or a criterion that is there already is text of the part it stands in. So a
reply that quotes what it judges is still its own judgment, wherever it quotes; what would steer the parser is disarmed
in the prompt (`openrubrics.signatures.markers`). It goes line by line with bounded patterns, in linear time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from openrubrics.signatures.errors import ParseError
from openrubrics.signatures.markers import MARK, verdicts
from openrubrics.signatures.model_text import answer_lines, excerpt, well_formed
from openrubrics.signatures.outcomes import Finding, Tie, Verdict
from openrubrics.signatures.rubric_text import TAGS
from openrubrics.signatures.values import Frozen, Label, Rubric

JudgeForm = Literal["seed", "v3"]
"""Which skeleton the prompt asks for; v3 adds a gatekeeper reasoning and an aggregation summary."""

Winner = Literal["A", "B", "tie"]

_NOUN = r"(?:response|answer|assistant|option|output)"
_NAMED = re.compile(rf"(?:the )?{_NOUN}[\s_*\-\[('\"]{{0,4}}([ab])(?![^\W_])", re.IGNORECASE)
_BARE = re.compile(r"([ab])(?=\W*$|\s?[.,;:!)\]}(—–\-/|&=≈~+]|\s(?:or|and|vs|versus|equals?)\b)", re.IGNORECASE)
_TIE = re.compile(r"(?:it'?s |it is )?(?:an? )?tied?\b(?!\s?[-‐‑–—]?break|[-‐‑–—]\w)", re.IGNORECASE)
_OTHER = rf"(?:the )?(?:{_NOUN}[\s_]?)?([ab])(?![^\W_])"
_BOTH = re.compile(
    rf"[\W_]{{0,6}}(?:[/|&=≈~+]|(?:or|and|vs|versus|equals?)\b)[\W_]{{0,6}}{_OTHER}|[^\w>]{{1,8}}{_OTHER}\W*$",
    re.IGNORECASE,
)
_DECORATION = " \t\r*_`\"'<[({>#-–—=:：【［（「“"
_AFTER_NUMBER = re.compile(r"[*_]{0,2}\s?(?:[\[(【][^\])】]{0,40}[\])】])?[\s*_]{0,4}[:：]?")
_HEADING = ("--", "#", "**")
_NESTED = (" ", "\t", "- ", "* ", "• ")
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
        joined = "\n".join(lines)
        keys = verdicts(joined)
        winner = _winner(joined, keys)
        ends = _first_keys(joined, keys)
        reader = _Reader()
        for number, line in enumerate(lines[: max(ends) + 1]):
            reader.read(line, ends.get(number))
        return cls.model_validate({"text": text, "winner": winner, "findings": reader.findings(), **reader.values()})

    @classmethod
    def free(cls, text: str) -> JudgeTrace:
        """Read a judgment without the skeleton: whatever stands before the last verdict is the justification.

        Raises:
            ParseError: As for `parse`.
        """
        text = well_formed(text)
        joined = "\n".join(answer_lines(text))
        keys = verdicts(joined)
        winner = _winner(joined, keys)
        return cls(text=text, winner=winner, justification=_line(joined[: keys[-1].start()].rstrip(_DECORATION + "\n")))

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


def _first_keys(text: str, keys: Sequence[re.Match[str]]) -> dict[int, int]:
    """Return where in its line the first verdict key stands, by the number of each line that has one."""
    first: dict[int, int] = {}
    number = done = 0
    for place in (key.start() for key in keys):
        number += text.count("\n", done, place)
        done = place
        if number not in first:
            first[number] = place - text.rfind("\n", 0, place) - 1
    return first


def _winner(text: str, keys: Sequence[re.Match[str]]) -> Winner:
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
    label = _label(match[1])
    both = _BOTH.match(stripped[match.end() :])
    if both and _label(both[1] or both[2]) != label:
        raise ParseError(f'the last "Winner:" names both responses: {excerpt(line)}')
    return label


_Part = str | tuple[int, Label]
"""A field of the trace by its name, or a finding by its criterion and response."""


class _Reader:
    """Collects the parts of a judgment line by line: each part is taken once, and what repeats it is text."""

    def __init__(self) -> None:
        self._parts: dict[_Part, list[str]] = {}
        self._open: _Part | None = None
        self._response: Label | None = None
        self._replaceable: set[_Part] = set()

    def read(self, line: str, end: int | None) -> None:
        """Take a line; `end` is where its verdict begins, if it has one."""
        line = line[:end]
        mark = MARK.match(line)
        if mark is None or not self._takes(mark, line):
            self._continue(line)
        if end is not None:
            self._end()

    def findings(self) -> tuple[dict[str, int | str], ...]:
        return tuple(
            {"criterion": part[0], "response": part[1], "text": _line(" ".join(lines))}
            for part, lines in self._parts.items()
            if isinstance(part, tuple) and part[0] >= 1
        )

    def values(self) -> dict[str, str]:
        texts = {part: _line(" ".join(lines)) for part, lines in self._parts.items() if isinstance(part, str)}
        if texts.get("gatekeeper", "").strip(_DECORATION + ".])}>").casefold() in {"", *_NO_CRITERION}:
            texts.pop("gatekeeper", None)
        return texts

    def _takes(self, mark: re.Match[str], line: str) -> bool:
        """Whether the mark begins something; if not, the line is text."""
        match mark.lastgroup:
            case "compliance" | "final" as header:
                self._header(header, line)
                return True
            case "analysis":
                return self._ends_gatekeeper()
            case "response":
                self._open, self._response = None, _label(mark["response"])
                return True
            case "criterion":
                if self._response is None:
                    return False
                number = mark.end("criterion")
                after = _AFTER_NUMBER.match(line, number)
                text = _without_key(line[after.end() if after else number :])
                return self._begins((int(mark["criterion"]), self._response), text)
            case key:
                value = line[mark.end() :].lstrip(" \t*_")[1:].strip(" *_")
                return self._is_of_finding(str(key), line, value) or self._begins(str(key), value)

    def _header(self, header: str, line: str) -> None:
        self._response = self._open = None
        if header == "compliance" and line.lstrip().startswith(_HEADING):
            self._parts.clear()
        elif header == "final":
            self._end()

    def _end(self) -> None:
        """Close a judgment: what is said of its end from here on replaces what was said before."""
        self._open = None
        self._replaceable.update(("aggregation", "justification"))

    def _begins(self, part: _Part, text: str) -> bool:
        if any(self._parts.get(part, ())) and part not in self._replaceable:
            return False
        self._replaceable.discard(part)
        self._parts[part] = [text]
        self._open = part
        return True

    def _is_of_finding(self, key: str, line: str, value: str) -> bool:
        """Whether a key is that of the open finding, which is still empty or which the line is set under."""
        if key != "justification" or not isinstance(self._open, tuple):
            return False
        lines = self._parts[self._open]
        if any(lines) and not line.startswith(_NESTED):
            return False
        lines.extend([value] if value else [])
        return True

    def _continue(self, line: str) -> None:
        if self._open is None:
            return
        lines = self._parts[self._open]
        if line.strip(_DECORATION):
            lines.append(line.strip())
        elif any(lines) and not line.strip():
            self._ends_gatekeeper()

    def _ends_gatekeeper(self) -> bool:
        """Whether the gatekeeper was open; a blank line or the next header ends it."""
        if self._open not in ("gatekeeper", "gatekeeper_reasoning"):
            return False
        self._open = None
        return True


def _label(letter: str) -> Label:
    return "A" if letter in "aA" else "B"


def _without_key(text: str) -> str:
    text = text.lstrip(" *_:：-–—").rstrip(" *_")
    head = text[:14].casefold()
    return text[13:].lstrip(" *_:：") if head.startswith("justification") else text
