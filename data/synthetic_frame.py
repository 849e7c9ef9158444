"""Rules about how a response starts and ends, and about its letters as a whole."""

import re
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from openrubrics.data.synthetic_draft import Draft
from openrubrics.data.synthetic_layout import rewritten
from openrubrics.data.synthetic_rules import Edit, Rule, check, number, slots, text
from openrubrics.signatures.values import Check
from openrubrics.verifiers.language import LANGUAGES

_OPENINGS = (
    "Here is what I would do.",
    "Let us look at it together.",
    "This is easier than it seems.",
    "Thank you for asking.",
    "Here is the short version.",
    "Good question!",
    "Dear reader.",
)
_CLOSINGS = (
    "I hope that this helps.",
    "Is there anything else I can help with?",
    "Good luck with it!",
    "Let me know how it goes.",
    "Enjoy the first try!",
    "That is all there is to it.",
    "Take your time.",
)
_POSTSCRIPTS = (
    "Start small and be patient.",
    "Ask somebody who has done it before.",
    "The second try is always easier.",
    "Write down what worked.",
)
_NAMES = {code: name for name, code in LANGUAGES.items()}
_ANSWERS = ("yes", "no", "maybe")
_SENTENCE_END = re.compile(r"\. |\n")


def _other(rng: Random, texts: Sequence[str], used: str) -> str:
    return rng.choice([one for one in texts if one != used])


def _another_opening(rng: Random, draft: Draft, one: Check) -> Draft:
    return replace(draft, opening=_other(rng, _OPENINGS, draft.opening))


def _another_closing(rng: Random, draft: Draft, one: Check) -> Draft:
    return replace(draft, closing=_other(rng, _CLOSINGS, draft.closing))


def _more_after(rng: Random, draft: Draft, one: Check) -> Draft:
    return replace(draft, closing=f"{draft.closing} {_other(rng, _POSTSCRIPTS, '')}")


def _no_opening(rng: Random, draft: Draft, one: Check) -> Draft:
    return replace(draft, opening="")


def _no_closing(rng: Random, draft: Draft, one: Check) -> Draft:
    return replace(draft, closing="")


def _start_words(one: Check) -> Sequence[str]:
    start = text(one, "text")
    return (
        f'Start your response with the exact text "{start}"',
        f'Your answer must begin with "{start}"',
        f'The very first words have to be "{start}", written just like that.',
    )


def _end_words(one: Check) -> Sequence[str]:
    end = text(one, "text" if "text" in one.arguments else "end_phrase")
    loose = one.name == "startend:end_checker"
    if loose:
        return (
            f'Finish your response with the phrase "{end}" Nothing may follow it.',
            f'End your answer with this exact phrase: "{end}"',
            f'The last sentence should be "{end}"',
        )
    return (
        f'The response ends with the exact text "{end}"',
        f'Let "{end}" be the last words, letter for letter, with nothing after them.',
    )


def _with_end(name: str) -> Edit:
    return lambda rng, draft, one: replace(draft, closing=text(one, name))


def _postscript(form: str) -> Edit:
    def edit(rng: Random, draft: Draft, one: Check) -> Draft:
        after = rng.choice(_POSTSCRIPTS) if form else ""
        return replace(draft, postscript=form.format(after))

    return edit


def _postscript_words(one: Check) -> Sequence[str]:
    mark = text(one, "postscript_marker")
    return (
        f"At the end of your response, please add a postscript starting with {mark}",
        f"Add a postscript that starts with {mark}",
        f"One more line belongs under the text, and it carries the mark {mark}",
    )


def _repeat_words(one: Check) -> Sequence[str]:
    return (
        f'First repeat "{text(one, "prompt_to_repeat")}" word for word, then give your answer.',
        f'Before you answer, repeat this sentence exactly: "{text(one, "prompt_to_repeat")}"',
        f'Put "{text(one, "prompt_to_repeat")}" unchanged on top, and your answer after it.',
    )


