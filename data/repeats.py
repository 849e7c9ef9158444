"""Where a key was met first, for any number of keys in little memory."""

from __future__ import annotations

from array import array
from hashlib import blake2b

_SMALLEST = 1024


class FirstPlaces:
    """Remembers the first place of every key, in 16 to 48 bytes a key.

    Keys are told apart by 64 bits of their BLAKE2 hash: among ten million different keys, the chance that any two are
    taken for equal is about 3 in a million.
    """

    def __init__(self) -> None:
        self._keys, self._places = _table(_SMALLEST)
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def note(self, key: str, place: int) -> int | None:
        """Return where the key was met before, or None after noting that it is here for the first time."""
        digest = int.from_bytes(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") or 1
        slot = self._slot(digest)
        if self._keys[slot]:
            return self._places[slot]
        self._keys[slot], self._places[slot] = digest, place
        self._used += 1
        if 3 * self._used > 2 * len(self._keys):
            self._grow()
        return None

    def _slot(self, digest: int) -> int:
        """Return where a digest is, or the free slot where it belongs."""
        keys, mask = self._keys, len(self._keys) - 1
        slot = digest & mask
        while keys[slot] and keys[slot] != digest:
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        keys, places = self._keys, self._places
        self._keys, self._places = _table(2 * len(keys))
        for digest, place in zip(keys, places, strict=True):
            if digest:
                slot = self._slot(digest)
                self._keys[slot], self._places[slot] = digest, place


def _table(size: int) -> tuple[array[int], array[int]]:
    return array("Q", bytes(8 * size)), array("Q", bytes(8 * size))
