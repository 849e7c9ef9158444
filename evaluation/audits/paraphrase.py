"""Responses in other words, from a language model that is asked for nothing else."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from openrubrics.data import Ledger
from openrubrics.evaluation.audits.question import Auditor, Given
from openrubrics.evaluation.judges import together
from openrubrics.programs import Direct
from openrubrics.signatures.outcomes import Failed
from openrubrics.signatures.paraphrase_text import Paraphrase

NEEDED_BY = "invariance"


class Paraphrases(Protocol):
    """Anything that puts a response in other words, such as `openrubrics.programs.Paraphraser`."""

    async def acall(self, *, response: str) -> Paraphrase | Failed:
        """Return the paraphrase, or why there is none."""
        ...


def texts_to_paraphrase(given: Given, wanted: Sequence[Auditor]) -> tuple[str, ...]:
    """Return the texts that the audits need in other words, each once."""
    if not any(one.name == NEEDED_BY for one in wanted):
        return ()
    pairs = [given.pairs[place] for place in given.places()]
    return tuple(dict.fromkeys(text for pair in pairs for text in (pair.chosen, pair.rejected)))


async def paraphrased(
    paraphraser: Paraphrases,
    texts: Sequence[str],
    concurrency: int,
    ledger: Ledger | None,
    heard: Callable[[object], None],
) -> Mapping[str, str | Failed]:
    """Return each text in other words, or why it is not; what was answered before comes from the ledger."""
    ask = Direct(concurrency=concurrency, replies=ledger)

    async def one(text: str) -> str | Failed:
        found = await ask(paraphraser, response=text)
        heard(text)
        if isinstance(found, Failed):
            return found
        return Failed(reason="nothing was changed") if found.text == text.strip() else found.text

    return dict(zip(texts, await together(*map(one, texts)), strict=True))
