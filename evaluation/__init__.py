"""How well a judge agrees with human labels, and the files that say so."""

from openrubrics.evaluation.agreement import kappa
from openrubrics.evaluation.metrics import Figures, measure
from openrubrics.evaluation.paired import Paired, compare
from openrubrics.evaluation.results import EvaluatedPair
from openrubrics.evaluation.run import PairJudge, aevaluate, evaluate
from openrubrics.evaluation.summary import Summary, summarize
from openrubrics.evaluation.writer import RunWriter

__all__ = [
    "EvaluatedPair",
    "Figures",
    "PairJudge",
    "Paired",
    "RunWriter",
    "Summary",
    "aevaluate",
    "compare",
    "evaluate",
    "kappa",
    "measure",
    "summarize",
]
