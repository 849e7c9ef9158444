"""What differs between two texts of instructions, sentence by sentence.

Instructions are wrapped paragraphs and lists, which optimizers wrap anew or write as one long line; so neither lines
nor paragraphs are what to compare.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal

from openrubrics.signatures.values import Frozen

_MOST_ALIGNED = 400

_ITEM = re.compile(r"[ \t]{0,40}(?:[-*+#>|]|\d{1,3}[.)])")
_HEADING = re.compile(r"[ \t]{0,40}#")
_SENTENCE = re.compile(r"(?<=[.!?])[ \t]+(?=[^\sa-z])")


class Change(Frozen):
    """A sentence, and whether both texts have it.

    Attributes:
        kind: ``same``, ``removed`` (only in the first text) or ``added`` (only in the second one).
        text: The sentence, on one line.
    """

    kind: Literal["same", "removed", "added"]
    text: str


def changes(before: str, after: str) -> tuple[Change, ...]:
    """Return all sentences of two texts in their order; what was replaced comes before what replaces it.

    Texts of more than 400 sentences are not aligned: beyond what they begin and end with in common, all of the first
    is removed and all of the second added.
    """
    old, new = list(sentences(before)), list(sentences(after))
    found: list[Change] = []
    for kind, i, i_end, j, j_end in opcodes(old, new):
        if kind == "equal":
            found += [Change(kind="same", text=text) for text in old[i:i_end]]
        else:
            found += [Change(kind="removed", text=text) for text in old[i:i_end]]
            found += [Change(kind="added", text=text) for text in new[j:j_end]]
    return tuple(found)


def sentences(text: str) -> Iterator[str]:
    """Split a text into its sentences, headings and list items, each on one line with single spaces."""
    paragraph: list[str] = []
    for line in [*text.splitlines(), ""]:
        if paragraph and (not line.strip() or _ITEM.match(line) or _HEADING.match(paragraph[0])):
            yield from _split(" ".join(paragraph))
            paragraph = []
        if line.strip():
            paragraph.append(line)


def _split(paragraph: str) -> list[str]:
    first, *others = _SENTENCE.split(" ".join(paragraph.split()))
    if others and _ITEM.fullmatch(first):  # the number of a list item ends with a stop too
        return [f"{first} {others[0]}", *others[1:]]
    return [first, *others]


def opcodes(old: list[str], new: list[str]) -> Sequence[tuple[str, int, int, int, int]]:
    """Return how one list becomes another, as `SequenceMatcher.get_opcodes` does; long lists are not aligned."""
    if max(len(old), len(new)) <= _MOST_ALIGNED:
        return SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    shorter = min(len(old), len(new))
    start = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    end = next((i for i in range(shorter - start) if old[-1 - i] != new[-1 - i]), shorter - start)
    i, j = len(old) - end, len(new) - end
    return [("equal", 0, start, 0, start), ("replace", start, i, start, j), ("equal", i, len(old), j, len(new))]
