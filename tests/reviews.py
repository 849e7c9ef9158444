"""A small document, and proposed edits of its domain part, for tests of reviews."""

from collections.abc import Sequence

from openrubrics.optimizers.refinement.evidence import ChangedPair, Proposals, ProposedEdit, Said, SaidInOrder
from openrubrics.signatures.edits import Add, Delete, Edit, Modify
from openrubrics.signatures.meta_rubric import CRITERION_TYPES, Domain, MetaPrinciple, MetaRubric, Part, TypeRule
from openrubrics.signatures.outcomes import Compared

WEIGHTS = {"core": 5.0, "important": 2.0, "highlight": 1.0}


def principle(name: str, text: str, type_: str = "core") -> MetaPrinciple:
    return MetaPrinciple.model_validate({"name": name, "type": type_, "text": text})


def small_document(*, when: str = "The request is about health.") -> MetaRubric:
    """A document with a general part and two domains."""
    return MetaRubric(
        name="small",
        types=tuple(
            TypeRule(type=type_, weight=WEIGHTS.get(type_), text=f"When it is {type_}.") for type_ in CRITERION_TYPES
        ),
        general=Part(method=("Write one line each.",), principles=(principle("answers", "Answers what was asked."),)),
        domains=(
            Domain(
                name="health",
                when=when,
                principles=(
                    principle("long", "The longer response is better.", "important"),
                    principle("doctor", "Sends people to a doctor where that is needed."),
                ),
            ),
            Domain(name="code", when="The request is about code.", principles=(principle("runs", "The code runs."),)),
        ),
    )


ADD = Add(part="health", principle=principle("sources", "Names where a claim comes from.", "highlight"))
DELETE = Delete(part="health", name="long")
MODIFY = Modify(part="health", principle=principle("long", "No longer than it has to be.", "important"))
EDITS: tuple[Edit, ...] = (MODIFY, ADD, DELETE)
"""The first and the last do not go together."""


def changed_pair(name: str, *, fixed: bool = True, text: str = "") -> ChangedPair:
    """A pair that an edit fixes, or breaks."""
    wrong = Said(
        outcome="rejected",
        why=f"The second says more. {text}",
        orders=(
            SaidInOrder(
                order="AB",
                outcome="rejected",
                score=-1.5,
                compared=(
                    Compared(text=f"Says much. {text}", type="core", better="B", by=2, reason=f"It is longer. {text}"),
                    Compared(text="Is polite.", type="highlight", better="tie", by=0),
                ),
            ),
        ),
    )
    right = Said(
        outcome="chosen",
        why="The first comes to the point.",
        orders=(
            SaidInOrder(
                order="AB",
                outcome="chosen",
                score=1.0,
                compared=(
                    Compared(
                        text="Comes to the point.",
                        type="critical",
                        better="A",
                        by=1,
                        evidence_a=f"Rest and drink. {text}",
                        evidence_b="First of all, a cold",
                        reason="It is shorter.",
                        unquoted=("B",),
                    ),
                ),
            ),
            SaidInOrder(order="BA", outcome="tie", why=f"Neither. {text}", score=0.0),
        ),
    )
    return ChangedPair(
        id=f"{name}{text}",
        prompt=f"What helps against a cold? ({name}) {text}",
        response_a=f"Rest and drink. {text}",
        response_b=f"First of all, a cold is many things to many people. {text}",
        label="A",
        before=wrong if fixed else right,
        after=right if fixed else wrong,
    )


def some_proposals(edits: Sequence[Edit] = EDITS, *, text: str = "", document: MetaRubric | None = None) -> Proposals:
    """Proposals of which each fixes two pairs and breaks one; `text` is put wherever a model or a file could."""
    return Proposals(
        meta_rubric=document or small_document(),
        domain="health",
        data="0123456789abcdef",
        lm=f"scripted {text}".strip(),
        pairs=40,
        right=25,
        proposals=tuple(
            ProposedEdit(
                edit=edit,
                why=f"Long answers won although people preferred short ones. {text}",
                cluster=f"Length wins. {text}",
                fixes=(changed_pair("p1", text=text), changed_pair("p2", text=text)),
                breaks=(changed_pair("p3", fixed=False, text=text),),
                failed=number,
            )
            for number, edit in enumerate(edits)
        ),
    )
