"""Prompts compiled against label accuracy."""

from openrubrics.optimizers.card import Card, Demos, SplitScores, read_card, save_compiled
from openrubrics.optimizers.card_text import card_text
from openrubrics.optimizers.compile import Compiled, compile  # noqa: A004 - DSPy's word for it
from openrubrics.optimizers.diff import diff
from openrubrics.optimizers.difference import Difference
from openrubrics.optimizers.meta_rubric_diff import MetaRubricDifference, diff_meta_rubrics, meta_rubric_difference
from openrubrics.optimizers.metrics import LabelMetric, as_example
from openrubrics.optimizers.session import Progress
from openrubrics.optimizers.table import OPTIMIZERS, Optimizer

__all__ = [
    "OPTIMIZERS",
    "Card",
    "Compiled",
    "Demos",
    "Difference",
    "LabelMetric",
    "MetaRubricDifference",
    "Optimizer",
    "Progress",
    "SplitScores",
    "as_example",
    "card_text",
    "compile",
    "diff",
    "diff_meta_rubrics",
    "meta_rubric_difference",
    "read_card",
    "save_compiled",
]
