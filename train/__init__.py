"""Training data and training: what students learn from, byte for byte what they will be asked."""

from openrubrics.train.dataset import SFTData, sft_data
from openrubrics.train.examples import Stage
from openrubrics.train.plan import Plan, plan_training
from openrubrics.train.preferences import (
    JudgedSamples,
    PreferenceRow,
    abest_and_worst,
    ajudge_samples,
    best_and_worst,
    judge_samples,
    preference_rows,
)
from openrubrics.train.presets import PRESETS, Preset
from openrubrics.train.records import SFTRecord, judge_record, rubric_record
from openrubrics.train.reward import RubricReward
from openrubrics.train.sft import distill
from openrubrics.train.summary import TrainProgress, TrainSummary

__all__ = [
    "PRESETS",
    "JudgedSamples",
    "Plan",
    "PreferenceRow",
    "Preset",
    "RubricReward",
    "SFTData",
    "SFTRecord",
    "Stage",
    "TrainProgress",
    "TrainSummary",
    "abest_and_worst",
    "ajudge_samples",
    "best_and_worst",
    "distill",
    "judge_record",
    "judge_samples",
    "plan_training",
    "preference_rows",
    "rubric_record",
    "sft_data",
]
