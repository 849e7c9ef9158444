"""The text form of a choice among the parts of a meta-rubric: the reason, then the name of the part.

Reason: The request asks for a diagnosis.
Chosen part: health
"""

from __future__ import annotations

import re

from openrubrics.signatures.errors import ParseError
from openrubrics.signatures.markers import ADAPTIVE_MARK
from openrubrics.signatures.meta_rubric import GENERAL, MetaRubric
from openrubrics.signatures.model_text import answer_lines, excerpt, well_formed
from openrubrics.signatures.values import Frozen

_NAME = re.compile(r"[ \t*_]{0,4}[:：][ \t*_`\"'<\[(]{0,6}([a-z][a-z0-9_-]{0,39})(?![a-z0-9_-])", re.IGNORECASE)


class DomainChoice(Frozen):
    """Which part of a meta-rubric a request belongs to, as a model says.

    Attributes:
        text: The reply, verbatim.
        name: The name that it gives, in lower case; whether there is such a part is not checked here.
    """

    text: str
    name: str

    @classmethod
    def parse(cls, text: str) -> DomainChoice:
        """Read the last choice.

        Raises:
            ParseError: There is none, or it gives no name.
        """
        text = well_formed(text)
        marks = [
            (line, mark)
            for line in answer_lines(text)
            if (mark := ADAPTIVE_MARK.match(line)) and mark.lastgroup == "part"
        ]
        if not marks:
            raise ParseError(f"no part is chosen in {excerpt(text)}", "expected a line such as 'Chosen part: general'")
        line, mark = marks[-1]
        name = _NAME.match(line, mark.end())
        if name is None:
            raise ParseError(
                f"the choice names no part: {excerpt(line)}", "expected a line such as 'Chosen part: general'"
            )
        return cls(text=text, name=name[1].lower())

    def __str__(self) -> str:
        return self.text

    def among(self, names: tuple[str, ...]) -> str:
        """Return the part that is chosen; the general one where none has that name, as in the code of OpenRS."""
        return self.name if self.name in names else GENERAL


def render_domains(meta_rubric: MetaRubric) -> str:
    """Return the parts to choose from, each with what belongs to it."""
    domains = [f"{domain.name}: {domain.when}" for domain in meta_rubric.domains]
    return "\n".join([*domains, f"{GENERAL}: every other request"])
