"""Preference pairs in, pairs with checked rubrics out."""

from openrubrics.data.bulk import in_bulk
from openrubrics.data.comparisons import Comparison, read_comparisons
from openrubrics.data.curation import ContrastsResponses, CuratedPair, JudgesByRubric, acurate
from openrubrics.data.ledger import Ledger
from openrubrics.data.manifest import Manifest, versions
from openrubrics.data.pairs import read_pairs
from openrubrics.data.slots import shown_responses, slot_of_chosen
from openrubrics.signatures.files import cannot_write, sha256, write_whole

__all__ = [
    "Comparison",
    "ContrastsResponses",
    "CuratedPair",
    "JudgesByRubric",
    "Ledger",
    "Manifest",
    "acurate",
    "cannot_write",
    "in_bulk",
    "read_comparisons",
    "read_pairs",
    "sha256",
    "shown_responses",
    "slot_of_chosen",
    "versions",
    "write_whole",
]
