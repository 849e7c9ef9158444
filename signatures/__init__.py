"""The contract: values, tasks, their text forms, the adapter and the error tree."""

from openrubrics.signatures.adapter import VerbatimAdapter, invert
from openrubrics.signatures.contracts import FINDINGS, JUDGMENT, RUBRIC, Contract
from openrubrics.signatures.edits import Add, Delete, Edit, Modify, apply_edit
from openrubrics.signatures.errors import (
    BudgetError,
    DataError,
    LMError,
    MissingExtraError,
    OpenRubricsError,
    ParseError,
    UsageError,
)
from openrubrics.signatures.grades import Best, Grade, Met, Score
from openrubrics.signatures.judge_text import JudgeForm, JudgeTrace, render_judgment
from openrubrics.signatures.meta_rubric import Domain, MetaPrinciple, MetaRubric, Part, TypeRule
from openrubrics.signatures.meta_rubric_file import default_meta_rubric, read_meta_rubric
from openrubrics.signatures.outcomes import Failed, Finding, Judgment, OrderOutcome, Outcome, Tie, Usage, Verdict, Vote
from openrubrics.signatures.score_text import ScoreTrace, render_findings
from openrubrics.signatures.tasks import ContrastResponses, GenerateRubric, JudgePair, ScoreResponse
from openrubrics.signatures.values import (
    Check,
    Criterion,
    Label,
    Message,
    Order,
    Orders,
    PreferencePair,
    Prompt,
    RankedResponses,
    Rubric,
    fingerprint,
    prompt_text,
)

__all__ = [
    "FINDINGS",
    "JUDGMENT",
    "RUBRIC",
    "Add",
    "Best",
    "BudgetError",
    "Check",
    "Contract",
    "ContrastResponses",
    "Criterion",
    "DataError",
    "Delete",
    "Domain",
    "Edit",
    "Failed",
    "Finding",
    "GenerateRubric",
    "Grade",
    "JudgeForm",
    "JudgePair",
    "JudgeTrace",
    "Judgment",
    "LMError",
    "Label",
    "Message",
    "Met",
    "MetaPrinciple",
    "MetaRubric",
    "MissingExtraError",
    "Modify",
    "OpenRubricsError",
    "Order",
    "OrderOutcome",
    "Orders",
    "Outcome",
    "ParseError",
    "Part",
    "PreferencePair",
    "Prompt",
    "RankedResponses",
    "Rubric",
    "Score",
    "ScoreResponse",
    "ScoreTrace",
    "Tie",
    "TypeRule",
    "Usage",
    "UsageError",
    "VerbatimAdapter",
    "Verdict",
    "Vote",
    "apply_edit",
    "default_meta_rubric",
    "fingerprint",
    "invert",
    "prompt_text",
    "read_meta_rubric",
    "render_findings",
    "render_judgment",
]
