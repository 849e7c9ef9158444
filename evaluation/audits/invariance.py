"""Does the verdict stay when nothing that matters is changed?"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

from openrubrics.evaluation.audits.edits import EDITS, edited, edited_prompt, obeys_alike, states_alike
from openrubrics.evaluation.audits.measures import mean, mean_difference, share
from openrubrics.evaluation.audits.paraphrase import NEEDED_BY
from openrubrics.evaluation.audits.question import Asked, Auditor, Given, Question, category, examples, failures, said
from openrubrics.evaluation.audits.result import Audit, Example, Measured
from openrubrics.signatures.outcomes import Failed

_TITLE = "Invariance: does the verdict stay when nothing that matters is changed?"
_PARAPHRASE = "both responses in other words"
_UNIT = "pairs judged with and without"
_OTHER_RULES = "it obeys other rules of the request than the response does"


def _ask(given: Given) -> list[Question]:
    found = (question for place in given.places() for question in _questions(given, place))
    return [question for question in found if question]


def _questions(given: Given, place: int) -> Iterator[Question | None]:
    pair = given.pairs[place]
    for edit in EDITS:
        name = f"{edit.name}, in both responses"
        chosen, rejected = edited(edit, pair.chosen), edited(edit, pair.rejected)
        if obeys_alike(pair.prompt, pair.chosen, chosen) and obeys_alike(pair.prompt, pair.rejected, rejected):
            yield given.question("invariance", place, name, name, chosen=chosen, rejected=rejected)
        if edit.of_prompts and states_alike(pair.prompt, prompt := edited_prompt(edit, pair.prompt)):
            name = f"{edit.name}, in the prompt"
            yield given.question("invariance", place, name, name, prompt=prompt)
    if given.paraphrases is not None:
        texts = [_paraphrase(given, place, response) for response in (pair.chosen, pair.rejected)]
        chosen, rejected = (None if isinstance(text, Failed) else text for text in texts)
        if chosen is not None and rejected is not None:
            yield given.question("invariance", place, _PARAPHRASE, _PARAPHRASE, chosen=chosen, rejected=rejected)


def _paraphrase(given: Given, place: int, response: str) -> str | Failed:
    """Return a response in other words; one that obeys other rules than the response is no paraphrase."""
    found = (given.paraphrases or {}).get(response, Failed(reason="nobody was asked"))
    if isinstance(found, Failed) or not given.judged:
        return found
    return found if obeys_alike(given.pairs[place].prompt, response, found) else Failed(reason=_OTHER_RULES)


def _measure(given: Given, asked: Sequence[Asked]) -> Audit:
    by_code = [one for one in asked if one.question.name != _PARAPHRASE]
    reworded = [one for one in asked if one.question.name == _PARAPHRASE]
    missing = list(_not_measured(given))
    if not by_code:
        missing.append("neutral edits: there was nothing to edit")
    figures = _figures(given, by_code, "changed by neutral edits", "neutral edits")
    figures += [_changed(given, by_code, name) for name in dict.fromkeys(one.question.name for one in by_code)]
    figures += _figures(given, reworded, "changed by paraphrase", "paraphrase")
    return Audit(
        name=NEEDED_BY,
        title=_TITLE,
        measured=tuple(figure for figure in figures if figure.value is not None),
        examples=examples(
            Example(
                id=one.question.pair.id,
                change=one.question.change,
                before=given.before(one.question.place),
                after=said(one.result),
            )
            for one in asked
            if _moved(given, one)
        ),
        not_measured=tuple(missing),
        asked=len(asked),
        failed=failures(asked),
    )


def _moved(given: Given, one: Asked) -> bool | None:
    """Return whether the verdict is another one; None where one of the two failed."""
    before, after = given.category(one.question.place), category(one.result)
    return None if "failed" in (before, after) else before != after


def _by_pair(given: Given, asked: Sequence[Asked]) -> Mapping[int, float]:
    """Return the share of changed verdicts of each pair."""
    moved: dict[int, list[bool]] = {}
    for one in asked:
        if (found := _moved(given, one)) is not None:
            moved.setdefault(one.question.place, []).append(found)
    return {place: fmean(found) for place, found in moved.items()}


def _figures(given: Given, asked: Sequence[Asked], name: str, what: str) -> list[Measured]:
    """Return the share of changed verdicts, and by how much it is above that of merely asking again."""
    changed = _by_pair(given, asked)
    again = _again(given)
    differences = [value - again[place] for place, value in changed.items() if place in again]
    found = [
        mean(
            name,
            list(changed.values()),
            unit=_UNIT,
            says="share of verdicts that become another one (chosen, rejected or tie), over all edits of a pair",
            seed=given.seed,
        ),
        mean_difference(
            f"{what} beyond repeats",
            differences,
            unit=_UNIT,
            says="the same share minus the share of verdicts that change when the same pair is only asked again",
            seed=given.seed,
        ),
    ]
    return [one for one in found if one.value is not None]


def _again(given: Given) -> Mapping[int, float]:
    """Return for each pair how often another verdict came when it was asked again; without failures."""
    shares: dict[int, float] = {}
    for place in range(len(given.pairs)):
        said_again = [category(run[place]) for run in given.again]
        known = [found != given.category(place) for found in said_again if found != "failed"]
        if known and given.category(place) != "failed":
            shares[place] = fmean(known)
    return shares


def _changed(given: Given, asked: Sequence[Asked], name: str) -> Measured:
    moved = (_moved(given, one) for one in asked if one.question.name == name)
    return share(
        "changed",
        [found for found in moved if found is not None],
        unit=_UNIT,
        says="share of verdicts that become another one",
        group=name,
    )


def _not_measured(given: Given) -> Iterator[str]:
    if not given.again:
        yield "changes beyond repeats: the pairs were judged once; ask with --repeats 2 or more"
    if given.paraphrases is None:
        yield "paraphrases: no model for them was named; --paraphrase-lm does"
        return
    asked = [
        (place, text) for place in given.places() for text in (given.pairs[place].chosen, given.pairs[place].rejected)
    ]
    found = [_paraphrase(given, place, text) for place, text in asked]
    reasons = Counter(one.reason for one in found if isinstance(one, Failed))
    for reason, count in reasons.most_common():
        yield f"{count} of {len(asked)} responses were not put in other words: {reason}"


INVARIANCE = Auditor("invariance", _TITLE, _measure, _ask, needs_again=True)
