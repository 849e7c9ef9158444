"""Meta-rubrics that are refined by edits: proposed from failures, tried on pairs, kept with their evidence."""

from openrubrics.optimizers.refinement.candidates import Step
from openrubrics.optimizers.refinement.card import RefinementCard, Tried, read_refinement
from openrubrics.optimizers.refinement.decisions import Decisions, read_decisions, replay
from openrubrics.optimizers.refinement.domain import DomainPlan, apropose_for_domain
from openrubrics.optimizers.refinement.evidence import Proposals, ProposedEdit, read_proposals, write_proposals
from openrubrics.optimizers.refinement.failures import Cluster, Failing, Failure, clusters, failures
from openrubrics.optimizers.refinement.plan import Judging, Sizes
from openrubrics.optimizers.refinement.proposals import Effect, Proposal, effect
from openrubrics.optimizers.refinement.refine import Refined, refine
from openrubrics.optimizers.refinement.review import Review

__all__ = [
    "Cluster",
    "Decisions",
    "DomainPlan",
    "Effect",
    "Failing",
    "Failure",
    "Judging",
    "Proposal",
    "Proposals",
    "ProposedEdit",
    "Refined",
    "RefinementCard",
    "Review",
    "Sizes",
    "Step",
    "Tried",
    "apropose_for_domain",
    "clusters",
    "effect",
    "failures",
    "read_decisions",
    "read_proposals",
    "read_refinement",
    "refine",
    "replay",
    "write_proposals",
]
