"""What the page shows, as JSON: texts only, cleaned of what could turn the direction of writing."""

from collections.abc import Mapping

from openrubrics.optimizers.refinement.decisions import (
    LONGEST_NAME,
    LONGEST_NOTE,
    LONGEST_TEXT,
    STATEMENT,
    principle_name,
)
from openrubrics.optimizers.refinement.evidence import ProposedEdit
from openrubrics.optimizers.refinement.review import Review, principle_of
from openrubrics.signatures.edits import Delete
from openrubrics.signatures.meta_rubric import Domain, MetaPrinciple, MetaRubric
from openrubrics.signatures.model_text import clean

Json = dict[str, object]


def shown(review: Review, out: str) -> Json:
    """Return all that stays as it is while the page is open."""
    proposals = review.proposals
    document = proposals.meta_rubric
    part = document.part(proposals.domain)
    return _cleaned(
        {
            "domain": proposals.domain,
            "when": part.when if isinstance(part, Domain) else "",
            "document": {"name": document.name, "version": document.version, "fingerprint": document.fingerprint},
            "lm": proposals.lm,
            "pairs": proposals.pairs,
            "right": proposals.right,
            "failed": proposals.failed,
            "data": proposals.data,
            "file": str(review.path.absolute()),
            "out": out,
            "statement": STATEMENT,
            "limits": {"name": LONGEST_NAME, "note": LONGEST_NOTE, "text": LONGEST_TEXT},
            "types": [rule.model_dump() for rule in document.types],
            "principles": [one.model_dump() for one in part.principles],
            "proposals": [_proposal(document, one) for one in proposals.proposals],
        }
    )


def standing(review: Review) -> Json:
    """Return what decisions change."""
    return _cleaned(review.state.model_dump(mode="json") | {"head": review.head})


def _proposal(document: MetaRubric, one: ProposedEdit) -> Json:
    edit = one.edit
    return {
        "id": one.id,
        "kind": edit.kind,
        "name": principle_name(edit),
        "before": _principle(principle_of(document, edit)),
        "after": None if isinstance(edit, Delete) else edit.principle.model_dump(),
        "why": one.why,
        "cluster": one.cluster,
        "failed": one.failed,
        "fixes": [pair.model_dump() for pair in one.fixes],
        "breaks": [pair.model_dump() for pair in one.breaks],
    }


def _principle(one: MetaPrinciple | None) -> Json | None:
    return one.model_dump() if one else None


def _cleaned(value: Mapping[str, object]) -> Json:
    return {key: _clean(one) for key, one in value.items()}


def _clean(value: object) -> object:
    match value:
        case str():
            return clean(value)
        case dict():
            return {key: _clean(one) for key, one in value.items()}
        case list() | tuple():
            return [_clean(one) for one in value]
        case _:
            return value
