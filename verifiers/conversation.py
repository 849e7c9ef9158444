"""What of a prompt states rules for the answer."""

from __future__ import annotations

import re

_TURN = re.compile(r"\n\n(System|Human|Assistant):")


def own_request(prompt: str) -> str:
    """Return the part of a prompt that states rules for the answer: of a transcript, the last turn of the user.

    Args:
        prompt: A request, or a transcript of turns as `openrubrics.signatures.prompt_text` writes it.
    """
    text = "\n\n" + prompt.lstrip()
    turns = list(_TURN.finditer(text))
    asked = [i for i, turn in enumerate(turns) if turn[1] == "Human"]
    if not asked or turns[0].start() != 0:
        return prompt
    last = asked[-1]
    return text[turns[last].end() : turns[last + 1].start() if last + 1 < len(turns) else None].strip()
