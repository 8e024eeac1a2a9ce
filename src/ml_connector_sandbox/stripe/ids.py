"""Identifiers and dice: all from one seed, so that the same script gives the same world."""

from __future__ import annotations

from ml_connector_sandbox.core.dice import Dice

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Mint(Dice):
    """Strikes identifiers, one after another, from a seed and a counter."""

    def letters(self, length: int) -> str:
        """Letters of both cases and digits."""
        return "".join(_LETTERS[b % 62] for b in self.draw()[:length])

    def key(self, prefix: str) -> str:
        """An id such as `in_1T` and 22 more characters: opaque and case-sensitive."""
        return f"{prefix}_1T{self.letters(22)}"

    def capitals(self, length: int = 8) -> str:
        """Capitals and digits, as of invoice prefixes."""
        return self.draw().hex()[:length].upper()
