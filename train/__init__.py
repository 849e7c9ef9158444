"""Training data and training: what students learn from, byte for byte what they will be asked."""

from openrubrics.train.dataset import SFTData, Stage, sft_data
from openrubrics.train.records import SFTRecord, judge_record, rubric_record

__all__ = ["SFTData", "SFTRecord", "Stage", "judge_record", "rubric_record", "sft_data"]
