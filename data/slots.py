"""Which slot the better response takes: a coin that is the same in every process."""

import hashlib

from openrubrics.signatures.values import Label, PreferencePair


def slot_of_chosen(pair_id: str, seed: int) -> Label:
    """Return the slot in which the chosen response of a pair is shown.

    It depends on nothing but the two arguments, so runs on other machines, in parts or in another order show each pair
    alike; over many ids both slots come up equally often.
    """
    digest = hashlib.sha256(f"{seed}\n{pair_id}".encode("utf-8", "surrogatepass")).digest()
    return "A" if digest[0] % 2 == 0 else "B"


def shown_responses(pair: PreferencePair, seed: int) -> tuple[str, str]:
    """Return responses A and B of a pair as a judge is to see them, the chosen one in its slot."""
    return (pair.chosen, pair.rejected) if slot_of_chosen(pair.id, seed) == "A" else (pair.rejected, pair.chosen)
