"""Instants as a shop keeps them: whole seconds since 1970; on the wire naive text, shop-local and UTC side by side."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SECOND = 1_000_000  # the vendor's own clock counts microseconds
DAY_S = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:?\d{2})?")


def micros(at: datetime) -> int:
    """An aware instant as microseconds."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def seconds(at: datetime) -> int:
    """An aware instant as whole seconds."""
    return (at - _EPOCH) // timedelta(seconds=1)


def instant(stamp: int) -> datetime:
    """Whole seconds as an aware UTC instant."""
    return _EPOCH + timedelta(seconds=stamp)


def shown_gmt(stamp: int | None) -> str | None:
    """`2026-01-05T08:12:44`, UTC without saying so."""
    return None if stamp is None else instant(stamp).strftime("%Y-%m-%dT%H:%M:%S")


def shown_local(stamp: int | None, zone: ZoneInfo) -> str | None:
    """`2026-01-05T09:12:44`, the shop's wall clock without saying so."""
    return None if stamp is None else instant(stamp).astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")


def is_date_time(text: str) -> bool:
    """Whether WordPress takes the text as a date-time (a bare date is none)."""
    if not _DATE_TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(re.sub(r"\.\d+", "", text.upper()))
    except ValueError:
        return False
    return True


def bound(text: str, zone: ZoneInfo, *, gmt: bool) -> int:
    """A date filter as the instant the shop compares with.

    Naive text is shop-local unless `gmt`. Text with an offset is an instant, but with `gmt` the shop first turns it
    into local wall-clock and then compares that with the UTC column: wrong by the zone's offset, as in the real one.
    """
    moment = datetime.fromisoformat(re.sub(r"\.\d+", "", text.upper()))
    if moment.tzinfo is None:
        return seconds(moment.replace(tzinfo=UTC if gmt else zone).astimezone(UTC))
    if gmt:
        return seconds(moment.astimezone(zone).replace(tzinfo=UTC))
    return seconds(moment.astimezone(UTC))


def local_stamp(day: date, clock: time, zone: ZoneInfo) -> int:
    """A wall-clock time of the shop as whole seconds."""
    return seconds(datetime.combine(day, clock, zone).astimezone(UTC))


def local_day(stamp: int, zone: ZoneInfo) -> date:
    """The calendar day at the shop."""
    return instant(stamp).astimezone(zone).date()


def given(value: object, now: int) -> int:
    """A verb's `at` (RFC 3339 with a zone) as whole seconds, not in the future. ValueError otherwise."""
    if value is None:
        return now
    moment = datetime.fromisoformat(str(value))
    if moment.tzinfo is None:
        raise ValueError("Give `at` with a zone, such as 2026-03-01T12:00:00Z.")
    stamp = seconds(moment.astimezone(UTC))
    if stamp > now:
        raise ValueError("`at` is in the future: move the clock instead.")
    return stamp
