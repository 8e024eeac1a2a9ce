"""Identifiers and dice: all from one seed, so that the same script gives the same world."""

from __future__ import annotations

import hashlib

_MIXED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Mint:
    """Strikes identifiers, one after another, from a seed and a counter."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._n = 0

    def _bytes(self) -> bytes:
        self._n += 1
        return hashlib.blake2b(f"basware:{self._seed}:{self._n}".encode(), digest_size=64).digest()

    def uuid(self) -> str:
        """A UUID of version 4, as of requests and tasks."""
        h = self._bytes().hex()
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:32]}"

    def hexadecimal(self, length: int = 32) -> str:
        """Lower-case hexadecimal digits, as of invoice ids."""
        return self._bytes().hex()[:length]

    def secret(self, length: int = 40) -> str:
        """Letters and digits, as of client ids and secrets."""
        return "".join(_MIXED[b % len(_MIXED)] for b in self._bytes()[:length])

    def chance(self, share: float) -> bool:
        """True in `share` of all throws."""
        return share > 0 and int.from_bytes(self._bytes()[:7], "big") / 2**56 < share

    def between(self, low: float, high: float) -> float:
        """A number from low up to high."""
        return low + (high - low) * int.from_bytes(self._bytes()[:7], "big") / 2**56

    def below(self, n: int) -> int:
        """A whole number from 0 to n - 1."""
        return int.from_bytes(self._bytes()[:8], "big") % n