def _repeat(rng: Random, draft: Draft) -> Check:
    return check("combination:repeat_prompt", prompt_to_repeat=draft.ask)


def _keep_repeat(rng: Random, draft: Draft, one: Check) -> Draft:
    return replace(draft, opening=text(one, "prompt_to_repeat"))


def _in_other_words(rng: Random, draft: Draft, one: Check) -> Draft:
    name = draft.topic.name
    return replace(draft, opening=rng.choice((f"You asked about {name}.", f"You want to know more about {name}.")))


def _wrapped(before: str, after: str) -> Edit:
    return rewritten(lambda response: f"{before}{response}{after}")


def _unwrapped(start: int, end: int) -> Edit:
    return rewritten(lambda response: response[start : len(response) - end])


def _quotation_words(one: Check) -> Sequence[str]:
    return (
        "Wrap your entire response with double quotation marks.",
        "Put the whole response in double quotation marks.",
        'There should be a " before the first word and another after the last, around everything.',
    )


def _answer_words(one: Check) -> Sequence[str]:
    listed = "'My answer is yes.', 'My answer is no.', 'My answer is maybe.'"
    return (
        f"Answer with one of the following options: {listed}",
        f"Your response must contain one of these phrases: {listed}",
        "Say in exactly these words how you decide: My answer is yes. / My answer is no. / My answer is maybe.",
    )


def _answered(form: str) -> Edit:
    return lambda rng, draft, one: replace(draft, opening=form.format(rng.choice(_ANSWERS)))


def _capital_words(one: Check) -> Sequence[str]:
    count = number(one, "capital_frequency")
    if text(one, "capital_relation") == "at least":
        return (
            f"Use words in all capital letters at least {count} times.",
            f"In your response, at least {count} words should be in all capital letters.",
            f"Write {count} or more of the words LIKE THIS.",
        )
    return (
        f"Use words in all capital letters less than {count} times.",
        f"Words in all capital letters should appear fewer than {count} times.",
        f"Do not shout: {count} WORDS LIKE THESE would already be too many.",
    )


def _capitals(rng: Random, draft: Draft) -> Check:
    relation = rng.choice(("at least", "less than"))
    return check("change_case:capital_word_frequency", capital_frequency=rng.randint(2, 4), capital_relation=relation)


def _keep_capitals(rng: Random, draft: Draft, one: Check) -> Draft:
    few = text(one, "capital_relation") == "less than"
    return replace(draft, capitals=number(one, "capital_frequency") - few)


def _break_capitals(rng: Random, draft: Draft, one: Check) -> Draft:
    few = text(one, "capital_relation") == "less than"
    return replace(draft, capitals=draft.capitals + (1 if few else -1))


def _language(rng: Random, draft: Draft) -> Check:
    return check("language:response_language", language=rng.choice(("en", *sorted(draft.topic.languages))))


def _language_words(one: Check) -> Sequence[str]:
    name = _NAMES[text(one, "language")]
    return (
        f"Your entire response should be in {name}, no other language is allowed.",
        f"Answer only in {name}.",
        f"My reader knows {name} and nothing else, so please write in that language.",
    )


def _in_language(draft: Draft, code: str, rng: Random) -> Draft:
    pool = draft.topic.languages.get(code, draft.topic.sentences)
    sentences = tuple(rng.sample(pool, rng.randint(2, min(4, len(pool)))))
    return replace(draft, pool=pool, sentences=sentences)


def _keep_language(rng: Random, draft: Draft, one: Check) -> Draft:
    return _in_language(draft, text(one, "language"), rng)


def _another_language(rng: Random, draft: Draft, one: Check) -> Draft:
    codes = [code for code in ("en", *sorted(draft.topic.languages)) if code != text(one, "language")]
    return _in_language(draft, rng.choice(codes), rng)


def _cased(letters: str) -> Sequence[str]:
    return (
        f"Your entire response should be in English and in {letters} letters.",
        f"Write everything in {letters} letters, in English.",
        f"Use only {letters} letters in your response, and answer in English.",
    )


