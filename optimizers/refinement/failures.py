"""Where a judge and people disagree, and what such comparisons have in common.

OpenRS compares the judge with human labels and clusters the failures, and does not publish how. The rule here is ours
and depends on nothing but the judgments: first by domain, then by words that several of the deciding criteria share.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

from openrubrics.evaluation import EvaluatedPair
from openrubrics.evaluation.metrics import comparisons
from openrubrics.optimizers.feedback import SAYS_LITTLE
from openrubrics.signatures.edits_text import FailingCase
from openrubrics.signatures.errors import DataError
from openrubrics.signatures.meta_rubric import CRITERION_TYPES
from openrubrics.signatures.model_text import clean, excerpt
from openrubrics.signatures.outcomes import Compared, Failed, OrderOutcome, Outcome, Verdict
from openrubrics.signatures.rubric_text import canonical_line
from openrubrics.signatures.values import OTHER, Frozen, Label, Orders, PreferencePair, prompt_text

Kind = Literal["guarded", "flipped", "tied", "wrong"]
"""How a judgment fails: code decided for the worse response, the orders disagree, a tie, or the worse one was taken."""

_MOST_CRITERIA = 5
_WORD = re.compile(r"[^\W\d_]{3,}")
_STEM = 5
_LONG = 400
_HOW: dict[Kind, str] = {
    "guarded": "decided by code",
    "flipped": "decided by the order of the responses",
    "tied": "tied",
    "wrong": "decided without a criterion",
}


class Failure(Frozen):
    """A pair on which the judge and people disagree.

    Attributes:
        id: Of the pair.
        domain: Of the pair.
        kind: How.
        case: What is shown to whoever proposes changes.
        criterion: The criterion that speaks most against the preferred response: of the highest type, and the clearest
            of these. Empty where there is none; then `case` has what else decided.
        type: Its type; empty where there is none.
    """

    id: str
    domain: str
    kind: Kind
    case: FailingCase
    criterion: str = ""
    type: str = ""


class Cluster(Frozen):
    """Failures that have something in common.

    Attributes:
        title: What, in words.
        domain: Of the pairs.
        failures: At least one, in the order of the pairs.
    """

    title: str
    domain: str
    failures: tuple[Failure, ...]


class Failing(Frozen):
    """What came of judging pairs, where it was not what people say.

    Attributes:
        failures: In the order of the judgments.
        unjudged: Ids of pairs without a judgment in some order and without a wrong one; they teach nothing.
    """

    failures: tuple[Failure, ...]
    unjudged: tuple[str, ...]


def is_right(result: EvaluatedPair, orders: Orders) -> bool:
    """Whether the judge agrees with the label in every order that was asked for."""
    return all(result.category(outcome) == "chosen" for outcome in comparisons(result, orders))


def failures(judged: Sequence[EvaluatedPair], pairs: Iterable[PreferencePair], *, orders: Orders = "single") -> Failing:
    """Return the pairs on which a judge does not agree with the label.

    Args:
        judged: What it said.
        pairs: The pairs, by whose ids they are found.
        orders: What was asked for.

    Raises:
        DataError: A judged pair is not among the pairs.
    """
    known = {pair.id: pair for pair in pairs}
    found: list[Failure] = []
    unjudged: list[str] = []
    for result in judged:
        if result.id not in known:
            raise DataError(f"pair {excerpt(result.id)} was judged, and is not among the pairs")
        outcomes = [one for one in comparisons(result, orders) if not isinstance(one, Failed)]
        if is_right(result, orders):
            continue
        if all(result.category(one) == "chosen" for one in outcomes):
            unjudged.append(result.id)
        else:
            found.append(_failure(result, known[result.id], outcomes))
    return Failing(failures=tuple(found), unjudged=tuple(unjudged))


def clusters(found: Iterable[Failure]) -> tuple[Cluster, ...]:
    """Group failures by domain and by what decided, big groups first.

    What code decided is left out, since no principle changes it. In each domain the word that most of the deciding
    criteria share, of those that are not grouped yet, makes a group, as long as two of them share one (of several words
    the first in the alphabet); words count as the same where they begin with the same five letters, and words that say
    little do not count. What is left is grouped by the type of the criterion, or by how it failed where there is none.
    """
    by_domain: defaultdict[str, list[Failure]] = defaultdict(list)
    for one in found:
        if one.kind != "guarded":
            by_domain[one.domain].append(one)
    groups = [
        Cluster(title=_title(domain, about, members), domain=domain, failures=tuple(members))
        for domain, all_of_it in by_domain.items()
        for about, members in _groups(all_of_it)
    ]
    return tuple(sorted(groups, key=lambda one: (-len(one.failures), one.title)))


def _groups(found: list[Failure]) -> list[tuple[str, list[Failure]]]:
    left = {one.id: (one, _words(one.criterion)) for one in found}
    groups: list[tuple[str, list[Failure]]] = []
    while True:
        shared = Counter(stem for _, words in left.values() for stem in words)
        stem, times = min(shared.items(), key=lambda item: (-item[1], item[0]), default=("", 0))
        if times < 2:
            break
        members = {name: (one, words) for name, (one, words) in left.items() if stem in words}
        spelt = Counter(words[stem] for _, words in members.values())
        word = min(spelt, key=lambda one: (-spelt[one], one))
        groups.append((f"misled by criteria about {word!r}", [one for one, _ in members.values()]))
        left = {name: item for name, item in left.items() if name not in members}
    rest: defaultdict[str, list[Failure]] = defaultdict(list)
    for one, _ in left.values():
        rest[f"misled by various {one.type} criteria" if one.type else _HOW[one.kind]].append(one)
    return [*groups, *rest.items()]


def _words(text: str) -> dict[str, str]:
    """Return the words that say something, by how they begin."""
    words = (word for word in _WORD.findall(text[:_LONG].casefold()) if word not in SAYS_LITTLE)
    return {word[:_STEM]: word for word in words}


def _title(domain: str, about: str, members: Sequence[Failure]) -> str:
    count = f"{len(members)} pair{'s' * (len(members) > 1)}"
    return f"{canonical_line(clean(domain))[:60] or 'no domain'}: {count}, {about}"


def _failure(result: EvaluatedPair, pair: PreferencePair, outcomes: Sequence[Outcome]) -> Failure:
    judgment, categories = result.judgment, {result.category(outcome) for outcome in outcomes}
    kind: Kind = "tied" if categories == {"tie"} else "wrong"
    if judgment.decided_by == "checks":
        kind = "guarded"
    elif len(categories) > 1:
        kind = "flipped"
    against = _against(judgment.orders, result.chosen_slot)
    return Failure(
        id=result.id,
        domain=result.domain,
        kind=kind,
        case=FailingCase(
            prompt=prompt_text(pair.prompt), preferred=pair.chosen, other=pair.rejected, said=_said(result)
        ),
        criterion=against.text if against else "",
        type=against.type if against else "",
    )


def _against(orders: Sequence[OrderOutcome], chosen: Label) -> Compared | None:
    """Return the criterion that speaks most against the chosen response in the orders that came out wrong."""
    wrong = [shown for shown in orders if not _chooses(shown.outcome, chosen)]
    speaking = [one for shown in wrong for one in shown.compared if one.by and one.better == OTHER[chosen]]
    return min(speaking, key=lambda one: (CRITERION_TYPES.index(one.type), -one.by), default=None)


def _chooses(outcome: Outcome, chosen: Label) -> bool:
    return isinstance(outcome, Verdict) and outcome.preferred == chosen


def _said(result: EvaluatedPair) -> str:
    """Say what the judge said, order by order, with names for the responses that do not depend on their places."""
    judgment = result.judgment
    if judgment.decided_by == "checks" or not judgment.orders:
        by = "Code decided, and asked no judge. " if judgment.decided_by == "checks" else ""
        return by + _decided(judgment.outcome, result.chosen_slot)
    return "\n".join(_order(shown, result.chosen_slot) for shown in judgment.orders)


def _order(shown: OrderOutcome, chosen: Label) -> str:
    place = chosen if shown.order == "AB" else OTHER[chosen]
    lines = [f"(The preferred response was shown as Response {place}.) {_decided(shown.outcome, chosen)}"]
    telling = [one for one in shown.compared if one.by and one.better != "tie"]
    telling.sort(key=lambda one: (one.better == chosen, CRITERION_TYPES.index(one.type), -one.by))
    lines += [
        f"- {'the preferred' if one.better == chosen else 'the other'} response is better by {one.by} on: "
        f"{excerpt(one.text, 160)} [{one.type}]{f', since {excerpt(one.reason, 160)}' if one.reason else ''}"
        for one in telling[:_MOST_CRITERIA]
    ]
    return "\n".join(lines)


def _decided(outcome: Outcome, chosen: Label) -> str:
    match outcome:
        case Verdict():
            taken = "the preferred" if outcome.preferred == chosen else "the other"
            return f"It took {taken} response{f': {outcome.justification}' if outcome.justification else '.'}"
        case Failed():
            return "It gave no answer that can be read."
        case _:
            return f"It called a tie: {outcome.reason}"
