"""Identifiers and dice: all from one seed, so that the same script gives the same world."""

from __future__ import annotations

from ml_connector_sandbox.core.dice import Dice

_ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_MIXED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Mint(Dice):
    """Strikes identifiers, one after another, from a seed and a counter."""

    size = 32

    def upper(self, length: int = 22) -> str:
        """Capitals and digits, as of locations, customers, catalog objects."""
        return "".join(_ALNUM[b % 36] for b in self.draw()[:length])

    def mixed(self, length: int = 29) -> str:
        """Letters of both cases and digits, as of payments and orders."""
        return "".join(_MIXED[b % 62] for b in self.draw()[:length])

    def hexadecimal(self, length: int = 32) -> str:
        """Lower-case hexadecimal digits."""
        return self.draw().hex()[:length]

    def uuid(self) -> str:
        """A version 4 UUID, as of events and payouts."""
        h = self.draw().hex()
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:32]}"
