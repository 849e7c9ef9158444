"""Changes of a meta-rubric as values: add, delete or modify one principle (OpenRS, two-level refinement)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationError

from openrubrics.signatures.errors import UsageError
from openrubrics.signatures.meta_rubric import GENERAL, MetaPrinciple, MetaRubric, Name, Part
from openrubrics.signatures.values import Frozen


class Add(Frozen):
    """A new principle at the end of a part."""

    kind: Literal["add"] = "add"
    part: Name = GENERAL
    principle: MetaPrinciple

    def __str__(self) -> str:
        return f"add to {self.part}: {_shown(self.principle)}"


class Delete(Frozen):
    """A principle is taken out."""

    kind: Literal["delete"] = "delete"
    part: Name = GENERAL
    name: Name

    def __str__(self) -> str:
        return f"delete {self.name} of {self.part}"


class Modify(Frozen):
    """A principle gets another type or text, and keeps its name and place."""

    kind: Literal["modify"] = "modify"
    part: Name = GENERAL
    principle: MetaPrinciple

    def __str__(self) -> str:
        return f"modify in {self.part}: {_shown(self.principle)}"


Edit = Annotated[Add | Delete | Modify, Field(discriminator="kind")]
"""One change of one principle."""


def apply_edit(meta_rubric: MetaRubric, edit: Edit) -> MetaRubric:
    """Return the meta-rubric with one change; its version stays as it is.

    Raises:
        UsageError: The change does not fit: there is no such part or principle, one of that name is there already, the
            principle would stay what it is, or the general part would have none left.
    """
    part = meta_rubric.part(edit.part)
    names = [one.name for one in part.principles]
    name = edit.name if isinstance(edit, Delete) else edit.principle.name
    if isinstance(edit, Add):
        if name in names:
            raise UsageError(f"cannot {edit}: part {edit.part} has a principle of that name", "modify it instead")
        return _with(meta_rubric, edit.part, part, (*part.principles, edit.principle))
    if name not in names:
        raise UsageError(f"cannot {edit}: part {edit.part} has no principle {name!r}", f"it has {', '.join(names)}")
    if isinstance(edit, Delete):
        return _with(meta_rubric, edit.part, part, tuple(one for one in part.principles if one.name != name))
    if edit.principle in part.principles:
        raise UsageError(f"cannot {edit}: the principle is like that already")
    changed = tuple(edit.principle if one.name == name else one for one in part.principles)
    return _with(meta_rubric, edit.part, part, changed)


def _with(meta_rubric: MetaRubric, name: str, part: Part, principles: tuple[MetaPrinciple, ...]) -> MetaRubric:
    try:
        return meta_rubric.with_part(name, Part(method=part.method, principles=principles))
    except ValidationError as error:
        raise UsageError(f"part {name} cannot be changed so: {error.errors()[0]['msg']}") from None


def _shown(principle: MetaPrinciple) -> str:
    return f"{principle.name} [{principle.type}]: {principle.text}"
