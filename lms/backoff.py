"""How long to wait before a request is sent again."""

import random

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
_LONGEST_RETRY_AFTER = 300.0


def wait_before(attempt: int, retry_after: float | None) -> float | None:
    """Return the seconds until the next attempt: any time up to a doubling bound, after what the server asked for.

    Args:
        attempt: Attempts that were already repeated, from 0.
        retry_after: Seconds that the server asks for; None where it says nothing.

    Returns:
        None where the server asks for more than is worth waiting for.
    """
    jitter = random.uniform(0, min(_LONGEST_WAIT, _FIRST_WAIT * 2**attempt))
    if retry_after is None:
        return jitter
    return retry_after + jitter if retry_after <= _LONGEST_RETRY_AFTER else None
