"""A response in the making: sentences of one topic and the shape they are put into, until it is rendered as text."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from itertools import pairwise
from random import Random
from typing import Literal

_ASIDES = ("Of course, ", "In short, ", "In my experience, ", "For most people, ")

Layout = Literal["prose", "bullets", "numbers", "blocks", "sections", "lines", "two", "json"]
"""How the sentences are laid out; `Draft.parts` and `Draft.mark` say the details."""


@dataclass(frozen=True)
class Topic:
    """What a request is about.

    Attributes:
        name: The topic as a phrase with a gerund, such as "baking bread at home".
        sentences: Each stands on its own, so that any of them in any order make a text.
        languages: Such sentences in other languages, by langdetect's code; empty for most topics.
    """

    name: str
    sentences: tuple[str, ...]
    languages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The name with a capital letter."""
        return self.name[0].upper() + self.name[1:]


@cache
def topics() -> tuple[Topic, ...]:
    """Return the topics that come with the package."""
    text = (files("openrubrics.data") / "synthetic" / "topics.jsonl").read_text(encoding="utf-8")
    rows = map(json.loads, text.splitlines())
    return tuple(
        Topic(
            row["topic"],
            tuple(row["sentences"]),
            {code: tuple(sentences) for code, sentences in row.get("languages", {}).items()},
        )
        for row in rows
    )


@dataclass(frozen=True)
class Draft:
    """A response before it is text; edits return a changed copy.

    Attributes:
        topic: What it is about.
        ask: The request without its rules.
        pool: Sentences that it may use.
        sentences: Those that it does use.
        fixed: Sentences that an edit of the content leaves alone, such as one with a placeholder.
        layout: How they are laid out.
        parts: Number of bullet points, blocks, sections, lines or list items.
        mark: The bullet, the divider between blocks or responses, or the word that marks a section.
        title: The line above, as it is written.
        opening: What comes first.
        closing: What comes last.
        postscript: What comes after that.
        highlights: Number of words between asterisks.
        capitals: Number of words in capital letters.
        case: Whether all letters are upper or lower case.
        finish: What is done to the text as a whole, in this order.
    """

    topic: Topic
    ask: str
    pool: tuple[str, ...]
    sentences: tuple[str, ...]
    fixed: tuple[str, ...] = ()
    layout: Layout = "prose"
    parts: int = 1
    mark: str = ""
    title: str = ""
    opening: str = ""
    closing: str = ""
    postscript: str = ""
    highlights: int = 0
    capitals: int = 0
    case: Literal["", "upper", "lower"] = ""
    finish: tuple[Callable[[str], str], ...] = ()

    @property
    def size(self) -> int:
        """Number of sentences, fixed ones too."""
        return len(self.sentences) + len(self.fixed)

    def finished(self, edit: Callable[[str], str]) -> "Draft":
        """Return the draft with one more edit of the whole text."""
        return replace(self, finish=(*self.finish, edit))

    def render(self) -> str:
        """Return the text."""
        sentences = list(self.sentences)
        for place, sentence in enumerate(self.fixed):
            sentences.insert(2 * place + 1, sentence)
        words = _stressed(_stressed(sentences, self.capitals, str.upper), self.highlights, lambda word: f"*{word}*")
        text = _framed(self, _groups(words, self.parts))
        if self.case:
            text = text.upper() if self.case == "upper" else text.lower()
        for edit in self.finish:
            text = edit(text)
        return text


def first_draft(rng: Random, topic: Topic, ask: str) -> Draft:
    """Return a draft of three to seven sentences, as a list now and then, mostly as prose."""
    sentences = tuple(rng.sample(topic.sentences, rng.randint(3, 7)))
    if rng.random() < 0.2:
        draft = Draft(topic, ask, topic.sentences, sentences, layout="bullets", parts=len(sentences), mark="-")
    else:
        draft = Draft(topic, ask, topic.sentences, sentences, parts=rng.randint(1, 2))
    return add_aside(rng, draft) if rng.random() < 0.2 else draft


def add_aside(rng: Random, draft: Draft) -> Draft:
    """Let a sentence begin with an aside and its comma."""
    place = rng.randrange(len(draft.sentences))
    sentence = draft.sentences[place]
    changed = rng.choice(_ASIDES) + sentence[0].lower() + sentence[1:]
    return replace(draft, sentences=(*draft.sentences[:place], changed, *draft.sentences[place + 1 :]))


def edit_content(rng: Random, draft: Draft) -> tuple[str, Draft]:
    """Add, drop or exchange one sentence at random, and leave two; return the edit's name and the changed draft."""
    unused = [one for one in draft.pool if not any(used.endswith(one[1:]) for used in draft.sentences)]
    kept, place = list(draft.sentences), rng.randrange(len(draft.sentences))
    can = ["drop a sentence"] * (len(kept) > 2) + ["add a sentence", "exchange a sentence"] * bool(unused)
    name = rng.choice(can)
    if name == "drop a sentence":
        del kept[place]
    elif name == "add a sentence":
        kept.insert(place + rng.randint(0, 1), rng.choice(unused))
    else:
        kept[place] = rng.choice(unused)
    return name, replace(draft, sentences=tuple(kept))


def _groups(texts: list[str], parts: int) -> list[str]:
    """Join neighbours into so many groups, as even as possible; fewer where there are fewer texts."""
    parts = max(1, min(parts, len(texts)))
    bounds = [len(texts) * part // parts for part in range(parts + 1)]
    return [" ".join(texts[start:end]) for start, end in pairwise(bounds)]


def _framed(draft: Draft, groups: list[str]) -> str:
    """Lay the groups out, with what comes before and after them."""
    if draft.layout == "json":
        return json.dumps({"title": draft.topic.title, "tips": groups}, ensure_ascii=False)
    opening, closing, gap = draft.opening, draft.closing, "\n"
    if draft.layout in {"prose", "blocks"}:
        groups[0] = f"{opening} {groups[0]}".strip()
        groups[-1] = f"{groups[-1]} {closing}".strip()
        opening = closing = ""
        gap = "\n" if draft.layout == "blocks" else "\n\n"
    return gap.join(filter(None, (draft.title, opening, _laid_out(draft, groups), closing, draft.postscript)))


def _laid_out(draft: Draft, groups: list[str]) -> str:
    heads = {
        "bullets": f"{draft.mark} ",
        "numbers": "{number}. ",
        "sections": f"{draft.mark} {{number}}\n",
    }
    gaps = {"bullets": "\n", "numbers": "\n", "lines": "\n", "blocks": draft.mark, "two": f"\n\n{draft.mark}\n\n"}
    head = heads.get(draft.layout, "")
    return gaps.get(draft.layout, "\n\n").join(
        head.format(number=number) + group for number, group in enumerate(groups, 1)
    )


def _stressed(sentences: list[str], count: int, stress: Callable[[str], str]) -> list[str]:
    """Change the longest word of so many sentences, never the first word of one; then the next longest, and so on."""
    texts = [sentence.split(" ") for sentence in sentences]
    for number in range(count):
        words = texts[number % len(texts)]
        plain = [i for i, word in enumerate(words) if i and "*" not in word and not word.isupper()]
        if plain:
            place = max(plain, key=lambda i: len(words[i].strip(".,")))
            bare = words[place].strip(".,")
            words[place] = words[place].replace(bare, stress(bare))
    return [" ".join(words) for words in texts]
