"""How many requests a run will send: what --dry-run says."""

from collections.abc import Iterable

from openrubrics.cli.options import ProgramOptions
from openrubrics.signatures import Prompt, fingerprint, prompt_text


def forecast(items: str, prompts: Iterable[Prompt], program: ProgramOptions, *, repeats: int = 1) -> str:
    """Return one line.

    Args:
        items: What is judged, such as "pairs".
        prompts: The prompt of each item.
        program: How each is judged.
        repeats: Number of runs, each with rubrics of its own.
    """
    count = 0
    different: set[str] = set()
    for prompt in prompts:
        count += 1
        different.add(fingerprint(prompt_text(prompt)))
    rubrics = 0 if program.rubric else len(different) * repeats
    votes = program.votes // 2 + 1  # the first half of the votes is one request
    judging = count * votes * (2 if program.orders == "both" else 1) * repeats
    # A rubric that could not be written is asked for again by the next item of the same prompt.
    bound = "about" if rubrics and len(different) < count else "at most"
    return (
        f"{items}: {count}, different prompts: {len(different)}; {bound} {rubrics} requests for rubrics and {judging} "
        f"for judgments, {rubrics + judging} in all, without repeats after failures; nothing was asked"
    )
