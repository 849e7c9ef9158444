"""How many requests a run will send: what --dry-run says."""

from collections.abc import Iterable

from openrubrics.cli.options import ADAPTIVE, NO_JUDGE, SCORER, JudgeOptions, ProgramOptions
from openrubrics.signatures import Prompt, fingerprint, prompt_text


def forecast(
    items: str,
    prompts: Iterable[Prompt],
    program: ProgramOptions,
    external: JudgeOptions = NO_JUDGE,
    *,
    repeats: int = 1,
    references: bool = False,
) -> str:
    """Return one line.

    Args:
        items: What is judged, such as "pairs".
        prompts: The prompt of each item.
        program: How each is judged.
        external: What judges instead of a program.
        repeats: Number of runs, each with rubrics of its own.
        references: Whether right answers are given with some of them, for the adaptive judge.
    """
    count = 0
    different: set[str] = set()
    for prompt in prompts:
        count += 1
        different.add(fingerprint(prompt_text(prompt)))
    orders = 2 if program.orders == "both" else 1
    if external != NO_JUDGE:
        return f"{items}: {count}, different prompts: {len(different)}; {_asked(external, count * repeats, orders)}"
    if program.method == SCORER:
        return f"{items}: {count}, different prompts: {len(different)}; {_scored(2 * count, len(different), program)}"
    if program.method == ADAPTIVE:
        asked = _adaptive(count, len(different), program, repeats)
        asked += "; besides, 2 for each pair with an answer key" if references else ""
        return f"{items}: {count}, different prompts: {len(different)}; {asked}"
    rubrics = 0 if program.rubric or program.method != "rubric-rm" else len(different) * repeats
    votes = program.votes // 2 + 1  # the first half of the votes is one request
    judging = count * votes * orders * repeats
    # A rubric that could not be written is asked for again by the next item of the same prompt.
    decided = "; none where code decides" if program.enforce_checks else ""
    bound = "about" if rubrics and len(different) < count else "at most"
    return (
        f"{items}: {count}, different prompts: {len(different)}; {bound} {rubrics} requests for rubrics and {judging} "
        f"for judgments, {rubrics + judging} in all, without repeats after failures{decided}; nothing was asked"
    )


def forecast_scores(
    prompts: Iterable[Prompt], program: ProgramOptions, external: JudgeOptions, *, own_rubrics: bool
) -> str:
    """Return one line for responses that are scored one by one.

    Args:
        prompts: The prompt of each response.
        program: How each is scored.
        external: A scorer of another kind instead.
        own_rubrics: Whether the responses come with the rubrics that they are scored by.
    """
    asked = [fingerprint(prompt_text(prompt)) for prompt in prompts]
    head = f"responses: {len(asked)}, different prompts: {len(set(asked))}"
    if external.reward_model:
        return f"{head}; {len(asked)} scores of the reward model; it was not loaded"
    if external.score_endpoint:
        return f"{head}; {len(asked)} requests for scores, without repeats after failures; nothing was asked"
    return f"{head}; {_scored(len(asked), 0 if own_rubrics else len(set(asked)), program)}"


def _scored(responses: int, different: int, program: ProgramOptions) -> str:
    """Say what a rubric scorer would be asked in a run."""
    rubrics = 0 if program.rubric else different
    scores = f"one for each criterion of {responses} responses" if program.per_criterion else f"{responses} for scores"
    return (
        f"about {rubrics} requests for rubrics and at most {scores}, without repeats after failures; nothing was asked"
    )


def _adaptive(pairs: int, different: int, program: ProgramOptions, repeats: int) -> str:
    """Say what the judge by a meta-rubric would be asked at most."""
    routing = different * repeats if program.domain == "auto" else 0
    criteria = f"{pairs * repeats} for criteria and " if program.two_calls else ""
    comparing = pairs * repeats * (2 if program.orders == "both" else 1)
    return (
        f"about {routing} requests for domains, and at most {criteria}{comparing} for comparisons, "
        f"without repeats after failures{'' if program.no_guards else '; none where code decides'}; nothing was asked"
    )


def _asked(external: JudgeOptions, count: int, orders: int) -> str:
    """Say what a judge of another kind would be asked for `count` pairs, in so many orders."""
    if external.judge_endpoint:
        return f"{count * orders} requests to the judge, without repeats after failures; nothing was asked"
    if external.score_endpoint:
        return f"at most {count * 2} requests for scores, without repeats after failures; nothing was asked"
    if external.reward_model:
        return f"at most {count * 2} scores of the reward model; it was not loaded"
    return f"{count * orders} calls of the function; it was not imported"
