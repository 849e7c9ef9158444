"""What differs between two meta-rubrics, by part and principle, down to the words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from openrubrics.optimizers.text_diff import opcodes
from openrubrics.signatures.meta_rubric import Domain, MetaPrinciple, MetaRubric, Part
from openrubrics.signatures.values import Frozen

_ALIKE = 0.5
"""Share of words from which on one line is another one modified, and not a new one."""

_MOST_TRIED = 40
"""How many lines a line is compared with."""

_MOST_READ = 2000
"""How many characters of a line tell whether it is like another one."""

_MARKS = {"deleted": "-", "added": "+", "modified": "~"}


_What = Literal["name", "version", "criteria", "guards", "type", "parts", "when", "method", "principle", "order"]


class MetaRubricChange(Frozen):
    """One thing that differs.

    Attributes:
        part: ``general``, the name of a domain, or empty for what stands outside of the parts.
        what: ``name``, ``version``, ``criteria``, ``type``, ``guards``, ``parts``, ``when``, ``method``, ``principle``,
            or ``order``, which is that of the principles.
        name: Of the type or principle; empty for anything else.
        kind: Whether only the second has it, only the first, or both have it, differently.
        before: What the first says; empty where it does not.
        after: What the second says; empty where it does not.
    """

    part: str
    what: _What
    name: str = ""
    kind: Literal["added", "deleted", "modified"]
    before: str
    after: str

    def __str__(self) -> str:
        what = self.name if self.what == "principle" else f"{self.what} {self.name}".strip()
        if self.kind != "modified":
            text = self.before or self.after
        elif self.what in ("order", "parts"):
            text = f"{self.before} -> {self.after}"
        else:
            text = marked(self.before, self.after)
        return f"{_MARKS[self.kind]} {what}: {text}"


class MetaRubricDifference(Frozen):
    """What differs from one meta-rubric to another; ``str()`` of it is for people.

    Attributes:
        before: Name, version and fingerprint of the first.
        after: The same of the second.
        changes: All that differs; the general part comes first.
    """

    before: str
    after: str
    changes: tuple[MetaRubricChange, ...]

    def __str__(self) -> str:
        lines = [f"- {self.before}", f"+ {self.after}"]
        part = ""
        for change in self.changes:
            if change.part != part:
                part = change.part
                lines += ["", part]
            lines.append(str(change))
        return "\n".join(lines if self.changes else [*lines, "They say the same."])


def meta_rubric_difference(before: MetaRubric, after: MetaRubric) -> MetaRubricDifference:
    """Return what differs from the first to the second."""
    return MetaRubricDifference(
        before=_called(before), after=_called(after), changes=(*_header(before, after), *_parts(before, after))
    )


def diff_meta_rubrics(before: MetaRubric, after: MetaRubric) -> str:
    """Return what differs, for people: each change on a line that begins with ``+``, ``-`` or ``~`` (modified).

    In a modified line ``{-words-}`` are only in the first, and ``{+words+}`` only in the second.
    """
    return str(meta_rubric_difference(before, after))


def marked(before: str, after: str) -> str:
    """Return two texts as one, in which ``{-words-}`` are only in the first and ``{+words+}`` only in the second."""
    old, new = before.split(), after.split()
    found: list[str] = []
    for kind, i, i_end, j, j_end in opcodes(old, new):
        if i < i_end:
            words = " ".join(old[i:i_end])
            found.append(words if kind == "equal" else f"{{-{words}-}}")
        if j < j_end and kind != "equal":
            found.append(f"{{+{' '.join(new[j:j_end])}+}}")
    return " ".join(found)


def _called(meta_rubric: MetaRubric) -> str:
    return f"{meta_rubric.name} version {meta_rubric.version} ({meta_rubric.fingerprint})"


def _header(before: MetaRubric, after: MetaRubric) -> Iterator[MetaRubricChange]:
    facts: tuple[tuple[_What, str, str], ...] = (
        ("name", before.name, after.name),
        ("version", str(before.version), str(after.version)),
        ("criteria", f"{before.least} to {before.most}", f"{after.least} to {after.most}"),
        ("guards", ", ".join(before.guards) or "none", ", ".join(after.guards) or "none"),
    )
    for what, old, new in facts:
        if old != new:
            yield _change("", what, "", old, new)
    for old, new in zip(before.types, after.types, strict=True):
        if old != new:
            yield _change("", "type", old.type, f"[{old.tag}] {old.text}", f"[{new.tag}] {new.text}")
    names = [[name for name in one.parts if name in before.parts and name in after.parts] for one in (before, after)]
    if names[0] != names[1]:
        yield _change("", "parts", "", " ".join(names[0]), " ".join(names[1]))


def _parts(before: MetaRubric, after: MetaRubric) -> Iterator[MetaRubricChange]:
    for name in dict.fromkeys([*before.parts, *after.parts]):
        yield from _part(name, before.parts.get(name), after.parts.get(name))


def _part(name: str, before: Part | None, after: Part | None) -> Iterator[MetaRubricChange]:
    old, new = before or Part(), after or Part()
    when = [one.when if isinstance(one, Domain) else "" for one in (before, after)]
    if when[0] != when[1]:
        yield _change(name, "when", "", when[0], when[1])
    for removed, added in _lines(list(old.method), list(new.method)):
        yield _change(name, "method", "", removed, added)
    tables = [{one.name: one for one in part.principles} for part in (old, new)]
    for one in dict.fromkeys([*tables[0], *tables[1]]):
        texts = [_said(table.get(one)) for table in tables]
        if texts[0] != texts[1]:
            yield _change(name, "principle", one, texts[0], texts[1])
    orders = [" ".join(one for one in table if one in tables[0] and one in tables[1]) for table in tables]
    if orders[0] != orders[1]:
        yield _change(name, "order", "", orders[0], orders[1])


def _said(principle: MetaPrinciple | None) -> str:
    return f"[{principle.type}] {principle.text}" if principle else ""


def _change(part: str, what: _What, name: str, before: str, after: str) -> MetaRubricChange:
    kind = "added" if not before else "modified" if after else "deleted"
    return MetaRubricChange(part=part, what=what, name=name, kind=kind, before=before, after=after)


def _lines(old: list[str], new: list[str]) -> Iterator[tuple[str, str]]:
    """Yield lines that differ: (line, "") that were deleted, ("", line) that were added, and pairs that are alike."""
    for kind, i, i_end, j, j_end in opcodes(old, new):
        if kind == "equal":
            continue
        removed, added = old[i:i_end], new[j:j_end]
        for line in removed:
            like = next((at for at, other in enumerate(added[:_MOST_TRIED]) if _alike(line, other)), -1)
            yield from (("", other) for other in added[: max(like, 0)])
            yield line, added[like] if like >= 0 else ""
            added = added[like + 1 :]
        yield from (("", other) for other in added)


def _alike(one: str, other: str) -> bool:
    words = [Counter(text[:_MOST_READ].split()) for text in (one, other)]
    return 2 * (words[0] & words[1]).total() >= _ALIKE * (words[0].total() + words[1].total())
