"""The task of saying an answer in other words, as a DSPy Signature; audits of judges need it.

As in `openrubrics.signatures.tasks`, the class docstring goes to the model; what a reply looks like belongs to the
contract. The input is called ``response``, so that its tags are disarmed in it.
"""

import dspy

from openrubrics.signatures.contracts import Contract
from openrubrics.signatures.outcomes import Failed
from openrubrics.signatures.paraphrase_text import END, START, Paraphrase

PARAPHRASE = Contract(
    "paraphrase",
    f"""\
Reply in exactly this form, with the rewritten answer between the two marks and nothing around them:

{START}
<the rewritten answer>
{END}""",
    Paraphrase.parse,
    Paraphrase.model_validate,
)


class ParaphraseResponse(dspy.Signature):
    """Say an answer in other words. Whoever has read the answer must learn nothing new from yours, and miss nothing.

    Change the choice of words and the build of the sentences wherever that leaves the meaning as it is. Keep everything
    else: language, tone, length, order, layout (headings, lists, bold print, paragraphs), numbers, names, quotations,
    code, formulas, and also every mistake, gap and weakness. Do not correct, improve, shorten, extend or comment.
    """

    response: str = dspy.InputField(desc="the answer to rewrite")
    paraphrase: Paraphrase | Failed = dspy.OutputField(desc="the same answer in other words")
