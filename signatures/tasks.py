"""The four tasks, as DSPy Signatures.

A Signature's class docstring is the methodology that goes to the model and that optimizers may rewrite; notes for
developers stand here. The methodology follows OpenRubrics v3, sections 3 and 4 and its appendix, in our own words; to
score a single response is no part of that paper. What the reply has to look like is not part of the methodology: that
is the contract of `openrubrics.signatures.contracts`, which nothing may rewrite. An output that does not parse is a
`Failed` value, so a batch of samples keeps its good ones.

The input fields are rendered in the order in which they are declared; what several calls share comes first, so that a
server can reuse the prefix.
"""

import dspy

from openrubrics.signatures.judge_text import JudgeTrace
from openrubrics.signatures.outcomes import Failed
from openrubrics.signatures.score_text import ScoreTrace
from openrubrics.signatures.values import Rubric


class GenerateRubric(dspy.Signature):
    """Write the rubric by which answers to a request will be compared. You see the request alone, without any answer.

    1. Collect what the request demands in so many words: length, format, language, items to include or to avoid, order,
       wording, tone asked for by name. Each demand becomes one hard rule and keeps its exact figures and words. If the
       request demands nothing explicitly, there are no hard rules.
    2. Then ask what separates an excellent answer to a request of this kind from a passable one: correctness, reasoning
       that holds, completeness where it matters, relevance, clarity, fitness for this reader. Each such quality becomes
       one principle. A principle is universal: it would serve just as well for another request of the same kind, so it
       names no person, place, work, figure, subject or detail of this one.
    3. Every criterion can be checked by reading one answer, says one thing only, and overlaps with no other. Hard rules
       come first, then principles, the most important ones first."""

    prompt: str = dspy.InputField(desc="the request that the answers respond to")
    rubric: Rubric | Failed = dspy.OutputField(desc="numbered criteria, each a hard rule or a principle")


class ContrastResponses(dspy.Signature):
    """Learn from answers that people have ranked what makes an answer to this request better, and turn it into a rubric
    that would rank them the same way, and rank answers nobody has seen yet.

    1. Collect what the request demands in so many words: length, format, language, items to include or to avoid, order,
       wording, tone asked for by name. Each demand becomes one hard rule and keeps its exact figures and words, whether
       or not the answers differ on it.
    2. Compare the answers, which are listed from best to worst: each with the next one, and the best with all others.
       Note for yourself the concrete reasons why the better one is better. These notes may be specific; they are not
       part of your reply.
    3. Lift each note to the general quality behind it and write that as a principle. A principle is universal: it would
       serve just as well for another request of the same kind. Names, places, works, dates, figures, facts and subject
       words of this request are forbidden in a principle, and so is any mention of the answers or of their ranks.
    4. Check yourself before replying: every explicit demand has its hard rule; no principle is bound to the subject; no
       two criteria say the same; each can be checked by reading one answer. Hard rules come first, then principles,
       those that separate the answers most clearly first."""

    prompt: str = dspy.InputField(desc="the request that the answers respond to")
    responses: list[str] = dspy.InputField(desc="two or more answers, best first")
    rubric: Rubric | Failed = dspy.OutputField(desc="numbered criteria, each a hard rule or a principle")


class JudgePair(dspy.Signature):
    """Decide which of two answers to a request is better, by the given rubric and by nothing else.

    1. Compliance check. Choose from the rubric the single most important objective criterion, the gatekeeper: one that
       can be decided without taste, such as a limit on length, a required format, required or forbidden content. A
       matter of taste cannot be the gatekeeper. If the rubric holds no objective criterion, say so.
    2. Analysis. Go through the rubric item by item, all items for Response A first, then all for Response B. For each
       item say whether and how the answer meets it, with evidence from the answer itself.
    3. Final judgment. If exactly one answer breaks the gatekeeper, the other one wins. Otherwise weigh the findings:
       hard rules before principles, then the principles by how clearly the answers differ on them. Give the
       justification first and the winner last.

    The order of the answers, their length and their confidence say nothing about their quality. Decide for A or B."""

    prompt: str = dspy.InputField(desc="the request that both answers respond to")
    rubric: Rubric = dspy.InputField(desc="the criteria to judge by")
    response_a: str = dspy.InputField(desc="the answer shown first")
    response_b: str = dspy.InputField(desc="the answer shown second")
    judgment: JudgeTrace | Failed = dspy.OutputField(desc="compliance check, analysis, final judgment")


class ScoreResponse(dspy.Signature):
    """Find out which criteria of a rubric one answer to a request meets. Each criterion is a question of its own, and
    the answer to it is yes or no.

    1. Take the criteria in their order, and each in the very words in which it stands. Whether it is a wise criterion,
       and what the answer does well or badly besides, is not asked.
    2. Gather the evidence before you decide: count what can be counted, name or quote the place in the answer that
       settles the question, or say that there is none. What the answer claims about itself is no evidence.
    3. Then decide. A criterion with several demands is met where all of them are; what is met in part only is not met.
       Examples that a criterion gives show what is meant, and need not all be there.
    4. A criterion that describes a fault is met where the answer has that fault: "The response contains an error" is
       met by an answer with an error, and not met by one without.

    There is nothing to compare the answer with. Its length, its confidence and its tone count only where a criterion
    asks for them."""

    prompt: str = dspy.InputField(desc="the request that the answer responds to")
    rubric: Rubric = dspy.InputField(desc="the criteria to judge by")
    response: str = dspy.InputField(desc="the answer to judge")
    findings: ScoreTrace | Failed = dspy.OutputField(desc="for each criterion the reason, then met or not met")
