"""What the positions of all streams share: how a text that is none is refused, and digests that stand for a state."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager

from ml_connector.errors import UsageError


@contextmanager
def taking_apart(system: str) -> Iterator[None]:
    """Whatever goes wrong while the text of a position of this system is taken apart is a UsageError in words."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise UsageError(
            f"The position of a {system} stream cannot be read.",
            fix="Reset the stream's cursor: it is read again from go-live.",
        ) from None


def digest_of(*parts: object) -> str:
    """Twelve characters that stand for a state."""
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:12]
