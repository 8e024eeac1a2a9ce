"""Identifiers and dice: all from one seed, so that the same script gives the same world."""

from __future__ import annotations

from ml_connector_sandbox.core.dice import Dice

_MIXED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Mint(Dice):
    """Strikes identifiers, one after another, from a seed and a counter."""

    salt = "basware:"

    def uuid(self) -> str:
        """A UUID of version 4, as of requests and tasks."""
        h = self.draw().hex()
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:32]}"

    def hexadecimal(self, length: int = 32) -> str:
        """Lower-case hexadecimal digits, as of invoice ids."""
        return self.draw().hex()[:length]

    def secret(self, length: int = 40) -> str:
        """Letters and digits, as of client ids and secrets."""
        return "".join(_MIXED[b % len(_MIXED)] for b in self.draw()[:length])

    def between(self, low: float, high: float) -> float:
        """A number from low up to high."""
        return low + (high - low) * int.from_bytes(self.draw()[:7], "big") / 2**56
