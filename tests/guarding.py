"""What a guard says about a response."""

from openrubrics.signatures.meta_rubric import GuardName
from openrubrics.verifiers import request_checks, verify


def guarded(guard: GuardName, prompt: str, response: str) -> bool | None:
    """Return what the guard finds; True where the prompt explains it away."""
    found = [rule.check for rule in request_checks(prompt, (guard,))]
    return verify(found[0], response).passed if found and found[0] else True


PROSE = (
    "The tide is the regular rise and fall of the sea. It comes from the pull of the moon, and in part from that of "
    "the sun. Where both pull along one line, the tide is high, and sailors call it a spring tide. Where they pull at "
    "right angles, it is weak, and they call it a neap tide. The shape of the coast matters as well. In a narrow bay "
    "the water has nowhere to go, so it piles up and may rise by more than ten metres. On an open shore it hardly "
    "rises by one. Harbours print tables of both, and they have been right for longer than anybody remembers. "
)
"""More than a hundred words in ended sentences."""
