"""Identifiers and dice: all from one seed, so that the same script gives the same world."""

from __future__ import annotations

import hashlib

_ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_MIXED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Mint:
    """Strikes identifiers, one after another, from a seed and a counter."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._n = 0

    def _bytes(self) -> bytes:
        self._n += 1
        return hashlib.blake2b(f"{self._seed}:{self._n}".encode(), digest_size=32).digest()

    def upper(self, length: int = 22) -> str:
        """Capitals and digits, as of locations, customers, catalog objects."""
        return "".join(_ALNUM[b % 36] for b in self._bytes()[:length])

    def mixed(self, length: int = 29) -> str:
        """Letters of both cases and digits, as of payments and orders."""
        return "".join(_MIXED[b % 62] for b in self._bytes()[:length])

    def hexadecimal(self, length: int = 32) -> str:
        """Lower-case hexadecimal digits."""
        return self._bytes().hex()[:length]

    def uuid(self) -> str:
        """A version 4 UUID, as of events and payouts."""
        h = self._bytes().hex()
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:32]}"

    def chance(self, share: float) -> bool:
        """True in `share` of all throws."""
        return share > 0 and int.from_bytes(self._bytes()[:7], "big") / 2**56 < share

    def below(self, n: int) -> int:
        """A whole number from 0 to n - 1."""
        return int.from_bytes(self._bytes()[:8], "big") % n


def share_of(key: str, share: float) -> bool:
    """Whether this key belongs to the given share of all keys; the same key always answers alike."""
    return share > 0 and int.from_bytes(hashlib.blake2b(key.encode(), digest_size=7).digest(), "big") / 2**56 < share
