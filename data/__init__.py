"""Preference pairs in, pairs with checked rubrics out."""

from openrubrics.data.bulk import in_bulk
from openrubrics.data.cluster import ClusterError, calls
from openrubrics.data.cluster_join import Cluster
from openrubrics.data.comparisons import Comparison, read_comparisons
from openrubrics.data.curated import Attempt, CuratedItem, CuratedPair, CurationSettings
from openrubrics.data.curated_folder import describe_curated, export_curated
from openrubrics.data.curated_rows import CuratedRow, Provenance, read_curated
from openrubrics.data.curation import ContrastsResponses, JudgesByRubric, acurate, curate, curate_one
from openrubrics.data.curation_counts import CurationCounts, CurationSummary
from openrubrics.data.ensemble import RewardEnsemble
from openrubrics.data.ledger import Ledger
from openrubrics.data.manifest import Manifest, versions
from openrubrics.data.overlap import EvaluationPrompts, LeaveOut
from openrubrics.data.pairs import Candidates
from openrubrics.data.presets import PRESETS
from openrubrics.data.slots import shown_responses, slot_of_chosen
from openrubrics.data.sources import read_candidates, read_pairs, read_questions, read_ranked
from openrubrics.data.specificity import TopicFinding, topic_findings
from openrubrics.data.splits import check_disjoint, split_by_prompt
from openrubrics.data.synthetic import synthetic_pairs
from openrubrics.signatures.files import cannot_write, sha256, write_whole

__all__ = [
    "PRESETS",
    "Attempt",
    "Candidates",
    "Cluster",
    "ClusterError",
    "Comparison",
    "ContrastsResponses",
    "CuratedItem",
    "CuratedPair",
    "CuratedRow",
    "CurationCounts",
    "CurationSettings",
    "CurationSummary",
    "EvaluationPrompts",
    "JudgesByRubric",
    "LeaveOut",
    "Ledger",
    "Manifest",
    "Provenance",
    "RewardEnsemble",
    "TopicFinding",
    "acurate",
    "calls",
    "cannot_write",
    "check_disjoint",
    "curate",
    "curate_one",
    "describe_curated",
    "export_curated",
    "in_bulk",
    "read_candidates",
    "read_comparisons",
    "read_curated",
    "read_pairs",
    "read_questions",
    "read_ranked",
    "sha256",
    "shown_responses",
    "slot_of_chosen",
    "split_by_prompt",
    "synthetic_pairs",
    "topic_findings",
    "versions",
    "write_whole",
]
