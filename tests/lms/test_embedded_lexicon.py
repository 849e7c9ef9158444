from pathlib import Path

import pytest

from openrubrics.lms.embedded_lexicon import CLEARLY, DEFAULTS, LEXICON, Quality, find_quality

QUALITIES = {quality.name: quality for quality in LEXICON}
REQUEST = "Explain how a sourdough starter develops its flavour and why bakers feed it every morning."
LONG_ENGLISH = "The starter is a living mixture of flour and water in which wild yeast and bacteria grow."
LONG_GERMAN = "Der Ansatz ist eine lebendige Mischung aus Mehl und Wasser, in der Hefe und Bakterien wachsen."
PAIRS = {
    "coverage": (
        "Bakers feed a sourdough starter each morning, so its flavour develops.",
        "Bread tastes good to most.",
    ),
    "ending": ("The yeast grows. Feeding keeps it alive.", "The yeast grows. Feeding keeps it alive because the"),
    "engagement": ("Yeast makes gas.", "I'm sorry, but as an AI I cannot bake. Yeast makes gas."),
    "language": (LONG_ENGLISH, LONG_GERMAN),
    "freshness": (
        "Yeast eats sugar and makes gas that lifts dough.",
        "Yeast makes gas. Yeast makes gas. Yeast makes gas.",
    ),
    "directness": ("Yeast makes gas.", "Great question! Yeast makes gas. I hope this helps!"),
    "concreteness": (
        "Feed it 50 g of flour at 25 degrees, for example rye.",
        "Feed it some flour at a pleasant warmth.",
    ),
    "variety": ("Wild yeast slowly ferments sugary flour.", "The yeast and the yeast and the yeast rise and rise."),
    "depth": ("Wild yeast eats the sugar of the flour and gives off gas and acids.", "Yeast eats sugar."),
    "brevity": ("Yeast eats sugar.", "Wild yeast eats the sugar of the flour and gives off gas and acids."),
    "structure": ("# Steps\n- mix\n- wait\n- feed", "First you mix, then you wait, then you feed."),
    "plainness": ("First you mix, then you wait, then you feed.", "# Steps\n- mix\n- wait\n- feed"),
}


@pytest.mark.parametrize("quality", LEXICON, ids=lambda quality: quality.name)
def test_each_entry_decides_a_clear_pair_in_its_direction(quality: Quality) -> None:
    better, worse = (quality.measure(response, REQUEST) for response in PAIRS[quality.name])

    assert quality.lead(better, worse) > CLEARLY
    assert quality.lead(worse, better) == -quality.lead(better, worse)


@pytest.mark.parametrize("quality", LEXICON, ids=lambda quality: quality.name)
def test_each_sentence_is_found_as_its_own_entry_and_no_other(quality: Quality) -> None:
    assert find_quality(quality.sentence) is quality
    assert find_quality(quality.sentence.upper()) is quality


@pytest.mark.parametrize(
    ("criterion", "name"),
    [
        ("The response stays brief.", "brevity"),
        ("The response avoids being verbose.", "brevity"),
        ("The response doesn't repeat points.", "freshness"),
        ("The response uses headings to guide the reader.", "structure"),
        ("The response uses no headings.", "plainness"),
        ("The response supports its claims with examples.", "concreteness"),
        ("The response opens without pleasantries.", "directness"),
    ],
)
def test_another_wording_is_found_with_its_direction(criterion: str, name: str) -> None:
    assert find_quality(criterion) is QUALITIES[name]


@pytest.mark.parametrize(
    "criterion",
    [
        "The response is factually correct.",
        "The response is concise yet thorough.",
        "The response is not concise.",
        "The response repeats the question first.",
    ],
)
def test_what_is_no_entry_or_more_than_one_is_not_guessed(criterion: str) -> None:
    assert find_quality(criterion) is None


@pytest.mark.parametrize("quality", LEXICON, ids=lambda quality: quality.name)
@pytest.mark.parametrize("response", ["", "   \n", "…", "\ud800", "`" * 3, "\x00\u2028"])
def test_no_text_breaks_a_measure(quality: Quality, response: str) -> None:
    for request in ("", REQUEST):
        figure = quality.measure(response, request)
        assert figure >= 0
        assert quality.lead(figure, figure) == 0


@pytest.mark.parametrize(
    ("response", "ended"),
    [
        ("It works.", True),
        ('She said "done"', True),
        ("Buy these:\n- flour\n- two litres of cold spring water", True),
        ("It works.\n\nKind regards\nAnna", True),
        ("```python\nprint(1)\n```", True),
        ("```python\nprint(1)", False),
        ("The reasons are these:", False),
        ("It works because the water that was", False),
        ("", False),
    ],
)
def test_a_text_that_is_cut_off_is_told_from_one_that_ends(response: str, ended: bool) -> None:
    assert QUALITIES["ending"].measure(response, REQUEST) == (1.0 if ended else 0.0)


def test_length_alone_does_not_change_variety_or_concreteness() -> None:
    sentence = "Feed it 50 g of rye flour and stir slowly until smooth then cover loosely overnight somewhere warm. "
    for name in ("variety", "concreteness"):
        one, many = (QUALITIES[name].measure(sentence * times, REQUEST) for times in (3, 30))
        assert one == pytest.approx(many, rel=0.05)


def test_the_lexicon_is_closed_and_small(repository: Path) -> None:
    files = sorted((repository / "lms").glob("embedded*.py"))

    assert len(LEXICON) <= 12
    assert len(QUALITIES) == len({quality.sentence for quality in LEXICON}) == len(LEXICON)
    assert [quality.name for quality in DEFAULTS] == ["coverage", "ending"]
    assert files
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files) <= 600
