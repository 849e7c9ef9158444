"""The tasks of an adaptive judge (OpenRS, arXiv 2602.14069), as DSPy Signatures, with their contracts.

As in `openrubrics.signatures.tasks`, the class docstring goes to the model. What OpenRS has published is one prompt in
Chinese; these are in our own words. Its steps are kept: intent before the answers, what separates them, 5 to 15
criteria of four types (how many, and when a criterion is of a type, says the meta-rubric), each compared on its own
with evidence, no aggregate by the model. The text of its routing to a domain, and its form with two calls, are not
public; both are ours. The meta-rubric comes before the request, so that a server can reuse it for all requests.
"""

import dspy

from openrubrics.signatures.adaptive_text import AdaptiveTrace
from openrubrics.signatures.contracts import Contract
from openrubrics.signatures.domain_text import DomainChoice
from openrubrics.signatures.outcomes import Failed

_CRITERIA = """\
--- Intent ---
<what the request is after>

--- Differences ---
<how the responses differ in substance>

--- Criteria ---
1. The response ... [Core]
2. The response ... [Critical]
(one line for each criterion, with its type at the end: [Critical], [Core], [Important] or [Highlight])"""

_COMPARISON = """\
--- Comparison ---
Evidence A: "<quoted from Response A>"
Evidence B: "<quoted from Response B>"
Justification: <which response is better on this criterion, and why>
Criterion 1 [Core]: <A 2, A 1, Tie, B 1 or B 2>

(the same four lines for every criterion, with its number and type)"""

ADAPTIVE = Contract(
    "adaptive",
    f"Reply in exactly this form:\n\n{_CRITERIA}\n\n{_COMPARISON}",
    AdaptiveTrace.parse,
    AdaptiveTrace.model_validate,
)
"""Criteria and comparison in one reply."""

ADAPTIVE_CRITERIA = Contract(
    "adaptive-criteria",
    f"Reply in exactly this form, and compare nothing yet:\n\n{_CRITERIA}",
    AdaptiveTrace.parse_criteria,
    AdaptiveTrace.model_validate,
)
"""Criteria alone."""

COMPARISON_BY_CRITERIA = Contract(
    "comparison-by-criteria",
    f"Reply in exactly this form, for every criterion of the list in its order:\n\n{_COMPARISON}",
    AdaptiveTrace.parse_comparisons,
    AdaptiveTrace.model_validate,
)
"""Comparison by criteria that were given."""

ROUTE = Contract(
    "route",
    """\
Reply with two lines and nothing else:

Reason: <in a few words, what kind of request it is>
Chosen part: <one name of the list>""",
    DomainChoice.parse,
    DomainChoice.model_validate,
)
"""Which part of a meta-rubric a request belongs to."""


class RouteRequest(dspy.Signature):
    """Say to which kind a request belongs, so that answers to it can be judged by the right rules. Nothing is answered
    or judged here.

    Each line of the list names a part of the rules and says which requests belong to it. Go by what the request wants
    done, not by the words or the topics that occur in it: a request to correct the spelling of a medical text is no
    medical question. If several parts fit, choose the one that the hardest demand of the request belongs to; if none
    fits clearly, choose general."""

    domains: str = dspy.InputField(desc="the parts, each with the requests that belong to it")
    prompt: str = dspy.InputField(desc="the request")
    choice: DomainChoice | Failed = dspy.OutputField(desc="the reason, then the name of one part")


