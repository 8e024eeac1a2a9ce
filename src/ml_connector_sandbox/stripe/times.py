"""Instants as the pretend Stripe keeps them: integer microseconds since 1970, UTC; whole Unix seconds on the wire."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """An aware instant as microseconds."""
    return (at - _EPOCH) // _MICRO


def instant(us: int) -> datetime:
    """Microseconds as an aware UTC instant."""
    return _EPOCH + timedelta(microseconds=us)


def seconds(us: int) -> int:
    """Whole Unix seconds, the only form of time on the wire."""
    return us // SECOND


def read(text: str) -> int:
    """An ISO 8601 text with zone as microseconds. ValueError otherwise."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no zone: write it as 2026-11-20T10:15:28Z.")
    return micros(moment.astimezone(UTC))


def day_of(us: int) -> date:
    """The calendar day, UTC."""
    return instant(us).date()


def start_of(day: date) -> int:
    """Midnight UTC at which a day begins."""
    return micros(datetime.combine(day, time(), UTC))
