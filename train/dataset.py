"""What students learn from: the kept rows of a curated data set as SFT records, every drop counted with its reason.

The rubric model learns to write, from the request alone, the rubric that a teacher wrote by contrast (OpenRubrics v3,
Table 7). The judge learns the whole trace of a verdict that agrees with the label, with the responses in the very order
in which the teacher was asked. A comparison that was asked in both orders is learned in both; and each split has as
many records with the chosen response as A as with it as B, so that a position says nothing about the verdict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, get_args

from openrubrics.data import CuratedRow
from openrubrics.data.splits import split_of
from openrubrics.programs import RubricRM
from openrubrics.signatures import DataError, UsageError
from openrubrics.signatures.values import Label
from openrubrics.train.chat_text import check_tokenizer, measure
from openrubrics.train.examples import Example, Stage, examples
from openrubrics.train.records import SFTRecord

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_BATCH = 256
"""Records whose tokens are counted at a time."""


@dataclass(frozen=True)
class SFTData:
    """Records of one stage, and what became of all rows.

    Attributes:
        train: What the student learns from, in the order of the rows.
        val: What its loss is measured on; no prompt of it is in `train`. Empty where there are few prompts.
        dropped: How many examples were left out, by reason, the most frequent first.
        rows: Rows that were read.
        examples: What the rows came to, those of `train`, `val` and `dropped` together: one for each row, and for a
            kept one of the judge one for each order in which it was judged.
        tokens: Tokens of `train`, prompts and completions, with all that the chat template adds.
        longest: Tokens of the longest record of both splits.
    """

    train: list[SFTRecord]
    val: list[SFTRecord]
    dropped: Mapping[str, int]
    rows: int
    examples: int
    tokens: int
    longest: int


def sft_data(
    rows: Iterable[CuratedRow],
    stage: Stage,
    *,
    tokenizer: PreTrainedTokenizerBase,
    cutoff: int,
    program: RubricRM | None = None,
    val_share: float = 0.05,
    seed: int = 0,
) -> SFTData:
    """Return the records of a stage, divided by prompt; what is too long is left out whole, and nothing is cut.

    Args:
        rows: As `openrubrics.data.read_curated` gives them; may be lazy. Those that are not kept are only counted.
        stage: ``rubric`` or ``judge``.
        tokenizer: Of the student, with its chat template.
        cutoff: Most tokens of a record, prompt and completion with all that the chat template adds.
        program: Whose prompts the student reads, in training and later when it is served: instructions, form,
            template and demonstrations. None is `RubricRM` as shipped; for traces of the form v3 give one of that form.
        val_share: Share of the prompts for `SFTData.val`, at least 0 and below 1. Each prompt is drawn by itself.
        seed: For the division, and for what is left out to balance the positions.

    Raises:
        UsageError: An argument is out of its range, or the tokenizer has no chat template.
        DataError: No record is left to train on; the message counts the reasons.
    """
    if stage not in get_args(Stage):
        raise UsageError(f"unknown stage {stage!r}", f"stages are {' and '.join(get_args(Stage))}")
    if cutoff < 1:
        raise UsageError(f"the cutoff is {cutoff}, but a record has at least one token")
    if not 0 <= val_share < 1:
        raise UsageError(f"the share of the prompts for validation is {val_share}", "give 0 or more, and less than 1")
    check_tokenizer(tokenizer)
    collected = _Collected(tokenizer, cutoff)
    program = program or RubricRM()
    for row in rows:
        collected.rows += 1
        for example in examples(row, stage, program):
            collected.take(example)
    return collected.data({"train": 1 - val_share} | ({"val": val_share} if val_share else {}), seed)


class _Collected:
    """The examples that are kept, with their tokens, and the counts."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, cutoff: int) -> None:
        self.rows = self._examples = 0
        self._tokenizer, self._cutoff = tokenizer, cutoff
        self._seen: set[bytes] = set()
        self._waiting: list[Example] = []
        self._kept: list[tuple[Example, int]] = []
        self._dropped: Counter[str] = Counter()

    def take(self, example: Example | str) -> None:
        """Take an example, or the reason why there is none."""
        self._examples += 1
        if isinstance(example, str):
            self._dropped[example] += 1
        elif example.key in self._seen:
            self._dropped["the same as an earlier one"] += 1
        else:
            self._seen.add(example.key)
            self._waiting.append(example)
        if len(self._waiting) >= _BATCH:
            self._measure()

    def data(self, shares: Mapping[str, float], seed: int) -> SFTData:
        """Return what is left when it is divided, and each split balanced."""
        self._measure()
        splits: dict[str, list[tuple[Example, int]]] = {"train": [], "val": []}
        for example, tokens in self._kept:
            splits[split_of(example.prompt, shares, seed)].append((example, tokens))
        train, val = (self._balanced(split, seed) for split in splits.values())
        dropped = dict(self._dropped.most_common())
        if not train:
            told = [f"{reason} ({count})" for reason, count in dropped.items()]
            told += [f"drawn for validation ({len(val)})"] if val else []
            raise DataError(
                f"of {self.rows} rows nothing is left to train on: {'; '.join(told) or 'there are none'}",
                "curate more pairs, or raise the cutoff where records are too long",
            )
        return SFTData(
            train=[example.record for example, _ in train],
            val=[example.record for example, _ in val],
            dropped=dropped,
            rows=self.rows,
            examples=self._examples,
            tokens=sum(tokens for _, tokens in train),
            longest=max(tokens for _, tokens in (*train, *val)),
        )

    def _measure(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        records = [example.record for example in waiting]
        for example, measured in zip(waiting, measure(records, self._tokenizer, self._cutoff), strict=True):
            if isinstance(measured, str):
                self._dropped[measured] += 1
            else:
                self._kept.append((example, measured))

    def _balanced(self, split: list[tuple[Example, int]], seed: int) -> list[tuple[Example, int]]:
        """Leave out as many as it takes until both positions win equally often; the seed draws which."""
        by_slot: dict[Label, list[bytes]] = {"A": [], "B": []}
        for example, _ in split:
            if example.chosen:
                by_slot[example.chosen].append(example.key)
        fewer, more = sorted(by_slot.values(), key=len)
        surplus = set(sorted(more, key=lambda key: blake2b(key, salt=_salt(seed)).digest())[: len(more) - len(fewer)])
        if surplus:
            self._dropped["left out so that A and B win equally often"] += len(surplus)
        return [(example, tokens) for example, tokens in split if example.key not in surplus]


def _salt(seed: int) -> bytes:
    return blake2b(str(seed).encode(), digest_size=blake2b.SALT_SIZE).digest()
