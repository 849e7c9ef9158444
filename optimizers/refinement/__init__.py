"""Meta-rubrics that are refined by edits: proposed from failures, tried on pairs, kept with their evidence."""

from openrubrics.optimizers.refinement.failures import Cluster, Failing, Failure, clusters, failures
from openrubrics.optimizers.refinement.proposals import Effect, Proposal, effect

__all__ = [
    "Cluster",
    "Effect",
    "Failing",
    "Failure",
    "Proposal",
    "clusters",
    "effect",
    "failures",
]
