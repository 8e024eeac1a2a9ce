"""Identifiers and dice: all from one seed, so that the same script gives the same world."""

from __future__ import annotations

from ml_connector_sandbox.core.dice import Dice

_CODE = "ABCDEFGHJKLMNPRSTUVWXY0123456789"
_ACCOUNT = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # no 0, 1, I, O: the pattern of PayPal's account ids
_MIXED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class Mint(Dice):
    """Strikes identifiers, one after another, from a seed and a counter."""

    def transaction(self) -> str:
        """17 characters, as of captures, refunds, transactions, orders and webhooks."""
        return self.code(17)

    def code(self, length: int) -> str:
        """Capitals and digits; never digits alone."""
        return "".join(_CODE[b % 32] for b in self.draw()[: length - 1]) + "X"

    def account(self) -> str:
        """A payer or merchant id."""
        return "".join(_ACCOUNT[b % 32] for b in self.draw()[:13])

    def secret(self, length: int = 60) -> str:
        """Letters of both cases, digits, hyphen and underscore, as of client ids and tokens."""
        return "".join(_MIXED[b % 64] for b in self.draw()[:length])

    def invoice(self) -> str:
        """INV2- and four groups of four."""
        letters = self.code(16)
        return "INV2-" + "-".join(letters[i : i + 4] for i in range(0, 16, 4))

    def event(self) -> str:
        """WH- and two runs of 17."""
        return f"WH-{self.code(17)}-{self.code(17)}"

    def hexadecimal(self, length: int = 13) -> str:
        """Lower-case hexadecimal digits, as of debug ids."""
        return self.draw().hex()[:length]

    def uuid(self) -> str:
        """A UUID, as of transmissions; begins with a letter, as the verify call's pattern wants no digits alone."""
        h = self.draw().hex()
        return f"a{h[1:8]}-{h[8:12]}-11f1-a{h[17:20]}-{h[20:32]}"
