"""What a reply has to look like, and how it becomes a value.

A contract belongs to the code, not to the methodology: optimizers rewrite Signature docstrings, never this. The same
contract serves the teacher's prompt, the SFT target and the served student.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import ValidationError

from openrubrics.signatures.adaptive_text import AdaptiveTrace
from openrubrics.signatures.domain_text import DomainChoice
from openrubrics.signatures.edits_text import SuggestedEdits
from openrubrics.signatures.errors import ParseError, UsageError
from openrubrics.signatures.judge_text import JudgeForm, JudgeTrace
from openrubrics.signatures.model_text import excerpt, well_formed
from openrubrics.signatures.outcomes import Failed
from openrubrics.signatures.paraphrase_text import Paraphrase
from openrubrics.signatures.reference_text import ReferenceTrace
from openrubrics.signatures.score_text import ScoreTrace
from openrubrics.signatures.values import Rubric

RUBRIC_FORMAT = """\
Reply with the rubric and nothing else: a numbered list, one criterion on each line. Every line begins with \
"The response" and ends with its tag, [Hard Rule] or [Principle]:

1. The response ... [Hard Rule]
2. The response ... [Principle]"""

_JUDGE_FORMAT = """\
Reply in exactly this form:

--- Compliance Check ---
{reasoning}Identified Gatekeeper Criterion: <the criterion, or "none">

--- Analysis ---
**Response A:**
- Criterion 1 [Hard Rule]: Justification: <finding>
- Criterion 2 [Principle]: Justification: <finding>
(one line for every criterion of the rubric, with its number and tag)
**Response B:**
(the same lines for Response B)

--- Final Judgment ---
{aggregation}Justification: <why the winner is better>
Winner: <Response A or Response B>"""

_FINDINGS_FORMAT = """\
Reply with two lines for every criterion of the rubric, in its order, and with nothing else: first the reason, then \
the finding, with the number and tag of the criterion:

Justification: <what in the response speaks for or against it>
Criterion 1 [Hard Rule]: <Met or Not met>

Justification: <what in the response speaks for or against it>
Criterion 2 [Principle]: <Met or Not met>"""

Content = Rubric | JudgeTrace | ScoreTrace | Paraphrase | SuggestedEdits | AdaptiveTrace | DomainChoice | ReferenceTrace
"""What a reply can stand for."""


@dataclass(frozen=True)
class Contract:
    """The form of one kind of reply.

    Attributes:
        name: Stable name; part of a program's fingerprint.
        instructions: The form, as the model is told.
        parse: Turns a reply into its value; raises `ParseError`.
        load: Turns the JSON content of a saved value into the value.
    """

    name: str
    instructions: str
    parse: Callable[[str], Content]
    load: Callable[[object], Content]

    def read(self, reply: str) -> Content | Failed:
        """Return the value of a reply, or what is wrong with it."""
        reply = well_formed(reply)
        try:
            return self.parse(reply)
        except ParseError as error:
            return Failed(reason=str(error), raw=reply)

    def write(self, value: object) -> str:
        """Return the reply that stands for a value: a value of this contract, its JSON content, or the text itself.

        Raises:
            UsageError: The value is a failure, for which no reply stands, or not one of this contract.
        """
        if isinstance(value, Failed):
            raise UsageError(f"a failure cannot be written as a reply: {value.reason}")
        if isinstance(value, str | Content):
            return str(value)
        try:
            return str(self.load(value))
        except ValidationError as error:
            raise UsageError(f"this is no value of the contract {self.name}: {excerpt(repr(value))}") from error


RUBRIC = Contract("rubric", RUBRIC_FORMAT, Rubric.parse, Rubric.model_validate)

JUDGMENT: dict[JudgeForm, Contract] = {
    "seed": Contract(
        "judgment-seed",
        _JUDGE_FORMAT.format(reasoning="", aggregation=""),
        JudgeTrace.parse,
        JudgeTrace.model_validate,
    ),
    "v3": Contract(
        "judgment-v3",
        _JUDGE_FORMAT.format(
            reasoning="Gatekeeper Reasoning: <one or two sentences that cite the rubric>\n",
            aggregation="Aggregation Summary: <one to three sentences>\n",
        ),
        JudgeTrace.parse,
        JudgeTrace.model_validate,
    ),
}

FINDINGS = Contract("findings", _FINDINGS_FORMAT, ScoreTrace.parse, ScoreTrace.model_validate)
