"""DSPy modules that return our own values; the only room where a `dspy.Prediction` becomes one."""

from openrubrics.programs.adaptive_judge import AdaptiveRubricJudge
from openrubrics.programs.baselines import ChainOfThoughtJudge, DirectJudge
from openrubrics.programs.contrastive_rm import ContrastiveRubricRM
from openrubrics.programs.direct import Direct, Replies
from openrubrics.programs.gatekeeper import GatekeeperJudge
from openrubrics.programs.paraphraser import Paraphraser
from openrubrics.programs.pool_scorer import Calibration, PoolScorer
from openrubrics.programs.program import Program
from openrubrics.programs.ranking import Comparison, Ranking
from openrubrics.programs.reference_checker import ReferenceChecker
from openrubrics.programs.rubric_generator import ContrastiveRubricGenerator, RubricGenerator
from openrubrics.programs.rubric_rm import RubricRM
from openrubrics.programs.rubric_scorer import RubricScorer

__all__ = [
    "AdaptiveRubricJudge",
    "Calibration",
    "ChainOfThoughtJudge",
    "Comparison",
    "ContrastiveRubricGenerator",
    "ContrastiveRubricRM",
    "Direct",
    "DirectJudge",
    "GatekeeperJudge",
    "Paraphraser",
    "PoolScorer",
    "Program",
    "Ranking",
    "ReferenceChecker",
    "Replies",
    "RubricGenerator",
    "RubricRM",
    "RubricScorer",
]
