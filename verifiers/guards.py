"""What code can decide about an answer to a prompt: the rules that the prompt states, and degenerate output.

In OpenRS (arXiv 2602.14069) these are the pointwise verifiable rubrics, a guard in comparisons and an additive reward.
Which checks it has, and how much the reward weighs, is not public; the selection and the rules here are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.meta_rubric import GUARDS, GuardName
from openrubrics.signatures.values import Check, Criterion, Prompt, prompt_text
from openrubrics.verifiers.attach import stated_rules
from openrubrics.verifiers.conversation import own_request
from openrubrics.verifiers.describe import describe
from openrubrics.verifiers.guard_form import cut_check, empty_check
from openrubrics.verifiers.guard_refusal import refusal_check
from openrubrics.verifiers.guard_repetition import repetition_check
from openrubrics.verifiers.guard_scripts import language_check
from openrubrics.verifiers.verify import verify

_BOUND: Mapping[GuardName, Callable[[str], Check | None]] = {
    "empty": empty_check,
    "cut": cut_check,
    "repetition": repetition_check,
    "language_mix": language_check,
    "refusal": refusal_check,
}


def request_checks(prompt: Prompt, guards: Sequence[GuardName] = GUARDS) -> tuple[Criterion, ...]:
    """Return what code decides about every answer to a prompt: hard rules, each with its check.

    Of a transcript, the last turn of the user states rules; what explains a guard away, such as a language that is
    named or a reason to decline, may stand in any turn.

    Args:
        prompt: A request, a conversation, or a transcript of turns as `openrubrics.signatures.prompt_text` writes it.
        guards: What to look for, in this order; a guard that the prompt explains away is left out.

    Raises:
        UsageError: A guard is unknown, or the prompt is neither text nor a conversation.
    """
    for guard in guards:
        if guard not in GUARDS:
            raise UsageError(f"unknown guard {guard!r}", f"guards are {', '.join(GUARDS)}")
    return _bound(prompt_text(prompt), tuple(guards))


@lru_cache(maxsize=256)  # the answers to a prompt come one by one, and reading a long prompt takes some milliseconds
def _bound(prompt: str, guards: tuple[GuardName, ...]) -> tuple[Criterion, ...]:
    found: list[Criterion] = []
    for guard in guards:
        if guard == "stated_rules":
            found += stated_rules(own_request(prompt))
        elif check := _BOUND[guard](prompt):
            found.append(Criterion(text=describe(check), kind="hard_rule", check=check))
    return tuple(found)


def verifiable_share(prompt: Prompt, response: str, guards: Sequence[GuardName] = GUARDS) -> float | None:
    """Return the share of a prompt's checks that a response passes, in [0, 1], each of equal weight.

    An additive reward: what it weighs beside the judge's is unknown in OpenRS, and for the caller to say. An empty
    response passes none. A good response to a prompt that states no rules gets 1.0, as does any other that is not
    degenerate.

    Returns:
        None where there is no check, or none that can be decided.

    Raises:
        UsageError: As for `request_checks`.
    """
    results = [verify(rule.check, response).passed for rule in request_checks(prompt, guards) if rule.check]
    decided = [passed for passed in results if passed is not None]
    return sum(decided) / len(decided) if decided else None
