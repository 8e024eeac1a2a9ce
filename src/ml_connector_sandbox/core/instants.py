"""Instants as most pretend vendors keep them: integer microseconds since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """An aware instant as microseconds."""
    return (at - EPOCH) // _MICRO


def instant(us: int) -> datetime:
    """Microseconds as an aware UTC instant."""
    return EPOCH + timedelta(microseconds=us)


def stamp_ms(us: int) -> str:
    """`2026-02-03T10:00:05.123Z`: RFC 3339 to the millisecond."""
    return (EPOCH + timedelta(milliseconds=us // 1000)).isoformat(timespec="milliseconds")[:-6] + "Z"


def stamp_s(us: int) -> str:
    """`2026-02-03T10:00:05Z`: RFC 3339 to the second."""
    return (EPOCH + timedelta(seconds=us // SECOND)).isoformat(timespec="seconds")[:-6] + "Z"


def day_of(us: int) -> date:
    """The calendar day, UTC."""
    return instant(us).date()


def start_of(day: date) -> int:
    """Midnight UTC at which a day begins."""
    return micros(datetime.combine(day, time(), UTC))
