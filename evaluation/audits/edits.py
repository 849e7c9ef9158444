"""Edits that change nothing of what a text says or of how it is laid out for its reader."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from openrubrics.signatures.values import Message, Prompt, prompt_text
from openrubrics.verifiers import own_request, stated_rules, verify

_SENTENCE_GAP = re.compile(r"(?<=[a-z][.!?]) (?=[A-Z])")
_BULLET = re.compile(r"^([ \t]*)([-*])(?=[ \t]+\S)", re.MULTILINE)
_NUMBER = re.compile(r"^([ \t]*\d{1,3})([.)])(?=[ \t]+\S)", re.MULTILINE)
_APOSTROPHE = re.compile(r"(?<=[A-Za-z])'(?=[a-z])")
_STRAIGHT = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'"})
_DASH = re.compile(r" ([–—]) ")
_LINE_END = re.compile(r"(?<=\S)\n")
_LINE = re.compile(r"\n")

# British first.
_SPELLINGS = (
    ("analyse", "analyze"), ("behaviour", "behavior"), ("catalogue", "catalog"), ("centre", "center"),
    ("colour", "color"), ("defence", "defense"), ("emphasise", "emphasize"), ("favour", "favor"),
    ("favourite", "favorite"), ("flavour", "flavor"), ("grey", "gray"), ("harbour", "harbor"), ("honour", "honor"),
    ("humour", "humor"), ("labour", "labor"), ("litre", "liter"), ("memorise", "memorize"), ("metre", "meter"),
    ("minimise", "minimize"), ("maximise", "maximize"), ("neighbour", "neighbor"), ("neighbourhood", "neighborhood"),
    ("optimise", "optimize"), ("organise", "organize"), ("realise", "realize"), ("recognise", "recognize"),
    ("rumour", "rumor"), ("specialise", "specialize"), ("summarise", "summarize"), ("theatre", "theater"),
    ("travelling", "traveling"), ("vapour", "vapor"),
)  # fmt: skip


@dataclass(frozen=True)
class Edit:
    """A neutral change of a text.

    Attributes:
        name: What it does.
        apply: Returns the changed text, or the same where there is nothing to change.
        of_prompts: Whether it is made on prompts too.
        in_code: Whether it is harmless in text that holds code.
    """

    name: str
    apply: Callable[[str], str]
    of_prompts: bool = False
    in_code: bool = False


def _exchanged(pattern: re.Pattern[str], other: Mapping[str, str]) -> Callable[[str], str]:
    """Return an edit that exchanges the second group of a pattern for its counterpart."""
    return lambda text: pattern.sub(lambda match: match[1] + other[match[2]], text)


def _spelled(words: Mapping[str, str]) -> Callable[[str], str]:
    pattern = re.compile(rf"\b({'|'.join(words)})(?=s?\b|d\b)", re.IGNORECASE)

    def replace(match: re.Match[str]) -> str:
        word, new = match[0], words[match[0].lower()]
        return new.upper() if word.isupper() else new.capitalize() if word[0].isupper() else new

    return lambda text: pattern.sub(replace, text)


EDITS = (
    Edit("a line feed at the end", lambda text: f"{text}\n", of_prompts=True, in_code=True),
    Edit("two blanks between sentences", lambda text: _SENTENCE_GAP.sub("  ", text), of_prompts=True),
    Edit("a blank at the end of lines", lambda text: _LINE_END.sub(" \n", text), of_prompts=True),
    Edit("carriage returns before line feeds", lambda text: _LINE.sub("\r\n", text.replace("\r\n", "\n"))),
    Edit("other list marks", _exchanged(_BULLET, {"-": "*", "*": "-"})),
    Edit("other marks after numbers", _exchanged(_NUMBER, {".": ")", ")": "."})),
    Edit("curly apostrophes", lambda text: _APOSTROPHE.sub("’", text), of_prompts=True),
    Edit("straight quotation marks", lambda text: text.translate(_STRAIGHT), of_prompts=True),
    Edit("other dashes", lambda text: _DASH.sub(lambda match: " — " if match[1] == "–" else " – ", text)),
    Edit("American spelling", _spelled(dict(_SPELLINGS))),
    Edit("British spelling", _spelled({american: british for british, american in _SPELLINGS})),
)


def edited(edit: Edit, text: str) -> str:
    """Return a text after an edit; text that holds code stays as it is unless the edit is harmless there."""
    return text if "```" in text and not edit.in_code else edit.apply(text)


def edited_prompt(edit: Edit, prompt: Prompt) -> Prompt:
    """Return a prompt after an edit of its last turn of the user."""
    if isinstance(prompt, str):
        return edited(edit, prompt)
    for place in range(len(prompt) - 1, -1, -1):
        turn = prompt[place]
        if turn.role == "user":
            changed = Message(role="user", content=edited(edit, turn.content))
            return (*prompt[:place], changed, *prompt[place + 1 :])
    return prompt


def obeys_alike(prompt: Prompt, before: str, after: str) -> bool:
    """Return whether two texts obey the same of the rules that the prompt states and code can decide."""
    return all(
        verify(rule.check, before).passed == verify(rule.check, after).passed
        for rule in stated_rules(own_request(prompt_text(prompt)))
        if rule.check
    )


def states_alike(before: Prompt, after: Prompt) -> bool:
    """Return whether two prompts state the same rules that code can decide."""
    return stated_rules(own_request(prompt_text(before))) == stated_rules(own_request(prompt_text(after)))
