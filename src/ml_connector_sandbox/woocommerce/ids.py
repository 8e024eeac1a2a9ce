"""Keys and dice: all from one seed, so that the same script gives the same shop."""

from __future__ import annotations

import hashlib

_MIXED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Mint:
    """Strikes tokens, one after another, from a seed and a counter."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._n = 0

    def _bytes(self) -> bytes:
        self._n += 1
        return hashlib.blake2b(f"woo:{self._seed}:{self._n}".encode(), digest_size=64).digest()

    def mixed(self, length: int) -> str:
        """Letters of both cases and digits, as of order keys and secrets nobody gave."""
        return "".join(_MIXED[b % 62] for b in self._bytes()[:length])

    def hexadecimal(self, length: int) -> str:
        """Lower-case hexadecimal digits, as of consumer keys."""
        return self._bytes().hex()[:length]

    def chance(self, share: float) -> bool:
        """True in `share` of all throws."""
        return share > 0 and int.from_bytes(self._bytes()[:7], "big") / 2**56 < share

    def below(self, n: int) -> int:
        """A whole number from 0 to n - 1."""
        return int.from_bytes(self._bytes()[:8], "big") % n
