"""Identifiers and dice: all from one seed, so that the same script gives the same world."""

from __future__ import annotations

import hashlib

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Mint:
    """Strikes identifiers, one after another, from a seed and a counter."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._n = 0

    def _bytes(self) -> bytes:
        self._n += 1
        return hashlib.blake2b(f"{self._seed}:{self._n}".encode(), digest_size=64).digest()

    def letters(self, length: int) -> str:
        """Letters of both cases and digits."""
        return "".join(_LETTERS[b % 62] for b in self._bytes()[:length])

    def key(self, prefix: str) -> str:
        """An id such as `in_1T` and 22 more characters: opaque and case-sensitive."""
        return f"{prefix}_1T{self.letters(22)}"

    def capitals(self, length: int = 8) -> str:
        """Capitals and digits, as of invoice prefixes."""
        return self._bytes().hex()[:length].upper()

    def chance(self, share: float) -> bool:
        """True in `share` of all throws."""
        return share > 0 and int.from_bytes(self._bytes()[:7], "big") / 2**56 < share

    def below(self, n: int) -> int:
        """A whole number from 0 to n - 1."""
        return int.from_bytes(self._bytes()[:8], "big") % n
