"""Rules about visible layout: lists, highlights, sections, titles, placeholders (IFEval ``detectable_*``)."""

from __future__ import annotations

import re

from openrubrics.verifiers.contract import Arguments, CheckResult, Count, Text, Verifier, at_least, exactly

# White space but no line feed before the mark: one match for each line, in linear time.
_BULLETS = (re.compile(r"^[^\S\n]*\*[^*].*$", re.MULTILINE), re.compile(r"^[^\S\n]*-.*$", re.MULTILINE))
_SINGLE = re.compile(r"\*[^\n*]*\*")
_DOUBLE = re.compile(r"\*\*[^\n*]*\*\*")


class Bullets(Arguments):
    """The exact number of bullet points."""

    num_bullets: Count


class Highlights(Arguments):
    """The least number of highlighted parts."""

    num_highlights: Count


class Sections(Arguments):
    """The least number of numbered sections, and the word before the number, for example ``SECTION``."""

    section_spliter: Text
    num_sections: Count


class Placeholders(Arguments):
    """The least number of placeholders."""

    num_placeholders: Count


def _number_bullet_lists(arguments: Bullets, response: str) -> CheckResult:
    count = sum(1 for pattern in _BULLETS for _ in pattern.finditer(response))
    return exactly(count, arguments.num_bullets, "bullet point")


def _number_highlighted_sections(arguments: Highlights, response: str) -> CheckResult:
    single = sum(1 for match in _SINGLE.finditer(response) if match[0].strip("*").strip())
    double = sum(1 for match in _DOUBLE.finditer(response) if match[0][2:-2].strip())
    return at_least(single + double, arguments.num_highlights, "highlighted section")


def _multiple_sections(arguments: Sections, response: str) -> CheckResult:
    count = sum(1 for _ in re.finditer(rf"{re.escape(arguments.section_spliter)}\s?\d+", response))
    return at_least(count, arguments.num_sections, "marked section")


def _number_placeholders(arguments: Placeholders, response: str) -> CheckResult:
    return at_least(sum(map(_brackets, response.split("\n"))), arguments.num_placeholders, "placeholder")


def _brackets(line: str) -> int:
    """Count ``[...]`` from left to right; a search that restarts at every open bracket would be quadratic."""
    count, position = 0, 0
    while (start := line.find("[", position)) >= 0 and (end := line.find("]", start)) >= 0:
        count, position = count + 1, end + 1
    return count


def _title(arguments: Arguments, response: str) -> CheckResult:
    found = any(map(_has_title, response.split("\n")))
    return CheckResult(passed=found, detail="a <<title>> is there" if found else "no <<title>> found")


def _has_title(line: str) -> bool:
    start, end = line.find("<<"), line.rfind(">>")
    return 0 <= start <= end - 3 and bool(line[start : end + 2].lstrip("<").rstrip(">").strip())


LAYOUT_VERIFIERS = (
    Verifier(
        "detectable_format:number_bullet_lists",
        Bullets,
        _number_bullet_lists,
        "An exact number of lines that start with * or -.",
    ),
    Verifier(
        "detectable_format:number_highlighted_sections",
        Highlights,
        _number_highlighted_sections,
        "At least a number of parts between asterisks.",
    ),
    Verifier(
        "detectable_format:multiple_sections", Sections, _multiple_sections, "At least a number of marked sections."
    ),
    Verifier(
        "detectable_content:number_placeholders",
        Placeholders,
        _number_placeholders,
        "At least a number of placeholders in square brackets.",
    ),
    Verifier("detectable_format:title", Arguments, _title, "A title in double angular brackets."),
)
