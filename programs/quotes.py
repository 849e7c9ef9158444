"""Whether a passage that a judge quotes is there."""

import re

from openrubrics.signatures.outcomes import Compared
from openrubrics.signatures.values import Label

_ALIKE = str.maketrans({"’": "'", "‘": "'", "\u00a0": " ", **dict.fromkeys("“”„«»「」", '"'), **dict.fromkeys("\\*`")})
_LEFT_OUT = re.compile(r"[\[(]?(?:\.{3}|…)[\])]?")
_AT_THE_ENDS = " \t'\".,;:"


def occurs(evidence: str, response: str) -> bool:
    """Tell whether evidence occurs in a response: all of it, or else each of the passages in it between quote marks.

    White space, the form of quote marks, emphasis and backslashes do not count, since judges change them; an ellipsis
    stands for any text between two passages.
    """
    said, text = _plain(evidence), _plain(response).replace('"', "")
    if _occurs(said.replace('"', ""), text):
        return True
    passages = [passage for passage in said.split('"')[1::2] if passage.strip(_AT_THE_ENDS)]
    return bool(passages) and all(_occurs(passage, text) for passage in passages)


def with_unquoted(compared: Compared, response_a: str, response_b: str) -> Compared:
    """Return a comparison that says for which responses its evidence does not occur in them; no evidence is none."""
    found: list[tuple[Label, str, str]] = [
        ("A", compared.evidence_a, response_a),
        ("B", compared.evidence_b, response_b),
    ]
    missing = tuple(label for label, evidence, response in found if evidence and not occurs(evidence, response))
    return compared.model_copy(update={"unquoted": missing})


def _occurs(passage: str, text: str) -> bool:
    place = 0
    for piece in (piece.strip(_AT_THE_ENDS) for piece in _LEFT_OUT.split(passage)):
        found = text.find(piece, place)
        if found < 0:
            return False
        place = found + len(piece)
    return True


def _plain(text: str) -> str:
    return " ".join(text.translate(_ALIKE).split())
