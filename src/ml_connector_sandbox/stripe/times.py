"""Instants as the pretend Stripe keeps them: integer microseconds since 1970, UTC; whole Unix seconds on the wire."""

from __future__ import annotations

from datetime import UTC, datetime

from ml_connector_sandbox.core.instants import SECOND, micros


def seconds(us: int) -> int:
    """Whole Unix seconds, the only form of time on the wire."""
    return us // SECOND


def read(text: str) -> int:
    """An ISO 8601 text with zone as microseconds. ValueError otherwise."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no zone: write it as 2026-11-20T10:15:28Z.")
    return micros(moment.astimezone(UTC))
