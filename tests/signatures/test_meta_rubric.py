"""Meta-rubrics as values: what cannot be one, how parts are found and replaced, and the one that is shipped."""

from collections.abc import Callable
from importlib.resources import files

import pytest
from meta_rubrics import BRIEF, META, RIGHT, TYPES
from pydantic import ValidationError

from openrubrics.signatures import (
    Domain,
    MetaPrinciple,
    MetaRubric,
    Part,
    TypeRule,
    UsageError,
    default_meta_rubric,
    fingerprint,
)
from openrubrics.signatures.markers import disarm
from openrubrics.signatures.meta_rubric import CRITERION_TYPES, GUARDS
from openrubrics.signatures.meta_rubric_shown import shown


def changed(**fields: object) -> MetaRubric:
    return MetaRubric.model_validate({**dict(META), **fields})


def test_what_is_not_said_is_as_published() -> None:
    assert (META.least, META.most, META.guards) == (5, 15, GUARDS)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"least": 9, "most": 8}, "9 to 8 criteria is no range"),
        ({"least": 0}, "least"),
        ({"most": 100}, "most"),
        ({"version": 0}, "version"),
        ({"version": 1_000_000}, "version"),
        ({"name": "Small"}, "name"),
        ({"name": "small\n"}, "name"),
        ({"name": "a" * 41}, "name"),
        ({"types": TYPES[1:]}, "each once and in this order"),
        ({"types": TYPES[::-1]}, "each once and in this order"),
        ({"guards": ("empty", "empty")}, "guard appears twice: 'empty'"),
        ({"guards": ("wit",)}, "guards"),
        ({"general": Part(method=("Read.",))}, "nothing to make criteria from"),
        ({"domains": (META.domains[0], META.domains[0])}, "domain appears twice: 'code'"),
        ({"own": 1}, "own"),
    ],
)
def test_what_is_no_meta_rubric(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        changed(**fields)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: TypeRule(type="critical", weight=3, text="a"), "no weight"),
        (lambda: TypeRule(type="core", text="a"), "no weight"),
        (lambda: TypeRule(type="core", weight=0, text="a"), "weight"),
        (lambda: TypeRule(type="core", weight=float("inf"), text="a"), "weight"),
        (lambda: TypeRule(type="core", weight=1, text=" - "), "a letter or a digit"),
        (lambda: MetaPrinciple(name="a", type="core", text=""), "a letter or a digit"),
        (lambda: Part(method=("Read.", "...")), "a letter or a digit"),
        (lambda: Part(principles=(RIGHT, RIGHT)), "principle appears twice: 'right'"),
        (lambda: Domain(name="code", when="?"), "a letter or a digit"),
        (lambda: Domain(name="general", when="a"), "cannot be the name"),
        (lambda: Domain(name="auto", when="a"), "cannot be the name"),
    ],
)
def test_what_is_no_part_of_one(make: Callable[[], object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        make()


def test_texts_are_one_line() -> None:
    assert MetaPrinciple(name="a", type="core", text="**The\n response\tis.**").text == "The response is."
    assert Part(method=(" Read\u2028it. ",)).method == ("Read it.",)
    assert Domain(name="code", when=" It\nis. ").when == "It is."


def test_the_fingerprint_is_of_all_fields() -> None:
    other = [
        changed(name="other"),
        changed(version=8),
        changed(least=4),
        changed(guards=GUARDS[1:]),
        changed(types=(*TYPES[:3], TYPES[3].model_copy(update={"weight": 1.5}))),
        changed(general=Part(principles=(RIGHT, BRIEF))),
        changed(domains=META.domains[::-1]),
    ]
    assert len({one.fingerprint for one in [META, *other]}) == 8
    assert META.fingerprint == fingerprint(META) == MetaRubric.parse(str(META)).fingerprint


def test_parts_are_found_by_name() -> None:
    assert list(META.parts) == ["general", "code", "verse"]
    assert META.part("general") is META.general
    assert META.part("verse") is META.domains[1]
    with pytest.raises(UsageError, match=r"no part 'law'.*its parts are general, code, verse"):
        META.part("law")


def test_a_part_is_replaced_and_the_rest_stays() -> None:
    general = META.with_part("general", Part(principles=(BRIEF,)))
    assert (general.general, general.domains) == (Part(principles=(BRIEF,)), META.domains)
    verse = META.with_part("verse", Part(principles=(RIGHT,)))
    assert (verse.general, verse.domains[0]) == (META.general, META.domains[0])
    assert verse.domains[1] == Domain(name="verse", when="The request asks for a poem.", principles=(RIGHT,))
    assert META.with_part("verse", META.part("verse")) == META
    with pytest.raises(UsageError, match="no part 'law'"):
        META.with_part("law", META.general)


def test_a_model_is_shown_types_and_one_domain() -> None:
    assert (
        shown(META, "verse")
        == """\
Write 5 to 15 criteria, each of one of these types:

- critical: A mistake that decides.
- core: What was asked.
- important: What helps.
- highlight: What delights.

How to write and compare them:

- Read the request first.

Principles to make criteria from, with their usual types; adapt them to the request, and leave out what does not apply:

- [core] The response is right.
- [important] The response wastes no words.

Besides, for requests of this kind: The request asks for a poem.

How to write and compare them:

- Read aloud.

Principles to make criteria from, with their usual types; adapt them to the request, and leave out what does not apply:

- [highlight] The response rhymes."""
    )


def test_what_all_requests_share_comes_first() -> None:
    general = shown(META)
    assert shown(META, "general") == general
    assert shown(META, "code").startswith(general + "\n\nBesides")
    assert "poem" not in shown(META, "code")
    with pytest.raises(UsageError, match="no part 'law'"):
        shown(META, "law")


def test_what_a_model_is_not_shown_changes_no_prompt() -> None:
    weights = tuple(rule.model_copy(update={"weight": rule.weight and rule.weight + 1}) for rule in TYPES)
    renamed = Part(method=META.general.method, principles=(RIGHT.model_copy(update={"name": "other"}), BRIEF))
    other = changed(name="other", version=9, guards=(), types=weights, general=renamed, domains=META.domains[:1])
    assert shown(other, "code") == shown(META, "code")
    assert "Write 6 criteria, " in shown(changed(least=6, most=6))


def test_the_shipped_document_is_in_its_canonical_layout() -> None:
    text = files("openrubrics.signatures").joinpath("default_meta_rubric.md").read_text(encoding="utf-8")
    assert text == str(default_meta_rubric())
    assert text.isascii() or set(filter(lambda c: not c.isascii(), text)) <= {"é"}


def test_the_shipped_document_covers_what_it_promises() -> None:
    meta = default_meta_rubric()
    assert (meta.name, meta.least, meta.most, meta.guards) == ("default", 5, 15, GUARDS)
    assert meta.weights == {"core": 5, "important": 2, "highlight": 1}
    assert 8 <= len(meta.general.principles) <= 12
    assert len(meta.domains) == 12
    assert all(4 <= len(domain.principles) <= 7 and domain.method for domain in meta.domains)
    principles = [one for part in meta.parts.values() for one in part.principles]
    assert {one.type for one in principles} == set(CRITERION_TYPES)
    assert all(one.text.startswith("The response ") and one.text.endswith(".") for one in principles)
    assert len({one.text for one in principles}) == len(principles)
    assert len({one.name for one in principles}) == len(principles)


def test_what_the_shipped_document_says_needs_no_disarming() -> None:
    meta = default_meta_rubric()
    assert all(disarm(shown(meta, part)) == shown(meta, part) for part in meta.parts)
