"""Training data and training: what students learn from, byte for byte what they will be asked."""

from openrubrics.train.dataset import SFTData, sft_data
from openrubrics.train.examples import Stage
from openrubrics.train.preferences import (
    JudgedSamples,
    PreferenceRow,
    abest_and_worst,
    ajudge_samples,
    best_and_worst,
    judge_samples,
    preference_rows,
)
from openrubrics.train.records import SFTRecord, judge_record, rubric_record
from openrubrics.train.reward import RubricReward

__all__ = [
    "JudgedSamples",
    "PreferenceRow",
    "RubricReward",
    "SFTData",
    "SFTRecord",
    "Stage",
    "abest_and_worst",
    "ajudge_samples",
    "best_and_worst",
    "judge_record",
    "judge_samples",
    "preference_rows",
    "rubric_record",
    "sft_data",
]
