"""Training data and training: what students learn from, byte for byte what they will be asked."""

from openrubrics.train.records import SFTRecord, judge_record, rubric_record

__all__ = ["SFTRecord", "judge_record", "rubric_record"]
