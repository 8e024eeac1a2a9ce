"""Chance from one seed, so that the same script gives the same world: what a mint of identifiers draws from."""

from __future__ import annotations

import hashlib
from typing import ClassVar


class Dice:
    """Bytes, one draw after another, from a seed and a counter."""

    salt: ClassVar[str] = ""  # keeps two vendors of one seed apart
    size: ClassVar[int] = 64  # bytes of a draw

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._n = 0

    def draw(self) -> bytes:
        """The next `size` bytes."""
        self._n += 1
        return hashlib.blake2b(f"{self.salt}{self._seed}:{self._n}".encode(), digest_size=self.size).digest()

    def chance(self, share: float) -> bool:
        """True in `share` of all throws."""
        return share > 0 and int.from_bytes(self.draw()[:7], "big") / 2**56 < share

    def below(self, n: int) -> int:
        """A whole number from 0 to n - 1."""
        return int.from_bytes(self.draw()[:8], "big") % n


def share_of(key: str, share: float) -> bool:
    """Whether this key belongs to the given share of all keys; the same key always answers alike."""
    return share > 0 and int.from_bytes(hashlib.blake2b(key.encode(), digest_size=7).digest(), "big") / 2**56 < share
