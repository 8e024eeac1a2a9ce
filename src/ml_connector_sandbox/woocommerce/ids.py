"""Keys and dice: all from one seed, so that the same script gives the same shop."""

from __future__ import annotations

from ml_connector_sandbox.core.dice import Dice

_MIXED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Mint(Dice):
    """Strikes tokens, one after another, from a seed and a counter."""

    salt = "woo:"

    def mixed(self, length: int) -> str:
        """Letters of both cases and digits, as of order keys and secrets nobody gave."""
        return "".join(_MIXED[b % 62] for b in self.draw()[:length])

    def hexadecimal(self, length: int) -> str:
        """Lower-case hexadecimal digits, as of consumer keys."""
        return self.draw().hex()[:length]
