"""Does the judge see it when one rule of the request is broken, and nothing else is changed?

A response that obeys a rule which the request states and code can decide is broken by code, and compared with itself.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import fmean

from openrubrics.evaluation.audits.breaks import broken
from openrubrics.evaluation.audits.measures import mean, mean_difference, share
from openrubrics.evaluation.audits.question import Asked, Auditor, Given, Question, category, drawn, examples, failures
from openrubrics.evaluation.audits.result import Audit, Example
from openrubrics.signatures.values import Check, PreferencePair, prompt_text
from openrubrics.verifiers import own_request, stated_rules, verify

_TITLE = "Sensitivity: does the judge see one broken rule?"
_ALONE = "the other is the same but for one broken rule"


def _checks(pair: PreferencePair) -> list[Check]:
    return [rule.check for rule in stated_rules(own_request(prompt_text(pair.prompt))) if rule.check]


def _obeyed(pair: PreferencePair) -> Iterator[tuple[Check, list[Check], str]]:
    """Yield each rule that a response obeys, the others, and that response: the chosen one where it can be."""
    checks = _checks(pair)
    for place, check in enumerate(checks):
        found = [text for text in (pair.chosen, pair.rejected) if verify(check, text).passed is True]
        if found:
            yield check, checks[:place] + checks[place + 1 :], found[0]


def _places(given: Given) -> list[int]:
    """Return the positions of pairs with a rule that can be broken, at most `given.most`."""
    ruled = [place for place, pair in enumerate(given.pairs) if next(_obeyed(pair), None)]
    return drawn(ruled, given.most, lambda place: f"{given.seed}\n{given.pairs[place].id}")


def _ask(given: Given) -> list[Question]:
    asked: list[Question] = []
    for place in _places(given):
        for check, others, response in _obeyed(given.pairs[place]):
            found = broken(response, check, others)
            if found:
                what, text = found
                question = given.question(
                    "sensitivity", place, check.name, f"{check.name}: {what}", chosen=response, rejected=text
                )
                asked += [question] if question else []
    return asked


def _measure(given: Given, asked: Sequence[Asked]) -> Audit:
    known = [one for one in asked if category(one.result) != "failed"]
    by_pair: dict[int, list[Asked]] = {}
    for one in known:
        by_pair.setdefault(one.question.place, []).append(one)
    rates = {
        "prefers the original": ("chosen", "share of broken rules for which the judge prefers the response that obeys"),
        "prefers the broken": ("rejected", "share for which it prefers the response that breaks the rule"),
        "ties": ("tie", "share for which it prefers neither"),
    }
    figures = [
        mean(
            name,
            [fmean(category(one.result) == wanted for one in members) for members in by_pair.values()],
            unit="pairs with a broken rule",
            says=f"{says}; {_ALONE}",
            seed=given.seed,
        )
        for name, (wanted, says) in rates.items()
    ]
    differences = [
        fmean((category(one.result) == "chosen") - (category(one.result) == "rejected") for one in members)
        for members in by_pair.values()
    ]
    figures.insert(
        0,
        mean_difference(
            "original minus broken",
            differences,
            unit="pairs with a broken rule",
            says=f"share of broken rules for which the judge prefers the response that obeys, minus the share for "
            f"which it prefers the other; {_ALONE}, so 0 is a judge that does not see it, and 1 one that always does",
            seed=given.seed,
        ),
    )
    figures += [
        share(
            "prefers the original",
            [category(one.result) == "chosen" for one in known if one.question.name == kind],
            unit="broken rules",
            says="share for which the judge prefers the response that obeys this rule",
            group=kind,
        )
        for kind in sorted({one.question.name for one in known})
    ]
    return Audit(
        name="sensitivity",
        title=_TITLE,
        measured=tuple(figure for figure in figures if figure.value is not None),
        examples=examples(
            Example(id=one.question.pair.id, change=one.question.change, before="", after=_said(one))
            for one in known
            if category(one.result) != "chosen"
        ),
        not_measured=tuple(_not_measured(given, asked)),
        asked=len(asked),
        failed=failures(asked),
    )


def _said(one: Asked) -> str:
    return "tie" if category(one.result) == "tie" else "the broken response"


def _not_measured(given: Given, asked: Sequence[Asked]) -> Iterator[str]:
    if not asked:
        yield "all: no request states a rule that code can check, obeyed by a response that code can break"
    done = Counter(one.question.name for one in asked)
    left = Counter(check.name for place in _places(given) for check, _, _ in _obeyed(given.pairs[place]))
    left.subtract(done)
    for name, count in sorted((+left).items()):
        yield f"{name}: {count} times no edit broke this rule alone"


SENSITIVITY = Auditor("sensitivity", _TITLE, _measure, _ask, needs_judged=False)
