"""Rules about how a response starts, ends, or is put together as a whole."""

from __future__ import annotations

import re

from openrubrics.verifiers.contract import Arguments, CheckResult, Text, Verifier

ANSWERS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
"""The three phrases of the constrained response."""

DIVIDER = "******"
"""What separates two responses in one."""

_POSTSCRIPTS = {"P.S.": re.compile(r"p\.\s?s\."), "P.P.S": re.compile(r"p\.\s?p\.\s?s")}


class Postscript(Arguments):
    """What the postscript starts with: ``P.S.``, ``P.P.S``, or any other text, in either case."""

    postscript_marker: Text


class RepeatPrompt(Arguments):
    """The text that the response must first repeat; case does not matter."""

    prompt_to_repeat: Text


class EndPhrase(Arguments):
    """The phrase the response must end with; case and a closing quotation mark do not matter."""

    end_phrase: Text


class Affix(Arguments):
    """Text at the start or at the end, white space around the response aside."""

    text: Text
    ignore_case: bool = False


def _postscript(arguments: Postscript, response: str) -> CheckResult:
    marker = arguments.postscript_marker
    pattern = _POSTSCRIPTS.get(marker.strip()) or re.compile(re.escape(marker.lower()))
    found = pattern.search(response.lower()) is not None
    return CheckResult(passed=found, detail=f"{marker} is there" if found else f"no {marker} found")


def _constrained_response(arguments: Arguments, response: str) -> CheckResult:
    found = next((answer for answer in ANSWERS if answer in response), None)
    return CheckResult(passed=found is not None, detail=found or "none of the three answers is there")


def _two_responses(arguments: Arguments, response: str) -> CheckResult:
    parts = response.split(DIVIDER)
    filled = [part.strip() for part in parts if part.strip()]
    if any(not part.strip() for part in parts[1:-1]):
        return CheckResult(passed=False, detail=f"an empty response between two {DIVIDER}")
    if len(filled) != 2:
        return CheckResult(passed=False, detail=f"{len(filled)} responses separated by {DIVIDER}, 2 asked for")
    differ = filled[0] != filled[1]
    return CheckResult(passed=differ, detail="two different responses" if differ else "the two responses are the same")


def _repeat_prompt(arguments: RepeatPrompt, response: str) -> CheckResult:
    passed = response.strip().lower().startswith(arguments.prompt_to_repeat.strip().lower())
    detail = f"the response {'starts' if passed else 'does not start'} with the text to repeat"
    return CheckResult(passed=passed, detail=detail)


def _end_checker(arguments: EndPhrase, response: str) -> CheckResult:
    passed = response.strip().strip('"').lower().endswith(arguments.end_phrase.strip().lower())
    return CheckResult(passed=passed, detail=f"{'ends' if passed else 'does not end'} with {arguments.end_phrase!r}")


def _quotation(arguments: Arguments, response: str) -> CheckResult:
    text = response.strip()
    passed = len(text) > 1 and text.startswith('"') and text.endswith('"')
    detail = f"{'is' if passed else 'is not'} wrapped in double quotation marks"
    return CheckResult(passed=passed, detail=detail)


def _starts_with(arguments: Affix, response: str) -> CheckResult:
    text, start = _folded(arguments, response)
    passed = text.startswith(start)
    return CheckResult(passed=passed, detail=f"{'starts' if passed else 'does not start'} with {arguments.text!r}")


def _ends_with(arguments: Affix, response: str) -> CheckResult:
    text, end = _folded(arguments, response)
    passed = text.endswith(end)
    return CheckResult(passed=passed, detail=f"{'ends' if passed else 'does not end'} with {arguments.text!r}")


def _folded(arguments: Affix, response: str) -> tuple[str, str]:
    texts = response.strip(), arguments.text.strip()
    return (texts[0].casefold(), texts[1].casefold()) if arguments.ignore_case else texts


FRAME_VERIFIERS = (
    Verifier("detectable_content:postscript", Postscript, _postscript, "A postscript with a given marker."),
    Verifier(
        "detectable_format:constrained_response",
        Arguments,
        _constrained_response,
        "One of 'My answer is yes.', 'My answer is no.' and 'My answer is maybe.' occurs.",
    ),
    Verifier(
        "combination:two_responses", Arguments, _two_responses, "Two different responses separated by six asterisks."
    ),
    Verifier("combination:repeat_prompt", RepeatPrompt, _repeat_prompt, "The response starts with a given request."),
    Verifier("startend:end_checker", EndPhrase, _end_checker, "The response ends with a given phrase."),
    Verifier("startend:quotation", Arguments, _quotation, "The whole response is in double quotation marks."),
    Verifier("text:starts_with", Affix, _starts_with, "The response starts with a given text."),
    Verifier("text:ends_with", Affix, _ends_with, "The response ends with a given text."),
)
