"""Rules about punctuation, patterns and JSON."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from pydantic import JsonValue

from openrubrics.data.synthetic_draft import Draft, add_aside
from openrubrics.data.synthetic_layout import one_less, one_more, rewritten
from openrubrics.data.synthetic_rules import Edit, Rule, check, slots, text
from openrubrics.signatures.values import Check

_FORBIDDEN: dict[str, tuple[str, tuple[str, ...]]] = {
    r"[!]": ("exclamation marks", ("Enjoy it!", "It is worth it!")),
    r"\?": ("question marks", ("Why not try it today?", "Who would not like that?")),
    r"[0-9]": ("digits", ("Try it for 10 days.", "Allow 20 minutes for it.")),
    r"[()]": ("parentheses", ("Take notes (a line is enough).", "Try it with a friend (it is more fun).")),
    r";": ("semicolons", ("Do not hurry; there is time.", "Begin today; tomorrow is busy.")),
}
_HARMLESS = ("Enjoy it.", "It is worth it.", "Try it for ten days.", "Take notes while you do it.", "Do not hurry.")
_REQUIRED: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    r"\b[0-2][0-9]:[0-5][0-9]\b": (
        "a time of day such as 07:30",
        ("Set a reminder for 07:30.", "Begin at 18:15 today."),
        ("Set a reminder for half past seven.", "Begin at a quarter past six today.", "Begin at 6 pm today."),
    ),
    r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b": (
        "a date in the form YYYY-MM-DD",
        ("Write 2027-05-03 into your calendar as the first day.", "Give yourself until 2027-09-30."),
        ("Write the third of May into your calendar as the first day.", "Give yourself until 30.9.2027."),
    ),
    r"\b[0-9]+ ?%": (
        "a percentage written with the % sign",
        ("Expect to get 80% right at first.", "Plan a reserve of 10% of the time."),
        ("Expect to get most of it right at first.", "Plan a reserve of a tenth of the time."),
    ),
}


def _comma_words(one: Check) -> Sequence[str]:
    return (
        "Do not use any commas in your answer.",
        "Your response must not contain commas.",
        "Refrain from the use of any commas.",
        "Write it without a single comma.",
        "My keyboard's comma key is broken and I will retype your text, so please manage with full stops.",
    )


def _pattern(rng: Random, draft: Draft) -> Check:
    if rng.random() < 0.5:
        return check("text:regex", pattern=rng.choice(list(_REQUIRED)), mode="match")
    return check("text:regex", pattern=rng.choice(list(_FORBIDDEN)), mode="no match")


def _pattern_words(one: Check) -> Sequence[str]:
    pattern = text(one, "pattern")
    if pattern in _REQUIRED:
        what = _REQUIRED[pattern][0]
        return (f"Somewhere it has to give {what}.", f"Include {what}.", f"I need to find {what} in it.")
    what = _FORBIDDEN[pattern][0]
    return (f"Do not use {what}.", f"No {what}, please.", f"It must be free of {what}.")


def _keep_pattern(rng: Random, draft: Draft, one: Check) -> Draft:
    pattern = text(one, "pattern")
    extra = _REQUIRED[pattern][1] if pattern in _REQUIRED else _HARMLESS
    return replace(draft, fixed=(*draft.fixed, rng.choice(extra)))


def _break_pattern(rng: Random, draft: Draft, one: Check) -> Draft:
    pattern = text(one, "pattern")
    right = _REQUIRED[pattern][1] if pattern in _REQUIRED else _HARMLESS
    wrong = _REQUIRED[pattern][2] if pattern in _REQUIRED else _FORBIDDEN[pattern][1]
    return replace(draft, fixed=tuple(rng.choice(wrong) if line in right else line for line in draft.fixed))


def _as_json(rng: Random, draft: Draft, one: Check) -> Draft:
    made = replace(draft, layout="json", parts=rng.randint(2, 4))
    if one.name == "detectable_format:json_format" and rng.random() < 0.4:
        return made.finished(_fenced)
    return made.finished(_indented) if rng.random() < 0.5 else made


def _fenced(response: str) -> str:
    return f"```json\n{response}\n```"


def _indented(response: str) -> str:
    return json.dumps(json.loads(response), ensure_ascii=False, indent=2)


def _inside(edit: Callable[[str], str]) -> Edit:
    """Return an edit of the text between the first and the last brace."""

    def whole(response: str) -> str:
        start, end = response.find("{"), response.rfind("}") + 1
        return response[:start] + edit(response[start:end]) + response[end:]

    return rewritten(whole)


def _trailing_comma(body: str) -> str:
    inner = body[:-1].rstrip()
    return f"{inner},{body[len(inner) :]}"


def _introduced(response: str) -> str:
    return f"Here is the JSON:\n{response}"


def _renamed(response: str) -> str:
    return response.replace('"tips"', '"advice"')


_NOT_JSON: dict[str, Edit] = {
    "a comma after the last item": _inside(_trailing_comma),
    "a sentence before the JSON": rewritten(_introduced),
    "single quotation marks": _inside(lambda body: body.replace('"title"', "'title'").replace('"tips"', "'tips'")),
    "no closing brace": _inside(lambda body: body[:-1].rstrip()),
}


def _json_words(one: Check) -> Sequence[str]:
    return (
        'Your entire output should be wrapped in JSON format, with the keys "title" and "tips".',
        'Give the answer as valid JSON: an object with "title" and a list "tips".',
        'I parse your answer by machine as JSON; put the points into a list named "tips" beside a "title".',
    )


def _bare_json_words(one: Check) -> Sequence[str]:
    return (
        'Reply with bare JSON and nothing else, no code fence; use the keys "title" and "tips".',
        'The first character must be { and the last one }: raw JSON with "title" and "tips", without any fence.',
        'Only raw JSON, please, because a strict parser reads it: no fence, no comment, the keys "title" and "tips".',
    )


def _schema(rng: Random, draft: Draft) -> Check:
    count = rng.randint(2, min(4, draft.size))
    tips: dict[str, JsonValue] = {
        "type": "array",
        "items": {"type": "string"},
        "minItems": count,
        "maxItems": count,
    }
    properties: dict[str, JsonValue] = {"title": {"type": "string"}, "tips": tips}
    definition: dict[str, JsonValue] = {"type": "object", "properties": properties, "required": ["title", "tips"]}
    return check("text:json_schema", schema=definition)


def _count(one: Check) -> int:
    schema = json.loads(json.dumps(one.arguments["schema"]))
    return int(schema["properties"]["tips"]["minItems"])


def _schema_words(one: Check) -> Sequence[str]:
    count = _count(one)
    return (
        f'Reply with nothing but a JSON object: a string "title" and an array "tips" of exactly {count} strings.',
        f"The output must be JSON and fit this schema: {json.dumps(one.arguments['schema'])}",
        f'My program expects {{"title": "...", "tips": ["..."]}} with {count} tips and no text around it.',
    )


def _keep_schema(rng: Random, draft: Draft, one: Check) -> Draft:
    made = replace(draft, layout="json", parts=_count(one))
    return made.finished(_indented) if rng.random() < 0.5 else made


_JSON = "layout start end case commas placeholders pattern length"

RULES = (
    Rule(
        slots("commas"),
        lambda rng, draft: check("punctuation:no_comma"),
        _comma_words,
        breaks={"an aside with a comma": lambda rng, draft, one: add_aside(rng, draft)},
        by_content=True,
    ),
    Rule(slots("pattern end"), _pattern, _pattern_words, _keep_pattern, {"written in another way": _break_pattern}),
    Rule(
        slots(_JSON),
        lambda rng, draft: check("detectable_format:json_format"),
        _json_words,
        _as_json,
        _NOT_JSON,
    ),
    Rule(
        slots(_JSON),
        lambda rng, draft: check("text:json"),
        _bare_json_words,
        _as_json,
        {**_NOT_JSON, "a code fence": rewritten(_fenced)},
    ),
    Rule(
        slots(_JSON),
        _schema,
        _schema_words,
        _keep_schema,
        {
            "one tip more": one_more,
            "one tip less": one_less,
            "a key with another name": rewritten(_renamed),
            "a code fence": rewritten(_fenced),
        },
    ),
)
