"""Sealing: AES-256-GCM under a master key, bound to the place where the ciphertext is kept.

Secrets are few and small, so each is sealed by the master key itself, with no data key between: one random 96-bit
nonce each stays far below the 2^32 messages that NIST SP 800-38D allows a key (section 8.3).
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ml_connector.errors import SealBroken
from ml_connector.vault.keys import KeyRing, MasterKey

NONCE_BYTES = 12
TAG_BYTES = 16
_PURPOSE = "ml-connector secret, form 1"  # a later form gets another name, so that the two never open as each other


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret is kept; a ciphertext opens only there.

    `owner` names a connection or a door, `field` one of its credentials, `n` which of those in rotation.
    """

    workspace: str
    owner: str
    field: str
    n: int

    def bound(self, key_id: str) -> bytes:
        """The associated data: a JSON list, so that no two places read alike however their parts are split."""
        return json.dumps([_PURPOSE, key_id, self.workspace, self.owner, self.field, self.n]).encode()

    def __str__(self) -> str:
        return f"{self.workspace}/{self.owner}/{self.field}/{self.n}"


@dataclass(frozen=True, slots=True)
class Sealed:
    """What the store keeps of a secret."""

    key_id: str
    nonce: bytes
    ciphertext: bytes

    def __post_init__(self) -> None:
        if len(self.nonce) != NONCE_BYTES:
            raise ValueError(f"a nonce has {NONCE_BYTES} bytes, not {len(self.nonce)}")
        if len(self.ciphertext) < TAG_BYTES:
            raise ValueError("a ciphertext ends in a tag of 16 bytes")


def encrypt(plain: bytes, place: Place, *, key: MasterKey) -> Sealed:
    """Seal bytes for one place."""
    nonce = os.urandom(NONCE_BYTES)  # not handed in: a repeated nonce would give the key's authentication away
    return Sealed(key.id, nonce, AESGCM(key.material).encrypt(nonce, plain, place.bound(key.id)))


def decrypt(sealed: Sealed, place: Place, *, ring: KeyRing) -> bytes:
    """Open what was sealed for this very place, or raise SealBroken."""
    key = ring.find(sealed.key_id)
    if key is None:
        held = ", ".join(each.id for each in ring.keys)
        raise SealBroken(f"It is sealed with master key {sealed.key_id}; held are {held}.", record=str(place))
    try:
        return AESGCM(key.material).decrypt(sealed.nonce, sealed.ciphertext, place.bound(key.id))
    except InvalidTag:
        raise SealBroken("It was changed or moved since it was sealed.", record=str(place)) from None
