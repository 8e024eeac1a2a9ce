"""Stored secrets: sealed for one row, opened into a value that does not show itself."""

from __future__ import annotations

import hmac
from typing import NoReturn

from ml_connector.vault.encryption import Place, Sealed, decrypt, encrypt
from ml_connector.vault.keys import KeyRing

__all__ = ["Sealed", "Secret", "open_sealed", "reseal", "seal"]


class Secret:
    """A secret text that no print, log, format, JSON or pickle shows. `reveal()` is where it may leave."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself: for the header or the signature it is needed in, at the moment it is needed."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, specification: str) -> str:
        return format("***", specification)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    # A hash in a set or a dictionary would outlive the secret and helps nobody.
    __hash__ = None  # type: ignore[assignment]  # Python's own way to say "not hashable"

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled: hand over the id of its row instead")


def seal(ring: KeyRing, secret_text: str, *, workspace: str, owner: str, field: str, n: int) -> Sealed:
    """Seal a secret for the row (workspace, owner, field, n) with the newest master key."""
    return encrypt(secret_text.encode(), Place(workspace, owner, field, n), key=ring.newest)


def open_sealed(ring: KeyRing, sealed: Sealed, *, workspace: str, owner: str, field: str, n: int) -> Secret:
    """Open the secret of the row (workspace, owner, field, n). Raises SealBroken for any other row's ciphertext."""
    return Secret(decrypt(sealed, Place(workspace, owner, field, n), ring=ring).decode())


def reseal(ring: KeyRing, sealed: Sealed, *, workspace: str, owner: str, field: str, n: int) -> Sealed:
    """The same secret under the newest master key; the very same value when it is sealed with that already."""
    if sealed.key_id == ring.newest.id:
        return sealed
    place = Place(workspace, owner, field, n)
    return encrypt(decrypt(sealed, place, ring=ring), place, key=ring.newest)