def _first_as_usual(response: str) -> str:
    """Return the text with its first sentence as it is usually written: one capital letter, then small ones."""
    start = next((place for place, letter in enumerate(response) if letter.isalpha()), 0)
    found = _SENTENCE_END.search(response, start)
    end = found.start() if found else len(response)
    return response[:start] + response[start:end].capitalize() + response[end:]


_CASE = "case capitals placeholders"

RULES = (
    Rule(
        slots("start case"),
        lambda rng, draft: check("text:starts_with", text=rng.choice(_OPENINGS)),
        _start_words,
        lambda rng, draft, one: replace(draft, opening=text(one, "text")),
        {
            "a word before the opening": lambda rng, draft, one: replace(draft, opening=f"Sure! {draft.opening}"),
            "another opening": _another_opening,
            "no opening": _no_opening,
        },
    ),
    Rule(
        slots("start case"),
        _repeat,
        _repeat_words,
        _keep_repeat,
        {
            "the request in other words": _in_other_words,
            "the request at the end": lambda rng, draft, one: replace(
                draft, opening="", closing=text(one, "prompt_to_repeat")
            ),
            "no request": _no_opening,
        },
    ),
    Rule(
        slots("end case"),
        lambda rng, draft: check("startend:end_checker", end_phrase=rng.choice(_CLOSINGS)),
        _end_words,
        _with_end("end_phrase"),
        {"another closing": _another_closing, "no closing": _no_closing, "more after the closing": _more_after},
    ),
    Rule(
        slots("end case"),
        lambda rng, draft: check("text:ends_with", text=rng.choice(_CLOSINGS)),
        _end_words,
        _with_end("text"),
        {"another closing": _another_closing, "no closing": _no_closing, "more after the closing": _more_after},
    ),
    Rule(
        slots("end sentences"),
        lambda rng, draft: check("detectable_content:postscript", postscript_marker="P.S."),
        _postscript_words,
        _postscript("P.S. {}"),
        {
            "no full stops in the mark": _postscript("PS {}"),
            "another mark": _postscript("Note: {}"),
            "no postscript": _postscript(""),
        },
    ),
    Rule(
        slots("start end"),
        lambda rng, draft: check("startend:quotation"),
        _quotation_words,
        _wrapped('"', '"'),
        {
            "no mark at the end": _unwrapped(0, 1),
            "no mark at the start": _unwrapped(1, 0),
            "no marks": _unwrapped(1, 1),
            "a word before the marks": _wrapped("My answer: ", ""),
        },
    ),
    Rule(
        slots("start case"),
        lambda rng, draft: check("detectable_format:constrained_response"),
        _answer_words,
        _answered("My answer is {}."),
        {
            "the bare answer": _answered("I would say {}."),
            "the answer in other words": _answered("My answer would be {}."),
            "a colon in the answer": _answered("My answer: {}."),
        },
        yes_or_no=True,
    ),
    Rule(
        slots(_CASE),
        _capitals,
        _capital_words,
        _keep_capitals,
        {"the wrong number of capital words": _break_capitals},
    ),
    Rule(
        slots("case start end commas placeholders pattern existence forbidden frequency letter length"),
        _language,
        _language_words,
        _keep_language,
        {"another language": _another_language},
        suits=lambda topic: bool(topic.languages),
    ),
    Rule(
        slots(_CASE),
        lambda rng, draft: check("change_case:english_capital"),
        lambda one: _cased("capital"),
        lambda rng, draft, one: replace(draft, case="upper"),
        {
            "the usual case": lambda rng, draft, one: replace(draft, case=""),
            "one sentence in the usual case": rewritten(_first_as_usual),
        },
    ),
    Rule(
        slots(_CASE),
        lambda rng, draft: check("change_case:english_lowercase"),
        lambda one: _cased("lowercase"),
        lambda rng, draft, one: replace(draft, case="lower"),
        {
            "the usual case": lambda rng, draft, one: replace(draft, case=""),
            "one sentence in the usual case": rewritten(_first_as_usual),
        },
    ),
)
