"""Two tasks without a rubric, as DSPy Signatures: what a judge is worth that has none.

They say what `openrubrics.signatures.tasks.JudgePair` says of order, length and confidence, and end in the same
verdict, so that what differs is the rubric and the work with it. As there, the class docstring goes to the model, and
optimizers may rewrite it; what a reply looks like belongs to the contracts of this module.
"""

import dspy

from openrubrics.signatures.contracts import Contract
from openrubrics.signatures.judge_text import JudgeTrace
from openrubrics.signatures.outcomes import Failed

VERDICT = Contract(
    "verdict",
    """\
Reply with this one line and nothing else:

Winner: <Response A or Response B>""",
    JudgeTrace.free,
    JudgeTrace.model_validate,
)
"""The winner at once."""

REASONED_VERDICT = Contract(
    "reasoned-verdict",
    """\
First write down your reasoning, in whatever form suits you. Then end the reply with this one line:

Winner: <Response A or Response B>""",
    JudgeTrace.free,
    JudgeTrace.model_validate,
)
"""Free reasoning, then the winner."""


class CompareDirectly(dspy.Signature):
    """Decide which of two answers to a request is better. Name the winner at once, without any explanation.

    The better answer is the one that serves the request better: it does what is asked for, keeps to every limit and
    format that the request sets, is correct, and is clear.

    The order of the answers, their length and their confidence say nothing about their quality. Decide for A or B.
    """

    prompt: str = dspy.InputField(desc="the request that both answers respond to")
    response_a: str = dspy.InputField(desc="the answer shown first")
    response_b: str = dspy.InputField(desc="the answer shown second")
    judgment: JudgeTrace | Failed = dspy.OutputField(desc="the winner")


class CompareByReasoning(dspy.Signature):
    """Decide which of two answers to a request is better. Think it through step by step before you name the winner.

    The better answer is the one that serves the request better: it does what is asked for, keeps to every limit and
    format that the request sets, is correct, and is clear. Look at both answers, and support what you find with
    evidence from the answers themselves.

    The order of the answers, their length and their confidence say nothing about their quality. Decide for A or B.
    """

    prompt: str = dspy.InputField(desc="the request that both answers respond to")
    response_a: str = dspy.InputField(desc="the answer shown first")
    response_b: str = dspy.InputField(desc="the answer shown second")
    judgment: JudgeTrace | Failed = dspy.OutputField(desc="reasoning, then the winner")
