"""What students learn from: the kept rows of a curated data set as SFT records, every drop counted with its reason.

The rubric model learns to write, from the request alone, the rubric that a teacher wrote by contrast (OpenRubrics v3,
section 4). The judge learns the whole trace of a verdict that agrees with the label, with the responses in the very
order in which the teacher was asked. Where it was asked in both orders, both are learned; and as many records have the
chosen response as A as have it as B, in each split, so that the order says nothing about the verdict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal, get_args

from openrubrics.data import CuratedRow
from openrubrics.data.splits import split_of
from openrubrics.programs import RubricRM
from openrubrics.programs.predict import BoundPredict
from openrubrics.signatures import DataError, JudgeTrace, ParseError, Rubric, UsageError, Verdict, prompt_text
from openrubrics.signatures.values import OTHER, Label, OrderOutcome
from openrubrics.train.records import SFTRecord, judge_record, rubric_record

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Stage = Literal["rubric", "judge"]
"""Which of the two students learns."""

SplitName = Literal["train", "val"]

_BATCH = 256


@dataclass(frozen=True)
class SFTData:
    """Records of one stage, and what became of all rows.

    Attributes:
        train: What the student learns from, in the order of the rows.
        val: What its loss is measured on; no prompt of it is in `train`. Empty where there are few prompts.
        dropped: How many examples were left out, by reason.
        rows: Rows that were read.
        examples: Rows, with a row judged in both orders counted twice: `train`, `val` and `dropped` together.
        tokens: Tokens of `train`, prompts and completions, as the student's tokenizer and chat template give them.
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
        rows: As `openrubrics.data.read_curated` gives them; may be lazy. Those that are not kept are counted only.
        stage: ``rubric`` or ``judge``.
        tokenizer: Of the student, with its chat template.
        cutoff: Most tokens of a record, prompt and completion with all that the chat template adds.
        program: Whose prompts the student reads, in training and later when it is served: instructions, form,
            template and demonstrations. None is `RubricRM` as shipped.
        val_share: Share of the prompts for `SFTData.val`, at least 0 and below 1. Each prompt is drawn by itself.
        seed: For the division, and for what is left out to balance the orders.

    Raises:
        UsageError: An argument is out of its range, or the tokenizer has no chat template.
        DataError: No record is left to train on; the message counts the reasons.
    """
    raise NotImplementedError
