"""Judge answers on criteria made for the comparison, see what decides, and pay a group of answers (OpenRS).

    python examples/openrs.py

As it stands, the model is scripted: nothing is downloaded, and it knows these answers only. For a real model swap the
two lines below.
"""

import asyncio

from scripted import ANSWERS, GOOD, PROMPT, VAGUE, WRONG, scripted

import openrubrics
from openrubrics.programs import AdaptiveRubricJudge
from openrubrics.programs.aggregation import RULES
from openrubrics.signatures.model_text import clean
from openrubrics.train import RubricReward

LM = scripted()
# LM = openrubrics.lm("hosted_vllm/Qwen/Qwen3-8B", api_base="http://localhost:8000/v1")


def main() -> None:
    """Compare three pairs of answers, then pay all four as one group."""
    judge = AdaptiveRubricJudge(orders="both")
    judge.set_lm(LM)
    print(f"\nRequest: {PROMPT}")
    for a, b in ((GOOD, VAGUE), (GOOD, WRONG), (GOOD, ANSWERS["long"])):
        show(judge, judge(prompt=PROMPT, response_a=a, response_b=b), a, b)

    print("\nRewards of the four answers as one group, against an anchor drawn from it")
    group = list(ANSWERS.values())
    for name, options in {
        "BRPO": {"payment": "brpo", "drop_above": 0.6, "seed": 1},
        "graded, checks added": {"payment": "graded", "verifiable_weight": 0.5, "seed": 1},
    }.items():
        rewards = asyncio.run(RubricReward(judge, **options)(len(group) * [PROMPT], group))
        paid = zip(ANSWERS, rewards, strict=True)
        print(f"  {name}: " + ", ".join(f"{answer} {'none' if r is None else f'{r:+.2f}'}" for answer, r in paid))


def show(judge: AdaptiveRubricJudge, judgment: openrubrics.Judgment, a: str, b: str) -> None:
    """Print what was found with A shown first, and what both rules make of it."""
    outcome = judgment.outcome
    why = outcome.justification if isinstance(outcome, openrubrics.Verdict) else outcome.reason
    print(f"\nA: {a}\nB: {b}")
    print(f"Better: {judgment.preferred or 'neither'}, decided by {judgment.decided_by}. {clean(why)}")
    compared = judgment.orders[0].compared
    if not compared:
        return
    print(f"Criteria, under the part {judgment.domain} of the meta-rubric:")
    for one in compared:
        print(f"  {one.value:+d} [{one.type}] {clean(one.text)}")
        for label, evidence in (("A", one.evidence_a), ("B", one.evidence_b)):
            if evidence:
                mark = " (does not occur in the answer)" if label in one.unquoted else ""
                print(f'       {label}: "{clean(evidence)}"{mark}')
    for name, rule in RULES.items():
        print(f"Score by the {name} rule: {rule(compared, judge.meta_rubric.weights):+.2f}")


if __name__ == "__main__":
    main()