class CompareAdaptively(dspy.Signature):
    """Compare two answers to a request on criteria that you write for this one comparison, as the meta-rubric rules.
    You do not add anything up and you do not name a winner: that is done afterwards, by fixed arithmetic.

    1. Intent. Read the request alone first, as if there were no answers yet. What is asked for, what does the person
       need it for, what would an ideal answer do, and which demands are stated in so many words? Where the request is
       unclear or holds a slip, take the reading that fits it best as a whole.
    2. Differences. Now read both answers and say where they differ in substance: what one claims, contains, leaves
       out or gets wrong, and the other does not. Leave aside what they share and what is mere wording.
    3. Criteria. Write as many criteria as the meta-rubric asks for. Make them from its principles: adapt to this
       request those that matter to the intent or to a difference, leave out the others, add what the request demands.
       Every criterion says one thing, can be checked by reading an answer, overlaps with no other, applies to both
       answers alike and names neither. Give each the type that the meta-rubric gives to faults and merits of that
       weight; critical is for what it reserves that type for, and for nothing else.
    4. Comparison. Take the criteria one by one, each as if it were the only one. Quote the passage of each answer that
       shows how it does on this criterion, word for word and short; where an answer has nothing on it, write none. Give
       the reason, and only then the better answer with its margin: 2 where the difference is clear and matters, 1 where
       it is slight, a tie where there is none.

    Facts. Where answers differ in facts, results, code or figures, first list the claims on which they differ, then
    check each by itself: compute it, derive it, or recall what is known. Do not go by which sounds surer. If both are
    right or both are wrong on a claim, that is a tie on it, and so it is where you cannot tell.

    The order of the answers says nothing about their quality. Neither does length: more text counts only for what it
    adds to the intent, and padding, repetition and asides count against an answer where a criterion speaks of them.
    Tone, confidence, praise of itself and formatting count only where a criterion asks for them."""

    meta_rubric: str = dspy.InputField(desc="the rules by which criteria are written, typed and weighed")
    prompt: str = dspy.InputField(desc="the request that both answers respond to")
    response_a: str = dspy.InputField(desc="the answer shown first")
    response_b: str = dspy.InputField(desc="the answer shown second")
    comparison: AdaptiveTrace | Failed = dspy.OutputField(desc="intent, differences, criteria, comparison on each")


class WriteAdaptiveCriteria(dspy.Signature):
    """Write the criteria by which two answers to a request will be compared, as the meta-rubric rules. Somebody else
    compares them, who sees neither the meta-rubric nor your notes, and sees the answers in another order too.

    1. Intent. Read the request alone first, as if there were no answers yet. What is asked for, what does the person
       need it for, what would an ideal answer do, and which demands are stated in so many words? Where the request is
       unclear or holds a slip, take the reading that fits it best as a whole.
    2. Differences. Now read both answers and say where they differ in substance: what one claims, contains, leaves
       out or gets wrong, and the other does not. Leave aside what they share and what is mere wording.
    3. Criteria. Write as many criteria as the meta-rubric asks for. Make them from its principles: adapt to this
       request those that matter to the intent or to a difference, leave out the others, add what the request demands.
       Every criterion says one thing, can be checked by reading an answer, overlaps with no other, and applies to both
       answers alike: it must not name Response A or Response B, and must not say which one meets it. Give each the type
       that the meta-rubric gives to faults and merits of that weight; critical is for what it reserves that type for,
       and for nothing else.

    A claim on which the answers differ becomes a criterion only as what a right answer says, after you have checked it.
    Neither the order of the answers nor their length says anything about their quality."""

    meta_rubric: str = dspy.InputField(desc="the rules by which criteria are written, typed and weighed")
    prompt: str = dspy.InputField(desc="the request that both answers respond to")
    response_a: str = dspy.InputField(desc="one answer")
    response_b: str = dspy.InputField(desc="the other answer")
    criteria: AdaptiveTrace | Failed = dspy.OutputField(desc="intent, differences, criteria with their types")


class CompareByCriteria(dspy.Signature):
    """Compare two answers to a request on each of the given criteria, and on nothing else. You do not add anything up
    and you do not name a winner: that is done afterwards, by fixed arithmetic.

    Read the request alone first, and be clear about what it is after. Then take the criteria one by one, in their
    order and in their words, each as if it were the only one. Quote the passage of each answer that shows how it does
    on this criterion, word for word and short; where an answer has nothing on it, write none. Give the reason, and only
    then the better answer with its margin: 2 where the difference is clear and matters, 1 where it is slight, a tie
    where there is none.

    Facts. Where answers differ in facts, results, code or figures, first list the claims on which they differ, then
    check each by itself: compute it, derive it, or recall what is known. Do not go by which sounds surer. If both are
    right or both are wrong on a claim, that is a tie on it, and so it is where you cannot tell.

    The order of the answers says nothing about their quality. Neither does length: more text counts only for what it
    adds to the intent, and padding, repetition and asides count against an answer where a criterion speaks of them.
    Tone, confidence, praise of itself and formatting count only where a criterion asks for them."""

    criteria: str = dspy.InputField(desc="the criteria, each with its type")
    prompt: str = dspy.InputField(desc="the request that both answers respond to")
    response_a: str = dspy.InputField(desc="the answer shown first")
    response_b: str = dspy.InputField(desc="the answer shown second")
    comparison: AdaptiveTrace | Failed = dspy.OutputField(desc="the comparison on each criterion")
