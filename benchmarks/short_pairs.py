"""Short preference pairs for a judge of a few hundred thousand weights: one rule, one sentence, a checked label.

The pairs of `openrubrics synthesize` are made for judges that can read: hundreds of characters, thirty-three kinds of
rules, counts. These ask for one rule of five kinds that a look at one place decides. Both responses carry the features
of the other kinds at random, so that only the rule that was asked for tells which one is chosen.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from random import Random

from openrubrics.data.synthetic_draft import Topic, topics
from openrubrics.signatures import PreferencePair
from openrubrics.signatures.values import Check
from openrubrics.verifiers import verify

SOURCE = "short synthetic"

_ASKS = (
    "Give me a tip for {}.",
    "What helps with {}?",
    "Write a line about {}.",
    "What matters in {}?",
    "Advise on {}.",
)
_LONGEST = 60
_OTHER = 0.3
"""Share of the responses that carry a feature nobody asked for."""


@dataclass(frozen=True)
class _Shape:
    """The features of a response, each of which decides one kind of rule."""

    quotation: bool
    comma: bool
    postscript: bool
    title: bool
    opening: bool

    def render(self, sentences: list[str], title: str) -> str:
        """Return the response as text."""
        text = " ".join(sentences)
        text = f"In short, {text[0].lower()}{text[1:]}" if self.comma else text
        text = f"Sure thing! {text}" if self.opening else text
        text = f"<<{title}>>\n{text}" if self.title else text
        text = f"{text}\nP.S. Good luck!" if self.postscript else text
        return f'"{text}"' if self.quotation else text


_RULES: dict[str, tuple[Check, bool, tuple[str, ...]]] = {
    "quotation": (
        Check(name="startend:quotation"),
        True,
        ("Wrap your entire response in double quotation marks.", "Put the whole response in double quotation marks."),
    ),
    "comma": (
        Check(name="punctuation:no_comma"),
        False,
        ("Do not use any commas.", "Refrain from using commas."),
    ),
    "postscript": (
        Check(name="detectable_content:postscript", arguments={"postscript_marker": "P.S."}),
        True,
        ("Add a postscript that starts with P.S.", "At the end, add a postscript starting with P.S."),
    ),
    "title": (
        Check(name="detectable_format:title"),
        True,
        (
            "Include a title wrapped in double angular brackets.",
            "Give it a title in double angular brackets, such as <<title>>.",
        ),
    ),
    "opening": (
        Check(name="text:starts_with", arguments={"text": "Sure thing!"}),
        True,
        ('Start your response with "Sure thing!"', 'The response starts with the exact text "Sure thing!"'),
    ),
}
"""By feature: the check, whether the rule asks for the feature or forbids it, and its wordings."""


def short_pairs(count: int, seed: int = 0) -> Iterator[PreferencePair]:
    """Yield pairs whose label code has verified; the longer response is the chosen one in half of them."""
    for index in range(count):
        yield _pair(Random(f"{SOURCE} {seed} {index}"), f"short-{seed}-{index}")


def _pair(rng: Random, name: str) -> PreferencePair:
    longer_wins = rng.random() < 0.5
    feature = rng.choice(sorted(_RULES))
    check, asked, wordings = _RULES[feature]
    topic = rng.choice(topics())
    prompt = f"{rng.choice(_ASKS).format(topic.name)} {rng.choice(wordings)}"
    while True:
        chosen = _response(rng, topic, feature, has=asked)
        rejected = _response(rng, topic, feature, has=not asked)
        if len(chosen) == len(rejected) or (len(chosen) > len(rejected)) != longer_wins:
            continue
        if verify(check, chosen, "strict").passed and verify(check, rejected, "strict").passed is False:
            return PreferencePair(
                id=name, prompt=prompt, chosen=chosen, rejected=rejected, domain="instruction following", source=SOURCE
            )


def _response(rng: Random, topic: Topic, feature: str, *, has: bool) -> str:
    shape = {one.name: rng.random() < _OTHER for one in fields(_Shape)} | {feature: has}
    short = [text for text in topic.sentences if len(text) <= _LONGEST and "," not in text and '"' not in text]
    return _Shape(**shape).render(rng.sample(short, 1), topic.title)
