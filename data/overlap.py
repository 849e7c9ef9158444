"""Rows that are left out: repeats of earlier ones, and prompts that an evaluation file has too.

The check against evaluation files follows the usual way of decontamination: prompts are compared as wholes and by
n-grams of 13 words, as for GPT-3. There one common n-gram is enough; here a prompt is hit where at least half of the
n-grams of the shorter of the two prompts are in the other. N-grams that more than ten prompts of the evaluation files
have do not count: they are a form that prompts are put into, and say nothing about what is asked.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from openrubrics.data.layouts import Value
from openrubrics.data.pairs import Candidates, Question
from openrubrics.data.repeats import FirstPlaces
from openrubrics.data.sources import read_questions
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.values import Frozen, PreferencePair, Prompt

WORDS = 13
"""Words of an n-gram."""

SHARE = 0.5
"""Common share of the n-grams of the shorter prompt from which on two prompts overlap."""

COMMON = 10
"""Most prompts of the evaluation files that may have an n-gram which counts."""

REPEAT = "repeats an earlier row"
"""Why a repeated row is left out."""

# A character of a script without spaces is a word of its own.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")
_SPEAKER = re.compile(r"^[ \t]*(?:human|user|assistant|system):", re.MULTILINE | re.IGNORECASE)


class Overlap(Frozen):
    """A prompt that an evaluation file has too.

    Attributes:
        id: Of the row it was found in.
        file: The evaluation file.
        row: Id of the row there.
        share: Common share of those n-grams of the shorter prompt that count; 1 for prompts of the same words.
        exact: Whether both have the same words.
    """

    id: str
    file: str
    row: str
    share: float
    exact: bool


class EvaluationPrompts:
    """The prompts of evaluation files, in memory: about 100 bytes a word of different prompts.

    Args:
        words: Words of an n-gram. Prompts with fewer words are compared as wholes only.
        share: See `SHARE`; above 0 and at most 1.

    Raises:
        UsageError: An argument is out of range.
    """

    def __init__(self, *, words: int = WORDS, share: float = SHARE) -> None:
        if words < 1 or not 0 < share <= 1:
            raise UsageError(f"words is {words} and share {share}; expected at least 1, and above 0 and at most 1")
        self._words, self._share = words, share
        self._rows: list[tuple[str, str]] = []
        self._counted: list[int] = []
        self._whole: dict[str, int] = {}
        self._having: dict[int, tuple[int, ...]] = {}

    @classmethod
    def read(cls, files: Iterable[Path], *, words: int = WORDS, share: float = SHARE) -> "EvaluationPrompts":
        """Read the prompts of files in any layout, whatever else their rows hold.

        Raises:
            DataError: A file does not exist, or a row has no prompt.
        """
        prompts = cls(words=words, share=share)
        for file in files:
            for question in read_questions(file, layout="questions", on_repeat="keep"):
                prompts.add(question, str(file))
        return prompts

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, question: Question, file: str) -> None:
        """Add a prompt."""
        words = _words(question.prompt)
        row = len(self._rows)
        self._rows.append((file, question.id))
        self._counted.append(0)
        if self._whole.setdefault(" ".join(words), row) != row:
            return
        here = (row,)
        for gram in self._grams(words):
            having = self._having.get(gram)
            if having is None:
                self._having[gram] = here
            elif 0 < len(having) < COMMON:
                self._having[gram] = having + here
            else:
                for other in having:
                    self._counted[other] -= 1
                self._having[gram] = ()
                continue
            self._counted[row] += 1

    def find(self, prompt: Prompt, name: str = "") -> Overlap | None:
        """Return the evaluation row that a prompt overlaps most, if any.

        Args:
            prompt: The prompt to look for.
            name: Id of its row, for the result.
        """
        words = _words(prompt)
        same = self._whole.get(" ".join(words))
        if same is not None:
            file, row = self._rows[same]
            return Overlap(id=name, file=file, row=row, share=1, exact=True)
        having = [self._having.get(gram) for gram in self._grams(words)]
        counted = sum(rows != () for rows in having)
        common = Counter(row for rows in having if rows for row in rows)
        shares = {row: count / min(counted, self._counted[row]) for row, count in common.items()}
        best = max(shares, key=lambda index: (shares[index], -index), default=None)
        if best is None or shares[best] < self._share:
            return None
        file, row = self._rows[best]
        return Overlap(id=name, file=file, row=row, share=shares[best], exact=False)

    def _grams(self, words: list[str]) -> set[int]:
        size = self._words
        return {hash(tuple(words[start : start + size])) for start in range(len(words) - size + 1)}


class LeaveOut:
    """Says which values of one pass over a source are left out, and why.

    Args:
        repeats: Whether values are left out whose prompt and responses came before, apart from white space and case.
        evaluation: Prompts that must not come.
        on_overlap: Called with each overlap.
    """

    def __init__(
        self,
        *,
        repeats: bool = False,
        evaluation: EvaluationPrompts | None = None,
        on_overlap: Callable[[Overlap], object] | None = None,
    ) -> None:
        self._seen = FirstPlaces() if repeats else None
        self._evaluation = evaluation
        self._on_overlap = on_overlap

    def __call__(self, value: Value) -> str | None:
        """Return why a value is left out; None where it is not."""
        if self._seen is not None and self._seen.note(_content(value), 0) is not None:
            return REPEAT
        overlap = self._evaluation.find(value.prompt, value.id) if self._evaluation else None
        if overlap is None:
            return None
        if self._on_overlap:
            self._on_overlap(overlap)
        return f"its prompt is in {overlap.file}"


def normalised(text: str) -> str:
    """Return a text in lower case, with one space for any white space, and one form of each character."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _words(prompt: Prompt) -> list[str]:
    """Return the words of a prompt; where it has none, its characters."""
    text = _said(prompt)
    return _WORD.findall(text) or list(text)


def _said(prompt: Prompt) -> str:
    """Return what a prompt says, the same for a text, a list of messages and a transcript with names before turns."""
    if isinstance(prompt, str):
        return normalised(_SPEAKER.sub(" ", prompt))
    return normalised(" ".join(message.content for message in prompt))


def _content(value: Value) -> str:
    if isinstance(value, PreferencePair):
        responses: tuple[str, ...] = (value.chosen, value.rejected)
    elif isinstance(value, Question):
        responses = ()
    elif isinstance(value, Candidates):
        responses = tuple(sorted(value.responses))
    else:
        responses = value.responses
    return "\x00".join((_said(value.prompt), *map(normalised, responses)))
