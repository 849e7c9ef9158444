"""How well a judge agrees with human labels, and the files that say so."""

from openrubrics.evaluation.agreement import kappa
from openrubrics.evaluation.metrics import Figures, measure
from openrubrics.evaluation.results import EvaluatedPair
from openrubrics.evaluation.run import PairJudge, aevaluate, evaluate
from openrubrics.evaluation.summary import Summary, summarize
from openrubrics.evaluation.writer import RunWriter

__all__ = [
    "EvaluatedPair",
    "Figures",
    "PairJudge",
    "RunWriter",
    "Summary",
    "aevaluate",
    "evaluate",
    "kappa",
    "measure",
    "summarize",
]
