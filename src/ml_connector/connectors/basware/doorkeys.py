"""What a webhook door of ours must know: the secret, and in which header the signature stands."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from ml_connector.errors import ConfigurationError

HEADER = "x-bwapi-signature-256"  # named by one third party alone, so a door may name another


@dataclass(frozen=True, slots=True)
class DoorKey:
    """The key of one door. As text: the bare secret, or JSON where the header is another."""

    secret: str = field(repr=False)
    header: str = HEADER

    def text(self) -> str:
        """The key as the vault keeps it."""
        if self.header == HEADER and not self.secret.startswith("{"):
            return self.secret
        return json.dumps({"secret": self.secret, "header": self.header})


def read_key(text: str) -> DoorKey:
    """A key from its text. Raises ConfigurationError."""
    if not text.startswith("{"):
        return DoorKey(text)
    try:
        found = json.loads(text)
        key = DoorKey(str(found["secret"]), str(found.get("header") or HEADER).strip().lower())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ConfigurationError("The key of this Basware door cannot be read.", record="basware") from None
    if not key.secret:
        raise ConfigurationError("The key of this Basware door is empty.", record="basware")
    return key
