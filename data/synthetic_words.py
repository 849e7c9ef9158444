"""Rules about words, letters and length: obeyed and broken by exchanging sentences."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from random import Random

from openrubrics.data.synthetic_draft import Draft
from openrubrics.data.synthetic_rules import Rule, check, number, slots, text
from openrubrics.signatures.values import Check
from openrubrics.verifiers.language import count_sentences, count_words

_WORD = re.compile(r"[a-z]+")
_TOO_COMMON = frozenset(
    str.split(
        "after again almost always because before beside enough every first little looks nearly never nothing other "
        "rather should since still than that them then they this twice very what when where which while with without "
        "your"
    )
)
_LETTERS = "bcdfgkmpvwy"


@cache
def _words(sentences: tuple[str, ...], least: int) -> Counter[str]:
    """Count in how many sentences each longer word occurs; neither common ones nor those that are part of another."""
    found: Counter[str] = Counter()
    for sentence in sentences:
        found.update(set(_WORD.findall(sentence.lower())))
    return Counter(
        {
            word: count
            for word, count in found.items()
            if len(word) >= least and word not in _TOO_COMMON and sum(word in other for other in found) == 1
        }
    )


def _some_words(rng: Random, draft: Draft, most: int) -> list[str]:
    """Return words that few sentences of the topic have, so that a text may well go without them."""
    rare = sorted(word for word, count in _words(draft.pool, 5).items() if count <= 2 and not word.endswith("ly"))
    return rng.sample(rare, rng.randint(1, most))


def _joined(words: Sequence[str], last: str) -> str:
    quoted = [f'"{word}"' for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} {last} {quoted[-1]}"


def _list(one: Check, name: str) -> list[str]:
    value = one.arguments[name]
    return [str(item) for item in value] if isinstance(value, list) else []


def _existence(rng: Random, draft: Draft) -> Check:
    return check("keywords:existence", keywords=[*_some_words(rng, draft, 2)])


def _existence_words(one: Check) -> Sequence[str]:
    words = _list(one, "keywords")
    many = "s" * (len(words) > 1)
    both, quoted = _joined(words, "and"), ", ".join(f'"{word}"' for word in words)
    return (
        f"Include the keyword{many} {both}.",
        f"Use the word{many} {both} somewhere.",
        f"Make sure to mention the word{many} {both}.",
        f"Please work {both} into the text.",
        f"The following must appear in it: {quoted}.",
    )


def _forbidden(rng: Random, draft: Draft) -> Check:
    return check("keywords:forbidden_words", forbidden_words=[*_some_words(rng, draft, 3)])


def _forbidden_words(one: Check) -> Sequence[str]:
    words = _list(one, "forbidden_words")
    many = "s" * (len(words) > 1)
    either = _joined(words, "or")
    return (
        f"Do not use the word{many} {either}.",
        f"Do not include the word{many} {either} in your answer.",
        f"Avoid the word{many} {either}.",
        f"It has to do without {either}.",
        f"The word{many} {_joined(words, 'and')} {'are' if many else 'is'} not allowed.",
    )


def _bounded(rng: Random, count: int, spread: int, least: int = 1) -> tuple[str, int]:
    """Return a relation and a number that a count near this one satisfies."""
    if rng.random() < 0.5:
        return "less than", count + 1 + rng.randint(0, spread)
    return "at least", max(least, count - rng.randint(0, spread))


def _frequency(rng: Random, draft: Draft) -> Check | None:
    frequent = sorted(word for word, count in _words(draft.pool, 4).items() if count >= 2)
    if not frequent:
        return None
    word = rng.choice(frequent)
    relation, times = _bounded(rng, draft.render().lower().count(word), 0)
    return check("keywords:frequency", keyword=word, frequency=max(2, times), relation=relation)


def _frequency_words(one: Check) -> Sequence[str]:
    word, times = text(one, "keyword"), number(one, "frequency")
    if text(one, "relation") == "at least":
        return (
            f'Use the word "{word}" at least {times} times.',
            f'The word "{word}" should appear {times} or more times.',
            f'Let "{word}" come up {times} times at the very least.',
        )
    return (
        f'Use the word "{word}" fewer than {times} times.',
        f'The word "{word}" should appear less than {times} times.',
        f'Please keep "{word}" down: {times} times would already be too often.',
    )


def _letter(rng: Random, draft: Draft) -> Check:
    letter = rng.choice(_LETTERS)
    relation, times = _bounded(rng, draft.render().lower().count(letter), 2)
    return check("keywords:letter_frequency", letter=letter, let_frequency=times, let_relation=relation)


def _letter_words(one: Check) -> Sequence[str]:
    letter, times = text(one, "letter"), number(one, "let_frequency")
    if text(one, "let_relation") == "at least":
        return (
            f'Use the letter "{letter}" at least {times} times.',
            f"The letter {letter} should appear at least {times} times.",
            f'I want to find {times} or more "{letter}" in it, counted as letters in either case.',
        )
    return (
        f'Use the letter "{letter}" fewer than {times} times.',
        f"The letter {letter} should appear less than {times} times.",
        f'Count the letters: "{letter}" in either case has to stay below {times}.',
    )


def _round(value: int, relation: str) -> int:
    """Round a number of words to one that people name, away from what must be reached."""
    return -(-value // 5) * 5 if relation == "less than" else max(5, value // 5 * 5)


def _number_words(rng: Random, draft: Draft) -> Check:
    relation, count = _bounded(rng, count_words(draft.render()), 6)
    bound = _round(count, relation)
    return check("length_constraints:number_words", num_words=bound, relation=relation)


def _number_words_words(one: Check) -> Sequence[str]:
    bound = number(one, "num_words")
    if text(one, "relation") == "at least":
        return (
            f"Write at least {bound} words.",
            f"The answer should have {bound} words or more.",
            f"Your response must contain at least {bound} words.",
            f"Don't stop before you have written {bound} words.",
        )
    return (
        f"Use fewer than {bound} words.",
        f"Answer with less than {bound} words.",
        f"Use at most {bound - 1} words.",
        f"I only have room for {bound - 1} words and not one more.",
    )


def _word_range(rng: Random, draft: Draft) -> Check:
    middle = count_words(draft.render())
    low = _round(middle - rng.randint(0, 8), "at least")
    return check("text:word_count", minimum=low, maximum=low + rng.choice((15, 20, 25)))


class RangeWords:
    """Wordings of a range of words, characters or lines."""

    def __init__(self, unit: str) -> None:
        self.unit = unit

    def __call__(self, one: Check) -> Sequence[str]:
        """Return ways to state the range."""
        low, high, unit = one.arguments.get("minimum"), one.arguments.get("maximum"), self.unit
        if low is None:
            return (
                f"The whole answer may have at most {high} {unit}.",
                f"Keep your response to no more than {high} {unit}.",
                f"It has to fit into {high} {unit}.",
            )
        if high is None:
            return (f"Your answer needs at least {low} {unit}.", f"The response should have {low} {unit} or more.")
        if low == high:
            return (f"Your response should have exactly {low} {unit}.", f"I need {low} {unit}; no more, no fewer.")
        return (
            f"Write between {low} and {high} {unit}.",
            f"Your response should have {low} to {high} {unit}.",
            f"I need something from {low} up to {high} {unit} long.",
        )


def _characters(rng: Random, draft: Draft) -> Check:
    count = len(draft.render())
    if rng.random() < 0.5:
        return check("text:character_count", maximum=(count + rng.randint(10, 40)) // 10 * 10)
    return check("text:character_count", minimum=max(50, (count - rng.randint(0, 40)) // 10 * 10))


def _sentences(rng: Random, draft: Draft) -> Check:
    relation, count = _bounded(rng, count_sentences(draft.render()), 0, least=2)
    return check("length_constraints:number_sentences", num_sentences=max(2, count), relation=relation)


def _sentences_words(one: Check) -> Sequence[str]:
    bound = number(one, "num_sentences")
    if text(one, "relation") == "at least":
        return (
            f"Your response should contain at least {bound} sentences.",
            f"Answer in {bound} or more sentences.",
            f"Give me no fewer than {bound} sentences.",
        )
    return (
        f"Your response should contain fewer than {bound} sentences.",
        f"Use at most {bound - 1} sentence{'s' * (bound > 2)}.",
        f"Stop before you reach sentence number {bound}.",
    )


RULES = (
    Rule(slots("existence"), _existence, _existence_words, by_content=True),
    Rule(slots("forbidden"), _forbidden, _forbidden_words, by_content=True),
    Rule(slots("frequency"), _frequency, _frequency_words, by_content=True),
    Rule(slots("letter"), _letter, _letter_words, by_content=True),
    Rule(slots("length"), _number_words, _number_words_words, by_content=True),
    Rule(slots("length"), _word_range, RangeWords("words"), by_content=True),
    Rule(slots("length"), _characters, RangeWords("characters"), by_content=True),
    Rule(slots("length sentences"), _sentences, _sentences_words, by_content=True),
)
