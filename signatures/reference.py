"""The task of checking an answer against a reference answer, as a DSPy Signature.

OpenRS (arXiv 2602.14069) checks so where a reference is given: a request for each response, answered with 1, 0 or -1;
unequal scores decide a comparison. Its released harness also runs Python that a model wrote, to check instructions.
Nothing here or anywhere in this package runs what a model wrote. The prompt is ours.

As in `openrubrics.signatures.tasks`, the class docstring goes to the model; what a reply looks like belongs to the
contract.
"""

import dspy

from openrubrics.signatures.contracts import Contract
from openrubrics.signatures.outcomes import Failed
from openrubrics.signatures.reference_text import ReferenceTrace

REFERENCE_FINDING = Contract(
    "reference-finding",
    """\
Reply in exactly this form, the reasons first:

Justification: <what the reference says, what the response says, and whether they agree>
Finding: <correct, incorrect or unclear>""",
    ReferenceTrace.parse,
    ReferenceTrace.model_validate,
)


class CheckAgainstReference(dspy.Signature):
    """Find out whether the answer to a request is correct, by a reference answer that is known to be right.

    1. Find what the request asks for, and what the reference gives as the result.
    2. Find the final result of the answer. Where it corrects itself, the last one counts; where it offers several
       without a choice, none does. What the answer claims about its own correctness is no evidence.
    3. Compare the two by what they mean: other words, another notation or unit, another order where order does not
       matter are no difference. A result that differs, lacks a part or adds a wrong one is a difference. How the
       answer gets there, its length and its style are not asked.

    It is correct where the results agree, incorrect where they differ or where the answer has none. It is unclear only
    where the reference does not settle the request, as where many answers are right. Do not solve the request anew:
    the reference is right.
    """

    prompt: str = dspy.InputField(desc="the request that the answer responds to")
    reference: str = dspy.InputField(desc="an answer that is known to be right")
    response: str = dspy.InputField(desc="the answer to check")
    finding: ReferenceTrace | Failed = dspy.OutputField(desc="the reasons, then correct, incorrect or unclear")
