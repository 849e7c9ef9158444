"""Preference pairs that code made and code can check: the chosen response obeys every stated rule, the rejected not.

No language model takes part. A request on one of our topics states one to three rules; both responses are put together
from sentences that we wrote and shaped until they obey all of them; then the rejected one is edited until it breaks one
rule, or two, and no other. `openrubrics.verifiers.verify` reads both finished texts, and what it does not confirm is
made anew. The longer response is the chosen one in half of the pairs, by the toss of a coin for each.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from openrubrics.data import synthetic_formats, synthetic_frame, synthetic_layout, synthetic_words
from openrubrics.data.synthetic_draft import Draft, edit_content, first_draft, topics
from openrubrics.data.synthetic_rules import Rule, failing
from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.values import Check, PreferencePair

SOURCE = "openrubrics synthetic"

_RULES: tuple[Rule, ...] = (
    *synthetic_words.RULES,
    *synthetic_layout.RULES,
    *synthetic_frame.RULES,
    *synthetic_formats.RULES,
)
_ASKS = (
    "Give me some advice on {}.",
    "Write a short text about {}.",
    "What should a beginner know about {}?",
    "What matters most in {}?",
    "I would like some tips for {}.",
    "Collect a few practical hints for {}.",
    "Our newsletter needs a short piece on {}.",
    "A friend asked me about {}. What should I say?",
)
_YES_OR_NO = ("Is {} worth the effort?", "Would you say that {} is worth the effort?")
_HOW_MANY = (1, 1, 2, 2, 3)
_STEPS = 40
_TRIES = 12


@dataclass(frozen=True)
class _Stated:
    """A rule with its arguments."""

    rule: Rule
    check: Check


def synthetic_pairs(count: int, seed: int = 0) -> Iterator[PreferencePair]:
    """Make preference pairs whose label code can verify, lazily.

    Pair number `n` of a seed is the same in every process and for every `count`. Its ``meta`` says how it was made:

    - ``checks``: every rule of the request, as checks; the chosen response passes all of them;
    - ``broken``: those that the rejected response fails; it passes the others;
    - ``edits``: what was done to break each of these, by the name of the check;
    - ``topic``: what the request is about.

    Args:
        count: How many pairs; any number.
        seed: Another seed gives other pairs, with other ids.

    Raises:
        UsageError: `count` or `seed` is negative.
    """
    if count < 0 or seed < 0:
        name, value = ("count", count) if count < 0 else ("seed", seed)
        raise UsageError(f"{name} is {value}", "give a whole number that is not negative")
    return (_pair(seed, index) for index in range(count))


def _pair(seed: int, index: int) -> PreferencePair:
    rng = Random(f"openrubrics synthetic {seed} {index}")
    longer_wins = rng.random() < 0.5
    while True:
        pair = _attempt(rng, f"synthetic-{seed}-{index}")
        if pair and len(pair.chosen) != len(pair.rejected) and (len(pair.chosen) > len(pair.rejected)) == longer_wins:
            return pair


def _attempt(rng: Random, name: str) -> PreferencePair | None:
    """Make one pair; None where some rule could not be obeyed or broken."""
    rules = _compatible(rng)
    topic = rng.choice([topic for topic in topics() if all(rule.suits(topic) for rule in rules)])
    asks = _YES_OR_NO if any(rule.yes_or_no for rule in rules) else _ASKS
    ask = rng.choice(asks).format(topic.name)
    sketch = first_draft(rng, topic, ask)
    stated = [_Stated(rule, check) for rule in rules if (check := rule.draw(rng, sketch))]
    chosen = _obedient(rng, sketch, stated)
    if len(stated) < len(rules) or chosen is None:
        return None
    other = chosen if rng.random() < 0.5 else _obedient(rng, first_draft(rng, topic, ask), stated)
    broken = rng.sample(range(len(stated)), 2 if len(stated) == 3 and rng.random() < 0.3 else 1)
    rejected = other and _disobedient(rng, other, stated, broken)
    if rejected is None:
        return None
    edits, text = rejected
    checks = [one.check for one in stated]
    return PreferencePair(
        id=name,
        prompt=_prompt(rng, ask, stated),
        chosen=chosen.render(),
        rejected=text,
        domain="instruction following",
        source=SOURCE,
        meta={
            "checks": [check.model_dump(mode="json") for check in checks],
            "broken": [checks[place].model_dump(mode="json") for place in sorted(broken)],
            "edits": {**edits},
            "topic": topic.name,
        },
    )


def _compatible(rng: Random) -> list[Rule]:
    """Draw one to three rules that can be obeyed together."""
    wanted, rules, taken = rng.choice(_HOW_MANY), list[Rule](), set[str]()
    for rule in rng.sample(_RULES, len(_RULES)):
        if len(rules) < wanted and not rule.slots & taken:
            rules.append(rule)
            taken |= rule.slots
    return rules


def _obedient(rng: Random, draft: Draft, stated: Sequence[_Stated]) -> Draft | None:
    """Shape a draft, then exchange sentences, until it obeys all rules; None where it does not come to that."""
    for one in stated:
        draft = one.rule.keep(rng, draft, one.check)
    checks = [one.check for one in stated]
    wrong = failing(checks, draft.render())
    for _ in range(_STEPS):
        if not wrong:
            return draft
        _, changed = edit_content(rng, draft)
        now = failing(checks, changed.render())
        if len(now) <= len(wrong):
            draft, wrong = changed, now
    return None


def _disobedient(
    rng: Random, draft: Draft, stated: Sequence[_Stated], broken: Sequence[int]
) -> tuple[dict[str, str], str] | None:
    """Edit an obedient draft until it breaks exactly these rules; return the edits by check, and the text."""
    checks, edits, done = [one.check for one in stated], dict[str, str](), list[int]()
    for place in broken:
        done.append(place)
        found = _broken(rng, draft, stated[place], checks, tuple(sorted(done)))
        if found is None:
            return None
        edits[stated[place].check.name], draft = found
    return edits, draft.render()


def _broken(
    rng: Random, draft: Draft, one: _Stated, checks: Sequence[Check], aim: tuple[int, ...]
) -> tuple[str, Draft] | None:
    """Break one more rule by one edit of its own, or by as few exchanges of sentences as do it."""
    for attempt in range(_TRIES):
        if one.rule.by_content and (not one.rule.breaks or rng.random() < 0.5):
            names, changed = list[str](), draft
            for _ in range(1 + attempt // 4):
                name, changed = edit_content(rng, changed)
                names.append(name)
            how = ", ".join(names)
        elif one.rule.breaks:
            how = rng.choice(sorted(one.rule.breaks))
            changed = one.rule.breaks[how](rng, draft, one.check)
        else:
            return None
        if failing(checks, changed.render()) == aim:
            return how, changed
    return None


def _prompt(rng: Random, ask: str, stated: Sequence[_Stated]) -> str:
    """Return the request: what it is about and then the rules, each in one of its wordings, in any order."""
    rules = [rng.choice(one.rule.wordings(one.check)) for one in rng.sample(stated, len(stated))]
    return " ".join((ask, *(rule if rule.rstrip("'\"")[-1] in ".!?" else f"{rule}." for rule in rules)))
