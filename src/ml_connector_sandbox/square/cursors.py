"""Opaque page cursors: bound to the query they continue, dead after five minutes."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from ml_connector_sandbox.core.instants import MINUTE
from ml_connector_sandbox.square.faults import bad

LIFETIME_US = 5 * MINUTE


def seal(query: Any, position: Any, now: int) -> str:
    """The cursor that continues `query` after `position` (a JSON value)."""
    inner = json.dumps([_digest(query), position, now]).encode()
    return base64.urlsafe_b64encode(_check(inner) + inner).decode().rstrip("=")


def unseal(cursor: str, query: Any, now: int) -> Any:
    """The position inside. Refused with INVALID_CURSOR when forged, of another query, or older than five minutes."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        digest, position, issued = json.loads(raw[4:])
    except (ValueError, TypeError):
        raise _invalid("is not one of ours") from None
    if raw[:4] != _check(raw[4:]) or digest != _digest(query):
        raise _invalid("does not belong to this query")
    if now - issued > LIFETIME_US:
        raise _invalid("has expired")
    return position


def _invalid(why: str) -> Exception:
    return bad("INVALID_CURSOR", f"The cursor {why}; start the walk again.", field="cursor")


def _digest(query: Any) -> str:
    return hashlib.blake2b(json.dumps(query, sort_keys=True).encode(), digest_size=8).hexdigest()


def _check(inner: bytes) -> bytes:
    return hashlib.blake2b(inner, digest_size=4, key=b"square-sandbox").digest()
