"""A meta-rubric as a model reads it: what all requests share comes first, so that it is a shared prefix of prompts."""

from __future__ import annotations

from collections.abc import Iterator

from openrubrics.signatures.meta_rubric import GENERAL, Domain, MetaRubric, Part

_ADAPT = (
    "Principles to make criteria from, with their usual types; adapt them to the request, and leave out what does not "
    "apply:"
)


def shown(meta_rubric: MetaRubric, part: str = GENERAL) -> str:
    """Return what a model is told: types, how many criteria, the general part, and one domain's.

    Names, guards, weights, version and the other domains are not in it, so that a change of those changes no prompt.

    Args:
        meta_rubric: The document.
        part: Name of a domain; ``general`` for none.

    Raises:
        UsageError: There is no part of that name.
    """
    own = meta_rubric.part(part)
    paragraphs = [*_shared(meta_rubric)]
    if isinstance(own, Domain):
        paragraphs += [f"Besides, for requests of this kind: {own.when}", *_paragraphs(own)]
    return "\n\n".join(paragraphs)


def _shared(meta_rubric: MetaRubric) -> Iterator[str]:
    least, most = meta_rubric.least, meta_rubric.most
    yield f"Write {least if least == most else f'{least} to {most}'} criteria, each of one of these types:"
    yield _listed(f"{rule.type}: {rule.text}" for rule in meta_rubric.types)
    yield from _paragraphs(meta_rubric.general)


def _paragraphs(part: Part) -> Iterator[str]:
    if part.method:
        yield "How to write and compare them:"
        yield _listed(part.method)
    if part.principles:
        yield _ADAPT
        yield _listed(f"[{one.type}] {one.text}" for one in part.principles)


def _listed(lines: Iterator[str] | tuple[str, ...]) -> str:
    return "\n".join(f"- {line}" for line in lines)
