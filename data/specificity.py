r"""Find principles that are bound to the topic of their request, which a universal principle must not be.

OpenRubrics (v3, section 3) declares principles with concrete names, numbers or response indices invalid. That is a
matter of meaning; what code can see of it is decided here, in time that is linear in the text:

- **name**: a word with a capital letter in the middle of a sentence of the principle that also stands in the request,
  in any case, or in a response, in the very same form. Where the principle begins with it, only if the request writes
  it with a capital in the middle of a sentence too. Function words, names of formats (JSON, Markdown) and of the
  project's own terms (Response) are no names.
- **number**: digits or a number word from two up (also in quantities such as "two sentences") that the request states,
  in either form: "3" and "three" are the same. Not "one", which is mostly a pronoun, no ordinals, no marks of lists.
- **response**: a response singled out or counted ("Response A", "the first answer", "response 2", "the chosen
  response", "both responses").

Hard rules keep exact figures and names of the request by design, and are not looked at. What it cannot see: names in
scripts without capitals, subject words in lower case ("photosynthesis"), paraphrases. So what it finds is nearly always
there, and what it does not find proves nothing. Measured by hand: of the 295 top-grade criteria of BiGGen-Bench, which
are written for one request each, it marks 100; of 45 marked ones that were read all were bound to their topic, of 45
others about 35 were too, by subject words. On 20 general principles put to 1,401 real requests each it marks nothing.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Literal

from openrubrics.signatures.values import Frozen, Prompt, Rubric, prompt_text

_WORD = re.compile(r"\w+(?:['’\-]\w+)*")
_LIST_MARK = re.compile(r"^[ \t]*\(?\d{1,3}[.):][ \t]", re.MULTILINE)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_STARTS_AFTER = frozenset(".!?:;\n•*#-–—|>")

_UNITS = "one two three four five six seven eight nine"
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TIES = "twenty thirty forty fifty sixty seventy eighty ninety"
_TENS = {word: value for value, word in enumerate(_TIES.split(), 2)}
_NUMBER_WORDS = {word: str(value) for value, word in enumerate(f"{_UNITS} {_TEENS}".split(), 1) if value > 1}
_NUMBER_WORDS |= {word: f"{value}0" for word, value in _TENS.items()}
_NUMBER_WORDS |= {
    f"{tens}-{word}": f"{value}{unit}" for tens, value in _TENS.items() for unit, word in enumerate(_UNITS.split(), 1)
}
_NUMBER_WORDS |= {"dozen": "12", "hundred": "100", "thousand": "1000", "million": "1000000"}

_WORDS_THAT_ARE_NONE = """
    a about above after again all also an and any are as at avoid be because been before being below between both but by
    can clear consider correct could do does done during each either ensure every few first for from further get give
    given had has have he hence her here him his how however i if in include instead into is it its itself just keep
    least less let like make many may me might more most much must my need neither never no none nor not note of off on
    once one only or other our out over own per please provide rather response responses same second several shall she
    should since so some such than that the their them then there these they this those though through thus to too
    under until up upon us use very via was we well were what when where whether which while who whom whose why will
    with within without would write yes yet you your
    ai api assistant ascii b c csv d faq hard html http https human id json kind latex markdown ok pdf principle rule
    tl tldr title url user utf-8 xml yaml
"""
_NO_NAMES = frozenset(_WORDS_THAT_ARE_NONE.split())

_NOUN = r"(?:responses?|answers?|completions?|candidates?|repl(?:y|ies))"
_RANK = r"(?:first|second|third|fourth|former|latter|chosen|rejected|preferred|dispreferred|winning|losing|other)"
_RESPONSE = re.compile(
    rf"\b(?i:{_RANK})[ ](?i:{_NOUN})\b"
    r"|\b(?i:better|worse|worst|best|top|(?:higher|lower|top)-ranked)[ ](?i:responses?|completions?|candidates?)\b"
    r"|\b(?i:both|all|these|those)[ ](?:of[ ]the[ ])?(?i:responses|answers|completions)\b"
    r"|\b(?i:two|three|four)[ ](?i:responses|completions)\b"
    r"|\b(?i:responses?|completions?|candidates?)[ ][#(\[]?(?:[A-D]\b(?!['’])|\d{1,2}\b)"
    r"|\b(?:Answer|Option|Candidate|Reply)[ ][#(\[]?(?:[A-D]\b(?!['’])|\d{1,2}\b)"
)


class TopicFinding(Frozen):
    """Something in a principle that binds it to one topic.

    Attributes:
        criterion: 1-based position of the principle in the rubric.
        kind: What it is.
        text: The words themselves.
    """

    criterion: int
    kind: Literal["name", "number", "response"]
    text: str


def topic_findings(prompt: Prompt, rubric: Rubric, responses: Sequence[str] = ()) -> tuple[TopicFinding, ...]:
    """Return what binds the principles of a rubric to the topic of its request, in the order of the criteria.

    Args:
        prompt: The request.
        rubric: Its rubric; hard rules are passed over.
        responses: Those that the rubric was written from, which names may come from as well.
    """
    topic = _Topic(prompt_text(prompt), responses)
    return tuple(
        TopicFinding(criterion=number, kind=kind, text=text)
        for number, criterion in enumerate(rubric.criteria, 1)
        if criterion.kind == "principle"
        for kind, text in dict.fromkeys(topic.findings(criterion.text))
    )


class _Topic:
    """The words of a request and its responses."""

    def __init__(self, request: str, responses: Iterable[str]) -> None:
        words = list(_words(request))
        self._words = {word.casefold() for word, _ in words}
        self._names = {word for word, starts in words if not starts and _is_name(word)}
        self._numbers = set(_numbers(_LIST_MARK.sub(" ", request)))
        self._responses = responses

    @cached_property
    def _shown(self) -> set[str]:
        return {word for response in self._responses for word, starts in _words(response) if not starts}

    def findings(self, principle: str) -> Iterator[tuple[Literal["name", "number", "response"], str]]:
        for word, starts in _words(principle):
            if not _is_name(word):
                continue
            known = word in self._names if starts else word.casefold() in self._words or word in self._shown
            if known:
                yield "name", word
        for value, text in _numbers(principle).items():
            if value in self._numbers:
                yield "number", text
        for match in _RESPONSE.finditer(principle):
            yield "response", match.group()


def _words(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each word without a possessive, and whether a sentence, line, list item or label begins with it."""
    starts, end = True, 0
    for match in _WORD.finditer(text):
        starts = starts or not _STARTS_AFTER.isdisjoint(text[end : match.start()])
        word = match.group()
        yield word[:-2] if word[-2:] in {"'s", "’s"} else word, starts
        starts, end = False, match.end()


def _is_name(word: str) -> bool:
    return len(word) > 1 and word != word.lower() and word.casefold() not in _NO_NAMES


def _numbers(text: str) -> dict[str, str]:
    """Return the numbers of a text as digits, each with the form in which it stands there first."""
    found: dict[str, str] = {}
    for match in _NUMBER.finditer(text):
        digits = match.group()
        plain = digits.replace(",", "").lstrip("0") or "0"
        found.setdefault(plain, digits)
    for match in _WORD.finditer(text):
        word = match.group()
        if value := _NUMBER_WORDS.get(word.casefold()):
            found.setdefault(value, word)
    return found
