"""Meta-rubrics that are refined by edits: proposed from failures, tried on pairs, kept with their evidence."""

from openrubrics.optimizers.refinement.candidates import Step
from openrubrics.optimizers.refinement.card import RefinementCard, Tried, read_refinement
from openrubrics.optimizers.refinement.failures import Cluster, Failing, Failure, clusters, failures
from openrubrics.optimizers.refinement.plan import Judging, Sizes
from openrubrics.optimizers.refinement.proposals import Effect, Proposal, effect
from openrubrics.optimizers.refinement.refine import Refined, refine

__all__ = [
    "Cluster",
    "Effect",
    "Failing",
    "Failure",
    "Judging",
    "Proposal",
    "Refined",
    "RefinementCard",
    "Sizes",
    "Step",
    "Tried",
    "clusters",
    "effect",
    "failures",
    "read_refinement",
    "refine",
]
